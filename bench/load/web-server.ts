/** HTTP in a process of its own, as a child serves it but without the sandbox: with its journal, or with one that forgets. */
import process from 'node:process'
import { Host } from '../../servers/host/host.ts'
import { protocol } from '../../servers/http/options.ts'
import { service } from '../../servers/http/service.ts'
import { openJournal } from '../../shared/log/winston-journal.ts'
import { ServiceTls } from '../../shared/tls/service-tls.ts'
import { fakeDesk } from '../../test/kit/fake-desk.ts'
import { testKeys } from '../../test/kit/keys.ts'
import { testSettings } from '../../test/kit/settings.ts'
import { forgetfulJournal, wideLimits } from './bare-host.ts'

/** What it is told at its start. */
export interface WebServerTask {
  readonly folder: string
  readonly journal: boolean
  /** With TLS from the first octet, and so with HTTP/2 too, where the client likes it. */
  readonly tls?: true
}

/** What it tells: its port, and when asked, what it has used of the processor since it began, in microseconds. */
export type WebServerWord = { readonly port: number } | { readonly cpuUs: number }

const task: WebServerTask = JSON.parse(process.argv[2] ?? '{}')
const settings = testSettings(task.folder)
const journal = task.journal
  ? await openJournal({ service: 'http', folder: settings.logs, level: 'info', console: false })
  : forgetfulJournal
const { log } = journal
const context = {
  service: 'http',
  options: protocol.options.parse({}),
  requireTls: 'auto',
  tls: task.tls ? 'implicit' : 'off',
  connections: wideLimits.connections,
  version: '0',
} as const
const server = service.create({ ...context, settings, desk: fakeDesk({ domains: ['havre.test'], catchAll: null }), journal, log })
await server.start?.()
const tls = task.tls ? new ServiceTls('http', server) : null
tls?.use((await testKeys()).material)
const host = new Host(server, wideLimits, log, tls === null ? null : { mode: 'implicit', tls })
const port = await host.listen({ host: '127.0.0.1', port: 0 })
const tell = (word: WebServerWord) => process.send?.(word)
process.on('message', () => {
  const { user, system } = process.cpuUsage()
  tell({ cpuUs: user + system })
})
process.once('disconnect', () => process.exit())
tell({ port })
