/** Handlers of commands that say how the next transfer goes. */
import { isIPv4, isIPv6 } from 'node:net'
import type { Endpoint } from '../../shared/net/endpoint.ts'
import type { ExtendedTarget, Offered, TransferType } from './grammar.ts'
import * as journal from './journal.ts'
import { NoFreePortError } from './passive-ports.ts'
import { type Reply, replies } from './replies.ts'
import type { In, Outcome, Talk } from './session-state.ts'

type LoggedIn = In<'ready' | 'renaming'>

/** Listens, and says where. */
const listen = async (talk: Talk, told: (port: number) => Reply): Promise<Outcome> => {
  try {
    return { reply: told(await talk.data.listen()) }
  } catch (error) {
    if (!(error instanceof NoFreePortError)) throw error
    journal.noPort(talk.log)
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

/** MODE and STRU: the only value that is offered is the one that holds anyway. */
export const fixed =
  (parameter: 'MODE' | 'STRU') =>
  (_session: LoggedIn, { value, name }: Offered<string>): Outcome => ({
    reply: value === null ? replies.parameterNotOffered(parameter, name) : replies.parameterTaken(parameter, name),
  })

/** REST. */
export const rest = (_session: LoggedIn, octets: number): Outcome => ({
  reply: replies.restart(octets),
  parameters: { restart: octets },
})

/** ALLO. */
export const allo = (): Outcome => ({ reply: replies.allocated })

/** ABOR, when its turn comes: a transfer that was under way when it arrived has ended by then, with 426. */
export const abor = (_session: LoggedIn, _none: null, talk: Talk): Outcome => {
  talk.data.close()
  return { reply: replies.aborted }
}
