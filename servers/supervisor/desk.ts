/** The desk: passwords, recipients and what a sandboxed child may not sync itself, in one place for all children. */
import { constants } from 'node:fs'
import { open, realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'
import type { AccountStore } from '../../shared/accounts/account-store.ts'
import type { Desk, LoginAnswer, LoginAttempt, RecipientAnswer } from '../../shared/accounts/desk.ts'
import { createLoginDesk, type LoginDesk } from '../../shared/accounts/login-desk.ts'
import { createPasswords } from '../../shared/accounts/password.ts'
import { createRecipients, type Recipients } from '../../shared/accounts/recipients.ts'
import type { Settings } from '../../shared/config/settings.ts'
import type { Log } from '../../shared/log/log.ts'
import type { Answer, AskMessage } from '../host/messages.ts'
import * as journal from './journal.ts'

/** Answers one question. Rejects with what went wrong; the child learns only that it did. */
export const answerQuestion = async (desk: Desk, { call, question }: AskMessage): Promise<Answer> => {
  if (typeof question !== 'string') return desk.login(question)
  if (call === 'recipient') return desk.recipient(question)
  await desk.sync(question)
  return null
}

/** The desk of a family. Failures and blocks stay remembered when the settings change. */
export class FamilyDesk implements Desk {
  readonly #store: AccountStore
  readonly #logins: LoginDesk
  #recipients: Recipients
  #data: string

  /** @param store stays the caller's to close, after `close` */
  constructor(store: AccountStore, settings: Settings, log: Log) {
    this.#store = store
    this.#data = settings.data
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
    this.#data = settings.data
    this.#logins.configure({ limits: settings.logins, domains: settings.domains })
    this.#recipients = this.#recipientsOf(settings)
  }

  login(attempt: LoginAttempt): Promise<LoginAnswer> {
    return this.#logins.login(attempt)
  }

  recipient(address: string): Promise<RecipientAnswer> {
    return this.#recipients.resolve(address)
  }

  /** Only what lies in `data/files`, by its real path: a link that leads out is refused. */
  async sync(path: string): Promise<void> {
    const inside = await realpath(join(this.#data, 'files'))
    const real = await realpath(path)
    if (real !== inside && !real.startsWith(inside + sep)) throw new Error('only what lies in data/files is synced')
    const file = await open(real, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
    try {
      await file.sync()
    } finally {
      await file.close()
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
