import { randomBytes } from 'node:crypto'
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { expect } from 'chai'
import { prepareSchema, schemaVersion } from '../../shared/mail/sqlite/schema.ts'
import { temporaryFolder } from '../kit/folder.ts'
import { octetsOf, put, to } from './contract.ts'
import { count } from './inspect.ts'
import { sqlitePlace } from './place.ts'
import { makeVersion1 } from './version-1.ts'

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

  it('of version 1 are brought to this one with every message, counted', async () => {
    const place = await sqlitePlace()
    try {
      const bodies = Array.from({ length: 50 }, (_, turn) => randomBytes(turn % 10 === 0 ? 150_000 : turn * 3))
      const uidls = makeVersion1(place.file, ['alice', 'bob'], bodies)
      const octets = bodies.reduce((sum, { length }) => sum + length, 0)
      const stores = await Promise.all([place.open(), place.open(), place.open()])
      for (const store of stores) {
        const messages = await store.list('alice')
        expect(messages.map(({ uidl }) => uidl)).to.deep.equal(uidls)
        expect(messages.every(({ flags, utf8 }) => flags === '' && !utf8)).to.equal(true)
        for (const [turn, { id }] of messages.entries())
          expect((await octetsOf(store.read('alice', id))).equals(bodies[turn] ?? Buffer.of())).to.equal(true)
        for (const account of ['alice', 'bob']) expect(await store.usage(account)).to.deep.equal({ octets, messages: 50 })
        expect(await store.usage('carol')).to.deep.equal({ octets: 0, messages: 0 })
      }
      expect(count(place.file, 'PRAGMA user_version')).to.equal(schemaVersion)
      const [id = ''] = await put(stores[0], to('alice'), 'new')
      expect(Number(id)).to.equal(101)
    } finally {
      await place.remove()
    }
  })
})
