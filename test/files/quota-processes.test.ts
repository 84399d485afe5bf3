import { appendFileSync, mkdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { expect } from 'chai'
import { type DiskFileStore, openFileStore } from '../../shared/files/disk-file-store.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'
import { undisturbed } from '../kit/undisturbed.ts'
import { expectCode, put } from './contract.ts'
import { type Other, otherProcess } from './other-process.ts'

const quota = 100_000

describe('a quota that several processes keep', () => {
  let folder: TemporaryFolder
  let store: DiskFileStore
  const options = () => ({ root: folder.path, account: 'alice', quota, ledger: `${folder.path}.ledger` })
  beforeEach(async () => {
    folder = await temporaryFolder()
    store = openFileStore({ sync: null, ...options() })
  })
  afterEach(async () => {
    rmSync(`${folder.path}.ledger`, { force: true })
    await folder.remove()
  })

  it('is not gone past by any of them, and used up by all together', async function () {
    this.timeout(120_000)
    const others: Other[] = await Promise.all([1, 2, 3].map(() => otherProcess(options())))
    try {
      const stored = await Promise.all(
        others.map((other, n) => other.ask({ do: 'fill', prefix: `${n}-`, files: 1000, octets: 1000 })),
      )
      const files = stored.reduce<number>((sum, each) => sum + Number(each), 0)
      expect(files).to.be.within(97, 100)
      for (let n = files; n < 100; n += 1) await put(store, `/rest ${n}`, 'x'.repeat(1000))
      await expectCode(put(store, '/over', 'x'), 'over-quota')
      for (const other of others) expect(await other.ask({ do: 'usage' })).to.equal(quota)
      await others[0]?.ask({ do: 'remove', path: '/0-0' }).catch(() => undefined)
    } finally {
      await Promise.all(others.map((other) => other.kill()))
    }
  })

  it('knows what another process removed without counting anew', async () => {
    await using other = await otherProcess(options())
    await put(store, '/a', 'x'.repeat(quota))
    expect(await other.ask({ do: 'usage' })).to.equal(quota)
    await other.ask({ do: 'remove', path: '/a' })
    expect((await store.usage()).octets).to.equal(0)
    await put(store, '/a', 'x'.repeat(quota))
    expect(await other.ask({ do: 'usage' })).to.equal(quota)
  })

  it('refuses nothing that fits after a process was killed in the middle of an upload', async () => {
    await using other = await otherProcess(options())
    await put(store, '/a', 'x'.repeat(1000))
    expect(await other.ask({ do: 'begin', path: '/b', octets: 50_000 })).to.equal(50_000)
    await other.kill()
    // What is left of it counts until it goes.
    await expectCode(put(store, '/c', 'x'.repeat(60_000)), 'over-quota')
    await store.remove('/b')
    await put(store, '/c', 'x'.repeat(99_000))
    expect((await store.usage()).octets).to.equal(quota)
  })

  it('counts again before it refuses: what somebody else removed in the folder fits at once', () =>
    // A count that took long is good for a while.
    undisturbed(30, async () => {
      await using home = await temporaryFolder()
      mkdirSync(home.at('root'))
      const store = openFileStore({ ...options(), root: home.at('root'), sync: null, ledger: home.at('ledger') })
      await put(store, '/a', 'x'.repeat(quota))
      rmSync(home.at('root', 'a'))
      await put(store, '/b', 'x'.repeat(quota))
      expect(statSync(home.at('root', 'b')).size).to.equal(quota)
    }))

  it('counts again when it is told to: what somebody else put into the folder counts', async () => {
    await put(store, '/a', 'x')
    writeFileSync(folder.at('b'), 'x'.repeat(quota))
    store.recount()
    await expectCode(put(store, '/c', 'x'), 'over-quota')
  })

  it('survives that its ledger is removed, emptied, or full of rubbish', async () => {
    const { ledger } = options()
    await put(store, '/a', 'x'.repeat(60_000))
    rmSync(ledger)
    await expectCode(put(store, '/b', 'x'.repeat(60_000)), 'over-quota')
    await put(store, '/b', 'x'.repeat(40_000))
    truncateSync(ledger)
    await expectCode(put(store, '/c', 'x'), 'over-quota')
    appendFileSync(ledger, 'rubbish\n12 -12\n\n1e999\n')
    await expectCode(put(store, '/c', 'x'), 'over-quota')
    await store.remove('/b')
    await put(store, '/c', 'x'.repeat(40_000))
    expect((await store.usage()).octets).to.equal(quota)
  })

  it('begins its ledger anew when that has grown too large, for all who have it', async () => {
    const { ledger } = options()
    const other = openFileStore({ sync: null, ...options() })
    await put(store, '/a', 'x'.repeat(50_000))
    await put(other, '/b', 'x'.repeat(10_000))
    appendFileSync(ledger, '1-000000000000 0 0\n'.repeat(100_000))
    await put(other, '/c', 'x'.repeat(40_000))
    expect(readFileSync(ledger).length).to.be.lessThan(1000)
    await expectCode(put(store, '/d', 'x'), 'over-quota')
    await store.remove('/a')
    await put(other, '/d', 'x'.repeat(50_000))
    await expectCode(put(store, '/e', 'x'), 'over-quota')
  })

  it('does not count for an account without one: there is no ledger', async () => {
    const free = openFileStore({ root: folder.path, sync: null, account: 'alice', ledger: options().ledger })
    await put(free, '/a', 'x'.repeat(2 * quota))
    expect((await free.usage()).octets).to.equal(2 * quota)
    expect(() => statSync(options().ledger)).to.throw('ENOENT')
  })
})
