/** SMTP's events: one function a kind. */
import type { Log } from '../../shared/log/log.ts'
import type { StoreError } from '../../shared/mail/mail-store.ts'
import type { Ending } from '../../shared/service.ts'
import type { Reply } from './replies.ts'
import { inWords } from './replies.ts'

/** Recipients that one record names; there may be thousands, and their number is told anyway. */
const maxNamed = 100

/** Names of accounts are shorter; a client may send what it likes. */
const shownNameLength = 100

/** A message as far as it came. */
export interface MessageFacts {
  /** As in its Received line and in the reply. */
  readonly transaction: string
  readonly sender: string
  readonly recipients: readonly string[]
  /** Of the body, as received and unstuffed. */
  readonly octets: number
  readonly durationMs: number
}

const fieldsOf = ({ transaction, sender, recipients, octets, durationMs }: MessageFacts) => ({
  transaction,
  sender,
  recipients: recipients.slice(0, maxNamed),
  recipientCount: recipients.length,
  octets,
  durationMs: Math.round(durationMs),
})

/** A message is durably in the mailboxes. @param messages its ids, one for each account */
export const messageAccepted = (log: Log, facts: MessageFacts, messages: readonly string[], reply: Reply): void =>
  log.write('info', 'message.accepted', { ...fieldsOf(facts), messages: messages.slice(0, maxNamed), reply: inWords(reply) })

/** A message came whole and was not taken. */
export const messageRefused = (log: Log, facts: MessageFacts, reply: Reply): void =>
  log.write('warn', 'message.refused', { ...fieldsOf(facts), reply: inWords(reply) })

/** A message did not come to its end, as the client went away or gave it up; nothing of it was kept. */
export const messageUnfinished = (log: Log, facts: MessageFacts): void => log.write('warn', 'message.unfinished', fieldsOf(facts))

/** Mailboxes of a list, or of one of several recipients, were full: a message that others got did not go there. */
export const mailboxesFull = (log: Log, transaction: string, accounts: readonly string[]): void =>
  log.write('warn', 'mailbox.full', { transaction, accounts: accounts.slice(0, maxNamed) })

/** The sender was told what became of a message. @param messages ids of the report */
export const reportSent = (log: Log, transaction: string, sender: string, messages: readonly string[]): void =>
  log.write('info', 'report.sent', { transaction, sender, messages })

/** A report was asked for and the sender is elsewhere, where nothing is sent to. */
export const reportUnsent = (log: Log, transaction: string, sender: string): void =>
  log.write('warn', 'report.unsent', { transaction, sender })

/** A report was asked for and could not be stored. The message was. */
export const reportFailed = (log: Log, transaction: string, sender: string, error: unknown): void =>
  log.write('error', 'report.failed', { transaction, sender, error: describe(error) })

/** The store failed in a way that the operator must look into; of trouble that lasts the first failure is told. */
export const storeFailed = (log: Log, error: StoreError): void =>
  log.write('error', 'smtp.store.failed', { code: error.code, error: describe(error), cause: String(error.cause ?? '') })

/** MAIL was refused. */
export const senderRefused = (log: Log, sender: string, reply: Reply): void =>
  log.write('warn', 'sender.refused', { sender, reply: inWords(reply) })

/** RCPT was refused: no such mailbox, not ours, or too many. */
export const recipientRefused = (log: Log, sender: string, recipient: string, reply: Reply): void =>
  log.write('warn', 'recipient.refused', { sender, recipient, reply: inWords(reply) })

/** An account logged in. */
export const loginAccepted = (log: Log, method: string, account: string): void =>
  log.write('info', 'smtp.login.accepted', { method, account })

/** A login was refused. @param name as the client wrote it */
export const loginRefused = (log: Log, method: string, name: string, reply: Reply): void =>
  log.write('warn', 'smtp.login.refused', { method, name: name.slice(0, shownNameLength), reply: inWords(reply) })

/** The desk could not be asked. */
export const deskSilent = (log: Log, error: unknown): void => log.write('error', 'smtp.desk.silent', { error: describe(error) })

/** A client went over a limit of the protocol. @param limit the option's name */
export const limitReached = (log: Log, limit: string, value: number): void =>
  log.write('warn', 'smtp.limit.reached', { limit, value })

/** A client spoke before it was greeted. @param refused whether that was the end of it */
export const spokeEarly = (log: Log, refused: boolean): void => log.write(refused ? 'warn' : 'info', 'smtp.early', { refused })

/** A client sent more before it read the answer to a command that ends a group; told once a conversation. */
export const pipelined = (log: Log, command: string, refused: boolean): void =>
  log.write(refused ? 'warn' : 'info', 'smtp.pipelined', { command, refused })

/** A handler failed in a way that nobody foresaw. */
export const failed = (log: Log, error: unknown): void => log.write('error', 'smtp.command.failed', { error: describe(error) })

/** What a conversation came to. */
export interface SessionFacts {
  /** As it introduced itself; null: not at all. */
  readonly client: string | null
  readonly commands: number
  readonly messages: number
  readonly badCommands: number
  readonly durationMs: number
  readonly reason:
    | 'quit'
    | 'bad-commands'
    | 'http'
    | 'no-tls'
    | 'bad-chunk'
    | 'too-many-without-mail'
    | 'early'
    | 'out-of-turn'
    | Ending
}

/** The last record of a conversation. */
export const sessionEnded = (log: Log, facts: SessionFacts): void =>
  log.write('info', 'smtp.session.ended', { ...facts, durationMs: Math.round(facts.durationMs) })

const describe = (error: unknown): string => (error instanceof Error ? (error.stack ?? error.message) : String(error))
