import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect } from 'chai'
import { descriptorFolder } from '../../shared/files/anchor.ts'
import { patienceMs } from '../kit/patience.ts'

const run = promisify(execFile)
const project = join(import.meta.dirname, '..', '..')

/** What runs inside the sandbox: each line it prints is a step that went as it should, or says how it did not. */
const script = (root: string, writes: boolean) => `
import { openFileStore } from ${JSON.stringify(join(project, 'shared', 'files', 'disk-file-store.ts'))}
const store = openFileStore({ root: ${JSON.stringify(root)}, account: 'alice', quota: ${writes ? 1000 : null}, ledger: ${JSON.stringify(join(root, '.ledger'))}, sync: ${writes ? 'async (path) => console.log("sync " + path.split("/").at(-1).slice(0, 14))' : 'null'} })
const tell = (step, promise) => promise.then((value) => console.log(step, 'ok', JSON.stringify(value)), (error) => console.log(step, error.code))
const read = async (path) => { const file = await store.open(path); const octets = Buffer.alloc(99); const { bytesRead } = await file.handle.read(octets, 0, 99, 0); await file.close(); return octets.toString('utf8', 0, bytesRead) }
const put = async (path, begin) => { const upload = await store.upload(path, begin); await upload.write(Buffer.from('new')); await upload.commit() }
await tell('read', read('/a'))
await tell('list', Array.fromAsync(store.list('/')).then((all) => all.flat().map((entry) => entry.name).sort()))
await tell('link', read('/out'))
await tell('put', put('/b', 'replace'))
await tell('append', put('/a', 'append'))
await tell('make', store.makeFolder('/folder'))
await tell('rename', store.rename('/b', '/folder/c'))
await tell('time', store.setModified('/a', 1000))
await tell('remove', store.remove('/folder/c'))
await tell('removeFolder', store.removeFolder('/folder'))
const broken = async () => { const upload = await store.upload('/p', 'replace'); await upload.write(Buffer.from('part')); await upload.abort({ keep: true }) }
await tell('keep', broken())
await tell('partial', store.partial('/p').then((partial) => partial?.octets ?? null))
await tell('continue', put('/p', { partial: 4 }))
await tell('mode', store.setMode('/a', 0o640))
await tell('space', store.space().then((octets) => octets > 0))
await tell('usage', store.usage())
await tell('sweep', store.sweep())
`

describe('the file store under the permission model', () => {
  let folder: string
  let root: string
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'havre-files-'))
    root = join(folder, 'home')
    mkdirSync(root)
    writeFileSync(join(folder, 'secret'), 'secret')
    writeFileSync(join(root, 'a'), 'old')
    symlinkSync('../secret', join(root, 'out'))
  })
  afterEach(() => rmSync(folder, { recursive: true }))

  const inSandbox = async (writes: boolean): Promise<string[]> => {
    const file = join(folder, 'script.mjs')
    writeFileSync(file, script(root, writes))
    const read = [project, root, descriptorFolder].map((path) => `--allow-fs-read=${path}`)
    const write = writes ? [root, descriptorFolder].map((path) => `--allow-fs-write=${path}`) : []
    const { stdout } = await run(process.execPath, ['--permission', ...read, ...write, file], { timeout: patienceMs })
    return stdout.trim().split('\n')
  }

  it('does all it should with the grants of a writer', async () => {
    expect(await inSandbox(true)).to.deep.equal([
      'read ok "old"',
      'list ok ["a"]',
      'link denied',
      ...['sync .havre-upload-', 'sync home', 'put ok undefined'],
      ...['sync .havre-upload-', 'sync home', 'append ok undefined'],
      ...['sync home', 'make ok undefined'],
      ...['sync folder', 'sync home', 'rename ok undefined'],
      'time ok undefined',
      ...['sync folder', 'remove ok undefined'],
      ...['sync home', 'removeFolder ok undefined'],
      ...['sync .havre-upload-', 'keep ok undefined', 'partial ok 4'],
      ...['sync .havre-upload-', 'sync home', 'continue ok undefined'],
      ...['mode ok undefined', 'space ok true', 'usage ok {"octets":13}', 'sweep ok 0'],
    ])
    expect(readFileSync(join(root, 'a'), 'utf8')).to.equal('oldnew')
  })

  it('reads, and writes nothing, with the grants of a reader', async () => {
    expect(await inSandbox(false)).to.deep.equal([
      'read ok "old"',
      'list ok ["a"]',
      'link denied',
      ...['put denied', 'append denied', 'make denied', 'rename missing', 'time denied', 'remove missing', 'removeFolder denied'],
      ...[
        'keep denied',
        'partial ok null',
        'continue missing',
        'mode denied',
        'space ok true',
        'usage ok {"octets":3}',
        'sweep ok 0',
      ],
    ])
  })
})
