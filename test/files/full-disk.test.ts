import { execFile, execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { openFileStore } from '../../shared/files/disk-file-store.ts'
import { asFileError } from '../../shared/files/file-failure.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'
import { expectCode, put, text } from './contract.ts'
import { breakOff } from './partials-contract.ts'

const run = promisify(execFile)
const storeFile = join(import.meta.dirname, '..', '..', 'shared', 'files', 'disk-file-store.ts')

/** Uploads in a process whose files may not grow beyond 64 KiB, and tells what each step met. */
const limited = (root: string) => `
import { openFileStore } from ${JSON.stringify(storeFile)}
const store = openFileStore({ root: ${JSON.stringify(root)}, sync: null, account: 'alice', quota: 1e9, ledger: ${JSON.stringify(`${root}.ledger`)} })
const tell = (step, promise) => promise.then((value) => console.log(step, value ?? 'done'), (error) => console.log(step, error.code))
const upload = await store.upload('/old', 'replace')
await tell('begin', upload.write(Buffer.alloc(60_000)))
await tell('beyond', upload.write(Buffer.alloc(60_000)))
await tell('came', Promise.resolve(upload.octets))
await upload.abort({ keep: true })
await tell('partial', store.partial('/old').then((partial) => partial.octets))
await tell('append', store.upload('/large', 'append'))
await tell('next', store.upload('/next', 'replace').then(async (next) => { await next.write(Buffer.alloc(10)); await next.commit() }))
`

describe('a disk that is full', () => {
  let folder: TemporaryFolder
  beforeEach(async () => {
    folder = await temporaryFolder()
  })
  afterEach(() => folder.remove())

  it('ends an upload in the middle of a write: full, the old file whole, what came to be continued', async function () {
    if (process.platform === 'win32') this.skip()
    this.timeout(120_000)
    mkdirSync(folder.at('home'))
    writeFileSync(folder.at('home', 'old'), 'old')
    writeFileSync(folder.at('home', 'large'), Buffer.alloc(200_000))
    writeFileSync(folder.at('script.mjs'), limited(folder.at('home')))
    const command = `trap '' XFSZ; ulimit -f 128; exec "$0" "$1"`
    const { stdout } = await run('sh', ['-c', command, process.execPath, folder.at('script.mjs')])
    expect(stdout.trim().split('\n')).to.deep.equal([
      'begin done',
      'beyond full',
      'came 65536',
      'partial 65536',
      'append full',
      'next done',
    ])
    expect(readFileSync(folder.at('home', 'old'), 'utf8')).to.equal('old')
    expect(statSync(folder.at('home', 'large')).size).to.equal(200_000)
    expect(readdirSync(folder.at('home')).filter((name) => name.startsWith('.havre-upload-'))).to.deep.equal([])
  })

  it('is told as full at every step, and everything stays as it was', async function () {
    const root = folder.at('small')
    mkdirSync(root)
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256k,nr_inodes=8', 'tmpfs', root], { stdio: 'ignore' })
    } catch {
      // Only root mounts, and not everywhere.
      this.skip()
    }
    try {
      const store = openFileStore({ root, sync: null, account: 'alice', quota: 1e9, ledger: join(root, '.ledger') })
      await put(store, '/old', 'o'.repeat(100_000))
      const [first, second] = [await store.upload('/old', 'replace'), await store.upload('/new', 'replace')]
      await first.write(Buffer.alloc(100_000))
      await expectCode(second.write(Buffer.alloc(100_000)), 'full')
      await second.abort()
      await first.abort()
      // Room is there again: nothing was left behind.
      await breakOff(store, '/old', 'x'.repeat(100_000))
      expect((await store.partial('/old'))?.octets).to.equal(100_000)
      await expectCode(put(store, '/more', 'x'.repeat(100_000)), 'full')
      await expectCode(store.upload('/old', 'append'), 'full')
      expect(await text(store, '/old')).to.equal('o'.repeat(100_000))
      expect((await store.usage()).octets).to.be.within(200_000, 200_500)
      // No inode is left: nothing can be begun, and what is removed makes room.
      for (let n = 0; n < 8; n += 1)
        await put(store, `/${n}`, '').catch((error: unknown) => expectCode(Promise.reject(error), 'full'))
      await expectCode(store.upload('/one more', 'replace'), 'full')
      await expectCode(store.makeFolder('/one more'), 'full')
      await store.remove('/0')
      await put(store, '/old', 'new')
      expect(await text(store, '/old')).to.equal('new')
      expect(readdirSync(root).filter((name) => name.startsWith('.havre-'))).to.deep.equal([])
    } finally {
      execFileSync('umount', [root])
    }
  })

  it("tells a quota of the system's like one of its own, and what is not allowed as such", () => {
    const told = (code: string) => asFileError(Object.assign(new Error('x'), { code })).code
    expect(['ENOSPC', 'EFBIG', 'EDQUOT', 'EROFS', 'EIO'].map(told)).to.deep.equal([
      'full',
      'full',
      'over-quota',
      'denied',
      'failed',
    ])
  })

  it('at the commit leaves the old file and nothing else', async () => {
    const root = folder.at('home')
    mkdirSync(root)
    writeFileSync(join(root, 'old'), 'old')
    const full = () => Promise.reject(Object.assign(new Error('x'), { code: 'ENOSPC' }))
    const store = openFileStore({ root, sync: full, account: 'alice' })
    await expectCode(put(store, '/old', 'new'), 'full')
    expect(readFileSync(join(root, 'old'), 'utf8')).to.equal('old')
    expect(readdirSync(root)).to.deep.equal(['old'])
  })
})
