/**
 * Work that is done once and takes memory that is not needed again: in a process of its own, which ends with it. (A thread leaves
 * more behind than it saves: 15 MiB, measured.) A file that exports such work calls `workHere` at its end, and is then both
 * the one who asks and the one who does it.
 */
import { fork } from 'node:child_process'
import process from 'node:process'
import { PermanentError } from './service.ts'

/** What the process says; an error's class does not travel. */
type Outcome<Output> =
  | { readonly kind: 'done'; readonly output: Output }
  | { readonly kind: 'permanent'; readonly message: string }
  | { readonly kind: 'failed'; readonly message: string }

/** How the process is told its input. */
const flag = '--work='

/**
 * Does the work of a file in a process of its own.
 * @param file the one that calls `workHere`
 * @param input plain data
 * @throws {PermanentError} as the work threw it; an Error for whatever else went wrong
 */
export const workElsewhere = <Input, Output>(file: string, input: Input): Promise<Output> =>
  new Promise((resolve, reject) => {
    const worker = fork(file, [flag + JSON.stringify(input)])
    worker.once('message', (outcome: Outcome<Output>) => {
      if (outcome.kind === 'done') resolve(outcome.output)
      else reject(outcome.kind === 'permanent' ? new PermanentError(outcome.message) : new Error(outcome.message))
    })
    worker.once('error', reject)
    worker.once('exit', (code, signal) => reject(new Error(`${file} ended with ${signal ?? code} before its work was done`)))
  })

/** Does the work where this process was started for it by `workElsewhere`; else nothing. */
export const workHere = async <Input, Output>(file: string, work: (input: Input) => Promise<Output>): Promise<void> => {
  const [, program, input] = process.argv
  if (program !== file || input?.startsWith(flag) !== true) return
  // A terminal's Ctrl-C reaches the whole group; whoever asked decides what it means, and ends us by leaving.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined)
  process.once('disconnect', () => process.exit())
  process.send?.(await outcomeOf(work, JSON.parse(input.slice(flag.length))), () => process.exit())
}

const outcomeOf = async <Input, Output>(work: (input: Input) => Promise<Output>, input: Input): Promise<Outcome<Output>> => {
  try {
    return { kind: 'done', output: await work(input) }
  } catch (error) {
    // Everything: whoever asked waits for an answer.
    const message = error instanceof Error ? error.message : String(error)
    return { kind: error instanceof PermanentError ? 'permanent' : 'failed', message }
  }
}
