/** What a session is, and what its commands may use and say. */
import type { Socket } from 'node:net'
import type { Desk } from '../../shared/accounts/desk.ts'
import type { FileStore } from '../../shared/files/file-store.ts'
import type { Journal, LineFile } from '../../shared/log/journal.ts'
import type { Log } from '../../shared/log/log.ts'
import type { Connection } from '../../shared/service.ts'
import type { DataChannel } from './data-connection.ts'
import type { TransferType } from './grammar.ts'
import type { PassivePorts } from './passive-ports.ts'
import type { Reply } from './replies.ts'
import type { Progress } from './transfer.ts'

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
  readonly transferLog: LineFile
  readonly journal: Journal
  /** The home of an account, made if it is not there. @throws {FileError} */
  home(account: string): Promise<FileStore>
}

/** Somebody who is logged in. */
interface LoggedIn {
  readonly account: string
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

export type StateName = State['state']
export type In<Name extends StateName> = Extract<State, { state: Name }>

/** Whether data connections are encrypted (PROT). */
export type Protection = 'clear' | 'private'

/** How the next transfer goes. */
export interface Parameters {
  readonly type: TransferType
  /** Octets to skip; for the next transfer only. */
  readonly restart: number
  /** EPSV ALL was said: no other way to make data connections is taken. */
  readonly onlyEpsv: boolean
  /** PBSZ was said: PROT may come. */
  readonly bufferAgreed: boolean
  readonly protection: Protection
}

/** What follows from a command. */
export interface Outcome {
  readonly reply: Reply
  readonly next?: State
  readonly parameters?: Partial<Parameters>
  /** The connection goes on encrypted behind this reply, and anew. */
  readonly secures?: true
  /** Why the session ends behind this reply. */
  readonly ends?: 'quit' | 'bad-logins' | 'blocked' | 'no-desk' | 'no-home' | 'no-tls'
}

/** A transfer as the session sees it. */
export interface TransferPlan {
  readonly direction: 'upload' | 'download' | 'list'
  /** Absolute within the home. */
  readonly path: string
  /** What 150 says. */
  readonly opening: Reply
  /** What the client reads when the data connection breaks. */
  readonly broken: Reply
  /**
   * Carries the octets and makes sure of them. Rejects with a `BrokenTransferError` or a `FileError`.
   * @returns the last reply
   */
  move(socket: Socket, progress: Progress): Promise<Reply>
}

/** What a command's handler may use of its session. */
export interface Talk {
  readonly context: SessionContext
  readonly connection: Connection
  /** Records carry the account once somebody is logged in. */
  readonly log: Log
  readonly data: DataChannel
  readonly parameters: Parameters
  /** Tells the frame who is logged in now. */
  loggedIn(account: string): Promise<void>
  /** Counts a bad login. @returns whether it was one too many */
  badLogin(): boolean
  /** Sends a reply before the command's last one. */
  say(reply: Reply): Promise<void>
  /** Carries out a transfer on the data connection that was prepared; the outcome tells how it went. */
  transfer(plan: TransferPlan): Promise<Outcome>
  /**
   * To be awaited when all octets are there and before they count: by then it is known whether the client itself is gone.
   * @throws {BrokenTransferError}
   */
  stillThere(): Promise<void>
  /** What STAT tells of the session. */
  status(): readonly string[]
}
