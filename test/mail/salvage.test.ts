import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect } from 'chai'
import { Salvage, type SalvagedMessage } from '../../shared/mail/salvage/salvage.ts'
import { pageOctets } from '../../shared/mail/sqlite/schema.ts'
import { type Seeded, seeded } from '../kit/seeded.ts'
import { held, put, to } from './contract.ts'
import { count, until } from './inspect.ts'
import { type SqlitePlace, sqlitePlace } from './place.ts'
import { makeVersion1 } from './version-1.ts'

const salvaged = (file: string): SalvagedMessage[] => {
  const salvage = new Salvage(file)
  for (const _ of salvage.scan());
  return [...salvage.messages()].map((message) => {
    const octets = Buffer.concat([...message.read()])
    return {
      ...message,
      *read() {
        yield octets
      },
    }
  })
}

const bodyOf = (message: SalvagedMessage): Buffer => Buffer.concat([...message.read()])

/** The pages that each row of a table needs, as SQLite itself tells: its leaf and what it goes on to. */
const pagesOf = (database: DatabaseSync, table: string): Map<number, number[]> => {
  const pages = database
    .prepare('SELECT path, pageno, pagetype, ncell FROM dbstat WHERE name = ? ORDER BY path')
    .all(table)
    .map(({ path, pageno, pagetype, ncell }) => ({
      path: String(path),
      page: Number(pageno),
      type: pagetype,
      cells: Number(ncell),
    }))
  const ids = database.prepare(`SELECT id FROM ${table} ORDER BY id`).all().values()
  const needed = new Map<number, number[]>()
  for (const leaf of pages.filter(({ type }) => type === 'leaf'))
    for (let cell = 0; cell < leaf.cells; cell += 1) {
      const further = `${leaf.path}${cell.toString(16).padStart(3, '0')}+`
      const rest = pages.filter(({ type, path }) => type === 'overflow' && path.startsWith(further)).map(({ page }) => page)
      needed.set(Number(ids.next().value?.id), [leaf.page, ...rest])
    }
  return needed
}

describe('salvage of a damaged mail store', () => {
  let place: SqlitePlace
  let damaged: string
  beforeEach(async () => {
    place = await sqlitePlace()
    damaged = join(place.folder, 'damaged.db')
  })
  afterEach(() => place.remove())

  /** Messages of alice, bob and both, some of them removed again; what is left by id, with its account. */
  const fill = async (random: Seeded, messages: number): Promise<Map<string, { account: string; body: Buffer }>> => {
    const store = await place.open()
    const there = new Map<string, { account: string; body: Buffer }>()
    for (let turn = 0; turn < messages; turn += 20) {
      const puts = Array.from({ length: 20 }, async () => {
        const accounts = random.pick([['alice'], ['bob'], ['alice', 'bob']])
        const body = random.octets(random.chance(0.03) ? random.between(60_000, 150_000) : random.between(0, 6000))
        const ids = await put(store, to(...accounts), body)
        for (const [at, id] of ids.entries()) there.set(id, { account: accounts[at] ?? '', body })
      })
      await Promise.all(puts)
    }
    const maildrop = await held(store, 'bob')
    const removed = maildrop.messages.slice(20, 120)
    await maildrop.remove(removed)
    await maildrop.release()
    for (const { id } of removed) there.delete(id)
    await until('what was removed is swept', () => count(place.file, 'SELECT count(*) FROM delivery WHERE links = 0') === 0)
    await store.close()
    return there
  }

  const sameAs = (message: SalvagedMessage, wanted: { account: string; body: Buffer } | undefined): void => {
    expect(bodyOf(message).equals(wanted?.body ?? Buffer.from('none')), `message ${message.id}`).to.equal(true)
    expect(message.account ?? wanted?.account, `message ${message.id}`).to.equal(wanted?.account)
  }

  it('gives everything, and nothing that was removed, where all is well', async () => {
    const there = await fill(seeded(1), 400)
    const found = salvaged(place.file)
    expect(found.map(({ id }) => id)).to.deep.equal([...there.keys()].sort((one, other) => Number(one) - Number(other)))
    for (const message of found) {
      sameAs(message, there.get(message.id))
      expect(message).to.include({ whole: true, sender: 'sender@example.org', utf8: false, flags: '' })
      expect(message.account).not.to.equal(null)
      expect(Math.abs(message.receivedAt.getTime() - Date.now())).to.be.below(600_000)
    }
  })

  for (const seed of [12, 13])
    it(`of 1,000 messages gives all whose pages are whole, exactly, and passes nothing wrong for whole (seed ${seed})`, async () => {
      const random = seeded(seed)
      const there = await fill(random, 1000)
      const database = new DatabaseSync(place.file)
      const [messages, deliveries, chunks] = ['message', 'delivery', 'chunk'].map((table) => pagesOf(database, table))
      const mailboxes = database.prepare("SELECT pageno FROM dbstat WHERE name IN ('mailbox', 'sqlite_autoindex_mailbox_1')").all()
      const rows = database.prepare('SELECT id, delivery FROM message').all()
      database.close()
      const octets = await readFile(place.file)
      const pages = octets.length / pageOctets
      // The first page of all, and the map of which pages are free, among them.
      const broken = new Set<number>(seed % 2 === 0 ? [1, 2] : [])
      for (let turn = 0; turn < pages / 12; turn += 1) broken.add(random.between(1, pages))
      for (const page of broken) octets.set(random.octets(pageOctets), (page - 1) * pageOctets)
      await writeFile(damaged, octets)
      const found = new Map(salvaged(damaged).map((message) => [message.id, message]))
      const namesAreThere = mailboxes.some(({ pageno }) => !broken.has(Number(pageno)))
      const broke = (rowPages: readonly number[] | undefined) => rowPages?.some((page) => broken.has(page)) ?? true
      const isWhole = (delivery: number): boolean =>
        !broke(deliveries?.get(delivery)) &&
        [...(chunks ?? [])].every(([chunk, itsPages]) => Math.floor(chunk / 2 ** 20) !== delivery || !broke(itsPages))
      let wholeOnes = 0
      for (const { id, delivery } of rows) {
        const salvage = found.get(String(id))
        if (!isWhole(Number(delivery)) || broken.has(messages?.get(Number(id))?.[0] ?? 0)) continue
        wholeOnes += 1
        expect(salvage, `message ${id}`).to.include({ whole: true })
        if (namesAreThere) expect(salvage?.account, `message ${id}`).to.equal(there.get(String(id))?.account)
      }
      expect(wholeOnes).to.be.within(1, rows.length - 10)
      // What lost only its place in a mailbox is there too, as nobody's.
      const bodies = new Set([...found.values()].filter(({ whole }) => whole).map((message) => bodyOf(message).toString('latin1')))
      for (const { id, delivery } of rows)
        if (isWhole(Number(delivery)))
          expect(bodies.has(there.get(String(id))?.body.toString('latin1') ?? 'none'), `body of ${id}`).to.equal(true)
      for (const message of found.values()) {
        if (!message.whole) continue
        if (there.has(message.id)) sameAs(message, there.get(message.id))
        // Lost, or removed before and found where the map of free pages is broken: a body that was stored once.
        else if (message.id.startsWith('d'))
          expect([...there.values()].some(({ body }) => body.equals(bodyOf(message))) || broken.has(2), message.id).to.equal(true)
        else expect(broken.has(2), `message ${message.id}, which was removed`).to.equal(true)
      }
    }).timeout(60_000)

  it('finds whose a body is by its envelope when the row of its mailbox is gone', async () => {
    const there = await fill(seeded(5), 60)
    count(place.file, 'DELETE FROM message WHERE id = 1 RETURNING 1')
    const lost = salvaged(place.file).filter(({ account }) => account === null)
    expect(lost).to.have.length(1)
    expect(lost[0]).to.include({ whole: true, id: 'd1' })
    expect(lost[0]?.accounts).to.include(there.get('1')?.account)
    expect(lost[0] === undefined ? null : bodyOf(lost[0]).equals(there.get('1')?.body ?? Buffer.of())).to.equal(true)
  })

  it('gives a message whose place leads to an account that it was not for to nobody', async () => {
    const store = await place.open()
    for (const account of ['alice', 'bob']) await put(store, to(account), `for ${account}`)
    await store.close()
    count(place.file, 'UPDATE message SET delivery = 1 WHERE id = 2 RETURNING 1')
    const found = salvaged(place.file).map((message) => `${message.id} ${message.account} ${bodyOf(message)}`)
    expect(found).to.deep.equal(['1 alice for alice', '2 null for alice', 'd2 null for bob'])
  })

  it('says which messages are not whole, and gives what is there of them', async () => {
    const store = await place.open()
    const [id = ''] = await put(store, to('alice'), Buffer.alloc(200_000, 'a'))
    await store.close()
    count(place.file, 'DELETE FROM chunk WHERE id & 1048575 = 1 RETURNING 1')
    const [message] = salvaged(place.file)
    expect(message).to.include({ id, account: 'alice', whole: false, octets: 200_000 - 65_536 })
    const other = await place.open()
    await put(other, to('alice'), Buffer.alloc(100_000, 'b'))
    await other.close()
    count(place.file, 'UPDATE chunk SET crc = crc + 1 WHERE id = (2 << 20) + 1 RETURNING 1')
    expect(salvaged(place.file)[1]).to.include({ account: 'alice', whole: false, octets: 100_000 })
  })

  it('reads what lies in the log of a store that was not closed, past a frame that is broken', async () => {
    const store = await place.open()
    const ids: string[] = []
    for (let turn = 0; turn < 30; turn += 1) ids.push(...(await put(store, to('alice'), `message ${turn}`)))
    await copyFile(place.file, damaged)
    const log = await readFile(`${place.file}-wal`)
    await writeFile(`${damaged}-wal`, log)
    const all = salvaged(damaged)
    expect(all.map(({ id, whole }) => `${id} ${whole}`)).to.deep.equal(ids.map((each) => `${each} true`))
    expect(String(all[29] === undefined ? '' : bodyOf(all[29]))).to.equal('message 29')
    // A frame in the middle: what it held lies in later frames of the same pages too.
    log.fill(0x55, 32 + 20 * (24 + pageOctets) + 200, 32 + 20 * (24 + pageOctets) + 900)
    await writeFile(`${damaged}-wal`, log)
    expect(salvaged(damaged).filter(({ whole }) => whole)).to.have.length(30)
  })

  it('reads a store of version 1', () => {
    const bodies = [Buffer.from('one'), Buffer.alloc(150_000, 'x'), Buffer.of()]
    makeVersion1(place.file, ['x'], bodies)
    const found = salvaged(place.file)
    expect(found.map(({ whole, account }) => `${account} ${whole}`)).to.deep.equal(['x true', 'x true', 'x true'])
    for (const [at, body] of bodies.entries())
      expect(found[at] === undefined ? null : bodyOf(found[at]).equals(body)).to.equal(true)
  })

  it('gives nothing, and does not fail, on octets of any kind', async () => {
    const random = seeded(99)
    await writeFile(damaged, random.octets(50 * pageOctets + 77))
    expect(salvaged(damaged)).to.deep.equal([])
    await writeFile(damaged, '')
    expect(salvaged(damaged)).to.deep.equal([])
    await fill(random, 100)
    const whole = await readFile(place.file)
    for (let turn = 0; turn < 10; turn += 1) {
      const octets = Buffer.from(whole)
      // Small wounds, that leave pages which look like pages.
      for (let wound = 0; wound < 200; wound += 1)
        octets.set(random.octets(random.between(1, 8)), random.between(0, octets.length - 8))
      await writeFile(damaged, octets)
      salvaged(damaged)
    }
  })
})
