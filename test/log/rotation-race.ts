/** Several processes write one log while it is put away again and again: what is in the files at the end. */
import { spawn } from 'node:child_process'
import { readdir, readFile, stat } from 'node:fs/promises'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { expect } from 'chai'
import { parseRotatedName } from '../../shared/log/rotated-file.ts'
import { Rotation, type RotationPlan } from '../../shared/log/rotation.ts'
import { eventually } from '../kit/eventually.ts'
import type { TemporaryFolder } from '../kit/folder.ts'

const writer = fileURLToPath(new URL('log-writer.ts', import.meta.url))

/** All lines of a log, put away or not, compressed or not; a file that is there both ways counts once. */
export const linesIn = async (folder: TemporaryFolder, log: string): Promise<string[]> => {
  const names = (await readdir(folder.path)).sort()
  const all = names.filter((name) => name === log || parseRotatedName(name)?.log === log)
  const once = all.filter((name) => !(name.endsWith('.gz') && all.includes(name.slice(0, -3))))
  const texts = await Promise.all(
    once.map(async (name) => {
      const octets = await readFile(folder.at(name))
      return (name.endsWith('.gz') ? gunzipSync(octets) : octets).toString()
    }),
  )
  return texts.flatMap((whole) => whole.split('\n').slice(0, -1))
}

/** Three processes write, and so many files are put away meanwhile; then each line must be there once. */
export const rotateUnderWriters = async (folder: TemporaryFolder, rotations: number): Promise<void> => {
  const plan: RotationPlan = {
    folder: folder.path,
    services: ['http'],
    ...{ sizeOctets: 1, daily: true, keep: 10_000, totalOctets: 1e12, compress: true },
  }
  let rotated = 0
  const troubles: unknown[] = []
  const events = {
    rotated: () => rotated++,
    removed: (file: string) => troubles.push(file),
    failing: (error: unknown) => troubles.push(error),
  }
  // Compressed at once: whether somebody still writes is asked of the system, as it is in earnest.
  const rotation = new Rotation(plan, events, 0)
  const writers = ['one', 'two', 'three'].map((name) => {
    const child = spawn(process.execPath, [writer, folder.path, name], { stdio: ['pipe', 'pipe', 'inherit'] })
    return { name, child, said: text(child.stdout) }
  })
  try {
    await eventually(async () => expect((await stat(folder.at('http.access.log'))).size).to.be.greaterThan(0))
    for (let look = 0; rotated < rotations; look++) {
      await rotation.look()
      // Has it compress what can be.
      if (look % 25 === 0) rotation.configure(plan)
      await sleep(2)
    }
    for (const { child } of writers) child.stdin.end()
    const counts = new Map<string, number>()
    for (const { name, said } of writers) counts.set(name, Number(await said))
    rotation.configure(plan)
    await rotation.look()
    expect(troubles).to.deep.equal([])
    const compressed = (await readdir(folder.path)).filter((name) => name.endsWith('.gz'))
    expect(compressed.length).to.be.greaterThan(rotations / 3)
    const access = (await linesIn(folder, 'http.access.log')).map((line) => line.split(' ').slice(0, 2).join(' '))
    const records = (await linesIn(folder, 'http.log')).map((line) => JSON.parse(line)).map(({ writer: name, n }) => `${name} ${n}`)
    const wanted = [...counts].flatMap(([name, count]) => Array.from({ length: count }, (_, n) => `${name} ${n}`))
    for (const lines of [access, records]) {
      const seen = new Set(lines)
      expect(wanted.filter((line) => !seen.has(line))).to.deep.equal([])
      expect(lines.length, 'none twice').to.equal(wanted.length)
    }
  } finally {
    for (const { child } of writers) child.kill('SIGKILL')
    await rotation.close()
  }
}
