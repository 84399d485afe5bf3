/**
 * The program that runs beside an external one: starts it, journals its output, tells the supervisor when it is ready, and ends
 * with an exit code that says whether trying again may help. Never before the program, and the program never after it: when the
 * supervisor is gone, both end. It runs outside of the sandbox, in which nothing can be started.
 */
import process from 'node:process'
import type { Journal } from '../../shared/log/journal.ts'
import { openJournal } from '../../shared/log/winston-journal.ts'
import { exitCodes, PermanentError } from '../../shared/service.ts'
import { giveBackStartMemory } from '../../shared/start-memory.ts'
import type { ExecOptions } from '../exec/options.ts'
import { PortTakenError, ProgramError, Run } from '../exec/run.ts'
import * as journal from './journal.ts'
import { isToChild, type StartMessage, type ToSupervisor } from './messages.ts'

/** What a program may take to end when the supervisor is dead. */
const orphanMs = 4_000

/** What the process is doing. */
type Life =
  | { readonly state: 'waiting' }
  | { readonly state: 'running'; readonly run: Run; readonly journal: Journal }
  /** `run`: the program that is being stopped; null where it ended by itself. */
  | { readonly state: 'ending'; readonly run: Run | null }

let life: Life = { state: 'waiting' }

const send = (message: ToSupervisor): void => {
  // Without a channel there is nobody to tell: `disconnect` has begun the end already.
  if (process.connected) process.send?.(message)
}

/** Says the last thing before the end: resolves when it is on the channel. */
const sendLast = (message: ToSupervisor): Promise<void> =>
  new Promise((resolve) => {
    if (!process.connected || process.send === undefined) return resolve()
    process.send(message, undefined, undefined, () => resolve())
  })

const serve = async ({ service, settings, console }: StartMessage): Promise<void> => {
  const records = await openJournal({ service: service.name, folder: settings.logs, level: service.log.level, console })
  const run = new Run({
    service,
    // The supervisor checked them by the schema of this very protocol before it sent them.
    options: service.options as ExecOptions,
    settings,
    journal: records,
    onProgram: (program) => send({ type: 'program', program }),
  })
  life = { state: 'running', run, journal: records }
  process.on('uncaughtException', (error) => void crash(run, records, error))
  process.on('unhandledRejection', (error) => void crash(run, records, error))
  try {
    await run.start()
    // Stopped meanwhile: whoever stops it ends this process.
    if (isEnding()) return
    send({ type: 'ready', port: service.port })
    giveBackStartMemory()
    await giveUp(await run.over(), records)
  } catch (error) {
    if (!isEnding()) await giveUp(error, records)
  }
}

const isEnding = (): boolean => life.state === 'ending'

const giveUp = async (error: unknown, records: Journal): Promise<void> => {
  life = { state: 'ending', run: null }
  const message = error instanceof Error ? error.message : String(error)
  journal.notStarted(records.log, error)
  await sendLast({ type: 'failed', message, portTaken: error instanceof PortTakenError })
  await records.close()
  const permanent = error instanceof PermanentError || (error instanceof ProgramError && error.permanent)
  process.exit(permanent ? exitCodes.permanent : exitCodes.temporary)
}

const end = async (deadlineMs: number): Promise<void> => {
  if (life.state !== 'running') {
    if (life.state === 'waiting') process.exit(exitCodes.done)
    // Told again, by a new deadline: whoever was told first ends the process.
    return life.run?.stop(deadlineMs)
  }
  const { run, journal: records } = life
  life = { state: 'ending', run }
  await run.stop(deadlineMs)
  await records.close()
  process.exit(exitCodes.done)
}

/** An error of ours takes the program with it: nobody would look after it. */
const crash = async (run: Run, records: Journal, error: unknown): Promise<void> => {
  life = { state: 'ending', run: null }
  journal.crashed(records.log, error)
  try {
    await run.stop(orphanMs)
    await records.close()
  } finally {
    process.exit(exitCodes.temporary)
  }
}

process.on('message', (message) => {
  if (!isToChild(message)) return
  switch (message.type) {
    case 'start':
      return void serve(message)
    case 'end':
      return void end(message.deadlineMs)
    case 'reopen':
      if (life.state === 'running') life.journal.reopen()
      return
    case 'level':
      if (life.state === 'running') life.journal.keepFrom(message.level)
      return
    case 'count':
      if (life.state !== 'running') return
      return send({
        type: 'counters',
        counters: { open: 0, served: 0, refused: {}, memoryOctets: life.run.memoryOctets },
        journal: life.journal.health,
      })
    case 'admission':
    case 'answer':
    case 'probe':
    case 'failure':
      return
  }
})

process.on('disconnect', () => {
  if (life.state === 'running') journal.orphaned(life.journal.log)
  void end(orphanMs)
})

// A terminal's Ctrl-C and hang-up reach the whole group; the supervisor decides what they mean. SIGUSR1 would be for a debugger.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1'] as const) process.on(signal, () => undefined)
