/** The desk: passwords, recipients and what a sandboxed child may not sync itself, in one place for all children. */
import { closeSync, constants, fsync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { AccountStore } from '../../shared/accounts/account-store.ts'
import type { Desk, LoginAnswer, LoginAttempt, RecipientAnswer, ScramAnswer, ScramQuestion } from '../../shared/accounts/desk.ts'
import { createLoginDesk, type LoginDesk } from '../../shared/accounts/login-desk.ts'
import { createPasswords } from '../../shared/accounts/password.ts'
import { createRecipients, type Recipients } from '../../shared/accounts/recipients.ts'
import type { Settings } from '../../shared/config/settings.ts'
import { systemAnchor } from '../../shared/files/anchor.ts'
import { openDescriptor } from '../../shared/files/direct.ts'
import { Root } from '../../shared/files/root.ts'
import type { Log } from '../../shared/log/log.ts'
import type { Answer, AskMessage, DeskCall } from '../host/messages.ts'
import * as journal from './journal.ts'

/** What the desk knows itself; whose turn it is depends on who asks. */
type Counsel = Omit<Desk, 'turn'>
type Question = Extract<AskMessage, { readonly call: Exclude<DeskCall, 'turn' | 'turnOver'> }>

/** Answers one question. Rejects with what went wrong; the child learns only that it did. */
export const answerQuestion = async (desk: Counsel, ask: Question): Promise<Answer> => {
  if (ask.call === 'login') return desk.login(ask.question)
  if (ask.call === 'scram') return desk.scram(ask.question)
  if (ask.call === 'recipient') return desk.recipient(ask.question)
  await desk.sync(ask.question)
  return null
}

const syncDescriptor = promisify(fsync)

const homesOf = ({ data }: Settings): Root => new Root({ root: join(data, 'files') })

/** The desk of a family. Failures and blocks stay remembered when the settings change. */
export class FamilyDesk implements Counsel {
  readonly #store: AccountStore
  readonly #logins: LoginDesk
  #recipients: Recipients
  #files: Root

  /** @param store stays the caller's to close, after `close` */
  constructor(store: AccountStore, settings: Settings, log: Log) {
    this.#store = store
    this.#files = homesOf(settings)
    this.#logins = createLoginDesk({
      store,
      passwords: createPasswords(),
      limits: settings.logins,
      domains: settings.domains,
      events: journal.loginEvents(log),
    })
    this.#recipients = this.#recipientsOf(settings)
  }

  /** Goes on with other settings. */
  configure(settings: Settings): void {
    this.#files = homesOf(settings)
    this.#logins.configure({ limits: settings.logins, domains: settings.domains })
    this.#recipients = this.#recipientsOf(settings)
  }

  login(attempt: LoginAttempt): Promise<LoginAnswer> {
    return this.#logins.login(attempt)
  }

  scram(question: ScramQuestion): Promise<ScramAnswer> {
    return this.#logins.scram(question)
  }

  recipient(address: string): Promise<RecipientAnswer> {
    return this.#recipients.resolve(address)
  }

  /** Only what lies in `data/files`, checked on what is held: a link that leads out is refused, and nothing there is opened. */
  async sync(path: string): Promise<void> {
    await using held = await this.#files.checked(await systemAnchor(path))
    if (!held.stat.isFile() && !held.stat.isDirectory()) throw new Error('only files and folders are synced')
    const descriptor = await openDescriptor(held.ref, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      await syncDescriptor(descriptor)
    } finally {
      closeSync(descriptor)
    }
  }

  /** Settings that lead nowhere, as sentences for people. */
  problems(): Promise<readonly string[]> {
    return this.#recipients.problems()
  }

  /** Nobody waits any more; resolves when no hash is under way. */
  close(): Promise<void> {
    return this.#logins.close()
  }

  #recipientsOf({ domains, mail }: Settings): Recipients {
    return createRecipients({ store: this.#store, domains, aliases: mail.aliases, catchAll: mail.catchAll })
  }
}
