import { expect } from 'chai'
import type { FileStore } from '../../shared/files/file-store.ts'
import { collect, expectCode, namesIn, put, type Tried, text } from './contract.ts'
import { breakOff, resume } from './partials-contract.ts'

/** What any `FileStore` must hold to where an account may not do everything. */
export const accessContract = (make: () => Promise<Tried>): void => {
  describe('an access', () => {
    let tried: Tried
    let store: FileStore
    beforeEach(async () => {
      tried = await make()
      store = tried.as({ account: 'alice' })
      await put(store, '/a', 'old')
      await store.makeFolder('/folder')
      await put(store, '/folder/b', 'b')
      await breakOff(store, '/p', '0123')
    })
    afterEach(() => tried.close())

    const unchanged = async () => {
      expect((await namesIn(store, '/')).sort()).to.deep.equal(['a', 'folder'])
      expect(await text(store, '/a')).to.equal('old')
      expect(await namesIn(store, '/folder')).to.deep.equal(['b'])
      expect((await store.partial('/p'))?.octets).to.equal(4)
    }

    it('read-only: all can be seen and read', async () => {
      const reader = tried.as({ account: 'alice', access: 'read-only' })
      expect(await text(reader, '/a')).to.equal('old')
      expect(await reader.stat('/a')).to.deep.equal(await store.stat('/a'))
      expect((await namesIn(reader, '/')).sort()).to.deep.equal(['a', 'folder'])
      expect((await reader.usage()).octets).to.equal(8)
      expect(await reader.partial('/p')).to.equal(null)
      expect(await reader.space()).to.equal(0)
    })

    it('read-only: nothing can be changed', async () => {
      const reader = tried.as({ account: 'alice', access: 'read-only' })
      for (const refused of [
        () => reader.upload('/a', 'replace'),
        () => reader.upload('/new', 'replace'),
        () => reader.upload('/a', 'append'),
        () => reader.upload('/a', 1),
        () => reader.upload('/p', { partial: 2 }),
        () => reader.remove('/a'),
        () => reader.remove('/p'),
        () => reader.makeFolder('/new'),
        () => reader.removeFolder('/folder'),
        () => reader.rename('/a', '/b'),
        () => reader.setModified('/a', 0),
        () => reader.setMode('/a', 0o600),
      ])
        await expectCode(refused(), 'read-only')
      await unchanged()
    })

    it('drop-box: new files and folders can be added, in folders too', async () => {
      const box = tried.as({ account: 'alice', access: 'drop-box' })
      await put(box, '/new', 'new')
      await put(box, '/new 2', 'new', 'append')
      await box.makeFolder('/more')
      await put(box, '/more/new', 'new', 0)
      expect((await box.stat('/more')).kind).to.equal('folder')
      expect(await text(store, '/new')).to.equal('new')
      expect(await text(store, '/new 2')).to.equal('new')
      expect(await text(store, '/more/new')).to.equal('new')
    })

    it('drop-box: nothing can be seen, read, changed, replaced or removed', async () => {
      const box = tried.as({ account: 'alice', access: 'drop-box' })
      expect(await collect(box, '/')).to.deep.equal([])
      expect(await collect(box, '/folder')).to.deep.equal([])
      await expectCode(collect(box, '/a'), 'missing')
      await expectCode(collect(box, '/nothing'), 'missing')
      await expectCode(box.stat('/a'), 'missing')
      await expectCode(box.stat('/nothing'), 'missing')
      await expectCode(box.open('/a'), 'denied')
      await expectCode(box.open('/nothing'), 'denied')
      for (const begin of ['replace', 'append', 0, { partial: 0 }] as const) await expectCode(box.upload('/a', begin), 'exists')
      await expectCode(box.upload('/a', 2), 'missing')
      await expectCode(box.upload('/nothing', 2), 'missing')
      await expectCode(box.upload('/folder', 'replace'), 'is-folder')
      await expectCode(box.makeFolder('/folder'), 'exists')
      for (const refused of [
        () => box.remove('/a'),
        () => box.remove('/p'),
        () => box.remove('/nothing'),
        () => box.removeFolder('/folder'),
        () => box.rename('/a', '/b'),
        () => box.rename('/folder', '/b'),
        () => box.setModified('/a', 0),
        () => box.setMode('/a', 0o600),
      ])
        await expectCode(refused(), 'denied')
      await unchanged()
    })

    it('drop-box: a broken upload is continued by its account', async () => {
      const box = tried.as({ account: 'alice', access: 'drop-box' })
      expect((await box.partial('/p'))?.octets).to.equal(4)
      await breakOff(box, '/new', '01')
      expect((await box.partial('/new'))?.octets).to.equal(2)
      await resume(box, '/new', 2, '2')
      expect(await text(store, '/new')).to.equal('012')
      expect(await tried.as({ account: 'bob', access: 'drop-box' }).partial('/p')).to.equal(null)
    })

    it('drop-box: of two who upload one new name at once the first to be whole has it', async () => {
      const box = tried.as({ account: 'alice', access: 'drop-box' })
      const [first, second] = [await box.upload('/new', 'replace'), await box.upload('/new', 'replace')]
      await first.write(Buffer.from('first'))
      await second.write(Buffer.from('second'))
      await second.commit()
      await expectCode(first.commit(), 'exists')
      expect(await text(store, '/new')).to.equal('second')
      expect((await namesIn(store, '/')).sort()).to.deep.equal(['a', 'folder', 'new'])
    })

    it('full, told not to replace, replaces nothing, by the commit neither', async () => {
      await expectCode(store.upload('/a', 'replace', { onlyNew: true }), 'exists')
      const upload = await store.upload('/new', 'replace', { onlyNew: true })
      await upload.write(Buffer.from('x'))
      await put(store, '/new', 'sooner')
      await expectCode(upload.commit(), 'exists')
      expect(await text(store, '/new')).to.equal('sooner')
    })
  })
}
