/** What a session is, and what its commands may use and say. */
import type { Desk } from '../../shared/accounts/desk.ts'
import type { AccountTransfers } from '../../shared/files/account-transfers.ts'
import type { FileStore } from '../../shared/files/file-store.ts'
import type { LineFile } from '../../shared/log/journal.ts'
import type { Log } from '../../shared/log/log.ts'
import type { Connection } from '../../shared/service.ts'
import type { DataChannel } from './data-connection.ts'
import { type FactName, factNames } from './facts.ts'
import type { Protection } from './grammar.ts'
import type { HashName } from './hash.ts'
import type { NameCodec, NameEncoding } from './name-encoding.ts'
import type { PassivePorts } from './passive-ports.ts'
import type { Reply } from './replies.ts'
import type { Representation } from './representation.ts'
import type { RunningTransfer } from './running-transfer.ts'
import type { TransferPlan } from './transfer-plan.ts'
import type { UploadsUnderWay } from './uploads-under-way.ts'

/** Limits of one session. */
export interface FtpLimits {
  readonly commandLineOctets: number
  readonly pipelinedCommands: number
  readonly badCommands: number
  readonly badLogins: number
  readonly commandsBeforeLogin: number
  readonly dataWaitMs: number
}

/** What all sessions of a service share. */
export interface SessionContext {
  readonly service: string
  /** How the server names itself. */
  readonly hostname: string
  readonly limits: FtpLimits
  readonly desk: Desk
  readonly ports: PassivePorts
  /** What PASV tells clients instead of our own address. */
  readonly passiveAddress: string | null
  readonly requireTls: 'auto' | 'always' | 'never'
  readonly tls: 'starttls' | 'implicit' | 'off'
  /** Whether an encrypted data connection may be of a TLS session of its own. */
  readonly dataTls: 'session' | 'any'
  /** Of names, for clients that have not said OPTS UTF8 ON. */
  readonly names: NameEncoding
  readonly transferLog: LineFile
  readonly transfers: AccountTransfers
  readonly uploads: UploadsUnderWay
  /** The home of an account, made if it is not there. @throws {FileError} */
  home(account: string): Promise<FileStore>
  /** What guests may read; null: there are none. */
  readonly guests: FileStore | null
}

/** Somebody who is logged in. */
interface LoggedIn {
  readonly account: string
  /** Who logged in as guest: the e-mail address that was given in the place of a password, as far as it is one; else null. */
  readonly guest: string | null
  readonly files: FileStore
  /** The current folder, absolute within the home. */
  readonly folder: string
}

/** Where a session stands. */
export type State =
  | { readonly state: 'login'; readonly user: string | null }
  | ({ readonly state: 'ready' } & LoggedIn)
  /** RNFR was answered: the next command should be RNTO. */
  | ({ readonly state: 'renaming'; readonly from: string } & LoggedIn)
  /** A transfer is under way: what may not act now waits for its end. */
  | ({ readonly state: 'transferring'; readonly running: RunningTransfer } & LoggedIn)

export type StateName = State['state']
export type In<Name extends StateName> = Extract<State, { state: Name }>

/** How the next transfer goes. */
export interface Parameters extends Representation {
  /** Octets to skip; for the next transfer only. */
  readonly restart: number
  /** What SIZE has told of an upload that broke off; until the next transfer. */
  readonly told: { readonly path: string; readonly octets: number } | null
  /** EPSV ALL was said: no other way to make data connections is taken. */
  readonly onlyEpsv: boolean
  /** PBSZ was said: PROT may come. */
  readonly bufferAgreed: boolean
  readonly protection: Protection
  /** What MLST and MLSD tell (OPTS MLST). */
  readonly facts: readonly FactName[]
  /** What HASH computes (OPTS HASH). */
  readonly hash: HashName
  readonly names: NameEncoding
}

/** What follows from a command. */
export interface Outcome {
  readonly reply: Reply
  readonly next?: State
  readonly parameters?: Partial<Parameters>
  /** The connection goes on encrypted behind this reply, and anew, with data connections like this. */
  readonly secures?: Protection
  /** Why the session ends behind this reply. */
  readonly ends?: 'quit' | 'bad-logins' | 'blocked' | 'no-desk' | 'no-home' | 'no-tls'
}

/** What a command's handler may use of its session. */
export interface Talk {
  readonly context: SessionContext
  readonly connection: Connection
  /** Records carry the account once somebody is logged in. */
  readonly log: Log
  readonly data: DataChannel
  readonly parameters: Parameters
  /** How names are written now. */
  readonly names: NameCodec
  /** Tells the frame who is logged in now. */
  loggedIn(account: string): Promise<void>
  /** Counts a bad login. @returns whether it was one too many */
  badLogin(): boolean
  /** Sends a reply before the command's last one. */
  say(reply: Reply): Promise<void>
  /** Carries out a transfer on the data connection that was prepared, and releases the plan; the outcome tells how it went. */
  transfer(plan: TransferPlan): Promise<Outcome>
  /**
   * Carries out what may take long without being a transfer: its signal aborts at ABOR, and when the session has to end or the client
   * is gone.
   */
  interruptible<T>(work: (signal: AbortSignal) => Promise<T>): Promise<T>
  /** What STAT tells of the session. */
  status(): readonly string[]
}

/** RFC 959 §5.1: the default type is ASCII. Who connects to an encrypted service wants its data encrypted as well. */
export const initialParameters = ({ tls, names }: Pick<SessionContext, 'tls' | 'names'>): Parameters => ({
  type: 'ascii',
  structure: 'file',
  restart: 0,
  told: null,
  onlyEpsv: false,
  bufferAgreed: tls === 'implicit',
  protection: tls === 'implicit' ? 'private' : 'clear',
  facts: factNames,
  hash: 'SHA-256',
  names,
})

/** Only the command behind RNFR may be RNTO (RFC 959 §4.1.3). */
export const withoutRename = (state: State): State => {
  if (state.state !== 'renaming') return state
  const { from: _from, ...rest } = state
  return { ...rest, state: 'ready' }
}
