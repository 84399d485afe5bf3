/** Where a conversation stands, as a union: every row of the command table says in which of these states it may be used. */
import type { Desk } from '../../shared/accounts/desk.ts'
import type { ServiceSettings, Settings } from '../../shared/config/settings.ts'
import type { Log } from '../../shared/log/log.ts'
import type { Envelope, MailStore } from '../../shared/mail/mail-store.ts'
import type { Line } from '../../shared/net/line-splitter.ts'
import type { Connection } from '../../shared/service.ts'
import type { Path } from './address.ts'
import type { Notify } from './dsn-parameters.ts'
import type { SmtpOptions } from './options.ts'
import type { Reply } from './replies.ts'
import type { Room } from './room.ts'

/** How the client introduced itself. */
export interface Client {
  /** As it said, unchecked but for control characters. */
  readonly name: string
  /** Whether with EHLO. */
  readonly extended: boolean
}

/** What MAIL said. */
export interface Sender extends Path {
  /** Whether the message may hold UTF-8 in its header (RFC 6531). */
  readonly utf8: boolean
  /** What it will have, as the client says (RFC 1870); 0: not told. */
  readonly sizeOctets: number
  /** What it wants of reports (RFC 3461 §4.3, §4.4). */
  readonly dsn: NonNullable<Envelope['dsn']>
}

/** A recipient that was taken, and the accounts that it stands for. */
export interface Recipient {
  readonly address: string
  readonly accounts: readonly string[]
  /** Further ones that it stands for and whose mailboxes are full. */
  readonly full: readonly string[]
  /** When the sender wants a report about it; null: not said (RFC 3461 §4.1). */
  readonly notify: Notify | null
  /** `type;address` (RFC 3461 §4.2); null: not said. */
  readonly originalRecipient: string | null
}

interface Introduced {
  readonly client: Client
  /** Who logged in; null: nobody. */
  readonly account: string | null
}

export type Session =
  /** Neither HELO nor EHLO yet. */
  | { readonly state: 'connected' }
  /** No message is begun. */
  | ({ readonly state: 'ready' } & Introduced)
  /** The next line is no command but what the mechanism asked for (RFC 4954 §4). */
  | ({ readonly state: 'login'; readonly answer: LoginStep } & Introduced)
  /** MAIL was taken, no recipient yet. */
  | ({ readonly state: 'mail'; readonly sender: Sender } & Introduced)
  /** At least one recipient was taken. */
  | ({ readonly state: 'rcpt' } & Addressed)
  /** The message is coming. */
  | ({ readonly state: 'data' } & Addressed)
  /** The message is coming in chunks, with commands between them (RFC 3030). */
  | ({ readonly state: 'chunks' } & Addressed)
  /** A chunk was refused and the message given up: those that were sent behind it are refused alike. */
  | ({ readonly state: 'chunks-refused'; readonly refusal: Reply; readonly replies: number } & Introduced)
  /** STARTTLS was answered: what follows is TLS, and then it begins anew. */
  | { readonly state: 'securing' }
  | {
      readonly state: 'closed'
      readonly why: 'quit' | 'bad-commands' | 'too-many-without-mail' | 'http' | 'no-tls' | 'bad-chunk' | 'out-of-turn'
    }

interface Addressed extends Introduced {
  readonly sender: Sender
  /** In the order in which they were taken. */
  readonly recipients: readonly Recipient[]
}

export type StateName = Session['state']
export type In<State extends StateName> = Extract<Session, { state: State }>

/** What a handler decided: what to say, and where the conversation stands then (where it stood, unless given). */
export interface Outcome {
  readonly reply: Reply
  /** What is said after it: LMTP answers for each recipient (RFC 2033 §4.2). */
  readonly more?: readonly Reply[]
  readonly next?: Session
  /** Octets that follow the line: what was decided is said once they have come. */
  readonly chunk?: Chunk
  /** It is no bad command, whatever the reply: the client could not know better when it sent it. */
  readonly excused?: true
}

/** The octets behind BDAT. */
export interface Chunk {
  readonly octets: number
  readonly last: boolean
  /** Whether they belong to the message; else they are dropped. */
  readonly taken: boolean
}

/** One answer of the client in the course of a login. */
export type LoginStep = (line: Line) => Outcome | Promise<Outcome>

/** What handlers work with: one for each conversation. */
export interface Situation {
  readonly connection: Connection
  /** Of the connection; names the account once somebody logged in. */
  readonly log: Log
  readonly service: string
  readonly options: SmtpOptions
  readonly settings: Settings
  readonly requireTls: ServiceSettings['requireTls']
  readonly tls: ServiceSettings['tls']
  readonly desk: Desk
  readonly store: MailStore
  readonly room: Room
}
