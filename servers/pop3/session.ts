import { mayTakePassword } from '../../shared/accounts/password-in-clear.ts'
import type { MailStore } from '../../shared/mail/mail-store.ts'
import type { Connection, Context } from '../../shared/service.ts'
import { defaultLanguage, type Language } from './languages.ts'
import type { MarkedMaildrop } from './marked-maildrop.ts'
import type { Pop3Options } from './options.ts'
import type { Reply } from './replies.ts'

/** Why a session ends by itself; the host's reasons (idle, stopping, closed) come from the connection. */
export type Closing = 'quit' | 'too-many-bad-commands' | 'too-many-before-login' | 'cut-off' | 'no-tls'

/** Where a session stands (RFC 1939 §3). Handlers return the next state; only the conversation's loop assigns it. */
export type Session =
  | { readonly state: 'authorization'; readonly user: string | null }
  /** AUTH said `+`: the next line is a response of the mechanism, no command. */
  | { readonly state: 'authenticating'; readonly answered: (line: string) => Outcome | Promise<Outcome> }
  | { readonly state: 'transaction'; readonly maildrop: MarkedMaildrop }
  /** STLS was answered: what follows is TLS, and then it begins anew. */
  | { readonly state: 'securing' }
  | { readonly state: 'closed'; readonly why: Closing }

export type State = Session['state']
/** The session in one of these states. */
export type In<S extends State> = Extract<Session, { readonly state: S }>

/** Nobody has logged in, and no USER waits for its PASS. */
export const loggedOut: Session = { state: 'authorization', user: null }

export const closed = (why: Closing): Session => ({ state: 'closed', why })

/** How the client wants to be spoken to (RFC 6856); forgotten with STLS. */
export interface Manner {
  /** It takes messages that need UTF-8 as they are. */
  readonly utf8: boolean
  readonly language: Language
}

export const plainManner: Manner = { utf8: false, language: defaultLanguage }

/** What a handler decided: what to say, and what follows where it is another state. */
export interface Outcome {
  readonly reply: Reply
  readonly next?: Session
  /** Another one from this very reply on. */
  readonly manner?: Manner
}

/** What a session fetched and removed, for the journal. */
export interface Tally {
  messages: number
  octets: number
  deleted: number
}

/** One client, as the handlers see it. */
export interface Client {
  readonly connection: Connection
  readonly context: Context<Pop3Options>
  readonly store: MailStore
  readonly tally: Tally
  readonly manner: Manner
}

/** Whether the connection as it is now can be encrypted. */
export const maySecure = ({ connection, context }: Client): boolean => context.tls === 'starttls' && !connection.secure

/** Whether a password may come over this connection as it is now. */
export const mayLogIn = ({ connection, context }: Client): boolean => mayTakePassword(connection, context.requireTls)
