import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { familyArgs } from '../kit/family.ts'
import { temporaryFolder } from '../kit/folder.ts'

const launcher = fileURLToPath(new URL('../../bin/havre.js', import.meta.url))

/** A Node on this machine that is too old for Havre, or null. */
const oldNode = (() => {
  const candidates = (process.env['PATH'] ?? '').split(delimiter).map((folder) => join(folder, 'node'))
  return (
    candidates.filter(existsSync).find((node) => /^v(1\d|2[0-5])\./.test(String(spawnSync(node, ['--version']).stdout))) ?? null
  )
})()

const small = ['http', 'ftp', 'smtp'].flatMap((name) => ['--set', `services.${name}.enabled=false`])

/** The launcher under an old Node, once the family is ready. */
const launched = async (node: string, args: readonly string[]) => {
  const child = spawn(node, [launcher, 'start', ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  const ended = once(child, 'exit')
  await new Promise<void>((resolve, reject) => {
    const take = (chunk: Buffer) => {
      output += String(chunk)
      if (/^ready$/m.test(output)) resolve()
    }
    child.stdout.on('data', take)
    child.stderr.on('data', take)
    child.once('exit', (code) => reject(new Error(`it ended with ${code}:\n${output}`)))
  })
  const status = spawnSync(node, [launcher, 'status', '--json', ...args], { encoding: 'utf8' })
  return { child, ended, pids: pidsIn(status.stdout), output: () => output }
}

/** Each once: a service has its own and those of its workers. */
const pidsIn = (json: string): number[] => [...new Set([...json.matchAll(/"pid":(\d+)/g)].map(([, pid]) => Number(pid)))]

const alive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}

const gone = async (pids: readonly number[]): Promise<void> => {
  for (let tries = 0; pids.some(alive); tries++) {
    if (tries > 2_000) throw new Error(`still alive: ${pids.filter(alive).join(' ')}`)
    await new Promise((resolve) => setTimeout(resolve, 25))
  }
}

describe('the launcher under a Node that is too old', function () {
  this.timeout(120_000)

  before(function () {
    if (oldNode === null || !existsSync(fileURLToPath(new URL('../../dist', import.meta.url)))) this.skip()
  })

  it('goes on under a fitting one, and hands SIGTERM and the exit code through', async () => {
    await using folder = await temporaryFolder()
    const { child, ended, pids } = await launched(oldNode ?? '', [...familyArgs(folder), ...small])
    expect(pids).to.have.length(2)
    child.kill('SIGTERM')
    expect(await ended).to.deep.equal([0, null])
    await gone(pids)
  })

  it('takes a Ctrl-C that reaches both of them for one', async () => {
    await using folder = await temporaryFolder()
    const { child, ended, pids } = await launched(oldNode ?? '', [...familyArgs(folder), ...small])
    process.kill(pids[0] ?? 0, 'SIGINT')
    child.kill('SIGINT')
    expect(await ended).to.deep.equal([0, null])
    await gone(pids)
  })

  it('takes what it started along when it is killed with -9', async () => {
    await using folder = await temporaryFolder()
    const { child, ended, pids } = await launched(oldNode ?? '', [...familyArgs(folder), ...small])
    child.kill('SIGKILL')
    await ended
    await gone(pids)
  })

  it('hands exit code 100 through', async () => {
    const run = spawnSync(oldNode ?? '', [launcher, 'start', '--set', 'hostnme=x'], { encoding: 'utf8' })
    expect(run.status).to.equal(100)
    expect(run.stderr).to.contain('hostnme')
  })
})
