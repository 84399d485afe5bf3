/**
 * Closes in the language what Node's permission model leaves open (26.10, each tried in `test/host/sandbox.test.ts`):
 * - a `Worker` that is given `execArgv` runs without any of the flags: it reads, connects and starts programs;
 * - `node:sqlite` opens any file of the system;
 * - signals reach every process of the same user, and SIGUSR1 opens a debugger in another Node;
 * - flags of V8 make it write files;
 * - paths with `..` lead out of what is granted (`seal-files.ts`).
 *
 * Imported first by a child's program, before any code that is not ours has run: what that code cannot reach it cannot call.
 */
import { posix, win32 } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
// Keeps for itself what it needs once.
import '../../shared/start-memory.ts'
import { Refused, refuse, replace } from './closing.ts'
import { sealFiles } from './seal-files.ts'

// Kept from here on: whoever changes these objects later changes nothing of ours.
const { extname, isAbsolute, resolve } = process.platform === 'win32' ? win32 : posix
const { assign, create } = Object
const { apply } = Reflect
const { permission } = process
const has = permission?.has.bind(permission)

/** A program of ours. */
const programOf = (name: string): string => fileURLToPath(new URL(`${name}${extname(import.meta.filename)}`, import.meta.url))

/** The only threads that a child starts, each with the program that it runs: the one that loads code that is not ours is sealed too. */
const threadPrograms: Readonly<Record<string, string>> = assign(create(null), {
  [programOf('../../shared/mail/sqlite/worker')]: programOf('../../shared/mail/sqlite/worker'),
  [programOf('../../shared/mail/keeping/worker')]: programOf('./keeping-thread'),
})

/** What of a thread's options is passed on: nothing that says under which flags it runs. */
interface ThreadOptions {
  readonly name?: string
  readonly workerData?: unknown
  readonly resourceLimits?: object
}

const sealThreads = (): void => {
  const threads = process.getBuiltinModule('node:worker_threads')
  const { Worker } = threads
  /** @throws {Refused} for any other file */
  function OnlyThread(file: string | URL, { name = '', workerData, resourceLimits = {} }: ThreadOptions = {}) {
    const program = threadPrograms[fileOf(file)]
    if (new.target === undefined || program === undefined) throw new Refused('other threads')
    // Without a prototype: options that somebody puts there are none.
    return new Worker(program, assign(create(null), { name, workerData, resourceLimits }))
  }
  // From a thread that runs its class cannot be had.
  replace(Worker.prototype, 'constructor', OnlyThread)
  replace(threads, 'Worker', OnlyThread)
}

const fileOf = (file: string | URL): string => (file instanceof URL ? fileURLToPath(file) : file)

/** Whether the flags grant this very file. Without flags (in tests) all is granted. */
const grants = (file: unknown): boolean => {
  if (typeof file !== 'string' || !isAbsolute(file) || resolve(file) !== file) return false
  return has === undefined || (has('fs.read', file) && has('fs.write', file))
}

/** Databases obey the flags as other files do. The store's thread, which is our own code to its end, checks for itself. */
const sealDatabases = (): void => {
  const sqlite = process.getBuiltinModule('node:sqlite')
  const { DatabaseSync } = sqlite
  const { SQLITE_ATTACH, SQLITE_DENY, SQLITE_OK } = sqlite.constants
  const { setAuthorizer } = DatabaseSync.prototype
  type Authorizer = Parameters<typeof setAuthorizer>[0]
  /** Also VACUUM INTO is an ATTACH to SQLite. */
  const authorize = (database: object, also: Authorizer): void => {
    apply(setAuthorizer, database, [
      (...asked: Parameters<NonNullable<Authorizer>>) =>
        asked[0] === SQLITE_ATTACH ? SQLITE_DENY : also === null ? SQLITE_OK : also(...asked),
    ])
  }
  /** @throws {Refused} for a file that is not granted */
  function OnlyGranted(file: string, { timeout = 0, enableForeignKeyConstraints = true, readOnly = false }: DatabaseOptions = {}) {
    if (new.target === undefined || !grants(file)) throw new Refused('other databases')
    const database = new DatabaseSync(file, assign(create(null), { timeout, enableForeignKeyConstraints, readOnly }))
    authorize(database, null)
    return database
  }
  replace(DatabaseSync.prototype, 'constructor', OnlyGranted)
  replace(DatabaseSync.prototype, 'setAuthorizer', function (this: object, also: Authorizer) {
    authorize(this, also)
  })
  replace(sqlite, 'DatabaseSync', OnlyGranted)
  replace(sqlite, 'backup', refuse('copies of databases'))
}

/** What of a database's options is passed on. */
interface DatabaseOptions {
  readonly timeout?: number
  readonly enableForeignKeyConstraints?: boolean
  readonly readOnly?: boolean
}

const sealProcess = (): void => {
  for (const name of ['kill', '_kill', '_debugProcess', '_debugEnd']) replace(process, name, refuse('other processes'))
  const v8 = process.getBuiltinModule('node:v8')
  for (const name of ['setFlagsFromString', 'setHeapSnapshotNearHeapLimit']) replace(v8, name, refuse('flags of V8'))
}

sealThreads()
sealDatabases()
sealProcess()
sealFiles()
process.getBuiltinModule('node:module').syncBuiltinESMExports()
