/** The host's events: one function a kind. */
import type { LimitName } from '../../shared/limits/limits.ts'
import type { Sum } from '../../shared/limits/refusal-tally.ts'
import type { Log } from '../../shared/log/log.ts'
import { endpointText } from '../../shared/net/endpoint.ts'
import type { IntroductionError } from '../../shared/net/proxy-header.ts'
import type { TlsFacts } from '../../shared/tls/material.ts'
import type { Conversation } from './conversation.ts'

/** Where a line stands in its conversation: its number, from 1 on, and the milliseconds since the begin. */
type Place = { readonly n: number; readonly ms: number }
type Spoken = Place & { readonly text: string }

/** A proxy did not say whose connection it hands on; one that only knocks (`silent`) is no more than looking whether we are there. */
export const notIntroduced = (client: Conversation, code: IntroductionError['code']): void =>
  client.log.write(code === 'silent' || code === 'ended' ? 'debug' : 'warn', 'connection.not-introduced', { code })

/** A client was accepted, on this address of ours. */
export const opened = (client: Conversation): void => {
  // To ask for our own address and to spell it costs a connection more than the question whether anybody reads it.
  if (!client.log.keeps('debug')) return
  const { log, local, via } = client
  log.write('debug', 'connection.opened', { local: endpointText(local), via: via === null ? undefined : endpointText(via) })
}

/** A line of a client, with what may be a secret blotted out; `octets`: its true length, where it was cut. */
export const clientSaid = (
  log: Log,
  line: Spoken & { readonly octets: number | undefined; readonly lineBreak: 'LF' | undefined },
): void => log.write('debug', 'conversation.client', line)

/** A line of the server. */
export const serverSaid = (log: Log, line: Spoken): void => log.write('debug', 'conversation.server', line)

/** Content that went over the conversation's own connection, of which only the octets are counted. */
export const contentSent = (log: Log, content: Place & { readonly from: 'client' | 'server'; readonly octets: number }): void =>
  log.write('debug', 'conversation.content', content)

/** A client is gone, and all about it is journalled; `by`: who ended it. */
export const closed = (client: Conversation): void => {
  if (!client.log.keeps('debug')) return
  client.log.write('debug', 'connection.closed', {
    ...client.ending,
    octetsIn: client.socket.bytesRead,
    octetsOut: client.socket.bytesWritten,
    durationMs: Math.round(client.ageMs),
  })
}

/** A client was turned away at a limit: the first of its address and this limit for a second. */
export const turnedAway = (log: Log, remote: string, limit: LimitName): void =>
  log.write('warn', 'connection.refused', { remote, limit })

/** So many more were turned away within a second, of one address (of many: null). */
export const turnedAwayInAll = (log: Log, { limit, address, count }: Sum): void =>
  log.write('warn', 'connections.refused', { limit, address, count })

/** A limit that the host keeps ended a conversation. */
export const limitReached = (client: Conversation, limit: LimitName): void =>
  client.log.write('warn', 'connection.limit.reached', { limit })

/** The connection broke (reset by the client, timed out by the network). */
export const broken = (client: Conversation, code: string): void => client.log.write('debug', 'connection.broken', { code })

/** A conversation goes on encrypted. @param resumed with a session of before */
export const encrypted = (client: Conversation, { version, cipher }: TlsFacts, resumed: boolean): void =>
  client.log.write('debug', 'tls.started', { version, cipher, resumed })

/** A handshake failed; the client's alert often says why: `…UNKNOWN_CA` is one that does not trust the certificate. */
export const notEncrypted = (client: Conversation, what: 'conversation' | 'data', code: string): void =>
  client.log.write('warn', 'tls.failed', { what, code })

/** Something came in clear where TLS was to begin: a client that does not wait, or somebody who wants to put words in its mouth. */
export const clearOctetsDropped = (client: Conversation, octets: number): void =>
  client.log.write('warn', 'tls.clear-octets-dropped', { octets })

/** The protocol's code threw what nobody foresaw. */
export const failed = (client: Conversation, error: unknown): void =>
  client.log.write('error', 'connection.failed', { error: describe(error) })

/** The service accepts connections. */
export const listening = (log: Log, address: string): void => log.write('info', 'service.listening', { address })

/** It accepts no more and finishes what goes on. */
export const draining = (log: Log, how: string, open: number): void => log.write('info', 'service.draining', { how, open })

/** The last record of a child: how many conversations were cut off at the deadline. */
export const ended = (log: Log, cut: number): void => log.write('info', 'service.ended', { cut })

/** The supervisor is gone: the child finishes what goes on and ends. */
export const orphaned = (log: Log): void => log.write('warn', 'service.orphaned')

/** The service cannot start. */
export const notStarted = (log: Log, error: unknown): void => log.write('error', 'service.failed', { error: describe(error) })

/** An error escaped every handler: the child ends, since nobody knows what state it is in. */
export const crashed = (log: Log, error: unknown): void => log.write('error', 'service.crashed', { error: describe(error) })

const describe = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error))
