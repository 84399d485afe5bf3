/** The life of `havre start`, in order: check, bind, give up root, lock, open what the desk needs, start, serve, end. */

import { accessSync, constants, mkdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import process from 'node:process'
import { openAccountStore } from '../../shared/accounts/sqlite-account-store.ts'
import { doubtsOf } from '../../shared/config/doubts.ts'
import type { Configuration, ServiceSettings, Settings } from '../../shared/config/settings.ts'
import type { Journal } from '../../shared/log/journal.ts'
import { Rotation } from '../../shared/log/rotation.ts'
import { openJournal } from '../../shared/log/winston-journal.ts'
import { endpointText, isLoopback } from '../../shared/net/endpoint.ts'
import { exitCodes, PermanentError } from '../../shared/service.ts'
import { giveBackStartMemory } from '../../shared/start-memory.ts'
import { findUser, type SystemUser } from '../../shared/system-user.ts'
import { localFiles } from '../../shared/tls/local-certificate.ts'
import { Certificates } from './certificates.ts'
import { askSupervisor, NotRunningError } from './control.ts'
import { makeDemo } from './demo-maker.ts'
import { descriptorProblems } from './descriptors.ts'
import { FamilyDesk } from './desk.ts'
import { bindServices } from './family.ts'
import type { Keeper } from './keeper.ts'
import { checkRunFolder, type Lock, lockHolder, takeLock } from './lock.ts'
import type { Port } from './ports.ts'
import { become, checkRoot, isRoot, makeFolderFor } from './privilege.ts'
import { rotationEvents, rotationOf } from './rotation.ts'
import { ServiceManager } from './service-manager.ts'
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
  // Before anything is started that would inherit the environment.
  const manager = new ServiceManager(process.env, warn)
  try {
    return await runFamily(options, manager)
  } catch (error) {
    manager.status(messageOf(error))
    throw error
  } finally {
    await manager.close()
  }
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

const runFamily = async (options: RunOptions, manager: ServiceManager): Promise<number> => {
  // Node opens a debugger at this signal, which children and everybody of the same user can send.
  process.on('SIGUSR1', () => undefined)
  const wishes = takeWishes(options)
  const configuration = await options.load()
  const { settings } = configuration
  await refuseSecond(settings.data)
  sayWhatIsIdle(configuration)
  const rootWarning = checkRoot(settings)
  if (rootWarning !== null) warn(rootWarning)
  const enabled = configuration.services.filter((service) => service.enabled)
  const certificates = new Certificates()
  await certificates.readFiles(configuration)
  const user = userToBecome(settings)
  const ports = await bindServices(enabled, settings.data, [], user)
  becomeUser(settings, user)
  const lock = lockOf(settings.data)
  if (user !== null) checkReach(user)
  const accounts = await openAccountStore(join(settings.data, 'accounts.db'))
  const journal = await openJournal({ service: 'supervisor', folder: settings.logs, level: settings.log.level, console: false })
  const rotation = new Rotation(rotationOf(configuration), rotationEvents(journal.log))
  const desk = new FamilyDesk(accounts, settings, journal.log)
  try {
    certificates.begin(journal.log)
    rotation.start()
    const demo = makeDemo(settings, placesOf(enabled, ports))
    // Where other machines can connect, nobody is let in before it is known that no password is one that everybody knows.
    if (isExposed(configuration)) await demo
    return await serve({ options, configuration, ports, desk, certificates, journal, rotation, demo, wishes, manager })
  } finally {
    certificates.close()
    await rotation.close()
    await desk.close()
    await accounts.close()
    await journal.close()
    // Before the lock: the next one to have it makes a socket of its own in this place.
    wishes.supervisor?.close()
    lock.release()
  }
}

interface Serving {
  readonly options: RunOptions
  readonly configuration: Configuration
  readonly ports: ReadonlyMap<string, Port>
  readonly desk: FamilyDesk
  readonly certificates: Certificates
  readonly journal: Journal
  readonly rotation: Rotation
  /** What there is to say of the demo, once it is made. */
  readonly demo: Promise<readonly string[]>
  readonly wishes: Wishes
  readonly manager: ServiceManager
}

const serve = async (serving: Serving): Promise<number> => {
  const { options, configuration, ports, desk, certificates, journal, rotation, demo, wishes, manager } = serving
  const supervisor: Supervisor = new Supervisor({
    ...{
      configuration,
      reread: () => reread(options),
      desk,
      certificates,
      journal,
      rotation,
      version: options.version,
      console: process.stdout.isTTY === true,
    },
    onReady: (keeper) => say(readyLine(keeper)),
    onTrouble: warn,
    ...tellManager(manager, () => supervisor),
  })
  wishes.supervisor = supervisor
  try {
    const [lines] = await Promise.all([demo, supervisor.start(ports), secure(certificates, configuration)])
    if (certificates.authority !== null) say(`certificates: programs trust them with ${certificates.authority}`)
    for (const line of lines) say(line)
    const crowded = descriptorProblems(configuration.services)
    for (const problem of [...certificates.warnings(), ...(await desk.problems()), ...crowded]) warn(problem)
    say('ready')
    manager.ready(supervisor.summary, () => isWell(supervisor))
    giveBackStartMemory()
  } catch (error) {
    // Told to stop before all was ready: that is no failure. Else whatever has started ends with us.
    const told = supervisor.stopping && !(error instanceof PermanentError)
    await supervisor.stop('the start failed', 0)
    if (!told) throw error
  }
  await supervisor.ended
  return exitCodes.done
}

/** A stop may take so much longer than its deadline: processes that did not end in time are ended, the journal is written. */
const overtimeMs = 15_000

/** What the service manager hears while the family lives. */
const tellManager = (manager: ServiceManager, supervisor: () => Supervisor) => ({
  onChange: () => manager.status(supervisor().summary),
  onStopping: (why: string, deadlineMs: number) => manager.stopping(why, deadlineMs + overtimeMs),
  onReload: (reload: Promise<unknown>) => {
    manager.reloading()
    const over = (words: string) => {
      if (!supervisor().stopping) manager.ready(`${words}${supervisor().summary}`, () => isWell(supervisor()))
    }
    reload.then(
      () => over(''),
      (error: unknown) => over(`not reloaded (${messageOf(error)}); `),
    )
  },
})

/** Whether the supervisor turns its loop and hears its children, as far as they answer. */
const isWell = async (supervisor: Supervisor): Promise<boolean> => {
  await supervisor.status()
  return true
}

/** Reads or makes the certificates; children that are started already get theirs then. */
const secure = async (certificates: Certificates, configuration: Configuration): Promise<void> =>
  (await certificates.prepare(configuration))()

const isExposed = ({ services }: Configuration): boolean => services.some(({ enabled, host }) => enabled && !isLoopback(host))

/** The configuration for a reload, refused where it would show demo passwords to other machines. */
const reread = async ({ load }: RunOptions): Promise<Configuration> => {
  const configuration = await load()
  const { logs } = configuration.settings
  withFolder('logs', logs, () => mkdirSync(logs, { recursive: true }))
  withFolder('logs', logs, () => checkFolder(logs))
  const enabled = configuration.services.filter((service) => service.enabled)
  if (isExposed(configuration)) await makeDemo(configuration.settings, placesOf(enabled, new Map()))
  return configuration
}

/** Who carries out what signals and the launcher say: nobody, before the supervisor is there. */
interface Wishes {
  supervisor: Supervisor | null
}

const takeWishes = ({ launcher }: RunOptions): Wishes => {
  const wishes: Wishes = { supervisor: null }
  const stop = (why: string, deadlineMs?: number) => {
    if (wishes.supervisor === null) process.exit(exitCodes.done)
    void wishes.supervisor.stop(why, deadlineMs)
  }
  const endAtOnce = () => {
    wishes.supervisor?.kill()
    process.exit(exitCodes.temporary)
  }
  const reloadNow = () => {
    if (wishes.supervisor !== null) void reload(wishes.supervisor)
  }
  const onSignal = takeSignals({ stop: (signal) => stop(signal), endAtOnce, reload: reloadNow }, process.stdin.isTTY === true)
  launcher(onSignal, () => stop('the launcher is gone', orphanMs))
  return wishes
}

const placesOf = (services: readonly ServiceSettings[], ports: ReadonlyMap<string, Port>) =>
  services.map(({ name, protocol, host, port }) => ({ name, protocol, host, port: ports.get(name)?.port ?? port }))

const reload = async (supervisor: Supervisor): Promise<void> => {
  try {
    await supervisor.reload()
    say('reloaded')
  } catch (error) {
    // The signal's sender hears nothing: the terminal and the journal do. What ran goes on.
    warn(`not reloaded: ${messageOf(error)}`)
  }
}

const shellWord = (text: string): string => (/^[\w./:-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`)

const readyLine = ({ plan: { service, settings }, port: { host, port } }: Keeper): string => {
  const address = endpointText({ address: host, port })
  const { data, hostname, tls } = settings
  const trust = tls.certificate === 'auto' ? `--cacert ${shellWord(localFiles(data).authority.certificate)} ` : ''
  const words = { address, host, port: String(port), hostname, data, trust }
  const example = Object.entries(words).reduce((text, [word, value]) => text.replaceAll(`{${word}}`, value), service.example)
  return `${service.name.padEnd(10)} ${service.protocol.toUpperCase().padEnd(5)} ${address.padEnd(21)}  ${example}`
}

const sayWhatIsIdle = ({ idleSettings, settings }: Configuration): void => {
  for (const name of idleSettings) warn(`the setting ${name} does nothing yet`)
  for (const doubt of doubtsOf(settings)) warn(doubt)
}

/** The lock would refuse too, but the one who has it can say who it is. */
const refuseSecond = async (data: string): Promise<void> => {
  try {
    const response = await askSupervisor(data, { command: 'status' })
    throw new PermanentError(`${data} is in use by the Havre with pid ${pidOf(response.ok ? response.result : null)}`)
  } catch (error) {
    if (error instanceof NotRunningError) return
    // Its socket may be another user's.
    if (!(error instanceof PermanentError)) checkRunFolder(data)
    throw error
  }
}

const pidOf = (status: unknown): string => {
  if (typeof status !== 'object' || status === null || !('supervisor' in status)) return 'unknown'
  const { supervisor } = status
  return typeof supervisor === 'object' && supervisor !== null && 'pid' in supervisor ? String(supervisor.pid) : 'unknown'
}

const lockOf = (data: string): Lock => {
  checkRunFolder(data)
  const lock = takeLock(data)
  if (lock === null) {
    const pid = lockHolder(data)
    throw new PermanentError(`${data} is in use by ${pid === null ? 'another Havre' : `the Havre with pid ${pid}`}`)
  }
  return lock
}

const userToBecome = ({ user }: Settings): SystemUser | null => (user === null || !isRoot() ? null : findUser(user))

/** Makes the folders while that may still need root, then gives root up. */
const becomeUser = (settings: Settings, user: SystemUser | null): void => {
  const folders = { data: settings.data, logs: settings.logs }
  for (const [setting, folder] of Object.entries(folders)) withFolder(setting, folder, () => makeFolderFor(folder, user))
  if (user !== null) become(user)
  for (const [setting, folder] of Object.entries(folders)) {
    withFolder(setting, folder, () => checkFolder(folder))
  }
  // What an account keeps is nobody else's; the data folder itself stays open to programs of other users that have a folder in it.
  withFolder('data', settings.data, () => mkdirSync(join(settings.data, 'files'), { recursive: true, mode: 0o700 }))
}

/** Children are started from here on as the user. @throws {PermanentError} where it may not read what they run */
const checkReach = ({ name }: SystemUser): void => {
  try {
    accessSync(process.execPath, constants.X_OK)
    accessSync(import.meta.filename, constants.R_OK)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EACCES')) throw error
    const why = `may not read ${dirname(import.meta.dirname)} or run ${process.execPath}: put the program where it may, such as /opt`
    throw new PermanentError(`user: ${name} ${why}`, { cause: error })
  }
}

const checkFolder = (folder: string): void => accessSync(folder, constants.R_OK | constants.W_OK | constants.X_OK)

/** What keeps a folder from being made or written to, and is not over by itself. */
const folderProblems: Readonly<Record<string, string>> = {
  EACCES: 'may not be written by this user',
  EPERM: 'may not be written by this user',
  EROFS: 'lies on a file system that is read-only',
  ENOTDIR: 'is not a folder, or lies below something that is none',
  EEXIST: 'is not a folder',
}

/** Does something with a folder of the settings. @throws {PermanentError} naming the setting, the folder and the user */
const withFolder = (setting: string, folder: string, work: () => void): void => {
  try {
    work()
  } catch (error) {
    const problem = error instanceof Error && 'code' in error ? folderProblems[String(error.code)] : undefined
    if (problem === undefined) throw error
    throw new PermanentError(
      `${setting}: ${folder} ${problem} (uid ${process.getuid?.()}). Choose another with --set ${setting}=FOLDER`,
      {
        cause: error,
      },
    )
  }
}
