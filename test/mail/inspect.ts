/** What a test may see of the database beside the store. */
import { DatabaseSync } from 'node:sqlite'
import { patienceMs } from '../kit/patience.ts'

/** One number that a statement gives. */
export const count = (file: string, sql: string): number => {
  const database = new DatabaseSync(file, { timeout: 5000 })
  try {
    return Number(Object.values(database.prepare(sql).get() ?? {})[0])
  } finally {
    database.close()
  }
}

export const integrity = (file: string): unknown => {
  const database = new DatabaseSync(file, { timeout: 5000 })
  try {
    return database.prepare('PRAGMA integrity_check').get()?.integrity_check
  } finally {
    database.close()
  }
}

/** Resolves once the condition holds; rejects when it does not within the time. */
export const until = async (what: string, holds: () => boolean | Promise<boolean>, deadlineMs = patienceMs): Promise<void> => {
  const end = performance.now() + deadlineMs
  while (!(await holds())) {
    if (performance.now() > end) throw new Error(`not within ${deadlineMs} ms: ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
