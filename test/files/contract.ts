import { expect } from 'chai'
import {
  type Access,
  type FileEntry,
  FileError,
  type FileErrorCode,
  type FileStore,
  type OpenFile,
} from '../../shared/files/file-store.ts'
import { accessContract } from './access-contract.ts'
import { changesContract } from './changes-contract.ts'
import { partialsContract } from './partials-contract.ts'
import { quotaContract } from './quota-contract.ts'

/** A store to try, and how it is given up. */
export interface Tried {
  /** Of no account, with all rights. */
  readonly store: FileStore
  /** The same root, opened once more: as another process would. */
  as(who: { readonly account: string; readonly quota?: number; readonly access?: Access }): FileStore
  close(): Promise<void>
}

/** What any `FileStore` must hold to. `make` gives a store with an empty root for each test. */
export const fileStoreContract = (name: string, make: () => Promise<Tried>): void => {
  describe(`${name} keeps the FileStore contract`, () => {
    let tried: Tried
    let store: FileStore
    beforeEach(async () => {
      tried = await make()
      store = tried.store
    })
    afterEach(() => tried.close())

    describe('names', () => {
      it('resolves . and .. inside the root and never above it', async () => {
        await put(store, '/a.txt', 'a')
        await store.makeFolder('/folder')
        for (const path of [
          '/a.txt',
          'a.txt',
          '/../a.txt',
          '/../../../a.txt',
          '/folder/../a.txt',
          '//./a.txt',
          '/nothing/../a.txt',
        ]) {
          expect((await store.stat(path)).octets, path).to.equal(1)
        }
        for (const path of ['/', '', '/..', '/../..', '/.', '/folder/..'])
          expect((await store.stat(path)).kind, path).to.equal('folder')
      })

      it('keeps names exactly: blanks, quotes, dashes, backslashes, emoji, line breaks, two forms of ä', async () => {
        const names = [
          ' a',
          'a ',
          '"a"',
          "it's",
          '-rf',
          'a\\b',
          '%2e%2e',
          'NUL',
          '…',
          '🐦 bird',
          'a\nb',
          '\u00e4',
          'a\u0308',
          '*?[x]',
          '.dot',
          '~',
        ]
        for (const name of names) await put(store, `/${name}`, name)
        expect((await namesIn(store, '/')).sort()).to.deep.equal([...names].sort())
        for (const name of names) expect(await text(store, `/${name}`)).to.equal(name)
      })

      it('refuses a NUL, a name over 255 octets, a path that is too long and the names of uploads as bad names', async () => {
        const bad = [
          '/a\0b',
          `/${'x'.repeat(256)}`,
          `/${'ä'.repeat(128)}`,
          '/x'.repeat(4000),
          '/.havre-upload-000000000000000000000000',
          '/.HAVRE-UPLOAD-x/a',
          '/.havre-partial-000000000000000000000000',
          '/a/.Havre-Partial-',
        ]
        for (const path of bad) {
          for (const refused of [
            () => store.stat(path),
            () => store.open(path),
            () => collect(store, path),
            () => store.upload(path, 'replace'),
            () => store.remove(path),
            () => store.makeFolder(path),
            () => store.removeFolder(path),
            () => store.rename(path, '/b'),
            () => store.setModified(path, 0),
            () => store.setMode(path, 0o600),
            () => store.partial(path),
            () => store.upload(path, { partial: 0 }),
          ]) {
            await expectCode(refused(), 'bad-name', path.slice(0, 40))
          }
        }
        await put(store, '/a', 'a')
        for (const path of bad) await expectCode(store.rename('/a', path), 'bad-name', path.slice(0, 40))
        await put(store, `/${'x'.repeat(255)}`, 'long')
      })

      it('leaves the root itself alone', async () => {
        await expectCode(store.removeFolder('/'), 'denied')
        await expectCode(store.remove('/..'), 'denied')
        await expectCode(store.rename('/', '/a'), 'denied')
        await store.makeFolder('/a')
        await expectCode(store.rename('/a', '/'), 'denied')
        await expectCode(store.upload('/', 'replace'), 'denied')
      })
    })

    describe('reading', () => {
      it('tells kind, octets and time, and something that stands for the file', async () => {
        const before = Date.now()
        await put(store, '/a', 'abc')
        const stat = await store.stat('/a')
        expect(stat).to.include({ kind: 'file', octets: 3 })
        expect(stat.modifiedMs).to.be.within(before - 5000, Date.now() + 5000)
        await store.rename('/a', '/b')
        expect((await store.stat('/b')).unique).to.equal(stat.unique)
        await put(store, '/a', 'abc')
        expect((await store.stat('/a')).unique).to.not.equal(stat.unique)
      })

      it('gives a file that stays the same when it is replaced, renamed or removed meanwhile', async () => {
        await put(store, '/a', 'old')
        const file = await store.open('/a')
        await put(store, '/a', 'new and longer')
        await store.remove('/a')
        expect(await whole(file)).to.equal('old')
        expect(file.stat.octets).to.equal(3)
        await file.close()
      })

      it('says what is wrong: missing, a folder, not a folder', async () => {
        await put(store, '/a', 'a')
        await store.makeFolder('/folder')
        await expectCode(store.stat('/b'), 'missing')
        await expectCode(store.open('/b'), 'missing')
        await expectCode(store.open('/no/b'), 'missing')
        await expectCode(store.open('/folder'), 'is-folder')
        await expectCode(store.open('/'), 'is-folder')
        await expectCode(store.stat('/a/b'), 'not-folder')
        await expectCode(collect(store, '/a'), 'not-folder')
        await expectCode(collect(store, '/b'), 'missing')
      })

      it('lists files and folders, nothing twice, none hidden under which an upload is written', async () => {
        const names = Array.from({ length: 300 }, (_, n) => `file ${n}`)
        for (const name of names) await put(store, `/${name}`, name)
        await store.makeFolder('/folder')
        const upload = await store.upload('/late', 'replace')
        await upload.write(Buffer.from('x'))
        const entries = await collect(store, '/')
        expect(entries.map((entry) => entry.name).sort()).to.deep.equal([...names, 'folder'].sort())
        expect(entries.find((entry) => entry.name === 'folder')?.kind).to.equal('folder')
        expect(entries.find((entry) => entry.name === 'file 100')).to.include({ kind: 'file', octets: 8 })
        await upload.abort()
      })

      it('may be left in the middle of a list', async () => {
        for (let n = 0; n < 100; n += 1) await put(store, `/${n}`, '')
        for await (const [entry] of store.list('/')) {
          expect(entry?.kind).to.equal('file')
          break
        }
        expect(await collect(store, '/')).to.have.length(100)
      })
    })

    describe('uploading', () => {
      it('shows nothing of a new file before its commit, and all of it after', async () => {
        const upload = await store.upload('/a', 'replace')
        await upload.write(Buffer.from('one '))
        await expectCode(store.stat('/a'), 'missing')
        expect(await namesIn(store, '/')).to.deep.equal([])
        await upload.write(Buffer.from('two'))
        expect(await upload.commit()).to.include({ kind: 'file', octets: 7 })
        expect(await text(store, '/a')).to.equal('one two')
        expect(await namesIn(store, '/')).to.deep.equal(['a'])
      })

      it('leaves the old file until its commit, and for good after an abort', async () => {
        await put(store, '/a', 'old')
        const upload = await store.upload('/a', 'replace')
        await upload.write(Buffer.from('new'))
        expect(await text(store, '/a')).to.equal('old')
        await upload.abort()
        expect(await text(store, '/a')).to.equal('old')
        expect(await namesIn(store, '/')).to.deep.equal(['a'])
        await upload.abort()
      })

      it('leaves nothing of an aborted new file: its folder can be removed', async () => {
        await store.makeFolder('/folder')
        const upload = await store.upload('/folder/a', 'replace')
        await upload.write(Buffer.from('new'))
        await upload.abort()
        await store.removeFolder('/folder')
      })

      it('appends to the old file, or begins a new one', async () => {
        await put(store, '/a', 'old')
        await put(store, '/a', ', new', 'append')
        expect(await text(store, '/a')).to.equal('old, new')
        await put(store, '/b', 'new', 'append')
        expect(await text(store, '/b')).to.equal('new')
      })

      it('begins with so many octets of the old file, never with octets that nobody sent', async () => {
        await put(store, '/a', '0123456789')
        await put(store, '/a', 'x', 4)
        expect(await text(store, '/a')).to.equal('0123x')
        await put(store, '/a', 'y', 5)
        expect(await text(store, '/a')).to.equal('0123xy')
        await expectCode(store.upload('/a', 7), 'missing')
        await expectCode(store.upload('/b', 1), 'missing')
        await put(store, '/b', 'z', 0)
        expect(await text(store, '/b')).to.equal('z')
        await put(store, '/a', '', 0)
        expect(await text(store, '/a')).to.equal('')
        expect((await namesIn(store, '/')).sort()).to.deep.equal(['a', 'b'])
      })

      it('lets the last one committed win when two upload to one name', async () => {
        const first = await store.upload('/a', 'replace')
        const second = await store.upload('/a', 'replace')
        await first.write(Buffer.from('first'))
        await second.write(Buffer.from('second, and longer'))
        await second.commit()
        await first.commit()
        expect(await text(store, '/a')).to.equal('first')
        expect(await namesIn(store, '/')).to.deep.equal(['a'])
      })

      it('asks once more before it gives the name, and changes nothing when that is refused', async () => {
        await put(store, '/a', 'old')
        const upload = await store.upload('/a', 'replace')
        await upload.write(Buffer.from('new'))
        const refused = new Error('no longer wanted')
        const reason = await upload
          .commit(async () => {
            expect(await text(store, '/a')).to.equal('old')
            throw refused
          })
          .catch((error: unknown) => error)
        expect(reason).to.equal(refused)
        await upload.abort()
        expect(await text(store, '/a')).to.equal('old')
        expect(await namesIn(store, '/')).to.deep.equal(['a'])
        const wanted = await store.upload('/a', 'replace')
        await wanted.commit(() => Promise.resolve(null))
        expect(await text(store, '/a')).to.equal('')
      })

      it('refuses a folder as target, a missing folder around it, and a folder that appears meanwhile', async () => {
        await store.makeFolder('/folder')
        await expectCode(store.upload('/folder', 'replace'), 'is-folder')
        await expectCode(store.upload('/folder', 'append'), 'is-folder')
        await expectCode(store.upload('/no/a', 'replace'), 'missing')
        const upload = await store.upload('/a', 'replace')
        await store.makeFolder('/a')
        await expectCode(upload.commit(), 'is-folder')
        await upload.abort()
        expect((await namesIn(store, '/')).sort()).to.deep.equal(['a', 'folder'])
      })

      it('keeps every octet of large and odd writes', async () => {
        const chunks = [1, 0, 70_000, 3, 1_048_577].map((octets, n) => Buffer.alloc(octets, n + 1))
        const upload = await store.upload('/a', 'replace')
        for (const chunk of chunks) await upload.write(chunk)
        await upload.commit()
        const file = await store.open('/a')
        expect((await octetsOf(file)).equals(Buffer.concat(chunks))).to.equal(true)
        await file.close()
      })
    })

    changesContract(make)
    partialsContract(make)
    quotaContract(make)
    accessContract(make)
  })
}

/** Uploads a whole file. */
export const put = async (store: FileStore, path: string, content: string, begin: 'replace' | 'append' | number = 'replace') => {
  const upload = await store.upload(path, begin)
  try {
    await upload.write(Buffer.from(content))
    await upload.commit()
  } finally {
    await upload.abort()
  }
}

/** All octets of an open file. */
const octetsOf = async ({ handle, stat }: OpenFile): Promise<Buffer> => {
  const buffer = Buffer.alloc(stat.octets + 1)
  for (let read = 0; ; ) {
    const { bytesRead } = await handle.read(buffer, read, buffer.length - read, read)
    if (bytesRead === 0) return buffer.subarray(0, read)
    read += bytesRead
  }
}

const whole = async (file: OpenFile): Promise<string> => (await octetsOf(file)).toString('utf8')

/** Reads a whole file. */
export const text = async (store: FileStore, path: string): Promise<string> => {
  const file = await store.open(path)
  try {
    return await whole(file)
  } finally {
    await file.close()
  }
}

/** All entries of a folder. */
export const collect = async (store: FileStore, path: string): Promise<FileEntry[]> =>
  (await Array.fromAsync(store.list(path))).flat()

/** The names in a folder. */
export const namesIn = async (store: FileStore, path: string): Promise<string[]> =>
  (await collect(store, path)).map((entry) => entry.name)

/** The promise must reject with a `FileError` of this code. */
export const expectCode = async (refused: Promise<unknown>, code: FileErrorCode, hint = ''): Promise<void> => {
  const error = await refused.then(
    () => new Error('it was not refused'),
    (reason: unknown) => reason,
  )
  expect(error, `${hint} ${error}`).to.be.instanceOf(FileError)
  expect(error, hint).to.have.property('code', code)
}
