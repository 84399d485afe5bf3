import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import type { Worker } from 'node:worker_threads'
import { expect } from 'chai'
import type { MailStore } from '../../shared/mail/mail-store.ts'
import { StoreError } from '../../shared/mail/mail-store.ts'
import { MailDatabase } from '../../shared/mail/sqlite/database.ts'
import { openMailStore } from '../../shared/mail/sqlite-mail-store.ts'
import { PermanentError } from '../../shared/service.ts'
import { held, octetsOf, put, rejects, to } from './contract.ts'
import { count, integrity, until } from './inspect.ts'
import { type SqlitePlace, sqlitePlace } from './place.ts'

describe('the SQLite store', () => {
  let place: SqlitePlace
  beforeEach(async () => {
    place = await sqlitePlace()
  })
  afterEach(() => place.remove())

  /** Delivers until it fails; what it failed with, and how many were stored. */
  const fill = async (store: MailStore, octets: number): Promise<[unknown, number]> => {
    for (let stored = 0; stored < 5000; stored += 1) {
      const delivery = store.deliver(to('alice'))
      try {
        await delivery.write(randomBytes(octets))
        await delivery.commit()
      } catch (error) {
        await delivery.abort()
        return [error, stored]
      }
    }
    throw new Error('it never filled')
  }

  const empty = async (store: MailStore, account: string) => {
    const maildrop = await held(store, account)
    await maildrop.remove(maildrop.messages)
    await maildrop.release()
  }

  describe('when there is no room', () => {
    it('says full, keeps nothing of it, keeps all else, and takes mail again when there is room', async () => {
      const store = await place.open({ maxOctets: 2_000_000 })
      const [error, stored] = await fill(store, 40_000)
      expect(error).to.be.instanceOf(StoreError).with.property('code', 'full')
      expect(await store.list('alice')).to.have.length(stored)
      await rejects('full', put(store, to('alice'), randomBytes(400_000)))
      for (const { id } of await store.list('alice')) expect(await octetsOf(store.read('alice', id))).to.have.length(40_000)
      await until(
        'nothing is left of what did not fit',
        () => count(place.file, 'SELECT count(*) FROM delivery WHERE links = 0') === 0,
      )
      await empty(store, 'alice')
      await until('there is room again', () => count(place.file, 'SELECT count(*) FROM chunk') === 0)
      expect((await fill(store, 40_000))[1]).to.be.within(stored - 3, stored + 3)
    })

    it('counts nothing of what did not fit', async () => {
      const store = await place.open({ maxOctets: 1_500_000, quota: { octets: 10_000_000, messages: 1000 } })
      const [, stored] = await fill(store, 40_000)
      await rejects('full', put(store, to('alice', 'bob'), randomBytes(400_000)))
      expect(await store.usage('alice')).to.deep.equal({ octets: stored * 40_000, messages: stored })
      expect(await store.usage('bob')).to.deep.equal({ octets: 0, messages: 0 })
      await empty(store, 'alice')
      expect(await store.usage('alice')).to.deep.equal({ octets: 0, messages: 0 })
    })

    it('refuses for a quota what came together with others, and the others are stored in one go', async () => {
      const store = await place.open({ quota: { octets: 100_000, messages: 1000 } })
      await put(store, to('bob'), randomBytes(100_000))
      const puts = Array.from({ length: 200 }, (_, turn) => put(store, to(turn % 2 === 0 ? 'alice' : 'bob'), 'together'))
      const outcomes = (await Promise.allSettled(puts)).map(({ status }) => status === 'fulfilled')
      expect(outcomes).to.deep.equal(Array.from({ length: 200 }, (_, turn) => turn % 2 === 0))
      expect(await store.usage('bob')).to.deep.equal({ octets: 100_000, messages: 1 })
      expect(await store.usage('alice')).to.deep.equal({ octets: 800, messages: 100 })
    })

    it('leaves nothing of a large message that a quota refuses', async () => {
      const store = await place.open({ quota: { octets: 100_000, messages: 1000 } })
      await rejects('over-quota', put(store, to('alice'), randomBytes(300_000)))
      const delivery = store.deliver(to('alice'), { whenFull: 'leave-out' })
      await delivery.write(randomBytes(300_000))
      expect((await delivery.commit()).map(({ id }) => id)).to.deep.equal([null])
      await until('it is swept', () => count(place.file, 'SELECT count(*) FROM chunk') === 0)
      expect(count(place.file, 'SELECT count(*) FROM delivery')).to.equal(0)
    })

    it('refuses the message that does not fit and stores those that do, though they came together', async () => {
      const store = await place.open({ maxOctets: 1_000_000 })
      while (count(place.file, 'PRAGMA page_count') < 52) await put(store, to('bob'), randomBytes(15_000))
      const small = Array.from({ length: 4 }, () => put(store, to('alice'), 'fits'))
      const large = Array.from({ length: 3 }, () => put(store, to('alice'), randomBytes(65_000)))
      const outcomes = async (tries: Promise<unknown>[]) => (await Promise.allSettled(tries)).map(({ status }) => status)
      expect(await outcomes(large)).to.include('rejected')
      expect(await outcomes(small)).to.deep.equal(['fulfilled', 'fulfilled', 'fulfilled', 'fulfilled'])
    })

    it('on a disk that is full, too, and serves on when others made room', async function () {
      const disk = join(place.folder, 'disk')
      await mkdir(disk)
      if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', disk]).status !== 0) this.skip() // needs root
      let store: MailStore | null = null
      try {
        await writeFile(join(disk, 'other'), randomBytes(1_000_000))
        store = await openMailStore({ file: join(disk, 'mail.db') })
        const [error, stored] = await fill(store, 30_000)
        expect(error).to.be.instanceOf(StoreError).with.property('code', 'full')
        await rejects('full', put(store, to('alice'), randomBytes(300_000)))
        expect(await store.list('alice')).to.have.length(stored)
        await rm(join(disk, 'other'))
        await put(store, to('alice'), randomBytes(30_000))
        for (const { id } of await store.list('alice')) expect(await octetsOf(store.read('alice', id))).to.have.length(30_000)
        await store.close()
        expect(integrity(join(disk, 'mail.db'))).to.equal('ok')
      } finally {
        await store?.close()
        spawnSync('umount', [disk])
      }
    })
  })

  describe('when mail fills its disk', () => {
    for (const [size, octets] of [
      ['24m', 300_000],
      ['60m', 1_000_000],
    ] as const)
      it(`of ${size} is full before nothing is left: mail is still read and removed, and comes again then`, async function () {
        const disk = join(place.folder, 'disk')
        await mkdir(disk)
        if (spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${size}`, 'tmpfs', disk]).status !== 0) this.skip() // needs root
        let store: MailStore | null = null
        try {
          store = await openMailStore({ file: join(disk, 'mail.db') })
          const [error, stored] = await fill(store, octets)
          expect(error).to.be.instanceOf(StoreError).with.property('code', 'full')
          expect(await store.list('alice')).to.have.length(stored)
          await empty(store, 'alice')
          await until('there is room again', () => count(join(disk, 'mail.db'), 'SELECT count(*) FROM chunk') === 0)
          expect((await fill(store, octets))[1]).to.be.at.least(Math.floor(stored / 2))
          await empty(store, 'alice')
        } finally {
          await store?.close()
          spawnSync('umount', [disk])
        }
      })
  })

  describe('when another process has the lock for too long', () => {
    it('says locked, stores nothing, reads on, and works again', async () => {
      const store = await place.open({ busyTimeoutMs: 50 })
      const [id = ''] = await put(store, to('alice'), 'before')
      const other = new DatabaseSync(place.file)
      other.exec('BEGIN IMMEDIATE')
      try {
        await rejects('locked', put(store, to('alice'), 'x'))
        await rejects('locked', put(store, to('alice'), randomBytes(200_000)))
        await rejects('locked', store.open('alice'))
        expect(String(await octetsOf(store.read('alice', id)))).to.equal('before')
      } finally {
        other.exec('ROLLBACK')
        other.close()
      }
      expect(await store.list('alice')).to.have.length(1)
      await put(store, to('alice'), 'after')
      await (await held(store, 'alice')).release()
    })

    it('gives a released mailbox free later', async () => {
      const store = await place.open({ busyTimeoutMs: 50, leaseMs: 600 })
      const maildrop = await held(store, 'alice')
      const other = new DatabaseSync(place.file)
      other.exec('BEGIN IMMEDIATE')
      await maildrop.release()
      other.exec('ROLLBACK')
      other.close()
      await until('the mailbox is free', async () => (await store.open('alice')) !== null)
    })
  })

  describe('when the file is damaged or gone', () => {
    it('says damaged, and serves again once the file is well', async () => {
      const store = await place.open()
      await put(store, to('alice'), 'kept')
      await store.close()
      const good = await readFile(place.file)
      const again = await place.open()
      await writeFile(place.file, Buffer.alloc(good.length, 'garbage!'))
      await rejects('damaged', put(again, to('alice'), 'x'))
      await rejects('damaged', again.list('alice'))
      await rejects('damaged', again.open('alice'))
      for (const suffix of ['-wal', '-shm']) await rm(place.file + suffix, { force: true })
      await writeFile(place.file, good)
      await put(again, to('alice'), 'after')
      expect(await again.list('alice')).to.have.length(2)
    })

    it('notices that the file was taken away, and never acknowledges into nothing', async () => {
      const store = await place.open()
      await put(store, to('alice'), 'one')
      const [{ uidl } = { uidl: '' }] = await store.list('alice')
      for (const suffix of ['', '-wal', '-shm']) await rm(place.file + suffix, { force: true })
      for (const body of ['two', 'three']) await rejects('damaged', put(store, to('alice'), body))
      await rejects('damaged', store.list('alice'))
      // Only who opens the store makes it anew.
      const anew = await place.open()
      await put(store, to('alice'), 'four')
      const messages = await store.list('alice')
      expect(messages).to.have.length(1)
      expect(messages[0]?.uidl).not.to.equal(uidl)
      expect(await anew.list('alice')).to.have.length(1)
    })

    it('notices that the log was taken away, keeps all that was acknowledged, and serves again', async () => {
      const store = await place.open()
      await put(store, to('alice'), 'one')
      await rm(`${place.file}-wal`)
      await until('it takes mail again', () =>
        put(store, to('alice'), 'two').then(
          () => true,
          (error: unknown) => {
            expect(error).to.be.instanceOf(StoreError).with.property('code', 'damaged')
            return false
          },
        ),
      )
      await store.close()
      expect(await (await place.open()).list('alice')).to.have.length(2)
      expect(integrity(place.file)).to.equal('ok')
    })

    it('tells trouble that lasts from trouble that is new', async () => {
      const store = await place.open({ busyTimeoutMs: 20 })
      const other = new DatabaseSync(place.file)
      other.exec('BEGIN IMMEDIATE')
      const failures: unknown[] = []
      for (let turn = 0; turn < 5; turn += 1) await put(store, to('alice'), 'x').catch((error: unknown) => failures.push(error))
      other.exec('ROLLBACK')
      other.close()
      expect(failures.map((error) => error instanceof StoreError && [error.code, error.again])).to.deep.equal([
        ['locked', false],
        ...Array.from({ length: 4 }, () => ['locked', true]),
      ])
    })

    it('waits for a folder that is gone to come back', async () => {
      const store = await place.open()
      await put(store, to('alice'), 'one')
      const away = `${place.folder}.away`
      await rename(place.folder, away)
      try {
        await rejects('damaged', put(store, to('alice'), 'two'))
        await rejects('damaged', put(store, to('alice'), 'two'))
      } finally {
        await rename(away, place.folder)
      }
      await put(store, to('alice'), 'three')
      expect(await store.list('alice')).to.have.length(2)
    })

    it('says damaged for octets that are not those that were stored, and gives the others', async () => {
      const store = await place.open()
      const ids: string[] = []
      for (const body of ['one', 'two', 'three']) ids.push(...(await put(store, to('alice'), body)))
      count(place.file, "UPDATE chunk SET data = CAST('twe' AS BLOB) WHERE data = CAST('two' AS BLOB) RETURNING 1")
      const maildrop = await held(store, 'alice')
      const [one, two, three] = maildrop.messages
      if (one === undefined || two === undefined || three === undefined) throw new Error('three messages')
      expect(String(await octetsOf(maildrop.read(one)))).to.equal('one')
      await rejects('damaged', octetsOf(maildrop.read(two)))
      expect(String(await octetsOf(maildrop.read(three)))).to.equal('three')
      await rejects('damaged', octetsOf(store.read('alice', ids[1] ?? '')))
      const heads = await Array.fromAsync(store.heads('alice', maildrop.messages))
      expect(heads.map((head) => (head.octets === null ? head.why : String(head.octets)))).to.deep.equal([
        'one',
        'damaged',
        'three',
      ])
    })

    it('says damaged for a message with a piece missing', async () => {
      const store = await place.open()
      const [id = ''] = await put(store, to('alice'), randomBytes(300_000))
      count(place.file, 'DELETE FROM chunk WHERE id & 1048575 = 2 RETURNING 1')
      await rejects('damaged', octetsOf(store.read('alice', id)))
    })

    it('starts its thread anew when it died, frees what it held, and fails what was under way', async () => {
      const workers: Worker[] = []
      process.once('worker', (worker) => workers.push(worker))
      const store = await place.open()
      const delivery = store.deliver(to('alice'))
      await delivery.write(Buffer.alloc(200_000))
      await held(store, 'bob')
      await workers[0]?.terminate()
      await rejects('damaged', delivery.commit())
      await put(store, to('alice'), 'x')
      expect(await store.list('alice')).to.have.length(1)
      await (await held(store, 'bob')).release()
      await until('the rest is swept', () => count(place.file, 'SELECT count(*) FROM chunk') === 1)
    })
  })

  describe('as a file', () => {
    it('is its owner’s alone, and made with room that can be given back', async () => {
      const store = await place.open()
      await put(store, to('alice'), 'x')
      for (const suffix of ['', '-wal', '-shm']) expect((await stat(place.file + suffix)).mode & 0o777, suffix).to.equal(0o600)
      expect(count(place.file, 'PRAGMA auto_vacuum')).to.equal(2)
      expect(count(place.file, 'PRAGMA page_size')).to.equal(16_384)
    })

    it('is made once when many open it at the same moment', async () => {
      const stores = await Promise.all(Array.from({ length: 6 }, () => place.open()))
      const ids = await Promise.all(stores.map((store, turn) => put(store, to('alice'), `mail ${turn}`)))
      expect(new Set(ids.flat()).size).to.equal(6)
      for (const store of stores) expect(await store.list('alice')).to.have.length(6)
      expect(count(place.file, 'SELECT count(*) FROM store')).to.equal(1)
      expect(count(place.file, 'PRAGMA auto_vacuum')).to.equal(2)
    })

    it('of a newer program, or of another one, is left alone', async () => {
      await (await place.open()).close()
      count(place.file, 'PRAGMA user_version = 99')
      const refused = async (words: RegExp) => {
        const error = await place.open().then(
          () => null,
          (reason: unknown) => reason,
        )
        expect(error).to.be.instanceOf(PermanentError).with.property('message').that.matches(words)
      }
      await refused(/version 99.*newer/)
      await rm(place.file)
      count(place.file, 'CREATE TABLE theirs (x)')
      await refused(/another program/)
    })

    it('cannot attach another', async () => {
      await (await place.open()).close()
      const database = new MailDatabase({ file: place.file, busyTimeoutMs: 1000, maxOctets: null })
      try {
        expect(() => database.run('ATTACH ? AS other', join(place.folder, 'other.db'))).to.throw(
          /authorization denied|not authorized/,
        )
        expect(() => database.run('VACUUM INTO ?', join(place.folder, 'other.db'))).to.throw(/authorization denied|not authorized/)
      } finally {
        database.close()
      }
    })

    it('that cannot be opened fails the start', async () => {
      await writeFile(place.file, 'this is a letter, not a database; it is long enough to be looked at as one'.repeat(20))
      await rejects('damaged', place.open())
      await rm(place.file)
      await rejects('damaged', openMailStore({ file: join(place.folder, 'none', 'mail.db') }))
    })
  })
})
