/**
 * A process of its own that has a root open: for what needs another one (its death, its uploads at the same time, what it swaps).
 * Run with this file as program it takes steps as messages and answers each.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { renameSync, rmSync, symlinkSync } from 'node:fs'
import process from 'node:process'
import { openFileStore } from '../../shared/files/disk-file-store.ts'
import { FileError, type FileStore, type Upload } from '../../shared/files/file-store.ts'

/** How the process opens the root. */
export interface OtherOptions {
  readonly root: string
  readonly account: string
  readonly quota?: number
  readonly ledger?: string
}

/** What it is asked to do. */
export type Step =
  /** Sends so many octets of a file and waits. */
  | { readonly do: 'begin'; readonly path: string; readonly octets: number }
  /** Sends whole files, one after the other, until one is refused. Answers how many it stored. */
  | { readonly do: 'fill'; readonly prefix: string; readonly files: number; readonly octets: number }
  | { readonly do: 'remove'; readonly path: string }
  | { readonly do: 'usage' }
  /** Replaces a link by others in turn until the process ends; answers at once. */
  | { readonly do: 'swap'; readonly link: string; readonly targets: readonly string[] }

/** A code of a `FileError`, or a number that a step tells. */
type Answer = string | number

/** A running one. It is killed when it is disposed of. */
export interface Other extends AsyncDisposable {
  ask(step: Step): Promise<Answer>
  /** As the system kills: nothing is tidied up. */
  kill(): Promise<void>
}

/** Starts one. */
export const otherProcess = async (options: OtherOptions): Promise<Other> => {
  const child: ChildProcess = fork(import.meta.filename, [JSON.stringify(options)], { stdio: 'inherit' })
  await once(child, 'message')
  const kill = async () => {
    if (child.exitCode !== null || child.signalCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGKILL')
    await gone
  }
  const ask = async (step: Step): Promise<Answer> => {
    const answered = once(child, 'message')
    child.send(step)
    const [answer]: unknown[] = await answered
    return typeof answer === 'number' ? answer : String(answer)
  }
  return { ask, kill, [Symbol.asyncDispose]: kill }
}

const uploads: Upload[] = []

const carryOut = async (store: FileStore, step: Step): Promise<Answer> => {
  switch (step.do) {
    case 'begin': {
      const upload = await store.upload(step.path, 'replace')
      uploads.push(upload)
      await upload.write(Buffer.alloc(step.octets, 'o'))
      return upload.octets
    }
    case 'fill':
      for (let n = 0; n < step.files; n += 1) {
        const upload = await store.upload(`/${step.prefix}${n}`, 'replace')
        try {
          await upload.write(Buffer.alloc(step.octets, 'f'))
          await upload.commit()
        } catch (error) {
          if (error instanceof FileError && error.code === 'over-quota') return n
          throw error
        } finally {
          await upload.abort()
        }
      }
      return step.files
    case 'remove':
      await store.remove(step.path)
      return 0
    case 'usage':
      return (await store.usage()).octets
    case 'swap':
      swap(step.link, step.targets)
      return 0
  }
}

/** As fast as it can, without ever leaving the name empty. */
const swap = (link: string, targets: readonly string[]): void => {
  const parent = process.ppid
  const turn = (n: number): void => {
    // Who started it is gone: nobody else ends it.
    if (process.ppid !== parent) process.exit()
    for (let m = n; m < n + 500; m += 1) {
      const next = `${link}.next`
      rmSync(next, { force: true })
      symlinkSync(targets[m % targets.length] ?? '', next)
      renameSync(next, link)
    }
    setImmediate(turn, n + 500)
  }
  setImmediate(turn, 0)
}

if (process.argv[1] === import.meta.filename) {
  const options: OtherOptions = JSON.parse(process.argv[2] ?? '')
  const store = openFileStore({ sync: null, ...options })
  process.on('message', (step: Step) => {
    carryOut(store, step).then(
      (answer) => process.send?.(answer),
      (error: unknown) => process.send?.(error instanceof FileError ? error.code : String(error)),
    )
  })
  process.send?.('ready')
}
