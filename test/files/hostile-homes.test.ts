import { execFileSync } from 'node:child_process'
import { linkSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { expect } from 'chai'
import { type DiskFileStore, openFileStore } from '../../shared/files/disk-file-store.ts'
import { FileError } from '../../shared/files/file-store.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'
import { collect, expectCode, namesIn, put, text } from './contract.ts'
import { otherProcess } from './other-process.ts'
import { breakOff } from './partials-contract.ts'

describe('a home in which somebody means harm', () => {
  let folder: TemporaryFolder
  let root: string
  let store: DiskFileStore
  beforeEach(async () => {
    folder = await temporaryFolder()
    root = folder.at('home')
    for (const name of ['home', 'home/real', 'homes']) mkdirSync(folder.at(name))
    for (const name of ['home/real/secret', 'homes/secret']) writeFileSync(folder.at(name), name)
    store = openFileStore({ root, sync: null, account: 'alice', quota: 1_000_000, ledger: folder.at('ledger') })
  })
  afterEach(() => folder.remove())

  it('leaks nothing, and changes nothing outside, while another process swaps links as fast as it can', async function () {
    this.timeout(120_000)
    symlinkSync('real', folder.at('home', 'way'))
    symlinkSync('real/secret', folder.at('home', 'file'))
    await using ways = await otherProcess({ root, account: 'mallory' })
    await using files = await otherProcess({ root, account: 'mallory' })
    await ways.ask({ do: 'swap', link: folder.at('home', 'way'), targets: ['real', '../homes'] })
    await files.ask({ do: 'swap', link: folder.at('home', 'file'), targets: ['real/secret', '../homes/secret', '/etc/passwd'] })
    const seen = { done: 0, refused: 0 }
    const attempt = async (act: () => Promise<unknown>): Promise<void> => {
      try {
        await act()
        seen.done += 1
      } catch (error) {
        if (!(error instanceof FileError)) throw error
        seen.refused += 1
      }
    }
    const read = async (path: string) => expect(await text(store, path)).to.equal('home/real/secret')
    for (let n = 0; n < 80; n += 1) {
      for (const act of [
        () => read('/way/secret'),
        () => read('/file'),
        () => store.setModified('/file', 0),
        () => store.setModified('/way/secret', 0),
        () => store.setMode('/file', 0o644),
        () => store.setMode('/way', 0o755),
        () => put(store, '/way/upload', 'x'),
        () => put(store, '/way/secret', '', 'append'),
        () => breakOff(store, '/way/part', 'x'),
        () => store.partial('/way/part'),
        () => store.remove('/way/part'),
        () => store.rename('/way/upload', '/way/moved'),
        () => store.makeFolder('/way/folder'),
        () => store.removeFolder('/way/folder'),
        () => store.remove('/way/moved'),
        () => store.sweep({ olderThanMs: 0 }),
        () => store.usage(),
        async () => {
          for (const { name } of await collect(store, '/way')) expect(name).to.be.oneOf(['secret', 'upload', 'moved', 'folder'])
        },
      ])
        await attempt(act)
    }
    expect(seen.done).to.be.greaterThan(100)
    expect(seen.refused).to.be.greaterThan(100)
    expect(readdirSync(folder.at('homes'))).to.deep.equal(['secret'])
    expect(readFileSync(folder.at('homes', 'secret'), 'utf8')).to.equal('homes/secret')
    expect(statSync(folder.at('homes', 'secret')).mtimeMs).to.be.greaterThan(1_000_000)
    expect(readFileSync(folder.at('home', 'real', 'secret'), 'utf8')).to.equal('home/real/secret')
  })

  it('waits for no pipe, stirs no device and takes no socket for a file', async function () {
    try {
      execFileSync('mkfifo', [folder.at('home', 'pipe')])
    } catch {
      this.skip()
    }
    symlinkSync('/dev/zero', folder.at('home', 'zero'))
    symlinkSync('pipe', folder.at('home', 'to-pipe'))
    const server = createServer()
    await new Promise<void>((resolve) => server.listen(folder.at('home', 'socket'), resolve))
    try {
      for (const name of ['/pipe', '/to-pipe', '/zero', '/socket'])
        for (const refused of [
          () => store.stat(name),
          () => store.open(name),
          () => store.upload(name, 'replace'),
          () => store.upload(name, 'append'),
          () => store.upload(name, { partial: 0 }),
          () => store.setModified(name, 0),
          () => store.setMode(name, 0o600),
        ])
          await expectCode(refused(), 'denied', name)
      expect(await namesIn(store, '/')).to.deep.equal(['real'])
      expect((await store.usage()).octets).to.equal('home/real/secret'.length)
      expect(await store.sweep({ olderThanMs: 0 })).to.equal(0)
    } finally {
      await new Promise((resolve) => server.close(resolve))
    }
  })

  it('takes names that Windows keeps for devices as any others', async () => {
    for (const name of ['NUL', 'con', 'COM1', 'aux.txt', 'a:b', 'C:', 'x ', 'x.', '\\\\server\\share']) {
      await put(store, `/${name}`, name)
      expect(await text(store, `/${name}`)).to.equal(name)
      await store.remove(`/${name}`)
    }
  })

  it('never writes into a file that has another name outside: what is uploaded is always a new file', async () => {
    linkSync(folder.at('homes', 'secret'), folder.at('home', 'linked'))
    await put(store, '/linked', 'x', 'append')
    await put(store, '/linked', 'y', 5)
    expect(readFileSync(folder.at('homes', 'secret'), 'utf8')).to.equal('homes/secret')
    expect(await text(store, '/linked')).to.equal('homesy')
    await store.remove('/linked')
    expect(readFileSync(folder.at('homes', 'secret'), 'utf8')).to.equal('homes/secret')
  })

  it('keeps a tree of great depth from nobody: it is counted and swept', async () => {
    let path = ''
    for (let n = 0; n < 200; n += 1) {
      path += '/d'
      await store.makeFolder(path)
    }
    await put(store, `${path}/a`, 'deep')
    await breakOff(store, `${path}/b`, 'deeper')
    store.recount()
    expect((await store.usage()).octets).to.equal('home/real/secret'.length + 'deep'.length + 'deeper'.length)
    expect(await store.sweep({ olderThanMs: -10_000 })).to.equal(1)
  })
})
