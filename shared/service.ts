/**
 * The contract between the host and a protocol. A protocol's folder holds two values: `protocol` in `options.ts` (what the
 * supervisor and the command line need to know; loads zod) and `service` in `service.ts` (what the child runs; loads no zod).
 */
import type { Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { ZodType } from 'zod'
import type { Desk } from './accounts/desk.ts'
import type { KeyFiles, ServiceSettings, Settings } from './config/settings.ts'
import type { Grants } from './grants.ts'
import type { AdmissionLimit, LimitedService, LimitName } from './limits/limits.ts'
import type { Journal } from './log/journal.ts'
import type { Log } from './log/log.ts'
import type { Transcript } from './log/transcript.ts'
import type { Need } from './need.ts'
import type { Endpoint } from './net/endpoint.ts'
import type { Probe } from './net/probe.ts'
import type { TlsFacts } from './tls/material.ts'

/** A protocol as the supervisor sees it: what it is called, where it usually lives, what binds it, what it may touch. */
export interface Protocol<Options> {
  readonly protocol: string
  /** The default ports, by the options and by TLS: submission has others than the mail exchanger, https others than http. */
  ports(options: Options, tls: ServiceSettings['tls']): { high: number; wellKnown: number }
  /**
   * Whether a conversation that began in clear can go on encrypted (STARTTLS, STLS, AUTH TLS). Absent: it can. Where it cannot,
   * `tls` is `off` unless it is `implicit`, and there is no `requireTls`.
   */
  readonly startTls?: boolean
  /** What it is in the table of limits (`shared/limits`), by its options; its name unless given. */
  limitedAs?(options: Options): LimitedService
  /** Standards that bind it, `RFC 1939`: each has its table in `docs/standards.md`. */
  readonly standards: readonly string[]
  /** This protocol's part of a service's settings; the ones that all services share are not in it. */
  readonly options: ZodType<Options>
  /**
   * The options where they speak of other services, once all are known.
   * @returns what they come to; or what is wrong, and with which setting of the service
   */
  among?(
    options: Options,
    services: readonly ServiceSettings[],
  ): { readonly options: Options } | { readonly setting: string; readonly problem: string }
  /**
   * Hosts that it serves by their names, `*.x.test` among them, each with the files of a certificate of its own (their `setting` is one
   * of the service), or null. Absent: none.
   */
  hosts?(options: Options): readonly { readonly name: string; readonly keyFiles: KeyFiles | null }[]
  /**
   * Folders that it serves from and that are not made for it, each with the setting that names it, a path within those of the service.
   * They have to be there at a start. Absent: none.
   */
  folders?(options: Options): readonly { readonly setting: readonly string[]; readonly folder: string }[]
  grants(options: Options, settings: Settings): Grants
  /** What its settings name, beside `folders`, and only a look shows to be there. Absent: nothing. */
  needs?(options: Options, settings: Settings): readonly Need[]
  /**
   * Present where a program of somebody else serves, in place of the host with a protocol in it: the port is left to that program,
   * and nothing of the host's work (sandbox, TLS, limits, workers) is done for it.
   * @returns how long it may take from its start until it is ready, in milliseconds (whoever runs it keeps shorter deadlines), and
   * whether it is well only as long as something listens on its port
   */
  external?(options: Options): { readonly startMs: number; readonly listens: boolean }
  /**
   * The conversation by which a service shows that it is well: the supervisor holds it with every child every few seconds, `havre
   * doctor` from outside. Absent where the protocol is not ours to know (`external`).
   */
  readonly probe?: Probe
  /**
   * What a client says in clear, from the greeting on, before the handshake of STARTTLS begins. Once encrypted, `probe` goes on from where
   * the client speaks first. Absent where a conversation cannot go over to TLS.
   */
  readonly startTlsProbe?: Probe
  /** The same where it depends on the options. */
  startTlsProbeFor?(options: Options): Probe
  /** What is wrong with a port that is set, by the options; null: nothing. */
  portProblem?(options: Options, port: number): string | null
  /**
   * A command that a newcomer can paste to try the service; `{address}`, `{host}`, `{port}`, `{hostname}` and `{data}` stand for what
   * they are, `{trust}` for what curl has to be told to trust the certificate, with a space behind it.
   */
  readonly example: string
  /** The same where it depends on the options or on TLS. */
  exampleFor?(options: Options, tls: ServiceSettings['tls']): string
}

/** A protocol as the child runs it. */
export interface Service<Options> {
  readonly protocol: string
  /** Makes the server without any effect: no file is opened, no timer started. */
  create(context: Context<Options>): Server
}

/** What a server is given to work with. */
export interface Context<Options> {
  /** The service's name in the configuration, `smtp`, `submission`, … */
  readonly service: string
  /** Checked options of the protocol. */
  readonly options: Options
  /**
   * Whether a login in clear is taken: `auto` from loopback only, judged per connection, `always` (TLS) never, `never` (no TLS
   * needed) always. Only protocols with logins of their own read it.
   */
  readonly requireTls: ServiceSettings['requireTls']
  /** Whether a conversation in clear may go on encrypted (`starttls`), is encrypted from its first octet, or neither. */
  readonly tls: ServiceSettings['tls']
  /** So many conversations the host has open at once, at most. */
  readonly connections: number
  readonly settings: Settings
  readonly desk: Desk
  readonly journal: Journal
  /** The journal's log for what belongs to no connection. */
  readonly log: Log
  readonly version: string
}

/** Why a connection is turned away before its conversation begins: the limit in the way, or the end of the service. */
export type Refusal = AdmissionLimit | 'stopping'

/** One service in one child. Called in this order: start, serve…, stop. */
export interface Server {
  /** Opens stores. A rejection ends the child: 111, or 100 where the error is a `PermanentError`. */
  start?(): Promise<void>
  /** Carries one conversation; resolves when it is over. What it rejects with is journalled and ends the connection. */
  serve(connection: Connection): void | Promise<void>
  /** The protocol's own words for a connection that is turned away; sent as they are, then the connection is closed. */
  refuse(refusal: Refusal): string
  /** What a client is told, in clear, that speaks HTTP in clear where TLS comes first; then the connection is closed. Absent: nothing. */
  inClear?(): string
  /**
   * Whether who comes from there carries the conversations of many clients, each told apart within it (a proxy that the service trusts):
   * its connections count for the service, not against what one address may have. Always the same of an address. Absent: nobody.
   */
  carriesMany?(remote: Endpoint): boolean
  /** Protocols within TLS (RFC 7301), the preferred one first. Absent: none is agreed on. */
  readonly alpn?: readonly string[]
  /** Whether a TLS session can be resumed within its own conversation only, by `Connection.secureOther`. Absent: anywhere. */
  readonly ownTickets?: boolean
  /** Whether TLS 1.3 is spoken only with clients that know nothing older. Absent: with all that know it. */
  readonly prefersOlderTls?: boolean
  /** Told once when the service begins to drain: conversations should end where that costs the client nothing. */
  drain?(): void
  /** Releases what `start` opened, after the last conversation ended or the deadline passed; also after a half-done start. */
  stop(deadline: AbortSignal): Promise<void>
}

/** One client, whatever the protocol. */
export interface Connection {
  /** Unique in the life of the data folder, short: what ties records of one conversation together. */
  readonly id: string
  readonly remote: Endpoint
  readonly local: Endpoint
  /**
   * Whether what is said in clear stays on this machine: the client is on loopback and, where a proxy hands the connection on, so is the
   * proxy. The loopback of a proxy elsewhere is another machine's.
   */
  readonly withinMachine: boolean
  /** Whether the stream is encrypted; changes with `startTls`. */
  readonly secure: boolean
  /** How it is encrypted; null while it is not. */
  readonly tls: TlsFacts | null
  /** Another one after `startTls`. */
  readonly stream: Duplex
  /**
   * Aborts, with a `ConnectionEnd` as reason, when the conversation has to end: the server says its goodbye and ends the
   * stream. The host destroys the stream two seconds later whatever the server does.
   */
  readonly signal: AbortSignal
  /** Why the conversation has to end; null while it need not. It is what `signal` tells, without one: making it costs a connection dear. */
  readonly mustEnd: Ending | null
  /** Has this called in the moment in which the conversation has to end, before `signal` aborts. In place of who asked before. */
  onMustEnd(told: () => void): void
  /** Whether it is no client but the supervisor, which asks whether the service is well: no log has a line of it. */
  readonly probe: boolean
  /** Records carry `connection` and `remote`. Of a probe it keeps errors only. */
  readonly log: Log
  /** Is told what is said, line by line; null where the journal's level keeps nothing of it. */
  readonly transcript: Transcript | null
  /**
   * Marks work under way (a command, a message, a transfer) until disposed: a stop waits for it. The idle deadline goes on: a
   * client that stalls in the middle of its message is idle. May be nested.
   */
  busy(): Disposable
  /**
   * Goes on encrypted: call it in the same turn in which the last word in clear was written, with nobody listening to the stream any
   * more. Whatever arrived in clear before is dropped (RFC 3207 §6: it may come from somebody else). Resolves when the handshake is
   * over and `stream`, `secure` and `tls` have changed; rejects with a `HandshakeError` when it failed, the connection is closed then.
   */
  startTls(): Promise<void>
  /**
   * The same on another socket of the conversation, which has to be encrypted: a data connection of FTP. Rejects with a
   * `HandshakeError`, the socket is destroyed then.
   * @returns the encrypted socket, and whether it went on with a session (of this very conversation where the server has `ownTickets`)
   */
  secureOther(socket: Socket): Promise<{ readonly stream: Socket; readonly resumed: boolean }>
  /** Whether a certificate of this service is for a host, by its name or numeric address; false where there is no TLS. */
  certifies(host: string): boolean
  /**
   * Who is at the other end of another socket of the conversation (a data connection of FTP): the client that a proxy names, where it
   * comes from a proxy that is believed. Ask before anybody reads the socket. Rejects with an `IntroductionError`: end the socket.
   */
  peerOf(socket: Socket): Promise<Endpoint>
  /** Starts the idle deadline anew: for activity elsewhere, as on a data connection (RFC 959 §2.3). */
  touch(): void
  /** Somebody has logged in: `limits.login` is kept. */
  loggedIn(): void
  /** Counts that the client met a limit of the protocol; the host counts its own. What the client and the journal hear is the protocol's. */
  overLimit(limit: LimitName): void
}

/**
 * `idle`: no octet for `limits.idle`; `login`: no login within `limits.login`; `total`: it lasts longer than `limits.total`;
 * `stopping`: the server is stopped or replaced; `closed`: the client went away.
 */
export type Ending = 'idle' | 'login' | 'total' | 'stopping' | 'closed'

/** The reason of an aborted `Connection.signal`. One for each why, since to trace where it is made costs each connection its microseconds. */
export class ConnectionEnd extends Error {
  override readonly name = 'ConnectionEnd'
  readonly why: Ending
  private constructor(why: Ending) {
    super(`the connection has to end: ${why}`)
    this.why = why
  }

  static readonly #all: Readonly<Record<Ending, ConnectionEnd>> = {
    idle: new ConnectionEnd('idle'),
    login: new ConnectionEnd('login'),
    total: new ConnectionEnd('total'),
    stopping: new ConnectionEnd('stopping'),
    closed: new ConnectionEnd('closed'),
  }

  static of(why: Ending): ConnectionEnd {
    return ConnectionEnd.#all[why]
  }
}

/** Why this signal aborted, or null while it has not. */
export const endingOf = (signal: AbortSignal): Ending | null => {
  if (!signal.aborted) return null
  return signal.reason instanceof ConnectionEnd ? signal.reason.why : 'stopping'
}

/** A failure that a restart cannot cure: wrong configuration, a port taken. The process that meets it exits with 100. */
export class PermanentError extends Error {
  override readonly name: string = 'PermanentError'
}

/** What a process of the family says with its exit code (after s6 and qmail). */
export const exitCodes = { done: 0, permanent: 100, temporary: 111 } as const
