import { readdirSync, statSync, symlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { readdir, rename } from 'node:fs/promises'
import { uptime } from 'node:os'
import { expect } from 'chai'
import { type DiskFileStore, openFileStore } from '../../shared/files/disk-file-store.ts'
import { whoseUpload } from '../../shared/files/hidden-name.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'
import { expectCode, put, text } from './contract.ts'
import { otherProcess } from './other-process.ts'
import { breakOff, resume } from './partials-contract.ts'

const hourMs = 60 * 60 * 1000

describe('broken uploads on a disk', () => {
  let folder: TemporaryFolder
  let store: DiskFileStore
  beforeEach(async () => {
    folder = await temporaryFolder()
    store = openFileStore({ root: folder.path, sync: null, account: 'alice' })
  })
  afterEach(() => folder.remove())

  const hidden = () => readdirSync(folder.path).filter((name) => name.startsWith('.havre-'))
  const age = (name: string, ms: number) => utimesSync(folder.at(name), (Date.now() - ms) / 1000, (Date.now() - ms) / 1000)

  it('of a process that was killed are continued, by their account only', async () => {
    await using other = await otherProcess({ root: folder.path, account: 'alice' })
    expect(await other.ask({ do: 'begin', path: '/a', octets: 100_000 })).to.equal(100_000)
    await other.kill()
    const bob = openFileStore({ root: folder.path, sync: null, account: 'bob' })
    expect(await bob.partial('/a')).to.equal(null)
    expect((await store.partial('/a'))?.octets).to.equal(100_000)
    await resume(store, '/a', 99_999, '!!')
    expect(await text(store, '/a')).to.equal(`${'o'.repeat(99_999)}!!`)
    expect(readdirSync(folder.path)).to.deep.equal(['a'])
  })

  it('of a process that still runs are left to it', async () => {
    await using other = await otherProcess({ root: folder.path, account: 'alice' })
    await other.ask({ do: 'begin', path: '/a', octets: 10 })
    expect(await store.partial('/a')).to.equal(null)
    await expectCode(store.upload('/a', { partial: 0 }), 'missing')
    await expectCode(store.remove('/a'), 'missing')
    expect(await store.sweep({ olderThanMs: 0 })).to.equal(0)
    expect(hidden()).to.have.length(1)
    await other.kill()
    expect((await store.partial('/a'))?.octets).to.equal(10)
  })

  it('of several deaths are told by the newest', async () => {
    await breakOff(store, '/a', 'x')
    age(hidden()[0] ?? '', hourMs)
    for (const octets of [20, 30]) {
      await using other = await otherProcess({ root: folder.path, account: 'alice' })
      await other.ask({ do: 'begin', path: '/a', octets })
      await other.kill()
      age(hidden().find((name) => statSync(folder.at(name)).size === octets) ?? '', (40 - octets) * 1000)
    }
    expect((await store.partial('/a'))?.octets).to.equal(30)
    await breakOff(store, '/a', 'now')
    expect((await store.partial('/a'))?.octets).to.equal(3)
  })

  it('that the system did not outlive are not continued: nobody made sure of their octets', async () => {
    await using other = await otherProcess({ root: folder.path, account: 'alice' })
    await other.ask({ do: 'begin', path: '/a', octets: 10 })
    await other.kill()
    await breakOff(store, '/b', 'synced')
    for (const name of hidden()) age(name, uptime() * 1000 + 60_000)
    expect(await store.partial('/a')).to.equal(null)
    expect(await store.sweep({ olderThanMs: uptime() * 1000 + hourMs })).to.equal(1)
    expect((await store.partial('/b'))?.octets).to.equal(6)
  })

  it('that nothing came of are none', async () => {
    await using other = await otherProcess({ root: folder.path, account: 'alice' })
    await other.ask({ do: 'begin', path: '/a', octets: 0 })
    await other.kill()
    expect(await store.partial('/a')).to.equal(null)
    await expectCode(store.remove('/a'), 'missing')
    await store.sweep()
    expect(hidden()).to.deep.equal([])
  })

  it('keep no folder from being removed while a sweep is at them', async () => {
    await using other = await otherProcess({ root: folder.path, account: 'alice' })
    await store.makeFolder('/folder')
    await other.ask({ do: 'begin', path: '/folder/a', octets: 10 })
    await other.kill()
    const [name = ''] = readdirSync(folder.at('folder'))
    await store.removeFolder('/folder')
    for (let round = 0; round < 80; round += 1) {
      await store.makeFolder('/folder')
      writeFileSync(folder.at('folder', name), 'x'.repeat(round % 2))
      const sweeping = store.sweep()
      for (let turns = round / 4; turns >= 1; turns -= 1) await new Promise((resolve) => setImmediate(resolve))
      await Promise.all([store.removeFolder('/folder'), sweeping])
      expect(readdirSync(folder.path)).to.deep.equal([])
    }
  })

  it('are found by a sweep, so that nobody has to look for them any more', async () => {
    await using other = await otherProcess({ root: folder.path, account: 'alice' })
    await other.ask({ do: 'begin', path: '/a', octets: 10 })
    await other.kill()
    const later = openFileStore({ root: folder.path, sync: null, account: 'alice', mayHaveLeftovers: () => false })
    expect(await later.partial('/a')).to.equal(null)
    expect(await store.sweep()).to.equal(0)
    expect((await later.partial('/a'))?.octets).to.equal(10)
  })

  it('go when they are older than they may be, and not before', async () => {
    await breakOff(store, '/old', 'old')
    age(hidden()[0] ?? '', 2 * hourMs)
    await breakOff(store, '/new', 'new')
    expect(await store.sweep({ olderThanMs: 3 * hourMs })).to.equal(0)
    expect(await store.sweep({ olderThanMs: hourMs })).to.equal(1)
    expect(await store.partial('/old')).to.equal(null)
    expect((await store.partial('/new'))?.octets).to.equal(3)
  })

  it('do not go while they are written, however short the time is that partials are kept', async () => {
    const upload = await store.upload('/a', 'replace')
    await upload.write(Buffer.from('slow'))
    age(hidden()[0] ?? '', 2 * hourMs)
    expect(await store.sweep({ olderThanMs: 1 })).to.equal(0)
    await upload.commit()
    expect(await text(store, '/a')).to.equal('slow')
  })

  it('are never followed where somebody put a link in their place', async () => {
    await put(store, '/secret', 'secret')
    const name = `.havre-partial-${whoseUpload('alice', 'a')}`
    symlinkSync('secret', folder.at(name))
    expect(await store.partial('/a')).to.equal(null)
    await expectCode(store.upload('/a', { partial: 0 }), 'missing')
    await expectCode(store.remove('/a'), 'missing')
    await put(store, '/a', 'a')
    expect(await text(store, '/secret')).to.equal('secret')
  })

  it('survive that their name is taken by something else than a file', async () => {
    const name = `.havre-partial-${whoseUpload('alice', 'a')}`
    writeFileSync(folder.at('x'), '')
    await store.makeFolder('/b')
    await rename(folder.at('b'), folder.at(name))
    await breakOff(store, '/a', 'x')
    expect(await store.partial('/a')).to.equal(null)
    await put(store, '/a', 'whole')
    expect(await text(store, '/a')).to.equal('whole')
    expect((await readdir(folder.path)).sort()).to.deep.equal([name, 'a', 'x'].sort())
  })

  it('are durable before they are told, where that is asked for', async () => {
    const synced: string[] = []
    const durable = openFileStore({ root: folder.path, sync: async (path) => void synced.push(path), account: 'alice' })
    await breakOff(durable, '/a', 'x')
    expect(synced).to.have.length(1)
    expect(synced[0]).to.include('.havre-upload-')
    const failing = openFileStore({ root: folder.path, sync: () => Promise.reject(new Error('gone')), account: 'alice' })
    await breakOff(failing, '/b', 'x')
    expect(await failing.partial('/b')).to.equal(null)
    expect(hidden()).to.have.length(1)
  })
})
