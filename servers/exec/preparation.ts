/** What is made once, before a program's first start. */
import { existsSync } from 'node:fs'
import { rename, rm } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Log } from '../../shared/log/log.ts'
import * as journal from './journal.ts'
import { makeFolder, type Preparation } from './launch.ts'
import type { Root } from './processes.ts'
import { type Ending, endingText, type OutputTaking, Program } from './program.ts'

/** What was to be prepared was not; trying again may help. */
export class PreparationError extends Error {
  override readonly name = 'PreparationError'
}

/** What a preparation works with. */
export interface PreparationOptions {
  readonly output: OutputTaking
  readonly log: Log
  /** Ends the command. */
  readonly signal: AbortSignal
  /** Told as soon as the command runs. */
  readonly onProgram: (program: Root) => void
  /** What it said last, to be told with its failure: `, saying: …`, or nothing. */
  readonly saying: () => string
}

/**
 * Runs the preparation of a program where what it makes is missing. What is made in the workshop gets its place only when the
 * command succeeded: one that is killed in the middle leaves nothing half-made behind that would count as made.
 * @throws {PreparationError} when it failed, was too slow or made nothing
 * @throws {PermanentError} when it cannot be started
 */
export const prepare = async (
  preparation: Preparation | null,
  { output, log, signal, onProgram, saying }: PreparationOptions,
): Promise<void> => {
  if (preparation === null || existsSync(preparation.path)) return
  const { path, workshop, made, launch, withinMs } = preparation
  const startedAt = performance.now()
  journal.preparing(log, path)
  await rm(workshop, { recursive: true, force: true })
  makeFolder(workshop, launch.user)
  const command = await Program.start(launch, output, log)
  onProgram(command.mark)
  const ending = await runToEnd(command, withinMs, signal)
  if (signal.aborted) return
  if (ending === null) throw new PreparationError(`the preparation of ${path} took longer than ${withinMs / 1_000} s${saying()}`)
  if (ending.code !== 0)
    throw new PreparationError(`the preparation of ${path}, ${launch.program}, ${endingText(ending)}${saying()}`)
  if (existsSync(made)) await rename(made, path)
  await rm(workshop, { recursive: true, force: true })
  if (!existsSync(path)) throw new PreparationError(`the preparation, ${launch.program}, succeeded, but there is no ${path}`)
  journal.prepared(log, path, performance.now() - startedAt)
}

/** @returns null when it had to be ended */
const runToEnd = async (command: Program, withinMs: number, signal: AbortSignal): Promise<Ending | null> => {
  const over = new AbortController()
  const ending = await Promise.race([
    command.ended,
    // Aborted: because the command ended, or because it is to end.
    sleep(withinMs, null, { signal: AbortSignal.any([signal, over.signal]) }).catch(() => null),
  ])
  over.abort()
  await command.clean()
  return ending
}
