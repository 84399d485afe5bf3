/** The ports: bound once, held as long as the service is to be reached, handed to whichever child serves it. */
import { BoundSocket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { PermanentError } from '../../shared/service.ts'
import { type Holder, holderOf, holderText } from './holder.ts'

/** A port that this family's children of an earlier supervisor still hold is waited for so long (DESIGN §1). */
const ownFamilyMs = 10_000
/** When no holder is to be seen: it may have closed the port, or died, while we looked for it. */
const unseenMs = 1_000
const againMs = 50

/** What is to be bound. */
export interface Place {
  readonly service: string
  /** Numeric. */
  readonly host: string
  /** 0: the system chooses. */
  readonly port: number
}

/** A bound port, or a share in one. */
export interface Port {
  readonly host: string
  readonly port: number
  /** What the child inherits; null: it binds the port itself. */
  fd(): number | null
  /** Another hold on the same port: it stays bound until all of them are closed. */
  share(): Port
  /**
   * Lets go of it; harmless when that is done already.
   * @returns whether it is free now: nobody else has a share, and it was not closed before
   */
  close(): boolean
}

/** A port cannot be had. */
export class PortError extends PermanentError {
  /** The program that holds it, where the system tells. */
  holderPid: number | null = null
}

/**
 * Binds a port.
 * @param isOwn whether a program that holds the port is a child of this data folder's last supervisor
 * @throws {PortError} naming the service, the port and, where the system tells, the program that holds it
 */
export const bindPort = async (place: Place, isOwn: (holder: Holder) => boolean): Promise<Port> => {
  const from = performance.now()
  for (;;) {
    try {
      return held(new BoundSocket({ host: place.host, port: place.port }), place.host)
    } catch (error) {
      if (!(error instanceof Error && 'code' in error)) throw error
      if (error.code !== 'EADDRINUSE') throw portError(place, error.code, null, error)
      const holder = holderOf(place.port)
      const patienceMs = holder === null ? unseenMs : isOwn(holder) ? ownFamilyMs : 0
      if (performance.now() - from >= patienceMs) throw portError(place, error.code, holder, error)
      await sleep(againMs)
    }
  }
}

/**
 * Finds that a port is free, for a program that will bind it itself; port 0: finds one. Until then another program may take it.
 * @throws {PortError} as `bindPort` does
 */
export const findPort = async (place: Place, isOwn: (holder: Holder) => boolean): Promise<Port> => {
  const bound = await bindPort(place, isOwn)
  const { host, port } = bound
  bound.close()
  const found: Port = { host, port, fd: () => null, share: () => found, close: () => false }
  return found
}

/** The same message when a child finds the port taken only as it begins to listen. */
export const portTaken = (place: Place): PortError => portError(place, 'EADDRINUSE', holderOf(place.port))

const held = (bound: BoundSocket, host: string): Port => {
  const { port } = bound.address()
  let shares = 0
  const share = (): Port => {
    shares += 1
    let open = true
    const close = () => {
      if (!open) return false
      open = false
      shares -= 1
      if (shares === 0) bound.close()
      return shares === 0
    }
    return { host, port, fd: () => bound.fd(), share, close }
  }
  return share()
}

const portError = ({ service, host, port }: Place, code: unknown, holder: Holder | null, cause?: Error): PortError => {
  const where = `${service}: port ${port} on ${host}`
  const options = cause === undefined ? {} : { cause }
  if (code === 'EADDRINUSE') {
    const by = holder === null ? 'another program (which one cannot be seen from here)' : holderText(holder)
    const taken = new PortError(
      `${where} is already in use by ${by}. Stop that program, or choose another port: --set services.${service}.port=NUMBER`,
      options,
    )
    taken.holderPid = holder?.pid ?? null
    return taken
  }
  if (code === 'EACCES') {
    return new PortError(
      `${where} needs privilege. Three ways: start as root with the setting \`user\`; or allow Node to bind it, \`setcap cap_net_bind_service=+ep\` on its program or \`sysctl net.ipv4.ip_unprivileged_port_start=${port}\`; or set \`ports: high\``,
      options,
    )
  }
  if (code === 'EADDRNOTAVAIL') {
    return new PortError(`${where}: this machine has no address ${host}. Set services.${service}.host to one that it has`, options)
  }
  return new PortError(`${where} cannot be bound: ${cause?.message ?? String(code)}`, options)
}
