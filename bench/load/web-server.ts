/** HTTP in a process of its own, as a child serves it but without the sandbox: with its journal, or with one that forgets. */
import process from 'node:process'
import { Host } from '../../servers/host/host.ts'
import { protocol } from '../../servers/http/options.ts'
import { service } from '../../servers/http/service.ts'
import type { Journal } from '../../shared/log/journal.ts'
import type { Log } from '../../shared/log/log.ts'
import { openJournal } from '../../shared/log/winston-journal.ts'
import { fakeDesk } from '../../test/kit/fake-desk.ts'
import { testSettings } from '../../test/kit/settings.ts'

/** What it is told at its start. */
export interface WebServerTask {
  readonly folder: string
  readonly journal: boolean
}

/** What it tells: its port, and when asked, what it has used of the processor since it began, in microseconds. */
export type WebServerWord = { readonly port: number } | { readonly cpuUs: number }

const forgetful: Log = { write: () => undefined, with: () => forgetful, keeps: () => false }
const none: Journal = {
  log: forgetful,
  lines: () => ({ write: () => undefined }),
  health: { ok: true, error: null, dropped: 0 },
  reopen: () => undefined,
  moveTo: () => undefined,
  keepFrom: () => undefined,
  settle: () => undefined,
  flush: async () => undefined,
  close: async () => undefined,
}

const task: WebServerTask = JSON.parse(process.argv[2] ?? '{}')
const settings = testSettings(task.folder)
const journal = task.journal ? await openJournal({ service: 'http', folder: settings.logs, level: 'info', console: false }) : none
const { log } = journal
const context = { service: 'http', options: protocol.options.parse({}), requireTls: 'auto', tls: 'off', version: '0' } as const
const server = service.create({ ...context, settings, desk: fakeDesk({ domains: ['havre.test'], catchAll: null }), journal, log })
await server.start?.()
const host = new Host(
  server,
  {
    connections: 1_000,
    connectionsPerAddress: 1_000,
    connectionsPerSecond: null,
    idleMs: 60_000,
    handshakeMs: 10_000,
    loginMs: null,
    totalMs: null,
    memoryOctets: 16 * 2 ** 20,
  },
  log,
)
const port = await host.listen({ host: '127.0.0.1', port: 0 })
const tell = (word: WebServerWord) => process.send?.(word)
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  tell({ cpuUs: user + system })
})
process.once('disconnect', () => process.exit())
tell({ port })
