/** pyftpdlib's own functional tests (MIT), run from where somebody has put them; nothing of them is kept here. */
import { spawn } from 'node:child_process'
import { symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { serveFtp } from '../ftp/raw-session.ts'
import { fakeDesk } from '../kit/fake-desk.ts'
import type { Running } from '../kit/serving.ts'

/** What a test asks of its server. */
interface Wanted {
  readonly host: string
  readonly tls: boolean
  readonly tlsControl: boolean
  readonly tlsData: boolean
  /** 0: none */
  readonly idleSeconds: number
  /** 0: none */
  readonly dataWaitSeconds: number
  readonly badLogins: number
  /** 0: no limit */
  readonly connections: number
  readonly connectionsPerAddress: number
  readonly passiveAddress: string | null
  readonly passivePorts: readonly [number, number] | null
}

/** What one of them came to. */
export interface Result {
  readonly test: string
  readonly outcome: 'passed' | 'failed' | 'not-applicable'
  readonly why: string
}

type Said = Result | { readonly start: Wanted } | { readonly stop: true }

const runner = fileURLToPath(new URL('./pyftpdlib-run.py', import.meta.url))

/** A server with the tests' account, whose home is the folder that the tests run in. */
const startFor = (wanted: Wanted, home: string): Promise<Running> => {
  const { passivePorts, passiveAddress, connections, connectionsPerAddress, idleSeconds, dataWaitSeconds } = wanted
  return serveFtp({
    host: wanted.host,
    desk: fakeDesk({ accounts: { user: '12345' } }),
    tls: wanted.tls ? 'starttls' : 'off',
    requireTls: wanted.tlsControl || wanted.tlsData ? 'always' : 'never',
    limits: {
      ...(idleSeconds === 0 ? {} : { idleMs: idleSeconds * 1_000 }),
      ...(connectionsPerAddress === 0 ? {} : { connectionsPerAddress }),
      // Theirs counts what listens too.
      ...(connections === 0 ? {} : { connections: connections - 1 }),
    },
    options: {
      anonymous: home,
      dataTls: 'any',
      badLogins: wanted.badLogins,
      // One of them asks all that can be asked wrongly in one session.
      badCommands: 1_000,
      ...(dataWaitSeconds === 0 ? {} : { dataWait: `${dataWaitSeconds * 1_000}ms` }),
      passive: {
        ...(passiveAddress === null ? {} : { address: passiveAddress }),
        ...(passivePorts === null ? {} : { ports: passivePorts.join('-') }),
      },
    },
    prepare: ({ data }) => symlink(home, join(data, 'files', 'user')),
  })
}

/**
 * Runs them, one after the other.
 * @param tests the folder that holds them
 * @param home an empty folder
 * @param leftOut patterns of names of tests, and why those cannot be asked of another server
 */
export const runPyftpdlib = async (
  tests: string,
  home: string,
  leftOut: Readonly<Record<string, string>>,
): Promise<readonly Result[]> => {
  const results: Result[] = []
  let running: Running | null = null
  const end = async () => {
    await running?.close('stop')
    running = null
  }
  const child = spawn('/usr/bin/python3', ['-B', runner, tests, JSON.stringify(leftOut)], {
    cwd: home,
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  let errors = ''
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString()
  })
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      const said: Said = JSON.parse(line)
      if ('test' in said) results.push(said)
      else {
        await end()
        if ('start' in said) running = await startFor(said.start, home)
        child.stdin.write(`${'start' in said ? (running?.port ?? 0) : 0}\n`)
      }
    }
  } catch (error) {
    child.kill('SIGKILL')
    throw error
  } finally {
    await end()
  }
  const code = await ended
  if (code !== 0) throw new Error(`it ended with ${code}: ${errors}`)
  return results
}
