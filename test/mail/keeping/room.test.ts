import { existsSync, statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { expect } from 'chai'
import { isWorthTrimming } from '../../../shared/mail/sqlite/trimming.ts'
import { eventually } from '../../kit/eventually.ts'
import { makeVersion1 } from '../version-1.ts'
import { type Lab, lab } from './lab.ts'

const mib = 2 ** 20

describe('room that mail had', function () {
  this.timeout(120_000)
  let place: Lab

  beforeEach(async () => {
    place = await lab()
  })

  afterEach(async () => {
    await place.remove()
  })

  const octetsOf = (file: string): number => (existsSync(file) ? statSync(file).size : 0)
  const allOctets = (): number => octetsOf(place.place.file) + octetsOf(`${place.place.file}-wal`)

  it('returns after much was deleted, while mail comes, and what stays is whole', async () => {
    const body = Buffer.alloc(mib, 'room\r\n')
    const ids: string[] = []
    for (let count = 0; count < 60; count += 1) ids.push(...(await place.put(body)))
    // At the end of the file, so that it has to move.
    const [kept = ''] = await place.put(Buffer.alloc(3 * mib, 'kept\r\n'))
    await place.take('alice', ids)
    await eventually(async () => {
      await place.put('one that comes meanwhile')
      await place.keepable.tidy()
      expect(allOctets()).to.be.below(40 * mib)
    }, 90_000)
    const read: Buffer[] = []
    for await (const chunk of place.store.read('alice', kept)) read.push(chunk)
    expect(Buffer.concat(read).equals(Buffer.alloc(3 * mib, 'kept\r\n'))).to.equal(true)
    const database = new DatabaseSync(place.place.file, { readOnly: true })
    expect({ ...database.prepare('PRAGMA integrity_check').get() }).to.deep.equal({ integrity_check: 'ok' })
    database.close()
  })

  it('is not given back for a little: what comes needs it again', () => {
    const pages = (octets: number) => octets / (16 * 1024)
    expect(isWorthTrimming(pages(30 * mib), pages(60 * mib))).to.equal(false)
    expect(isWorthTrimming(pages(34 * mib), pages(60 * mib))).to.equal(true)
    expect(isWorthTrimming(pages(150 * mib), pages(1_000 * mib))).to.equal(false)
    expect(isWorthTrimming(pages(200 * mib), pages(1_000 * mib))).to.equal(true)
  })

  it('is told of by a round of housekeeping where nobody else looked, as in a file of an older version', async () => {
    const other = await lab()
    try {
      await other.store.close()
      const file = `${other.place.folder}/old.db`
      makeVersion1(
        file,
        ['alice'],
        Array.from({ length: 50 }, () => Buffer.alloc(mib, 'old')),
      )
      const database = new DatabaseSync(file)
      database.exec('DELETE FROM message; UPDATE delivery SET links = 0')
      database.close()
      const { keep } = await import('../../../shared/mail/keeping/keep.ts')
      let untidy = 0
      const { openMailStore } = await import('../../../shared/mail/sqlite-mail-store.ts')
      const store = await openMailStore({ file })
      const end = await keep({
        mailFile: file,
        indexFile: `${file}-index`,
        urgency: 'background',
        retention: null,
        events: {
          untidy: () => {
            untidy += 1
          },
        },
        signal: new AbortController().signal,
      })
      expect([end, untidy]).to.deep.equal(['done', 1])
      await store.usage('alice')
      await eventually(() => expect(octetsOf(file)).to.be.below(20 * mib), 60_000)
      await store.close()
    } finally {
      await other.remove()
    }
  })
})
