import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { expect } from 'chai'
import { prepareSchema, schemaVersion } from '../../shared/mail/sqlite/schema.ts'
import { temporaryFolder } from '../kit/folder.ts'

/** A database of which another process makes the tables between this one's first look at it and the next. */
class Overtaken extends DatabaseSync {
  overtaken = false
  readonly #file: string

  constructor(file: string) {
    super(file)
    this.#file = file
  }

  override prepare(sql: string): StatementSync {
    if (sql.includes('sqlite_schema') && !this.overtaken) {
      this.overtaken = true
      const other = new DatabaseSync(this.#file, { timeout: 0 })
      try {
        prepareSchema(other)
      } catch (error) {
        // It may not be allowed to, while somebody looks.
        if (!(error instanceof Error && 'errcode' in error && error.errcode === 5)) throw error
      } finally {
        other.close()
      }
    }
    return super.prepare(sql)
  }
}

describe('the tables of the mail store', () => {
  it('that another process makes at the same moment are not taken for those of another program', async () => {
    await using folder = await temporaryFolder()
    const database = new Overtaken(folder.at('mail.db'))
    try {
      prepareSchema(database)
      expect(database.overtaken).to.equal(true)
      expect(database.prepare('PRAGMA user_version').get()?.['user_version']).to.equal(schemaVersion)
    } finally {
      database.close()
    }
  })
})
