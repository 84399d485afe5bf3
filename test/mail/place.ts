/** A folder for a SQLite mail store under test, and what is open in it. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { MailStore } from '../../shared/mail/mail-store.ts'
import { openMailStore, type SqliteMailStoreOptions } from '../../shared/mail/sqlite-mail-store.ts'
import type { StoreUnderTest } from './contract.ts'

export interface SqlitePlace extends StoreUnderTest {
  readonly folder: string
  readonly file: string
  open(options?: Omit<SqliteMailStoreOptions, 'file'>): Promise<MailStore>
}

export const sqlitePlace = async (): Promise<SqlitePlace> => {
  const folder = await mkdtemp(join(tmpdir(), 'havre-mail-'))
  const file = join(folder, 'mail.db')
  const stores: MailStore[] = []
  return {
    folder,
    file,
    async open(options = {}) {
      const store = await openMailStore({ file, ...options })
      stores.push(store)
      return store
    },
    async remove() {
      for (const store of stores) await store.close()
      await rm(folder, { recursive: true, force: true })
    },
  }
}
