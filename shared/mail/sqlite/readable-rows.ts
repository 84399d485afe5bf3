/** The rows of a table in the order of their ids, whatever pages of it are broken. */
import { integer, type MailDatabase } from './database.ts'
import { isDamage } from './failures.ts'

/** A row, or a range of ids of which none could be read; null: to the end. */
export type ListedRow = { readonly id: number } | { readonly after: number; readonly upTo: number | null; readonly why: string }

/** Ids that are read together, which is one short transaction. */
const together = 500

/** No id is larger. */
const largest = Number.MAX_SAFE_INTEGER

/** What comes while this goes on is listed too. */
export function* readableRows(database: MailDatabase, table: 'message' | 'delivery' | 'mailbox'): Generator<ListedRow> {
  const listed = (after: number, most: number): number[] =>
    database
      .patiently(() => database.all(`SELECT id FROM ${table} WHERE id > ?1 ORDER BY id LIMIT ?2`, after, most))
      .map(({ id }) => integer(id))
  let after = 0
  for (let most = together; ; ) {
    const ids = tried(() => listed(after, most))
    if (typeof ids === 'string') {
      // One by one up to the row that fails, then over what does.
      if (most > 1) most = 1
      else {
        const next = nextReadable(after, (id) => tried(() => listed(id, 1)))
        yield { after, upTo: next, why: ids }
        if (next === null) return
        after = next
        most = together
      }
      continue
    }
    for (const id of ids) yield { id }
    if (ids.length < most) return
    after = ids.at(-1) ?? largest
  }
}

/** The rows, or why they cannot be read. */
const tried = (work: () => number[]): number[] | string => {
  try {
    return work()
  } catch (error) {
    if (!isDamage(error)) throw error
    return error instanceof Error ? error.message : String(error)
  }
}

/** The first id behind which a row can be read: by steps that double, then by halving the last one. */
const nextReadable = (after: number, listed: (after: number) => number[] | string): number | null => {
  let [broken, whole] = [after, after]
  for (let step = 1; ; step *= 2) {
    if (after + step >= largest) return null
    const ids = listed(after + step)
    if (typeof ids !== 'string') {
      whole = after + step
      break
    }
    broken = after + step
  }
  while (whole - broken > 1) {
    const middle = Math.floor((broken + whole) / 2)
    if (typeof listed(middle) === 'string') broken = middle
    else whole = middle
  }
  return whole
}
