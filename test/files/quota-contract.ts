import { expect } from 'chai'
import type { FileStore } from '../../shared/files/file-store.ts'
import { expectCode, namesIn, put, type Tried, text } from './contract.ts'
import { breakOff, resume } from './partials-contract.ts'

const mebi = 1024 * 1024

/** What any `FileStore` must hold to with a quota. */
export const quotaContract = (make: () => Promise<Tried>): void => {
  describe('a quota', () => {
    let tried: Tried
    let store: FileStore
    beforeEach(async () => {
      tried = await make()
      store = tried.as({ account: 'alice', quota: 100 })
    })
    afterEach(() => tried.close())

    const used = async () => (await store.usage()).octets

    it('is of the octets of all files, partials and what is on its way in included', async () => {
      expect(await used()).to.equal(0)
      await put(store, '/a', 'x'.repeat(10))
      await store.makeFolder('/folder')
      await put(store, '/folder/b', 'x'.repeat(20))
      expect(await used()).to.equal(30)
      await breakOff(store, '/c', 'x'.repeat(5))
      expect(await used()).to.equal(35)
      const upload = await store.upload('/d', 'replace')
      await upload.write(Buffer.alloc(40))
      expect(await used()).to.be.within(75, 100)
      await upload.abort()
      expect(await used()).to.equal(35)
    })

    it('takes a file that just fits, and none that is one octet more', async () => {
      await put(store, '/a', 'x'.repeat(100))
      expect(await used()).to.equal(100)
      await expectCode(put(store, '/b', 'x'), 'over-quota')
      await put(store, '/empty', '')
      await store.makeFolder('/folder')
      expect((await namesIn(store, '/')).sort()).to.deep.equal(['a', 'empty', 'folder'])
    })

    it('leaves the old file, and what came may be kept or not', async () => {
      await put(store, '/a', 'old')
      const upload = await store.upload('/a', 'replace')
      await upload.write(Buffer.alloc(60, 'n'))
      await expectCode(upload.write(Buffer.alloc(41, 'n')), 'over-quota')
      expect(upload.octets).to.equal(60)
      expect(await text(store, '/a')).to.equal('old')
      await upload.abort({ keep: true })
      expect((await store.partial('/a'))?.octets).to.equal(60)
      expect(await used()).to.equal(63)
    })

    it('is free again by removing, replacing and renaming', async () => {
      await put(store, '/a', 'x'.repeat(60))
      await put(store, '/b', 'x'.repeat(40))
      await store.remove('/b')
      await put(store, '/c', 'x'.repeat(40))
      await put(store, '/a', 'x'.repeat(10))
      expect(await used()).to.equal(50)
      await put(store, '/d', 'x'.repeat(50))
      await store.rename('/d', '/c')
      expect(await used()).to.equal(60)
      await store.rename('/c', '/c')
      expect(await used()).to.equal(60)
      await put(store, '/e', 'x'.repeat(40))
      await breakOff(tried.as({ account: 'alice', quota: 200 }), '/f', 'x'.repeat(50))
      await store.remove('/f')
      await store.remove('/e')
      expect(await used()).to.equal(60)
    })

    it('does not count the file that an upload replaces against it', async () => {
      await put(store, '/a', 'x'.repeat(90))
      await put(store, '/a', 'y'.repeat(100))
      expect(await used()).to.equal(100)
      await put(store, '/a', 'z'.repeat(90), 0)
      await put(store, '/a', 'z'.repeat(10), 'append')
      expect(await used()).to.equal(100)
      await put(store, '/a', 'w'.repeat(50), 50)
      await expectCode(put(store, '/a', 'z', 'append'), 'over-quota')
      expect(await text(store, '/a')).to.equal('z'.repeat(50) + 'w'.repeat(50))
    })

    it('counts the old file after all where it is put out of the way meanwhile', async () => {
      await put(store, '/a', 'x'.repeat(90))
      const upload = await store.upload('/a', 'replace')
      await upload.write(Buffer.alloc(90))
      await store.rename('/a', '/b')
      await expectCode(upload.commit(), 'over-quota')
      expect(await namesIn(store, '/')).to.deep.equal(['b'])
      expect(await used()).to.equal(90)
    })

    it('keeps no partial that does not fit beside the old file', async () => {
      await put(store, '/a', 'x'.repeat(90))
      await breakOff(store, '/a', 'y'.repeat(50))
      expect(await store.partial('/a')).to.equal(null)
      expect(await used()).to.equal(90)
    })

    it('counts a partial once, whoever continues it, at whatever octet', async () => {
      await breakOff(store, '/a', 'x'.repeat(80))
      await expectCode(put(store, '/b', 'x'.repeat(21)), 'over-quota')
      await breakOff(store, '/a', 'x'.repeat(20), { partial: 80 })
      expect(await used()).to.equal(100)
      await breakOff(store, '/a', 'x', { partial: 30 })
      expect(await used()).to.equal(31)
      await resume(store, '/a', 31, 'x'.repeat(69))
      expect(await used()).to.equal(100)
      await expectCode(put(store, '/b', 'x'), 'over-quota')
    })

    it('holds for many uploads at once: no more is taken than fits, and what fits is', async () => {
      const limited = tried.as({ account: 'alice', quota: 10 * mebi })
      const all = await Promise.allSettled(
        Array.from({ length: 20 }, async (_, n) => {
          const upload = await limited.upload(`/${n}`, 'replace')
          try {
            for (let sent = 0; sent < mebi; sent += 65_536) await upload.write(Buffer.alloc(65_536))
            await upload.commit()
          } finally {
            await upload.abort()
          }
        }),
      )
      const stored = all.filter((each) => each.status === 'fulfilled').length
      expect((await limited.usage()).octets).to.equal(stored * mebi)
      expect(stored).to.be.at.most(10)
      for (const each of all) if (each.status === 'rejected') await expectCode(Promise.reject(each.reason), 'over-quota')
      for (let n = stored; n < 10; n += 1) await put(limited, `/more ${n}`, 'x'.repeat(mebi))
      await expectCode(put(limited, '/over', 'x'), 'over-quota')
    })

    it('is one for all who have the home open: each knows what the others did, and refuses nothing that fits', async () => {
      const other = tried.as({ account: 'alice', quota: 100 })
      await put(store, '/a', 'x'.repeat(50))
      await put(other, '/b', 'x'.repeat(50))
      await expectCode(put(store, '/c', 'x'), 'over-quota')
      await other.remove('/a')
      await put(store, '/c', 'x'.repeat(50))
      await expectCode(put(other, '/d', 'x'), 'over-quota')
      expect((await other.usage()).octets).to.equal(100)
      expect(await used()).to.equal(100)
    })

    it('tells how much room there is', async () => {
      await put(store, '/a', 'x'.repeat(30))
      expect(await store.space()).to.equal(70)
      await put(tried.as({ account: 'alice', quota: 1000 }), '/b', 'x'.repeat(300))
      expect(await store.space()).to.equal(0)
      const free = await tried.as({ account: 'alice' }).space()
      expect(free === null || free > 100).to.equal(true)
    })

    it('that is there only for an upload to begin refuses at once what it begins with', async () => {
      await put(tried.store, '/a', 'x'.repeat(150))
      await expectCode(put(store, '/a', 'x', 'append'), 'over-quota')
      await put(store, '/a', 'x'.repeat(50), 50)
      expect(await used()).to.equal(100)
    })
  })
}
