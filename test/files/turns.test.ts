import { readdir, readFile, writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { FileTurns } from '../../servers/supervisor/file-turns.ts'
import { openFileStore } from '../../shared/files/disk-file-store.ts'
import { FileError, type FileStore } from '../../shared/files/file-store.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'

describe('a root whose files others look at before they change them', () => {
  let folder: TemporaryFolder
  let turns: FileTurns
  let store: FileStore
  const waiting: string[] = []
  beforeEach(async () => {
    folder = await temporaryFolder()
    await writeFile(folder.at('a'), 'old')
    turns = new FileTurns()
    waiting.length = 0
    let token = 0
    store = openFileStore({
      root: folder.path,
      sync: null,
      turn: async (path) => {
        const own = ++token
        waiting.push(path)
        await turns.take(store, own, path)
        return { [Symbol.dispose]: () => turns.over(store, own) }
      },
    })
  })
  afterEach(() => folder.remove())

  const somebody = { name: 'somebody else' }
  /** Does it while somebody else has the turn: it has to wait for that. */
  const behind = async (path: string, change: () => Promise<unknown>, asked: number) => {
    await turns.take(somebody, 1, path)
    let done = false
    const changed = change().then(() => {
      done = true
    })
    while (waiting.length < asked) await new Promise((resolve) => setTimeout(resolve, 1))
    const before = await Promise.all(
      (await readdir(folder.path)).map(async (name) => [name, await readFile(folder.at(name), 'utf8')]),
    )
    expect(done).to.equal(false)
    turns.over(somebody, 1)
    await changed
    expect(turns.size).to.equal(0)
    return Object.fromEntries(before.filter(([name = '']) => !name.startsWith('.'))) as Record<string, string>
  }

  it('gives an upload its name when it has the turn', async () => {
    const upload = await store.upload('/./a', 'replace')
    await upload.write(Buffer.from('new'))
    expect(await behind('/a', () => upload.commit(), 1)).to.deep.equal({ a: 'old' })
    expect(await readFile(folder.at('a'), 'utf8')).to.equal('new')
  })

  it('removes when it has the turn', async () => {
    expect(await behind('/a', () => store.remove('/a'), 1)).to.deep.equal({ a: 'old' })
    expect(await readdir(folder.path)).to.deep.equal([])
  })

  it('renames when it has the turns of both names, which it takes in one order', async () => {
    expect(await behind('/b', () => store.rename('/a', '/b'), 2)).to.deep.equal({ a: 'old' })
    expect(await behind('/a', () => store.rename('/b', '/a'), 3)).to.deep.equal({ b: 'old' })
    expect(waiting).to.deep.equal(['/a', '/b', '/a', '/b'])
    await store.rename('/a', '/a')
  })

  it('changes nothing where nobody can be asked, and leaves nothing behind', async () => {
    const alone = openFileStore({ root: folder.path, sync: null, turn: () => Promise.reject(new RangeError('nobody there')) })
    const upload = await alone.upload('/a', 'replace')
    await upload.write(Buffer.from('new'))
    for (const change of [upload.commit(), alone.remove('/a'), alone.rename('/a', '/b')]) {
      const error = await change.catch((failure: unknown) => failure)
      expect(error).to.be.instanceOf(FileError).with.property('code', 'busy')
    }
    await upload.abort()
    expect(await readdir(folder.path)).to.deep.equal(['a'])
    expect(await readFile(folder.at('a'), 'utf8')).to.equal('old')
  })

  it('has given back the turn of an upload, and was not given it, while the disk is waited for', async () => {
    const seen: string[] = []
    const waits = openFileStore({
      root: folder.path,
      sync: async (path) => void seen.push(`syncs ${path === folder.path ? 'the name' : 'the content'}`),
      turn: async () => {
        seen.push('has the turn')
        return { [Symbol.dispose]: () => seen.push('gives it back') }
      },
    })
    const upload = await waits.upload('/a', 'replace')
    await upload.commit(async () => {
      seen.push('is asked')
      return { [Symbol.dispose]: () => seen.push('is let go') }
    })
    const turn = ['has the turn', 'is asked', 'is let go', 'gives it back']
    expect(seen).to.deep.equal(['syncs the content', ...turn, 'syncs the name'])
  })

  it('keeps what came of an upload that was not given the turn, where that is wanted', async () => {
    let there = false
    const synced: string[] = []
    const mine = openFileStore({
      root: folder.path,
      account: 'alice',
      sync: async (path) => void synced.push(path),
      turn: async () => {
        if (!there) throw new RangeError('nobody there')
        return { [Symbol.dispose]: () => undefined }
      },
    })
    const upload = await mine.upload('/b', 'replace')
    await upload.write(Buffer.from('all of it'))
    const error = await upload.commit().catch((failure: unknown) => failure)
    expect(error).to.be.instanceOf(FileError).with.property('code', 'busy')
    await upload.abort({ keep: true })
    expect(await mine.partial('/b')).to.include({ octets: 9 })
    expect(synced, 'the content is durable once').to.have.length(1)
    there = true
    await (await mine.upload('/b', { partial: 9 })).commit()
    expect(await readFile(folder.at('b'), 'utf8')).to.equal('all of it')
  })
})
