/** The life of `havre start`, in order: check, bind, give up root, lock, open what the desk needs, start, serve, end. */

import { join } from 'node:path'
import process from 'node:process'
import { openAccountStore } from '../../shared/accounts/sqlite-account-store.ts'
import type { Configuration } from '../../shared/config/settings.ts'
import type { Journal } from '../../shared/log/journal.ts'
import { openJournal } from '../../shared/log/winston-journal.ts'
import { endpointText } from '../../shared/net/endpoint.ts'
import { exitCodes, PermanentError } from '../../shared/service.ts'
import { giveBackStartMemory } from '../../shared/start-memory.ts'
import { askSupervisor, NotRunningError } from './control.ts'
import { FamilyDesk } from './desk.ts'
import { bindServices } from './family.ts'
import type { Keeper } from './keeper.ts'
import { type Lock, takeLock } from './lock.ts'
import type { Port } from './ports.ts'
import { become, checkRoot, findUser, isRoot, makeFolderFor } from './privilege.ts'
import { type Signal, takeSignals } from './signals.ts'
import { Supervisor } from './supervisor.ts'

/** What the command line hands over. */
export interface RunOptions {
  /** Reads the configuration; again for a reload. @throws {PermanentError} when it is wrong */
  readonly load: () => Promise<Configuration>
  readonly version: string
  /** Connects the launcher's signals and its death. */
  readonly launcher: (onSignal: (signal: Signal) => void, onGone: () => void) => void
}

/** What is left of the family's time when the launcher is dead and nobody waits any more. */
const orphanMs = 3_000

const say = (line: string): void => {
  process.stdout.write(`${line}\n`)
}

const warn = (line: string): void => {
  process.stderr.write(`havre: ${line}\n`)
}

/**
 * Runs the family until it is told to end.
 * @returns the exit code
 * @throws {PermanentError} when it cannot start this way
 */
export const run = async (options: RunOptions): Promise<number> => {
  // A reader of our output that went away (a closed pipe) is no reason to stop serving.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined)
  const configuration = await options.load()
  const { settings } = configuration
  await refuseSecond(settings.data)
  sayWhatIsIdle(configuration)
  const rootWarning = checkRoot(settings)
  if (rootWarning !== null) warn(rootWarning)
  const enabled = configuration.services.filter((service) => service.enabled)
  const ports = await bindServices(enabled, settings.data)
  becomeUser(configuration)
  const lock = lockOf(settings.data)
  const accounts = await openAccountStore(join(settings.data, 'accounts.db'))
  const journal = await openJournal({ service: 'supervisor', folder: settings.logs, level: settings.log.level, console: false })
  const desk = new FamilyDesk(accounts, settings, journal.log)
  try {
    for (const problem of await desk.problems()) warn(problem)
    return await serve(options, configuration, ports, desk, journal)
  } finally {
    await desk.close()
    await accounts.close()
    await journal.close()
    lock.release()
  }
}

const serve = async (
  { load, version, launcher }: RunOptions,
  configuration: Configuration,
  ports: ReadonlyMap<string, Port>,
  desk: FamilyDesk,
  journal: Journal,
): Promise<number> => {
  const console = process.stdout.isTTY === true
  const supervisor = new Supervisor({
    ...{ configuration, reread: load, desk, journal, version, console },
    onReady: (keeper) => say(readyLine(keeper)),
    onTrouble: warn,
  })
  const stop = (why: string, deadlineMs?: number) => void supervisor.stop(why, deadlineMs)
  const onSignal = takeSignals(
    {
      stop: (signal) => stop(signal),
      endAtOnce: () => {
        supervisor.kill()
        process.exit(exitCodes.temporary)
      },
      reload: () => void reload(supervisor),
    },
    process.stdin.isTTY === true,
  )
  launcher(onSignal, () => stop('the launcher is gone', orphanMs))
  try {
    await supervisor.start(ports)
    say('ready')
    giveBackStartMemory()
  } catch (error) {
    // Told to stop before all was ready: that is no failure.
    if (error instanceof PermanentError) throw error
    if (!supervisor.stopping) throw error
  }
  await supervisor.ended
  return exitCodes.done
}

const reload = async (supervisor: Supervisor): Promise<void> => {
  try {
    await supervisor.reload()
    say('reloaded')
  } catch (error) {
    // The signal's sender hears nothing: the terminal and the journal do. What ran goes on.
    warn(`not reloaded: ${error instanceof Error ? error.message : String(error)}`)
  }
}

const readyLine = ({ plan: { service }, port: { host, port } }: Keeper): string => {
  const address = endpointText({ address: host, port })
  const example = service.example.replaceAll('{address}', address)
  return `${service.name.padEnd(10)} ${service.protocol.toUpperCase().padEnd(5)} ${address.padEnd(21)}  ${example}`
}

const sayWhatIsIdle = ({ idleSettings }: Configuration): void => {
  for (const name of idleSettings) warn(`the setting ${name} does nothing yet`)
}

/** The lock would refuse too, but the one who has it can say who it is. */
const refuseSecond = async (data: string): Promise<void> => {
  try {
    const response = await askSupervisor(data, { command: 'status' })
    throw new PermanentError(`${data} is in use by the Havre with pid ${pidOf(response.ok ? response.result : null)}`)
  } catch (error) {
    if (!(error instanceof NotRunningError)) throw error
  }
}

const pidOf = (status: unknown): string => {
  if (typeof status !== 'object' || status === null || !('supervisor' in status)) return 'unknown'
  const { supervisor } = status
  return typeof supervisor === 'object' && supervisor !== null && 'pid' in supervisor ? String(supervisor.pid) : 'unknown'
}

const lockOf = (data: string): Lock => {
  const lock = takeLock(data)
  if (lock === null) throw new PermanentError(`${data} is in use by another Havre`)
  return lock
}

/** Makes the folders while that may still need root, then gives root up. */
const becomeUser = ({ settings }: Configuration): void => {
  const user = settings.user === null || !isRoot() ? null : findUser(settings.user)
  for (const folder of [settings.data, settings.logs]) makeFolderFor(folder, user)
  if (user !== null) become(user)
}
