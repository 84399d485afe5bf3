/** The index that belongs to an open store. */
import { integer, type MailDatabase } from '../sqlite/database.ts'
import { IndexDatabase, type Made, removeIndex } from './index-database.ts'
import { newestMessage } from './steps.ts'

/** The index, and how it came to be. */
export interface OpenIndex {
  readonly index: IndexDatabase
  readonly made: Made
}

/** Opens the index of this store, and makes it anew where it is about what the store does not hold any more (a backup was put back). */
export const openIndex = (file: string, mail: MailDatabase): OpenIndex => {
  const index = IndexDatabase.open(file, mail.storeId)
  if (agrees(index, mail)) return { index, made: index.made }
  index.close()
  removeIndex(file)
  return { index: IndexDatabase.open(file, mail.storeId), made: 'another store' }
}

/** Whether the last message of the index is the one that the store has under its number, or is gone from a store that went on. */
const agrees = (index: IndexDatabase, mail: MailDatabase): boolean => {
  const last = index.get('SELECT message, received FROM progress')
  const message = integer(last?.message)
  if (message > newestMessage(mail)) return false
  const row = mail.get('SELECT received FROM message JOIN delivery ON delivery.id = message.delivery WHERE message.id = ?', message)
  return row === undefined || row.received === last?.received
}
