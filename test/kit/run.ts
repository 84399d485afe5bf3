import { spawn } from 'node:child_process'
import { patienceMs } from './patience.ts'

/** What a program left behind. */
export interface Ended {
  /** null when a signal ended it. */
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: Buffer
  readonly stderr: string
}

/** How a program is run. */
export interface RunOptions {
  /** Written to its stdin, which is then closed. */
  readonly input?: string | Buffer
  readonly deadlineMs?: number
  readonly cwd?: string
  /** Added to this process's environment; undefined takes a variable away. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

/** Runs a program to its end, within a deadline after which it is killed. @throws when it cannot be started or the deadline passed */
export const run = (command: string, args: readonly string[], options: RunOptions = {}): Promise<Ended> =>
  new Promise((resolve, reject) => {
    const { deadlineMs = patienceMs, input } = options
    const child = spawn(command, args, {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, ...options.env },
      ...(options.cwd === undefined ? {} : { cwd: options.cwd }),
    })
    const stdout: Buffer[] = []
    const stderr: Buffer[] = []
    child.stdout.on('data', (chunk: Buffer) => stdout.push(chunk))
    child.stderr.on('data', (chunk: Buffer) => stderr.push(chunk))
    // A program that ends without reading all its input is judged by what it did.
    child.stdin.on('error', () => undefined)
    child.stdin.end(input ?? '')
    let late = false
    const timer = setTimeout(() => {
      late = true
      child.kill('SIGKILL')
    }, deadlineMs)
    child.once('error', (error) => {
      clearTimeout(timer)
      reject(error)
    })
    child.once('close', (code, signal) => {
      clearTimeout(timer)
      const ended: Ended = { code, signal, stdout: Buffer.concat(stdout), stderr: Buffer.concat(stderr).toString() }
      if (late) reject(new Error(`${command} did not end within ${deadlineMs} ms\n${ended.stdout}\n${ended.stderr}`))
      else resolve(ended)
    })
  })

/** Runs a script of ours (or `-e` and code) with this very Node. */
export const runNode = (args: readonly string[], options: RunOptions = {}): Promise<Ended> => run(process.execPath, args, options)
