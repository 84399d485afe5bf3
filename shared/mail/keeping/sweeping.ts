/** Letters leave the index after their messages have left the store. */
import { integer, type MailDatabase } from '../sqlite/database.ts'
import type { IndexDatabase } from './index-database.ts'
import type { Lease } from './lease.ts'

/** Places that a step looks at. */
const stepPlaces = 1_000

/** Free space of the index that is given back: when there is so much of it, and this share of the file. */
const freePages = 1_024
const freeShare = 0.25

/** A place in the index, from which a step goes on. */
export interface Cursor {
  readonly mailbox: number
  readonly message: number
}

/** Where sweeping begins. */
export const start: Cursor = { mailbox: 0, message: 0 }

/** Whether there are places whose messages are gone: every message that the index has passed has one. */
export const needsSweeping = (mail: MailDatabase, index: IndexDatabase): boolean => {
  const passed = integer(index.get('SELECT message FROM progress')?.message)
  const places = integer(index.get('SELECT count(*) AS n FROM place')?.n)
  return places > integer(mail.get('SELECT count(*) AS n FROM message WHERE id <= ?', passed)?.n)
}

const placesSql = `
  SELECT mailbox, message, delivery FROM place WHERE (mailbox, message) > (?, ?) ORDER BY mailbox, message LIMIT ${stepPlaces}`

/**
 * One step.
 * @returns from where the next goes on; null: it was the last
 * @throws {LeaseLost} nothing was done
 */
export const sweepStep = (mail: MailDatabase, index: IndexDatabase, lease: Lease, from: Cursor): Cursor | null => {
  const places = index.all(placesSql, from.mailbox, from.message).map(({ mailbox, message, delivery }) => ({
    mailbox: integer(mailbox),
    message: integer(message),
    delivery: integer(delivery),
  }))
  const gone = places.filter(
    ({ mailbox, message, delivery }) =>
      mail.get('SELECT 1 FROM message WHERE id = ? AND mailbox = ? AND delivery = ?', message, mailbox, delivery) === undefined,
  )
  if (gone.length > 0)
    lease.transaction(() => {
      for (const place of gone) forget(index, place)
    })
  return places.length < stepPlaces ? null : (places.at(-1) ?? null)
}

const forget = (index: IndexDatabase, { mailbox, message, delivery }: Cursor & { readonly delivery: number }): void => {
  index.run('DELETE FROM place WHERE mailbox = ? AND message = ?', mailbox, message)
  // Whoever else has it still finds it. Its mark for this mailbox stays: what is found is checked against the store anyway.
  if (index.get('SELECT 1 FROM place WHERE delivery = ?', delivery) !== undefined) return
  index.run('DELETE FROM letter WHERE rowid = ?', delivery)
  index.run('DELETE FROM left_out WHERE delivery = ?', delivery)
}

/** Gives some free space of the index back. @returns whether there is more */
export const shrinkStep = (index: IndexDatabase): boolean => {
  const free = integer(index.get('PRAGMA freelist_count')?.freelist_count)
  const pages = integer(index.get('PRAGMA page_count')?.page_count)
  if (free < freePages || free < pages * freeShare) return false
  index.all('PRAGMA incremental_vacuum(256)')
  return true
}
