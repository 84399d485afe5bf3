/** A copy of the project in which a guard can be taken out. */
import { spawn } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { run } from '../kit/run.ts'
import type { Outcome } from './outcome-reporter.ts'

/** What is not copied: made or kept elsewhere, or linked. */
const left = ['node_modules', 'dist', 'dist.new', 'data', '.git', 'logs']

/** A run that hangs is ended; what its tests told until then counts. */
const deadlineMs = 240_000

/** So long what waits in a test that is to fail waits. */
const shortPatienceMs = 10_000

/** What a run of tests came to. */
export interface Run {
  readonly outcomes: readonly Outcome[]
  /** What mocha printed: empty when all went as it should, since the reporter prints nothing. */
  readonly output: string
}

/** A copy of the project. `await using` removes it. */
export class Tree implements AsyncDisposable {
  readonly path: string

  private constructor(path: string) {
    this.path = path
  }

  /** @param project its folder */
  static async copy(project: string): Promise<Tree> {
    const path = await mkdtemp(join(tmpdir(), 'havre-guard-'))
    await cp(project, path, { recursive: true, filter: (from) => !left.includes(relative(project, from)) })
    // Hard links: a link to the folder would lead the sandbox out of the tree. Another disk takes a copy.
    const from = join(project, 'node_modules')
    const linked = await run('cp', ['-al', from, join(path, 'node_modules')], { deadlineMs })
    if (linked.code !== 0) {
      await rm(join(path, 'node_modules'), { recursive: true, force: true })
      await cp(from, join(path, 'node_modules'), { recursive: true, verbatimSymlinks: true })
    }
    return new Tree(path)
  }

  read(file: string): Promise<string> {
    return readFile(join(this.path, file), 'utf8')
  }

  write(file: string, text: string): Promise<void> {
    return writeFile(join(this.path, file), text)
  }

  /** Runs tests on the sources as they are now. @param failing whether they should fail: then they do so soon */
  async test(files: readonly string[], grep?: string, failing = false): Promise<Run> {
    const told = join(this.path, 'outcomes')
    await writeFile(told, '')
    const args = [
      '--reporter',
      'test/guards/outcome-reporter.ts',
      ...(grep === undefined ? [] : ['--grep', `/${grep}/`]),
      ...(failing ? ['--timeout', '60000'] : []),
      ...files,
    ]
    const child = spawn(process.execPath, ['node_modules/mocha/bin/mocha.js', ...args], {
      cwd: this.path,
      // Its own group: what a run that hangs has started goes with it.
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: {
        ...process.env,
        HAVRE_TEST_OUTCOMES: told,
        HAVRE_TEST_COUNTS: undefined,
        HAVRE_TEST_BUILT: undefined,
        ...(failing ? { HAVRE_TEST_PATIENCE_MS: String(shortPatienceMs) } : {}),
      },
    })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()))
    const over = new AbortController()
    const ended = new Promise<void>((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', () => resolve())
    })
    try {
      await Promise.race([ended, sleep(deadlineMs, undefined, { signal: over.signal }).catch(() => undefined)])
    } finally {
      over.abort()
      endGroup(child.pid)
    }
    const lines = (await readFile(told, 'utf8')).split('\n').filter((line) => line !== '')
    return { outcomes: lines.map((line): Outcome => JSON.parse(line)), output }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 })
  }
}

const endGroup = (pid: number | undefined): void => {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    // Nothing was left, as it should be.
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}
