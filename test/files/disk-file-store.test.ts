import { execFileSync } from 'node:child_process'
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { anchorByPath } from '../../shared/files/anchor.ts'
import { type DiskFileStore, openFileStore } from '../../shared/files/disk-file-store.ts'
import { openBelow } from '../http/open-files.ts'
import { collect, expectCode, fileStoreContract, namesIn, put, text } from './contract.ts'

const made =
  (options: { anchor?: typeof anchorByPath } = {}) =>
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'havre-files-'))
    const root = join(folder, 'home')
    mkdirSync(root)
    const all = { root, sync: null, ledger: join(folder, 'ledger'), ...options }
    return {
      store: openFileStore(all),
      as: (who: { account: string }) => openFileStore({ ...all, ...who }),
      close: async () => rmSync(folder, { recursive: true }),
    }
  }

fileStoreContract('the file system', made())
fileStoreContract('the file system, held by path', made({ anchor: anchorByPath }))

describe('the file system as a FileStore', () => {
  let folder: string
  let root: string
  let synced: string[]
  let store: DiskFileStore
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'havre-files-'))
    root = join(folder, 'home')
    synced = []
    mkdirSync(root)
    mkdirSync(join(folder, 'homes'))
    writeFileSync(join(folder, 'secret'), 'secret')
    writeFileSync(join(folder, 'homes', 'secret'), 'secret')
    store = openFileStore({
      root,
      sync: async (path) => {
        statSync(path)
        synced.push(path)
      },
    })
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  it('says missing while the root is not there, and works once it is', async () => {
    const late = openFileStore({ root: join(folder, 'late'), sync: null })
    await expectCode(late.stat('/'), 'missing')
    await expectCode(late.upload('/a', 'replace'), 'missing')
    mkdirSync(join(folder, 'late'))
    await put(late, '/a', 'a')
    renameSync(join(folder, 'late'), join(folder, 'elsewhere'))
    symlinkSync('elsewhere', join(folder, 'late'))
    expect(await text(late, '/a')).to.equal('a')
  })

  it('takes a root that is a link out of the folder it must lie in for nothing at all', async () => {
    mkdirSync(join(root, 'real'))
    writeFileSync(join(root, 'real', 'a'), 'a')
    symlinkSync('real', join(root, 'web'))
    const web = openFileStore({ root: join(root, 'web'), inside: root, sync: null })
    expect(await text(web, '/a')).to.equal('a')
    for (const target of ['../homes', '..', folder]) {
      rmSync(join(root, 'web'))
      symlinkSync(target, join(root, 'web'))
      await expectCode(web.stat('/secret'), 'denied')
      await expectCode(web.stat('/'), 'denied')
      await expectCode(openFileStore({ root: join(root, 'web'), inside: root, sync: null }).open('/secret'), 'denied')
    }
  })

  it('follows links inside the root, wherever they are written from', async () => {
    mkdirSync(join(root, 'a'))
    writeFileSync(join(root, 'a', 'file'), 'file')
    symlinkSync('a', join(root, 'relative'))
    symlinkSync(join(root, 'a', 'file'), join(root, 'absolute'))
    expect(await text(store, '/relative/file')).to.equal('file')
    expect(await text(store, '/absolute')).to.equal('file')
    const entries = await collect(store, '/')
    expect(Object.fromEntries(entries.map((entry) => [entry.name, entry.kind]))).to.deep.equal({
      a: 'folder',
      relative: 'folder',
      absolute: 'file',
    })
    await put(store, '/relative/new', 'new')
    expect(await text(store, '/a/new')).to.equal('new')
  })

  it('lets no link lead out of the root, by whatever operation', async () => {
    symlinkSync('../secret', join(root, 'file'))
    symlinkSync('..', join(root, 'up'))
    symlinkSync('/', join(root, 'top'))
    symlinkSync('../homes', join(root, 'neighbour'))
    symlinkSync('loop', join(root, 'loop'))
    symlinkSync('nowhere', join(root, 'dangling'))
    writeFileSync(join(root, 'mine'), 'mine')
    for (const path of ['/file', '/up/secret', '/neighbour/secret', `/top${folder}/secret`, '/loop']) {
      await expectCode(store.stat(path), 'denied', path)
      await expectCode(store.open(path), 'denied', path)
      await expectCode(store.setModified(path, 0), 'denied', path)
      await expectCode(store.upload(path, 'replace'), 'denied', path)
      await expectCode(store.upload(path, 'append'), 'denied', path)
      await expectCode(store.upload(path, 3), 'denied', path)
    }
    for (const path of ['/up', '/top', '/neighbour']) {
      await expectCode(collect(store, path), 'denied', path)
      await expectCode(store.stat(path), 'denied', path)
      await expectCode(store.upload(`${path}/new`, 'replace'), 'denied', path)
      await expectCode(store.makeFolder(`${path}/new`), 'denied', path)
      await expectCode(store.rename('/mine', `${path}/new`), 'denied', path)
    }
    await expectCode(store.remove('/neighbour/secret'), 'denied')
    await expectCode(store.rename('/neighbour/secret', '/stolen'), 'denied')
    await expectCode(store.removeFolder('/up/homes'), 'denied')
    expect(await namesIn(store, '/')).to.deep.equal(['mine'])
    expect(await readFile(join(folder, 'secret'), 'utf8')).to.equal('secret')
    expect(readdirSync(folder).sort()).to.deep.equal(['home', 'homes', 'secret'])
    expect(readdirSync(join(folder, 'homes'))).to.deep.equal(['secret'])
    // The links themselves are entries of the root: they can go.
    for (const name of ['file', 'up', 'dangling']) await store.remove(`/${name}`)
    expect(await readFile(join(folder, 'secret'), 'utf8')).to.equal('secret')
  })

  it('takes a link for no way around the rule for uploads', async () => {
    writeFileSync(join(root, 'a'), 'old')
    mkdirSync(join(root, 'folder'))
    symlinkSync('a', join(root, 'link'))
    symlinkSync('folder', join(root, 'folder-link'))
    symlinkSync('nowhere', join(root, 'dangling'))
    await put(store, '/link', ', new', 'append')
    expect(await text(store, '/a')).to.equal('old, new')
    await expectCode(store.upload('/folder-link', 'replace'), 'is-folder')
    await expectCode(store.upload('/dangling', 'replace'), 'missing')
    expect(readdirSync(root).sort()).to.deep.equal(['a', 'dangling', 'folder', 'folder-link', 'link'])
  })

  it('never opens a pipe, socket or device, and shows none', async function () {
    try {
      execFileSync('mkfifo', [join(root, 'pipe')])
    } catch {
      this.skip()
    }
    for (const refused of [
      () => store.stat('/pipe'),
      () => store.open('/pipe'),
      () => store.upload('/pipe', 'replace'),
      () => store.upload('/pipe', 'append'),
      () => store.remove('/pipe'),
      () => store.rename('/pipe', '/b'),
      () => store.setModified('/pipe', 0),
    ]) {
      await expectCode(refused(), 'denied')
    }
    expect(await namesIn(store, '/')).to.deep.equal([])
  })

  it('makes content durable before the name, and every change before it is told', async () => {
    await put(store, '/a', 'a')
    expect(synced).to.have.length(2)
    expect(synced[0]).to.match(/\/home\/\.havre-upload-[0-9a-f]{24}-\d+-[0-9a-f]{16}$/)
    expect(synced[1]).to.equal(root)
    synced.length = 0
    await store.makeFolder('/folder')
    await store.rename('/a', '/b')
    expect(synced.splice(1)).to.deep.equal([root])
    await store.rename('/b', '/folder/a')
    await store.remove('/folder/a')
    await store.removeFolder('/folder')
    expect(synced).to.deep.equal([root, join(root, 'folder'), root, join(root, 'folder'), root])
  })

  it('does not publish what could not be made durable', async () => {
    const failing = openFileStore({ root, sync: () => Promise.reject(new Error('the disk is gone')) })
    writeFileSync(join(root, 'a'), 'old')
    await expectCode(put(failing, '/a', 'new'), 'failed')
    expect(await text(store, '/a')).to.equal('old')
    expect(readdirSync(root)).to.deep.equal(['a'])
  })

  it('keeps the permissions of the file it replaces, and refuses one that must not be written', async function () {
    writeFileSync(join(root, 'a'), 'old')
    chmodSync(join(root, 'a'), 0o640)
    await put(store, '/a', 'new')
    await put(store, '/a', 'new', 'append')
    expect(statSync(join(root, 'a')).mode & 0o777).to.equal(0o640)
    if (process.getuid?.() === 0) this.skip()
    chmodSync(join(root, 'a'), 0o440)
    await expectCode(store.upload('/a', 'replace'), 'denied')
  })

  it('sweeps what dead uploads left once it is a day old, nowhere outside, and nothing else', async () => {
    const name = '.havre-upload-0123456789abcdef01234567'
    const day = 24 * 60 * 60
    mkdirSync(join(root, 'a', 'b'), { recursive: true })
    symlinkSync('../homes', join(root, 'out'))
    const old = [join(root, name), join(root, 'a', 'b', name)]
    const kept = [join(root, 'a', name), join(root, 'a', 'file'), join(folder, 'homes', name)]
    for (const path of [...old, ...kept]) writeFileSync(path, 'x')
    for (const path of [...old, join(folder, 'homes', name)])
      utimesSync(path, Date.now() / 1000 - day - 60, Date.now() / 1000 - day - 60)
    expect(await store.sweep()).to.equal(2)
    for (const path of old) expect(() => statSync(path)).to.throw('ENOENT')
    for (const path of kept) statSync(path)
  })

  it('removes a folder in which only a dead upload is left', async () => {
    mkdirSync(join(root, 'a'))
    const left = join(root, 'a', '.havre-upload-0123456789abcdef01234567')
    writeFileSync(left, 'x')
    await expectCode(store.removeFolder('/a'), 'not-empty')
    utimesSync(left, 0, 0)
    await store.removeFolder('/a')
  })

  it('finds its folder again when that was moved during an upload', async () => {
    await store.makeFolder('/a')
    const upload = await store.upload('/a/file', 'replace')
    await upload.write(Buffer.from('x'))
    await store.rename('/a', '/b')
    await upload.commit()
    expect(await text(store, '/b/file')).to.equal('x')
  })

  it('holds no descriptor when all is done, refused or left', async () => {
    await put(store, '/a', 'a')
    for (let n = 0; n < 20; n += 1) {
      await store.stat('/a')
      await expectCode(store.open('/'), 'is-folder')
      await expectCode(store.upload('/a/b', 'replace'), 'not-folder')
      await expectCode(store.upload('/a', 9999), 'missing')
      await expectCode(collect(store, '/a'), 'not-folder')
      await expectCode(store.rename('/a', '/no/a'), 'missing')
      await put(store, '/a', 'a', 'append')
      const upload = await store.upload('/a', 'append')
      await upload.abort()
      for await (const _ of store.list('/')) break
    }
    expect(openBelow(realpathSync(folder))).to.deep.equal([])
  })

  it('tells no path of the disk in any message', async () => {
    for (const refused of [() => store.stat('/nothing'), () => store.makeFolder('/no/a'), () => store.stat('/a\0')]) {
      const error = await refused().then(
        () => null,
        (reason: Error) => reason,
      )
      expect(error?.message).to.be.a('string').and.not.include(folder)
    }
  })
})
