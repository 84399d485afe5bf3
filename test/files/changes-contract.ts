import { expect } from 'chai'
import type { FileStore } from '../../shared/files/file-store.ts'
import { collect, expectCode, namesIn, put, type Tried, text } from './contract.ts'

/** What any `FileStore` must hold to when files and folders are made, removed, renamed, dated and counted. */
export const changesContract = (make: () => Promise<Tried>): void => {
  describe('changing', () => {
    let tried: Tried
    let store: FileStore
    beforeEach(async () => {
      tried = await make()
      store = tried.store
    })
    afterEach(() => tried.close())

    it('makes and removes folders; only empty ones', async () => {
      await store.makeFolder('/a')
      await expectCode(store.makeFolder('/a'), 'exists')
      await expectCode(store.makeFolder('/b/c'), 'missing')
      await store.makeFolder('/a/b')
      await expectCode(store.removeFolder('/a'), 'not-empty')
      await store.removeFolder('/a/b')
      await store.removeFolder('/a')
      await expectCode(store.removeFolder('/a'), 'missing')
      await put(store, '/f', 'f')
      await expectCode(store.removeFolder('/f'), 'not-folder')
      await expectCode(store.makeFolder('/f'), 'exists')
    })

    it('removes files; only files', async () => {
      await put(store, '/a', 'a')
      await store.remove('/a')
      await expectCode(store.remove('/a'), 'missing')
      await store.makeFolder('/folder')
      await expectCode(store.remove('/folder'), 'is-folder')
    })

    it('renames files and folders, across folders, and replaces a file of the new name', async () => {
      await store.makeFolder('/one')
      await store.makeFolder('/two')
      await put(store, '/one/a', 'a')
      await put(store, '/two/b', 'b')
      await store.rename('/one/a', '/two/b')
      expect(await text(store, '/two/b')).to.equal('a')
      await expectCode(store.stat('/one/a'), 'missing')
      await store.rename('/two', '/one/three')
      expect(await text(store, '/one/three/b')).to.equal('a')
      await store.rename('/one/three/b', '/one/three/b')
      expect(await text(store, '/one/three/b')).to.equal('a')
    })

    it('renames nothing onto a folder, no folder onto a file, none into itself, and nothing that is missing', async () => {
      await store.makeFolder('/one')
      await store.makeFolder('/two')
      await put(store, '/a', 'a')
      await expectCode(store.rename('/a', '/one'), 'exists')
      await expectCode(store.rename('/one', '/two'), 'exists')
      await expectCode(store.rename('/one', '/a'), 'exists')
      await expectCode(store.rename('/one', '/one/two'), 'bad-name')
      await expectCode(store.rename('/b', '/c'), 'missing')
      await expectCode(store.rename('/a', '/no/a'), 'missing')
      expect((await namesIn(store, '/')).sort()).to.deep.equal(['a', 'one', 'two'])
    })

    it('sets the time of a file or folder to the millisecond, before 1970 and far ahead too', async () => {
      await put(store, '/a', 'a')
      await store.makeFolder('/folder')
      for (const ms of [951_782_400_000, 0, 1, -1, -1001, -86_400_000 * 10_000 - 7, 1_700_000_000_123, 4_102_444_800_999]) {
        await store.setModified('/a', ms)
        expect((await store.stat('/a')).modifiedMs).to.equal(ms)
        await store.setModified('/folder', ms)
        expect((await store.stat('/folder')).modifiedMs).to.equal(ms)
      }
      expect((await collect(store, '/')).map(({ modifiedMs }) => modifiedMs)).to.deep.equal([4_102_444_800_999, 4_102_444_800_999])
      await expectCode(store.setModified('/b', 0), 'missing')
      for (const ms of [Number.NaN, Number.POSITIVE_INFINITY, 9e15]) await expectCode(store.setModified('/a', ms), 'denied')
    })

    it('leaves the time of making as it was, where that is kept', async () => {
      const before = Date.now()
      await put(store, '/a', 'a')
      const { createdMs } = await store.stat('/a')
      if (createdMs !== null) expect(createdMs).to.be.within(before - 5000, Date.now() + 5000)
      await store.setModified('/a', 1000)
      expect((await store.stat('/a')).createdMs).to.equal(createdMs)
    })

    it('sets the permission bits of a file or folder, and no others', async () => {
      await put(store, '/a', 'a')
      await store.makeFolder('/folder')
      for (const mode of [0o600, 0o644, 0o777, 0o750]) {
        await store.setMode('/a', mode)
        await store.setMode('/folder', mode)
        expect((await store.stat('/a')).mode).to.equal(mode)
        expect((await store.stat('/folder')).mode & 0o777).to.equal(mode)
      }
      for (const mode of [0o1777, 0o4755, 0o2755, -1, 0o644 + 0.5, Number.NaN])
        await expectCode(store.setMode('/a', mode), 'denied')
      expect((await store.stat('/a')).mode).to.equal(0o750)
      await expectCode(store.setMode('/b', 0o600), 'missing')
      await put(store, '/a', 'replaced')
      expect((await store.stat('/a')).mode).to.equal(0o750)
    })

    it('tells the octets of all files, and room for more', async () => {
      expect(await store.usage()).to.deep.equal({ octets: 0 })
      await put(store, '/a', 'abc')
      await store.makeFolder('/folder')
      await put(store, '/folder/b', 'defg')
      expect(await store.usage()).to.deep.equal({ octets: 7 })
      const upload = await store.upload('/c', 'replace')
      await upload.write(Buffer.from('hi'))
      expect(await store.usage()).to.deep.equal({ octets: 9 })
      await upload.abort()
      expect(await store.usage()).to.deep.equal({ octets: 7 })
      const space = await store.space()
      expect(space === null || space > 0).to.equal(true)
    })
  })
}
