import { expect } from 'chai'
import type { FileStore } from '../../shared/files/file-store.ts'
import { expectCode, namesIn, put, type Tried, text } from './contract.ts'

/** Sends something of a file and breaks off. */
export const breakOff = async (
  store: FileStore,
  path: string,
  content: string,
  begin: 'replace' | 'append' | { readonly partial: number } = 'replace',
): Promise<void> => {
  const upload = await store.upload(path, begin)
  await upload.write(Buffer.from(content))
  await upload.abort({ keep: true })
}

/** Continues a partial to its end. */
export const resume = async (store: FileStore, path: string, partial: number, rest: string): Promise<void> => {
  const upload = await store.upload(path, { partial })
  await upload.write(Buffer.from(rest))
  await upload.commit()
}

/** What any `FileStore` must hold to when uploads break off. */
export const partialsContract = (make: () => Promise<Tried>): void => {
  describe('broken uploads', () => {
    let tried: Tried
    let store: FileStore
    beforeEach(async () => {
      tried = await make()
      store = tried.as({ account: 'alice' })
    })
    afterEach(() => tried.close())

    it('tells how much has come', async () => {
      await put(store, '/a', '0123456789')
      const upload = await store.upload('/a', 4)
      expect(upload.octets).to.equal(4)
      await upload.write(Buffer.from('xyz'))
      expect(upload.octets).to.equal(7)
      await upload.abort()
    })

    it('are kept when that is asked for, and are no file: nothing lists, tells, opens or renames them', async () => {
      const before = Date.now()
      await breakOff(store, '/a', '0123')
      const partial = await store.partial('/a')
      expect(partial?.octets).to.equal(4)
      expect(partial?.modifiedMs).to.be.within(before - 5000, Date.now() + 5000)
      expect(await namesIn(store, '/')).to.deep.equal([])
      await expectCode(store.stat('/a'), 'missing')
      await expectCode(store.open('/a'), 'missing')
      await expectCode(store.rename('/a', '/b'), 'missing')
      await expectCode(store.setModified('/a', 0), 'missing')
      await expectCode(store.setMode('/a', 0o600), 'missing')
      await expectCode(store.upload('/a', 2), 'missing')
      expect((await store.partial('/a'))?.octets).to.equal(4)
    })

    it('are not kept unless that is asked for, nor where nothing came', async () => {
      const dropped = await store.upload('/a', 'replace')
      await dropped.write(Buffer.from('0123'))
      await dropped.abort()
      expect(await store.partial('/a')).to.equal(null)
      const empty = await store.upload('/a', 'replace')
      await empty.abort({ keep: true })
      expect(await store.partial('/a')).to.equal(null)
      await expectCode(store.upload('/a', { partial: 0 }), 'missing')
    })

    it('are continued at their end, and are a whole file then, and nothing else', async () => {
      await breakOff(store, '/a', '0123')
      const upload = await store.upload('/a', { partial: 4 })
      expect(upload.octets).to.equal(4)
      // Whoever continues it has it: there is nothing to be continued meanwhile.
      expect(await store.partial('/a')).to.equal(null)
      await upload.write(Buffer.from('456'))
      await upload.commit()
      expect(await text(store, '/a')).to.equal('0123456')
      expect(await store.partial('/a')).to.equal(null)
      expect(await namesIn(store, '/')).to.deep.equal(['a'])
    })

    it('are continued at any octet before their end, and lose what is behind it', async () => {
      await breakOff(store, '/a', '0123456789')
      await resume(store, '/a', 4, 'xy')
      expect(await text(store, '/a')).to.equal('0123xy')
      await breakOff(store, '/b', '0123456789')
      await resume(store, '/b', 0, 'new')
      expect(await text(store, '/b')).to.equal('new')
    })

    it('are not continued behind their end, and stay as they are then', async () => {
      await breakOff(store, '/a', '0123')
      await expectCode(store.upload('/a', { partial: 5 }), 'missing')
      expect((await store.partial('/a'))?.octets).to.equal(4)
      await resume(store, '/a', 4, '!')
      expect(await text(store, '/a')).to.equal('0123!')
    })

    it('break off again and again, and are whole in the end', async () => {
      await breakOff(store, '/a', '01')
      for (const [at, piece] of [
        [2, '23'],
        [4, '45'],
        [3, '3x'],
      ] as const)
        await breakOff(store, '/a', piece, { partial: at })
      expect((await store.partial('/a'))?.octets).to.equal(5)
      await resume(store, '/a', 5, '!')
      expect(await text(store, '/a')).to.equal('0123x!')
    })

    it('go when they are continued and given up', async () => {
      await breakOff(store, '/a', '0123')
      const upload = await store.upload('/a', { partial: 4 })
      await upload.abort()
      expect(await store.partial('/a')).to.equal(null)
    })

    it('stay beside another upload of that name until it is whole or breaks off itself', async () => {
      await breakOff(store, '/a', '0123')
      const other = await store.upload('/a', 'replace')
      await other.write(Buffer.from('other'))
      expect((await store.partial('/a'))?.octets).to.equal(4)
      await other.abort()
      expect((await store.partial('/a'))?.octets).to.equal(4)
      await breakOff(store, '/a', 'longer')
      expect((await store.partial('/a'))?.octets).to.equal(6)
      await breakOff(store, '/a', '!')
      expect((await store.partial('/a'))?.octets).to.equal(1)
    })

    it('leave the old file as it was, and go when one is stored or removed', async () => {
      await put(store, '/a', 'old')
      await breakOff(store, '/a', 'new an')
      expect(await text(store, '/a')).to.equal('old')
      await put(store, '/a', 'newer')
      expect(await store.partial('/a')).to.equal(null)
      await breakOff(store, '/a', 'again')
      await store.remove('/a')
      expect(await store.partial('/a')).to.equal(null)
      await expectCode(store.remove('/a'), 'missing')
    })

    it('are removed like a file where there is only the partial', async () => {
      await breakOff(store, '/a', '0123')
      await store.remove('/a')
      expect(await store.partial('/a')).to.equal(null)
      await expectCode(store.remove('/a'), 'missing')
    })

    it('of another account cannot be seen, continued or removed, and are of no account', async () => {
      const bob = tried.as({ account: 'bob' })
      await breakOff(store, '/a', '0123')
      for (const other of [bob, tried.store]) {
        expect(await other.partial('/a')).to.equal(null)
        await expectCode(other.upload('/a', { partial: 2 }), 'missing')
        await expectCode(other.remove('/a'), 'missing')
      }
      await breakOff(bob, '/a', 'bob')
      await put(bob, '/a', 'bob: whole')
      expect((await store.partial('/a'))?.octets).to.equal(4)
      await resume(store, '/a', 4, '!')
      expect(await text(store, '/a')).to.equal('0123!')
    })

    it('are continued by one only of many who want to at once', async () => {
      const other = tried.as({ account: 'alice' })
      for (let round = 0; round < 10; round += 1) {
        await breakOff(store, '/a', '0123')
        const all = await Promise.allSettled([store, other, store, other, store].map((each) => each.upload('/a', { partial: 4 })))
        const got = all.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
        for (const each of all) if (each.status === 'rejected') await expectCode(Promise.reject(each.reason), 'missing')
        expect(got).to.have.length(1)
        await got[0]?.write(Buffer.from(String(round)))
        await got[0]?.commit()
        expect(await text(store, '/a')).to.equal(`0123${round}`)
        await store.remove('/a')
      }
    })

    it('go with their folder, and do not keep it', async () => {
      await store.makeFolder('/one')
      await breakOff(store, '/one/a', '0123')
      await store.rename('/one', '/two')
      expect((await store.partial('/two/a'))?.octets).to.equal(4)
      await store.removeFolder('/two')
      await store.makeFolder('/two')
      expect(await store.partial('/two/a')).to.equal(null)
    })

    it('are of one name each', async () => {
      await breakOff(store, '/a', 'a')
      await breakOff(store, '/b', 'bb')
      await store.makeFolder('/c')
      await breakOff(store, '/c/a', 'ccc')
      const lengths = await Promise.all(['/a', '/b', '/c/a', '/c/b'].map((path) => store.partial(path)))
      expect(lengths.map((partial) => partial?.octets ?? null)).to.deep.equal([1, 2, 3, null])
      await expectCode(store.partial('/nowhere/a'), 'missing')
    })

    it('continue what was begun with the content of an old file', async () => {
      await put(store, '/a', 'old')
      await breakOff(store, '/a', ', ne', 'append')
      expect((await store.partial('/a'))?.octets).to.equal(7)
      await resume(store, '/a', 7, 'w')
      expect(await text(store, '/a')).to.equal('old, new')
    })
  })
}
