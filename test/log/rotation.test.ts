import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, mkdir, open, readdir, readFile, utimes, writeFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { gunzipSync, gzipSync } from 'node:zlib'
import { expect } from 'chai'
import { parseRotatedName, rotatedName } from '../../shared/log/rotated-file.ts'
import { Rotation, type RotationPlan, tooMuch } from '../../shared/log/rotation.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'
import { runNode } from '../kit/run.ts'
import { linesIn, rotateUnderWriters } from './rotation-race.ts'

const rotationModule = fileURLToPath(new URL('../../shared/log/rotation.ts', import.meta.url))

describe('rotation', () => {
  let folder: TemporaryFolder
  let told: string[]
  beforeEach(async () => {
    folder = await temporaryFolder()
    told = []
  })
  afterEach(() => folder.remove())

  const planOf = (changes: Partial<RotationPlan> = {}): RotationPlan => ({
    folder: folder.path,
    services: ['http', 'supervisor'],
    ...{ sizeOctets: 1_000, daily: true, keep: 1_000, totalOctets: 1e9, compress: true },
    ...changes,
  })
  const rotationOf = (changes: Partial<RotationPlan> = {}, waitMs = 0) =>
    new Rotation(
      planOf(changes),
      {
        rotated: (file) => told.push(`rotated ${parseRotatedName(file)?.log}`),
        removed: (file) => told.push(`removed ${file}`),
        failing: (error) => told.push(`failing ${error}`),
      },
      waitMs,
    )
  const names = async () => (await readdir(folder.path)).sort()
  const linesOf = (log: string) => linesIn(folder, log)

  it('puts a log away that has grown to its size, compresses it, and leaves the others', async () => {
    await writeFile(folder.at('http.log'), 'x\n'.repeat(500))
    await writeFile(folder.at('http.access.log'), 'y\n'.repeat(499))
    await writeFile(folder.at('stranger.log'), 'z\n'.repeat(5_000))
    await using rotation = disposable(rotationOf())
    await rotation.look()
    const [access, put, stranger, ...rest] = await names()
    expect([access, stranger, rest]).to.deep.equal(['http.access.log', 'stranger.log', []])
    expect(put).to.match(/^http\.log\.\d{8}T\d{6}\.\d{3}Z\.gz$/)
    expect(gunzipSync(await readFile(folder.at(put ?? ''))).toString()).to.equal('x\n'.repeat(500))
    expect(told).to.deep.equal(['rotated http.log'])
  })

  it('puts the logs of yesterday away, and no empty one', async () => {
    const yesterday = new Date(Date.now() - 86_400_000)
    for (const name of ['http.log', 'http.transfer.log', 'supervisor.log']) {
      await writeFile(folder.at(name), name === 'http.transfer.log' ? '' : 'x\n')
      if (name !== 'supervisor.log') await utimes(folder.at(name), yesterday, yesterday)
    }
    await using off = disposable(rotationOf({ daily: false }))
    await off.look()
    expect(told).to.deep.equal([])
    await using rotation = disposable(rotationOf())
    await rotation.look()
    expect(told).to.deep.equal(['rotated http.log'])
  })

  it('neither compresses nor removes a file that somebody has open for writing', async function () {
    if (process.platform !== 'linux') this.skip()
    const held = folder.at('http.log')
    await writeFile(held, 'x\n'.repeat(1_000))
    const handle = await open(held, 'a')
    try {
      await using rotation = disposable(rotationOf({ keep: 1 }))
      await rotation.look()
      await writeFile(held, 'x\n'.repeat(1_000))
      rotation.configure(planOf({ keep: 1 }))
      await rotation.look()
      const [first = '', second = ''] = await names()
      expect([first.endsWith('Z'), second.endsWith('Z.gz')]).to.deep.equal([true, true])
      await handle.write('late\n')
      await handle.close()
      rotation.configure(planOf({ keep: 2 }))
      await rotation.look()
      const kept = await names()
      expect(kept).to.deep.equal([`${first}.gz`, second])
      expect(gunzipSync(await readFile(folder.at(`${first}.gz`))).toString()).to.match(/x\nlate\n$/)
      rotation.configure(planOf({ keep: 1 }))
      await rotation.look()
      expect(await names()).to.deep.equal([second])
      expect(told.at(-1)).to.equal(`removed ${first}.gz`)
    } finally {
      await handle.close().catch(() => undefined)
    }
  })

  it('leaves a file as it is for a while after it was renamed: its writers have not noticed yet', async () => {
    await writeFile(folder.at('http.log'), 'x\n'.repeat(500))
    await using rotation = disposable(rotationOf({ keep: 1 }, 60_000))
    await rotation.look()
    expect((await names()).map((name) => parseRotatedName(name)?.compressed)).to.deep.equal([false])
  })

  it('removes the oldest beyond the number of each log and the octets of all', () => {
    const file = (log: string, day: number, octets: number) => {
      const atMs = Date.UTC(2026, 0, day)
      return { name: rotatedName(log, atMs), log, atMs, compressed: false, octets }
    }
    const files = [file('a.log', 1, 10), file('b.log', 2, 10), file('a.log', 3, 10), file('a.log', 4, 10), file('b.log', 5, 10)]
    const gone = (keep: number, totalOctets: number, live = 0) =>
      tooMuch(files, live, { keep, totalOctets }).map(({ atMs }) => new Date(atMs).getUTCDate())
    expect(gone(5, 50)).to.deep.equal([])
    expect(gone(2, 50)).to.deep.equal([1])
    expect(gone(1, 50)).to.deep.equal([1, 2, 3])
    expect(gone(5, 49)).to.deep.equal([1])
    expect(gone(5, 50, 1)).to.deep.equal([1])
    expect(gone(2, 39)).to.deep.equal([1, 2])
    expect(gone(5, 0)).to.deep.equal([1, 2, 3, 4, 5])
  })

  it('finishes what a crash left half done: the original holds', async () => {
    const name = rotatedName('http.log', Date.UTC(2026, 0, 1))
    await writeFile(folder.at(name), 'whole\n')
    await writeFile(folder.at(`${name}.gz`), gzipSync('whole\n'))
    await writeFile(folder.at(`${name}.gz.part`), 'half')
    const lost = rotatedName('http.log', Date.UTC(2026, 0, 2))
    await writeFile(folder.at(`${lost}.gz`), gzipSync('only compressed\n'))
    await writeFile(folder.at('other.gz.part'), 'not ours')
    await using rotation = disposable(rotationOf())
    await rotation.look()
    expect(await names()).to.deep.equal([`${name}.gz`, `${lost}.gz`, 'other.gz.part'])
    expect(await linesOf('http.log')).to.deep.equal(['whole', 'only compressed'])
  })

  it('does nothing where there is no folder, tells once what it cannot do, and does it when it can again', async () => {
    await using gone = disposable(rotationOf({ folder: folder.at('gone') }))
    await gone.look()
    expect(told).to.deep.equal([])
    await mkdir(folder.at('logs'))
    await writeFile(folder.at('logs', 'http.log'), 'x'.repeat(1_000))
    // A folder in the place of a name that is to be removed.
    const name = rotatedName('http.log', Date.UTC(2026, 0, 1))
    await mkdir(folder.at('logs', `${name}.gz.part`), { recursive: true })
    await using rotation = disposable(rotationOf({ folder: folder.at('logs') }))
    for (let time = 0; time < 3; time++) {
      rotation.configure(planOf({ folder: folder.at('logs') }))
      await rotation.look()
    }
    expect(told.map((line) => line.split(' ')[0])).to.deep.equal(['rotated', 'failing'])
  })

  it('loses and doubles no line while several processes write and files are put away again and again', async function () {
    this.timeout(120_000)
    await rotateUnderWriters(folder, 40)
  })

  it('killed with -9 in the middle of it loses and doubles nothing, and the next one cleans up', async function () {
    this.timeout(120_000)
    const lines = Array.from({ length: 40_000 }, (_, n) => `${n} ${'z'.repeat(n % 50)}`)
    const part = lines.length / 8
    const code = `
      import { Rotation } from ${JSON.stringify(rotationModule)}
      const rotation = new Rotation(${JSON.stringify(planOf({ sizeOctets: 1 }))}, { rotated: () => undefined, removed: () => undefined, failing: (error) => { throw error } }, 0)
      process.stdout.write('begins')
      await rotation.look()
      process.stdout.write('done')
    `
    let killed = 0
    for (let round = 0; round < 8; round++) {
      await appendFile(folder.at('http.log'), `${lines.slice(round * part, (round + 1) * part).join('\n')}\n`)
      const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'inherit'] })
      const closed = once(child, 'close')
      await once(child.stdout, 'data')
      const before = (await names()).length
      // Each time a little later in its work.
      const until = Date.now() + round * 4
      while (Date.now() < until || (round % 2 === 1 && child.exitCode === null && (await names()).length === before)) await sleep(1)
      if (child.kill('SIGKILL')) killed++
      await closed
    }
    expect(killed).to.be.greaterThan(0)
    expect(await linesOf('http.log')).to.have.length(lines.length)
    const ended = await runNode(['--input-type=module', '-e', code])
    expect(ended, ended.stderr).to.include({ code: 0 })
    const kept = await names()
    expect(kept.filter((name) => !name.endsWith('.gz'))).to.deep.equal([])
    const all = (await linesOf('http.log')).sort((one, other) => Number.parseInt(one, 10) - Number.parseInt(other, 10))
    expect(all).to.deep.equal(lines)
  })
})

const disposable = (rotation: Rotation): Rotation & AsyncDisposable =>
  Object.assign(rotation, { [Symbol.asyncDispose]: () => rotation.close() })
