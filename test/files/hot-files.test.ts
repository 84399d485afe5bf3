import { mkdirSync, renameSync, statSync, symlinkSync, unlinkSync, utimesSync, writeFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { openFileStore } from '../../shared/files/disk-file-store.ts'
import { FileError, type FileStore, type OpenFile } from '../../shared/files/file-store.ts'
import { HotFiles } from '../../shared/files/hot-files.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'
import { undisturbed } from '../kit/undisturbed.ts'

/** Longer than a path goes unchecked. */
const uncheckedMs = 300

describe('hot files', () => {
  let folder: TemporaryFolder
  let hot: HotFiles
  let store: FileStore
  beforeEach(async () => {
    folder = await temporaryFolder()
    mkdirSync(folder.at('root'))
    hot = new HotFiles({ octets: 1_000, fileOctets: 400, files: 3 })
    store = openFileStore({ root: folder.at('root'), sync: null, hot })
  })
  afterEach(() => folder.remove())

  /** A file that nobody has touched for an hour. Its change time cannot be set: that one is waited for where it matters. */
  const put = (name: string, content: string) => {
    writeFileSync(folder.at('root', name), content)
    utimesSync(folder.at('root', name), new Date(), new Date(Date.now() - 3_600_000))
  }
  const still = () => sleep(2_050)
  const text = async (path: string): Promise<{ text: string; kept: boolean; file: OpenFile }> => {
    const file = await store.open(path)
    try {
      if (file.content !== undefined) return { text: file.content.toString(), kept: true, file }
      const buffer = Buffer.alloc(file.stat.octets)
      await file.handle.read(buffer, 0, buffer.length, 0)
      return { text: buffer.toString(), kept: false, file }
    } finally {
      await file.close()
    }
  }
  const heat = async (path: string) => {
    await text(path)
    expect((await text(path)).kept, `${path} is kept from its second request on`).to.equal(true)
  }
  const seenAt = (path: string) =>
    text(path).then(
      ({ text }) => text,
      (error) => (error instanceof FileError ? error.code : error),
    )

  it('are in memory from the second request on, the same object as long as they are the same', async () => {
    put('a', 'one')
    await still()
    expect((await text('/a')).kept).to.equal(false)
    const second = await text('/a')
    expect(second.kept).to.equal(true)
    expect((await text('/a')).file).to.equal(second.file)
    expect(second.text).to.equal('one')
  })

  it('are kept only when nobody has touched them for two seconds: times are too coarse to show each change', () =>
    undisturbed(1_000, async () => {
      writeFileSync(folder.at('root', 'a'), 'one')
      for (let n = 0; n < 3; n += 1) expect((await text('/a')).kept).to.equal(false)
    }))

  const changes: readonly (readonly [what: string, change: (path: string) => void, seen: string])[] = [
    ['written to', (path) => writeFileSync(path, 'two'), 'two'],
    ['written to, its time set back', (path) => rewritten(path), 'two'],
    ['replaced', (path) => replaced(path), 'two'],
    ['removed', (path) => unlinkSync(path), 'missing'],
    ['made a folder', (path) => folderAt(path), 'is-folder'],
    ['made a link that leads out', (path) => linkOut(path), 'denied'],
  ]
  const rewritten = (path: string) => {
    const { atime, mtime } = statSync(path)
    writeFileSync(path, 'two')
    utimesSync(path, atime, mtime)
  }
  const replaced = (path: string) => {
    writeFileSync(`${path}.new`, 'two')
    renameSync(`${path}.new`, path)
  }
  const folderAt = (path: string) => {
    unlinkSync(path)
    mkdirSync(path)
  }
  const linkOut = (path: string) => {
    writeFileSync(folder.at('secret'), 'secret')
    unlinkSync(path)
    symlinkSync(folder.at('secret'), path)
  }
  it('are no longer given out at the first request after they were changed, however that was done', async () => {
    for (const [index] of changes.entries()) put(`f${index}`, 'one')
    await still()
    for (const [index, [what, change, seen]] of changes.entries()) {
      await heat(`/f${index}`)
      change(folder.at('root', `f${index}`))
      expect(await seenAt(`/f${index}`), what).to.equal(seen)
    }
  })

  it('are not given out any more when a folder above them has become a link that leads out to the very same file', async () => {
    mkdirSync(folder.at('root', 'in'))
    put('in/a', 'one')
    await still()
    await heat('/in/a')
    renameSync(folder.at('root', 'in'), folder.at('out'))
    symlinkSync(folder.at('out'), folder.at('root', 'in'))
    await sleep(uncheckedMs)
    expect(await seenAt('/in/a')).to.equal('denied')
  })

  it('are not given out through another root that they do not lie in', async () => {
    mkdirSync(folder.at('root', 'inner'))
    put('a', 'one')
    symlinkSync(folder.at('root', 'a'), folder.at('root', 'inner', 'link'))
    await still()
    await heat('/inner/link')
    const inner = openFileStore({ root: folder.at('root', 'inner'), sync: null, hot })
    for (let n = 0; n < 3; n += 1) {
      const code = await inner.open('/link').catch((error) => error.code)
      expect(code).to.equal('denied')
    }
  })

  it('are forgotten, those longest unused first, where there are too many of them or they are too large', async () => {
    for (const name of ['a', 'b', 'c', 'd']) put(name, name.repeat(300))
    put('large', 'x'.repeat(401))
    await still()
    for (const name of ['a', 'b', 'c']) await heat(`/${name}`)
    expect(hot.octets).to.equal(900)
    await heat('/a')
    await heat('/d')
    expect(hot.octets).to.equal(900)
    expect([(await text('/a')).kept, (await text('/d')).kept, (await text('/b')).kept]).to.deep.equal([true, true, false])
    for (let n = 0; n < 3; n += 1) expect((await text('/large')).kept).to.equal(false)
    for (const name of ['e', 'f', 'g', 'h']) put(name, '')
    await still()
    for (const name of ['e', 'f', 'g', 'h']) await heat(`/${name}`)
    expect(hot.octets).to.equal(0)
    expect((await text('/e')).kept).to.equal(false)
  })
})
