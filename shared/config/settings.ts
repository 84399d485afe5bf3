/** The checked configuration: plain data, units in the names, paths absolute. Made by the loader; children get it as it is. */

import type { Grants } from '../grants.ts'
import type { Level } from '../log/log.ts'
import type { Need } from '../need.ts'
import type { Probe } from '../net/probe.ts'

/** What every part may know: all settings but the services. */
export interface Settings {
  readonly host: string
  readonly ports: 'high' | 'well-known' | 'any'
  /** How the servers name themselves in greetings and trace headers. */
  readonly hostname: string
  /** Absolute. */
  readonly data: string
  /** Absolute. */
  readonly logs: string
  readonly user: string | null
  /** Mail domains that are local, lower case, at least one; the first is the one that new addresses are written with. */
  readonly domains: readonly string[]
  readonly demo: boolean
  readonly tls: KeyFiles & {
    /** Further ones, for clients that ask for a host that one of them is for (SNI). */
    readonly certificates: readonly KeyFiles[]
    /** Hosts that services serve by their names and that have no certificate of their own: the one that Havre makes is for them too. Absent: none. */
    readonly hosts?: readonly string[]
  }
  readonly drainMs: number
  readonly mail: {
    readonly aliases: Readonly<Record<string, readonly string[]>>
    readonly catchAll: string | null
    readonly maxSizeOctets: number
    readonly quota: { readonly octets: number; readonly messages: number }
    readonly retention: MailRetention
    readonly bareNewlines: 'reject' | 'normalize'
  }
  readonly files: FileSettings
  readonly logins: LoginLimits
  readonly log: { readonly level: Level; readonly rotate: LogRotation }
}

/** What an account may do with files, and how much. null: no limit. */
export interface AccountFiles {
  /** Of all its files, those on their way in included. */
  readonly quota: { readonly octets: number | null }
  readonly access: 'full' | 'read-only' | 'drop-box'
  /** Octets a second of one account, all its transfers of one process together. */
  readonly bandwidth: { readonly uploadOctets: number | null; readonly downloadOctets: number | null }
  /** Of one account at once, in one process. */
  readonly transfers: number | null
}

/** The homes. What holds for one account tells `accountFiles`. */
export interface FileSettings extends AccountFiles {
  readonly sync: 'always' | 'never'
  /** How long what came of a broken upload is kept. */
  readonly keepPartialsMs: number
  /** For which accounts what differs; by the account's name. */
  readonly accounts: Readonly<Record<string, Partial<AccountFiles>>>
}

/** What each mailbox keeps: what is over is removed, the oldest first. null: no bound. */
export interface MailRetention {
  /** Since the date that `mail list` shows. */
  readonly ageMs: number | null
  readonly messages: number | null
  readonly octets: number | null
}

/** Absolute paths of PEM files; `auto` (both): the one that Havre makes. */
export interface KeyFiles {
  readonly certificate: string
  readonly key: string
  /** The setting that names them, such as `services.http.sites.shop.test`, where it is none of `tls`. */
  readonly setting?: string
}

/** When logs are put away, and how many are kept. */
export interface LogRotation {
  /** A log that has grown to this is put away; null: none is for its size. */
  readonly sizeOctets: number | null
  /** Whether the logs of a day (UTC) are put away when it is over. */
  readonly daily: boolean
  /** Of each log, of those that were put away. */
  readonly keep: number
  /** All logs together. */
  readonly totalOctets: number
  readonly compress: boolean
}

/** Bad logins: how their answers are delayed and when an address is turned away (DESIGN "One account, everything"). */
export interface LoginLimits {
  /** Delay of the answer to the first bad login; doubled with each further one from the address. */
  readonly delayMs: number
  readonly maxDelayMs: number
  /** How long a bad login counts. */
  readonly windowMs: number
  /** Bad logins on one account, from wherever, from which on its logins are delayed too. */
  readonly accountThreshold: number
  /** Bad logins of an address after which it is refused on all protocols. */
  readonly blockAfter: number
  readonly blockMs: number
  /** Whether SCRAM-SHA-256 is offered, and its keys are made where a password is known. */
  readonly scram: boolean
}

/** Limits that the host keeps, per service. */
export interface Limits {
  /** Open at once. */
  readonly connections: number
  /** Open at once from one address. */
  readonly connectionsPerAddress: number
  /** New ones a second from one address; null: no limit. */
  readonly connectionsPerSecond: number | null
  readonly idleMs: number
  /** From the first octet to the login; null: no limit, or a service that nobody logs in to. */
  readonly loginMs: number | null
  /** Of a conversation as a whole; null: no limit. */
  readonly totalMs: number | null
  /** For a TLS handshake. */
  readonly handshakeMs: number
  /** What may wait in memory for one client. */
  readonly memoryOctets: number
}

/** One service of the configuration, checked. */
export interface ServiceSettings {
  readonly name: string
  readonly protocol: string
  readonly enabled: boolean
  readonly host: string
  /** 0: the system chooses. */
  readonly port: number
  readonly workers: number
  readonly tls: 'starttls' | 'implicit' | 'off'
  readonly requireTls: 'auto' | 'always' | 'never'
  readonly proxyProtocol: { readonly from: readonly string[] } | null
  /** Its own journal's; the other children's may differ. */
  readonly log: { readonly level: Level }
  readonly limits: Limits
  /** Checked by the protocol's own schema. */
  readonly options: unknown
}

/** A service with what its protocol says of it under these settings: all that the supervisor needs, as plain data. */
export interface ConfiguredService extends ServiceSettings {
  readonly grants: Grants
  /** See `Protocol.needs`. */
  readonly needs: readonly Need[]
  /** See `Protocol.external`; null: the host serves. */
  readonly external: { readonly startMs: number; readonly listens: boolean } | null
  /** See `Protocol.probe`; null: it has none. */
  readonly probe: Probe | null
  /** See `Protocol.startTlsProbe`; null: it has none. */
  readonly startTlsProbe: Probe | null
  /** See `Protocol.example`. */
  readonly example: string
}

/** The whole. */
export interface Configuration {
  readonly settings: Settings
  readonly services: readonly ConfiguredService[]
  /** Settings in use that nothing reads yet, as dotted names: said at the start. */
  readonly idleSettings: readonly string[]
}
