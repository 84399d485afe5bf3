import { chmodSync, lstatSync, mkdirSync, readdirSync, readFileSync, readlinkSync, symlinkSync, writeFileSync } from 'node:fs'
import process from 'node:process'
import { expect } from 'chai'
import { anchorByPath } from '../../shared/files/anchor.ts'
import { openFileStore } from '../../shared/files/disk-file-store.ts'
import type { FileStore } from '../../shared/files/file-store.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'
import { expectCode, put, text } from './contract.ts'
import { otherProcess } from './other-process.ts'

/** What is done as somebody who is not root, whom the system lets in everywhere. */
const asNobody = async (folder: string, act: () => Promise<void>): Promise<void> => {
  if (process.getuid?.() !== 0) return act()
  chmodSync(folder, 0o755)
  process.seteuid?.(65_534)
  try {
    await act()
  } finally {
    process.seteuid?.(0)
  }
}

for (const [how, options] of [
  ['held by descriptor', {}],
  ['held by path', { anchor: anchorByPath }],
] as const)
  describe(`links in a home, ${how}`, () => {
    let folder: TemporaryFolder
    let home: (...names: string[]) => string
    let store: FileStore
    let synced: string[]
    beforeEach(async () => {
      folder = await temporaryFolder()
      home = (...names) => folder.at('home', ...names)
      synced = []
      mkdirSync(home('real'), { recursive: true })
      writeFileSync(home('real', 'file'), 'old')
      writeFileSync(folder.at('secret'), 'secret')
      store = openFileStore({
        root: home(),
        account: 'alice',
        quota: 100,
        sync: async (path) => {
          synced.push(path)
        },
        ...options,
      })
    })
    afterEach(() => folder.remove())

    it('an upload replaces the file that a link leads to, where that lies: the link stays, and so do its permissions', async () => {
      chmodSync(home('real', 'file'), 0o640)
      symlinkSync('real/file', home('link'))
      symlinkSync(home('link'), home('chain'))
      symlinkSync('real', home('way'))
      for (const [path, begin, whole] of [
        ['/link', 'replace', 'new'],
        ['/chain', 'append', 'newnew'],
        ['/way/file', 4, 'newnnew'],
        ['/chain', 'replace', 'new'],
      ] as const) {
        await put(store, path, 'new', begin)
        expect(readFileSync(home('real', 'file'), 'utf8'), path).to.equal(whole)
        expect(await text(store, path)).to.equal(whole)
      }
      expect(lstatSync(home('real', 'file')).mode & 0o777).to.equal(0o640)
      expect(readlinkSync(home('link'))).to.equal('real/file')
      expect(readdirSync(home()).sort()).to.deep.equal(['chain', 'link', 'real', 'way'])
      expect(readdirSync(home('real'))).to.deep.equal(['file'])
      for (const path of synced) expect(path).to.match(/\/home\/real(?:\/\.havre-upload-[^/]*)?$/)
      expect((await store.usage()).octets).to.equal(3)
    })

    it('an upload onto a link counts what it replaces, and leaves it when it is aborted', async () => {
      symlinkSync('real/file', home('link'))
      await put(store, '/link', 'x'.repeat(100))
      await put(store, '/link', 'y'.repeat(100))
      await expectCode(put(store, '/link', 'z'.repeat(101)), 'over-quota')
      expect(await text(store, '/real/file')).to.equal('y'.repeat(100))
      expect(readdirSync(home('real'))).to.deep.equal(['file'])
    })

    it('an upload onto a link that leads to nothing, to a folder, out of the home or to what is hidden is refused', async () => {
      const hidden = `.havre-partial-${'0'.repeat(24)}`
      writeFileSync(home(hidden), 'hidden')
      for (const [target, code] of [
        ['nothing', 'missing'],
        ['real/nothing', 'missing'],
        ['nothing/file', 'missing'],
        ['real', 'is-folder'],
        ['.', 'is-folder'],
        ['../secret', 'denied'],
        ['../nothing', 'denied'],
        ['/dev/null', 'denied'],
        [hidden, 'missing'],
      ] as const) {
        const name = `to-${target.replaceAll('/', '-')}`
        symlinkSync(target, home(name))
        for (const begin of ['replace', 'append', { partial: 0 }] as const)
          await expectCode(store.upload(`/${name}`, begin), code, target)
        expect(readlinkSync(home(name))).to.equal(target)
      }
      expect(readFileSync(folder.at('secret'), 'utf8')).to.equal('secret')
      expect(readFileSync(home(hidden), 'utf8')).to.equal('hidden')
    })

    it('an upload onto a link that is swapped all the time changes nothing outside, and is always of a file of its own', async function () {
      this.timeout(120_000)
      writeFileSync(home('other'), 'old')
      symlinkSync('real/file', home('link'))
      await using other = await otherProcess({ root: home(), account: 'mallory' })
      await other.ask({ do: 'swap', link: home('link'), targets: ['real/file', '../secret', 'other', 'nothing'] })
      let stored = 0
      for (let n = 0; n < 200; n += 1) {
        const content = `new ${n}`
        const done = await put(store, '/link', content).then(
          () => true,
          () => false,
        )
        if (!done) continue
        stored += 1
        expect([home('real', 'file'), home('other')].map((path) => readFileSync(path, 'utf8'))).to.include(content)
      }
      expect(stored).to.be.greaterThan(10)
      expect(readFileSync(folder.at('secret'), 'utf8')).to.equal('secret')
      expect(lstatSync(home('link')).isSymbolicLink()).to.equal(true)
      expect(readdirSync(home('real'))).to.deep.equal(['file'])
    })

    it('a link itself is found and renamed, wherever it leads', async () => {
      for (const target of ['real/file', 'nothing', '../secret', '..']) {
        symlinkSync(target, home('link'))
        await store.find('/link')
        await store.rename('/link', '/real/moved')
        expect(readlinkSync(home('real', 'moved'))).to.equal(target)
        await store.remove('/real/moved')
      }
      await store.find('/')
      await store.find('/real')
      await store.find('/real/file')
      await expectCode(store.find('/nothing'), 'missing')
      await expectCode(store.find('/real/file/x'), 'not-folder')
      expect(readFileSync(folder.at('secret'), 'utf8')).to.equal('secret')
    })

    it('enters no folder that lets nobody in, and lists none that cannot be read', async () => {
      for (const [name, mode] of [
        ['closed', 0o600],
        ['blind', 0o711],
        ['open', 0o755],
      ] as const) {
        mkdirSync(home(name))
        chmodSync(home(name), mode)
      }
      if (process.getuid?.() !== 0) chmodSync(home('blind'), 0o300)
      await asNobody(folder.path, async () => {
        await store.enter('/open')
        await store.enter('/blind')
        await store.enter('/open', { toList: true })
        await expectCode(store.enter('/closed'), 'denied')
        await expectCode(store.enter('/blind', { toList: true }), 'denied')
        await expectCode(Array.fromAsync(store.list('/blind')), 'denied')
      })
      await expectCode(store.enter('/real/file'), 'not-folder')
      await expectCode(store.enter('/nothing'), 'missing')
      for (const name of ['closed', 'blind']) chmodSync(home(name), 0o755)
    })
  })
