/** How a program is started: the options with all that they stand for put in. */
import { accessSync, constants, lchownSync, mkdirSync, statSync } from 'node:fs'
import { userInfo } from 'node:os'
import { basename, delimiter, isAbsolute, join, resolve } from 'node:path'
import process from 'node:process'
import type { ServiceSettings, Settings } from '../../shared/config/settings.ts'
import { PermanentError } from '../../shared/service.ts'
import { findUser, type SystemUser } from '../../shared/system-user.ts'
import type { ExecOptions } from './options.ts'
import { fill, type Places } from './places.ts'

/** A program as the system starts it. */
export interface Launch {
  /** Absolute. */
  readonly program: string
  readonly args: readonly string[]
  readonly environment: Readonly<Record<string, string>>
  /** Absolute. */
  readonly folder: string
  /** Whom to become; null: nobody else. */
  readonly user: SystemUser | null
}

/** What the options of a service come to, once its port is known. */
export interface Plan {
  readonly launch: Launch
  readonly ready:
    | { readonly kind: 'port' }
    | { readonly kind: 'output'; readonly pattern: RegExp }
    | { readonly kind: 'file'; readonly path: string }
  readonly preparation: Preparation | null
}

/** What is made before the first start. */
export interface Preparation {
  readonly path: string
  /** A folder of the user's own beside it: in the one around it the user need not be able to write. */
  readonly workshop: string
  /** Where in it the command may make what then gets the name `path`. */
  readonly made: string
  readonly launch: Launch
  readonly withinMs: number
}

/** Servers lie in these folders, which are not in everybody's PATH. */
const serverFolders = ['/usr/local/sbin', '/usr/sbin', '/sbin']

/** What a program may know of whoever started Havre; nothing else of its environment is handed on. */
const passedOn = /^(?:HOME|SHELL|LANG|LANGUAGE|LC_\w+|TZ|TMPDIR)$/

const isExecutable = (path: string): boolean => {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    // Missing, or not for us: the next folder.
    return false
  }
}

/** The absolute path of a program: some (sshd) start themselves anew by it. @throws {PermanentError} when there is none */
export const locate = (name: string, folder: string): string => {
  if (name.includes('/')) {
    const path = isAbsolute(name) ? name : resolve(folder, name)
    if (isExecutable(path)) return path
    const found = statSync(path, { throwIfNoEntry: false })
    if (found === undefined) throw new PermanentError(`there is no program ${path}`)
    throw new PermanentError(`${path} is no program: it is ${found.isFile() ? 'not executable' : 'no file'}`)
  }
  const folders = [...(process.env['PATH'] ?? '').split(delimiter).filter((each) => each !== ''), ...serverFolders]
  const found = folders.map((each) => join(each, name)).find(isExecutable)
  if (found !== undefined) return found
  throw new PermanentError(`no program is called ${name}: it is not installed, or not in PATH (${folders.join(delimiter)})`)
}

/** The user to become. @throws {PermanentError} for another user than one's own without the right to */
const userOf = (name: string | null): SystemUser | null => {
  if (name === null) return null
  const user = findUser(name)
  if (user.uid === process.getuid?.()) return null
  if (process.getuid?.() !== 0) {
    throw new PermanentError(`user: only root can start a program as ${name}; start Havre as root, or leave this setting out`)
  }
  return user
}

/** Who we are by the system, whatever our environment says: some programs (mariadb-install-db) go by it. */
const ownName = (): string | null => {
  try {
    return userInfo().username
  } catch (error) {
    // A number without a name, as containers have them.
    if (error instanceof Error && 'code' in error) return null
    throw error
  }
}

const environmentOf = ({ environment }: ExecOptions, user: SystemUser | null, places: Places): Record<string, string> => {
  const own = Object.entries(process.env).flatMap(([name, value]) =>
    passedOn.test(name) && value !== undefined ? [[name, value]] : [],
  )
  const name = user?.name ?? ownName()
  const named = { ...(name === null ? {} : { USER: name, LOGNAME: name }), ...(user === null ? {} : { HOME: '/' }) }
  const path = [process.env['PATH'] ?? '', ...serverFolders].filter((each) => each !== '').join(delimiter)
  const set = Object.entries(environment).map(([name, value]) => [name, fill(value, places)])
  return { ...Object.fromEntries(own), PATH: path, ...named, ...Object.fromEntries(set) }
}

/** Makes the folder of a program where it is missing; only what was made is given to its user. */
export const makeFolder = (folder: string, user: SystemUser | null): void => {
  const first = mkdirSync(folder, { recursive: true, mode: 0o700 })
  if (first !== undefined && user !== null) lchownSync(folder, user.uid, user.gid)
}

/**
 * Puts together how a service's program is started.
 * @param service with the port that it really has
 * @throws {PermanentError} for a program or a user that is not there
 */
export const planOf = (service: ServiceSettings, options: ExecOptions, settings: Settings): Plan => {
  const places: Places = { data: settings.data, logs: settings.logs, host: service.host, port: service.port }
  const user = userOf(options.user)
  const folder = resolve(settings.data, fill(options.folder, places))
  const environment = environmentOf(options, user, places)
  const launchOf = (command: readonly string[], at: string, filling: Places): Launch => {
    const [name = '', ...args] = command.map((text) => fill(text, filling))
    return { program: locate(name, at), args, environment, folder: at, user }
  }
  const preparation = preparationOf(options, places, (command, filling) => launchOf(command, settings.data, filling))
  return { launch: launchOf(options.command, folder, places), ready: readyOf(options, places), preparation }
}

const preparationOf = (
  { prepare }: ExecOptions,
  places: Places,
  launchOf: (command: readonly string[], filling: Places) => Launch,
): Preparation | null => {
  if (prepare === null) return null
  const path = resolve(places.data, fill(prepare.path, places))
  const workshop = `${path}.new`
  const made = join(workshop, basename(path))
  return { path, workshop, made, launch: launchOf(prepare.command, { ...places, new: made }), withinMs: prepare.within }
}

const readyOf = ({ ready }: ExecOptions, places: Places): Plan['ready'] => {
  if (ready === 'port') return { kind: 'port' }
  if ('output' in ready) return { kind: 'output', pattern: new RegExp(ready.output) }
  return { kind: 'file', path: resolve(places.data, fill(ready.file, places)) }
}
