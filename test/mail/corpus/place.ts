/** A data folder with the whole corpus in the mailbox of alice, and empty mailboxes beside it. */
import { mkdir } from 'node:fs/promises'
import { openAccountStore } from '../../../shared/accounts/sqlite-account-store.ts'
import { openMailStore } from '../../../shared/mail/sqlite-mail-store.ts'
import { havre } from '../../kit/family.ts'
import { type TemporaryFolder, temporaryFolder } from '../../kit/folder.ts'
import type { Ended } from '../../kit/run.ts'
import { corpus } from './corpus.ts'

/** The folder and what can be done with it. `await using` removes it. */
export interface CorpusPlace extends AsyncDisposable {
  readonly folder: TemporaryFolder
  /** `havre mail ARGS` on it. */
  mail(...args: readonly string[]): Promise<Ended>
  /** The octets of an account's messages, oldest first. */
  messages(account: string): Promise<readonly Buffer[]>
}

/** Puts each message of the corpus into the mailbox as it is, in its order, a second apart. */
export const corpusPlace = async (): Promise<CorpusPlace> => {
  const folder = await temporaryFolder()
  const data = folder.at('data')
  const file = folder.at('data', 'mail.db')
  await mkdir(data)
  const accounts = await openAccountStore(folder.at('data', 'accounts.db'))
  for (const name of ['alice', 'bob', 'carol'])
    await accounts.add({ name, passwordHash: '$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAA' })
  await accounts.close()
  const store = await openMailStore({ file })
  const from = Date.UTC(2026, 10, 21)
  for (const [at, { octets }] of corpus.entries()) {
    const recipients = [{ address: 'alice@havre.test', account: 'alice' }]
    const delivery = store.deliver({ sender: 'sender@example.org', recipients }, { receivedAt: new Date(from + at * 1_000) })
    if (octets.length > 0) await delivery.write(Buffer.from(octets))
    await delivery.commit()
  }
  await store.close()
  return {
    folder,
    mail: (...args) => havre(['mail', ...args, '--set', `data=${data}`]),
    messages: async (account) => {
      const opened = await openMailStore({ file })
      try {
        const all: Buffer[] = []
        for (const { id } of await opened.list(account)) all.push(Buffer.concat(await Array.fromAsync(opened.read(account, id))))
        return all
      } finally {
        await opened.close()
      }
    },
    [Symbol.asyncDispose]: folder.remove,
  }
}
