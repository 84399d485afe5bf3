import { mkdir } from 'node:fs/promises'
import { Host } from '../../servers/host/host.ts'
import type { Limits, ServiceSettings, Settings } from '../../shared/config/settings.ts'
import type { LimitCounts } from '../../shared/limits/limits.ts'
import { mailFile } from '../../shared/mail/mail-files.ts'
import { makeMailStore } from '../../shared/mail/sqlite-mail-store.ts'
import type { Context, Protocol, Server, Service } from '../../shared/service.ts'
import { ServiceTls } from '../../shared/tls/service-tls.ts'
import { type CapturedJournal, capturedJournal } from './captured-journal.ts'
import { type FakeDesk, fakeDesk } from './fake-desk.ts'
import { type TemporaryFolder, temporaryFolder } from './folder.ts'
import { testKeys } from './keys.ts'
import { patienceMs } from './patience.ts'
import { type SettingsChanges, testSettings } from './settings.ts'

/** How a service is run in this process. */
export interface Setup {
  /** The protocol's folder below `servers/`. */
  readonly service: string
  /** The protocol's own settings as the configuration file writes them. */
  readonly options?: Readonly<Record<string, unknown>>
  readonly settings?: SettingsChanges
  readonly limits?: Partial<Limits>
  readonly requireTls?: ServiceSettings['requireTls']
  /** Encrypted from the first octet, or when the client asks for it, with the keys of `testKeys`; off unless given. */
  readonly tls?: ServiceSettings['tls']
  /** Where it listens; 127.0.0.1 unless given. */
  readonly host?: string
  /** Addresses and networks of proxies that tell whose connections they hand on. */
  readonly proxiesFrom?: readonly string[]
  /** The keys come later, by `Running.tls`. */
  readonly keysLater?: boolean
  readonly desk?: FakeDesk
  /** Whether the journal keeps conversations, which some services serve otherwise for; it does unless given. */
  readonly conversations?: boolean
  /** Prepares the data folder before the service starts: seeds mailboxes, writes files. */
  readonly prepare?: (settings: Settings) => Promise<void>
  /** How long conversations may take to end by themselves once the test is over; long unless given. */
  readonly endMs?: number
  /** Makes the server; the default loads it from the protocol's folder. */
  readonly create?: (context: Context<unknown>) => Server
}

/** A service that runs. `close` (or `await using`) ends it and removes its folder. */
export interface Running extends AsyncDisposable {
  readonly host: string
  readonly port: number
  readonly settings: Settings
  readonly folder: TemporaryFolder
  readonly desk: FakeDesk
  readonly journal: CapturedJournal
  readonly server: Server
  /** To give it other keys. */
  readonly tls: ServiceTls | null
  /** Conversations that are not over. */
  readonly open: number
  /** How often which limit was met. */
  readonly refused: LimitCounts
  /**
   * Ends everything; rejects when a conversation does not end in time. `stop` (the default) tells the conversations to end,
   * `replace` expects that they do so by themselves, since their clients are gone.
   */
  close(how?: 'replace' | 'stop'): Promise<void>
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
const isService = (value: unknown): value is Service<unknown> => isObject(value) && typeof value['create'] === 'function'
const isProtocol = (value: unknown): value is Protocol<unknown> => isObject(value) && typeof value['grants'] === 'function'

const load = async (path: string): Promise<Record<string, unknown>> => {
  const module: unknown = await import(path)
  if (!isObject(module)) throw new TypeError(`${path} is no module`)
  return module
}

/** The service that a protocol's folder exports. */
export const loadService = async (protocol: string): Promise<Service<unknown>> => {
  const { service } = await load(`../../servers/${protocol}/service.ts`)
  if (!isService(service)) throw new TypeError(`servers/${protocol}/service.ts exports no service`)
  return service
}

/** What the supervisor knows of a protocol. */
export const loadProtocol = async (protocol: string): Promise<Protocol<unknown>> => {
  const module = await load(`../../servers/${protocol}/options.ts`)
  if (!isProtocol(module['protocol'])) throw new TypeError(`servers/${protocol}/options.ts exports no protocol`)
  return module['protocol']
}

/** The rows of a protocol's command table, as far as the kit needs them. */
export const loadCommands = async (protocol: string): Promise<readonly { name: string; alone: boolean }[]> => {
  const { commands } = await load(`../../servers/${protocol}/commands.ts`)
  const rows: unknown[] = isObject(commands) && Symbol.iterator in commands ? [...(commands as Iterable<unknown>)] : []
  return rows.filter(isObject).map((row) => ({ name: String(row['name']), alone: row['alone'] === true }))
}

/**
 * Runs a protocol's server in this process, on a free port of 127.0.0.1, with a fake desk, a folder of its own and a captured
 * journal, under the host that runs around it in its child too.
 */
export const serve = async (setup: Setup): Promise<Running> => {
  const folder = await temporaryFolder()
  try {
    return await serveIn(folder, setup)
  } catch (error) {
    await folder.remove()
    throw error
  }
}

const serveIn = async (folder: TemporaryFolder, setup: Setup): Promise<Running> => {
  const settings = testSettings(folder.path, setup.settings)
  const desk = setup.desk ?? fakeDesk({ domains: settings.domains, catchAll: settings.mail.catchAll })
  const journal = capturedJournal(setup.conversations)
  const create = setup.create ?? (await loadService(setup.service)).create
  const options = setup.create ? (setup.options ?? {}) : (await loadProtocol(setup.service)).options.parse(setup.options ?? {})
  await mkdir(`${settings.data}/files`, { recursive: true })
  await mkdir(`${settings.data}/www`, { recursive: true })
  await mkdir(settings.logs, { recursive: true })
  // As the supervisor does.
  if (setup.create === undefined && ['smtp', 'pop3'].includes(setup.service)) makeMailStore(mailFile(settings.data))
  await setup.prepare?.(settings)
  const limits: Limits = {
    connections: 1_000,
    connectionsPerAddress: 1_000,
    connectionsPerSecond: null,
    idleMs: 300_000,
    loginMs: null,
    totalMs: null,
    handshakeMs: 10_000,
    memoryOctets: 16 * 2 ** 20,
    ...setup.limits,
  }
  const server = create({
    service: setup.service,
    options,
    requireTls: setup.requireTls ?? 'auto',
    tls: setup.tls ?? 'off',
    connections: limits.connections,
    settings,
    desk,
    journal,
    log: journal.log,
    version: '0.0.0-test',
  })
  await server.start?.()
  const mode = setup.tls ?? 'off'
  const tls = mode === 'off' ? null : new ServiceTls(setup.service, server)
  if (setup.keysLater !== true) tls?.use((await testKeys()).material)
  const host = new Host(server, limits, journal.log, tls === null || mode === 'off' ? null : { mode, tls }, setup.proxiesFrom)
  const port = await host.listen({ host: setup.host ?? '127.0.0.1', port: 0 })

  const endMs = setup.endMs ?? patienceMs
  let ending: Promise<void> | null = null
  const end = async (how: 'replace' | 'stop') => {
    await host.end(how, endMs)
    await folder.remove()
    const cut = journal.of('service.ended').at(-1)?.fields['cut']
    if (cut !== 0) throw new Error(`${String(cut)} conversation(s) did not end within ${endMs} ms`)
  }
  const close = (how: 'replace' | 'stop' = 'stop') => {
    ending ??= end(how)
    return ending
  }
  return {
    host: '127.0.0.1',
    port,
    settings,
    folder,
    desk,
    journal,
    server,
    tls,
    get open() {
      return host.counters.open
    },
    get refused() {
      return host.counters.refused
    },
    close,
    [Symbol.asyncDispose]: () => close(),
  }
}
