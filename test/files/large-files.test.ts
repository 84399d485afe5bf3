import { openSync, statSync, truncateSync, writeSync } from 'node:fs'
import { expect } from 'chai'
import { type DiskFileStore, openFileStore } from '../../shared/files/disk-file-store.ts'
import { whoseUpload } from '../../shared/files/hidden-name.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'
import { expectCode } from './contract.ts'

const gibi = 2 ** 30
const marks = [0, 2 ** 31 - 3, 2 ** 31, 2 ** 32 - 3, 2 ** 32, 5 * gibi + 1, 10 * gibi - 8]

describe('files of 10 GiB, mostly holes', () => {
  let folder: TemporaryFolder
  let store: DiskFileStore
  beforeEach(async () => {
    folder = await temporaryFolder()
    store = openFileStore({ root: folder.path, sync: null, account: 'alice' })
  })
  afterEach(() => folder.remove())

  const made = (name: string): void => {
    const descriptor = openSync(folder.at(name), 'w')
    for (const at of marks) writeSync(descriptor, `<${String(at).padStart(6, '0').slice(-6)}>`, at)
    truncateSync(folder.at(name), 10 * gibi)
  }
  const at = async (path: string, position: number, length: number): Promise<string> => {
    const file = await store.open(path)
    try {
      const octets = Buffer.alloc(length)
      await file.handle.read(octets, 0, length, position)
      return octets.toString('latin1')
    } finally {
      await file.close()
    }
  }

  it('are read exactly at every place, and their length is told', async () => {
    made('large')
    expect((await store.stat('/large')).octets).to.equal(10 * gibi)
    expect((await store.usage()).octets).to.equal(10 * gibi)
    for (const mark of marks.filter((place) => !marks.includes(place + 3))) {
      expect(await at('/large', mark, 8), String(mark)).to.equal(`<${String(mark).padStart(6, '0').slice(-6)}>`)
    }
  })

  it('are continued where they broke off, behind 4 GiB and 8 GiB, octet for octet', async () => {
    const name = `.havre-partial-${whoseUpload('alice', 'large')}`
    made(name)
    expect((await store.partial('/large'))?.octets).to.equal(10 * gibi)
    await expectCode(store.upload('/large', { partial: 10 * gibi + 1 }), 'missing')
    const upload = await store.upload('/large', { partial: 9 * gibi + 7 })
    expect(upload.octets).to.equal(9 * gibi + 7)
    await upload.write(Buffer.from('continued'))
    await upload.abort({ keep: true })
    expect((await store.partial('/large'))?.octets).to.equal(9 * gibi + 16)
    const last = await store.upload('/large', { partial: 5 * gibi + 9 })
    await last.write(Buffer.from('the end'))
    await last.commit()
    expect(statSync(folder.at('large')).size).to.equal(5 * gibi + 16)
    expect(await at('/large', 5 * gibi + 1, 15)).to.equal('<709121>the end')
  })

  it('count in a quota by their length', async () => {
    made('large')
    const limited = openFileStore({ root: folder.path, sync: null, account: 'alice', quota: 10 * gibi + 4 })
    const upload = await limited.upload('/more', 'replace')
    await upload.write(Buffer.from('1234'))
    await expectCode(upload.write(Buffer.from('5')), 'over-quota')
    await upload.abort()
    expect(await limited.space()).to.equal(4)
  })
})
