/** Handlers of commands that say how the next transfer goes. */
import { isIPv4, isIPv6 } from 'node:net'
import { systemCode } from '../../shared/files/file-failure.ts'
import type { Endpoint } from '../../shared/net/endpoint.ts'
import type { ExtendedTarget, Offered } from './grammar.ts'
import * as journal from './journal.ts'
import { NoFreePortError } from './passive-ports.ts'
import { type Reply, replies } from './replies.ts'
import type { Structure, TransferType } from './representation.ts'
import type { In, Outcome, Talk } from './session-state.ts'

type LoggedIn = In<'ready' | 'renaming'>

/** Listens, and says where. */
const listen = async (talk: Talk, told: (port: number) => Reply): Promise<Outcome> => {
  try {
    return { reply: told(await talk.data.listen(talk.connection.signal)) }
  } catch (error) {
    const code = systemCode(error)
    if (!(error instanceof NoFreePortError) && code === undefined) throw error
    journal.noPort(talk.log, code ?? null)
    return { reply: replies.noDataPort }
  }
}

/** PASV. Its reply has room for an IPv4 address only. */
export const pasv = async (_session: LoggedIn, _none: null, talk: Talk): Promise<Outcome> => {
  if (talk.parameters.onlyEpsv) return { reply: replies.afterEpsvAll('PASV') }
  const { context, connection } = talk
  const ours = connection.local.address
  if (!isIPv4(ours)) return { reply: replies.onlyExtended }
  const told = context.passiveAddress !== null && isIPv4(context.passiveAddress) ? context.passiveAddress : ours
  return listen(talk, (port) => replies.passive(told, port))
}

/** EPSV. The client uses the address that it has connected to (RFC 2428 §3). */
export const epsv = async (_session: LoggedIn, wanted: number | 'all' | null, talk: Talk): Promise<Outcome> => {
  if (wanted === 'all') return { reply: replies.epsvAll, parameters: { onlyEpsv: true } }
  const ours = isIPv6(talk.connection.local.address) ? 2 : 1
  if (wanted !== null && wanted !== ours) return { reply: replies.otherProtocol(ours) }
  return listen(talk, replies.extendedPassive)
}

/** Takes a target only where no third party can be attacked through us (RFC 2577 §3). */
const aim = (name: string, target: Endpoint, talk: Talk): Outcome => {
  if (talk.parameters.onlyEpsv) return { reply: replies.afterEpsvAll(name) }
  if (target.address !== talk.connection.remote.address || target.port < 1024) return { reply: replies.targetRefused }
  talk.data.aim(target)
  return { reply: replies.targetTaken(name) }
}

/** PORT. */
export const port = (_session: LoggedIn, target: Endpoint, talk: Talk): Outcome => aim('PORT', target, talk)

/** EPRT. */
export const eprt = (_session: LoggedIn, { protocol, target }: ExtendedTarget, talk: Talk): Outcome => {
  const client = talk.connection.remote.address
  const ours = isIPv6(client) ? 2 : 1
  if (protocol !== ours) return { reply: replies.otherProtocol(ours) }
  // An IPv6 address has many forms.
  const same = ours === 2 && new URL(`http://[${target.address}]/`).hostname === new URL(`http://[${plainZone(client)}]/`).hostname
  return aim('EPRT', same ? { ...target, address: client } : target, talk)
}

/** A link-local address comes with its interface, `fe80::1%eth0`. */
const plainZone = (address: string): string => address.replace(/%.*$/, '')

/** TYPE. */
export const type = (_session: LoggedIn, { value, name }: Offered<TransferType>): Outcome =>
  value === null
    ? { reply: replies.parameterNotOffered('TYPE', name) }
    : { reply: replies.typeSet(name), parameters: { type: value } }

/** MODE: the only value that is offered is the one that holds anyway. */
export const mode = (_session: LoggedIn, { value, name }: Offered<string>): Outcome => ({
  reply: value === null ? replies.parameterNotOffered('MODE', name) : replies.parameterTaken('MODE', name),
})

/** STRU. */
export const structure = (_session: LoggedIn, { value, name }: Offered<Structure>): Outcome =>
  value === null
    ? { reply: replies.parameterNotOffered('STRU', name) }
    : { reply: replies.parameterTaken('STRU', name), parameters: { structure: value } }

/** REST. */
export const rest = (_session: LoggedIn, octets: number): Outcome => ({
  reply: replies.restart(octets),
  parameters: { restart: octets },
})

/** ALLO: nothing is reserved, but what cannot fit is refused before it is sent. */
export const allo = async ({ files }: LoggedIn, octets: number): Promise<Outcome> => {
  const space = await files.space()
  return { reply: space === null || octets <= space ? replies.allocated : replies.noSuchRoom(space) }
}

/** ABOR, when its turn comes: a transfer that was under way when it arrived has ended by then, with 426. */
export const abor = (_session: In<'ready' | 'renaming' | 'transferring'>, _none: null, talk: Talk): Outcome => {
  talk.data.close()
  return { reply: replies.aborted }
}
