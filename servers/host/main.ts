/**
 * The program that a child runs: takes its options from the supervisor, creates its protocol's server, listens on the inherited
 * descriptor, says that it is ready, serves, and ends with an exit code that says whether trying again may help.
 */
import './seal.ts'
import { Socket } from 'node:net'
import process from 'node:process'
import { DeskError } from '../../shared/accounts/desk.ts'
import type { Journal } from '../../shared/log/journal.ts'
import type { Level } from '../../shared/log/log.ts'
import { openJournal } from '../../shared/log/winston-journal.ts'
import { type Context, exitCodes, PermanentError, type Server } from '../../shared/service.ts'
import { giveBackStartMemory } from '../../shared/start-memory.ts'
import type { TlsMaterial } from '../../shared/tls/material.ts'
import { ServiceTls } from '../../shared/tls/service-tls.ts'
import { DeskClient } from './desk-client.ts'
import { Host, type HostTls } from './host.ts'
import { Joined } from './joined.ts'
import * as journal from './journal.ts'
import { type AnswerMessage, type AskMessage, isToChild, type StartMessage, type ToSupervisor } from './messages.ts'
import { loadService } from './services.ts'
import { SharedAdmission } from './shared-admission.ts'

/** The descriptor behind stdin, stdout, stderr and the channel: where the supervisor puts the bound port. */
const inheritedFd = 4

/** What an orphan may take to finish what goes on. */
const orphanMs = 4_000

/** Counters travel at most so often. */
const countersEveryMs = 250

/** What the process is doing. */
type Life =
  | { readonly state: 'waiting' }
  | { readonly state: 'running'; readonly host: Host; readonly journal: Journal }
  | { readonly state: 'ending'; readonly host: Host; readonly journal: Journal }

let life: Life = { state: 'waiting' }

/** The journal's level, where it was changed since the start; it may be before there is a journal. */
let level: Level | null = null

/** Keys may come before there is anything to use them, and again later. */
const keys: { material: TlsMaterial | null; tls: ServiceTls | null } = { material: null, tls: null }

const takeKeys = (material: TlsMaterial): void => {
  keys.material = material
  keys.tls?.use(material)
}

/** TLS for the server, with the keys that have come or will. */
const tlsFor = ({ name, tls }: StartMessage['service'], server: Server): HostTls | null => {
  if (tls === 'off') return null
  keys.tls = new ServiceTls(name, server)
  if (keys.material !== null) keys.tls.use(keys.material)
  return { mode: tls, tls: keys.tls }
}

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

const questions = new Joined<AskMessage>((first, more) =>
  send(more.length === 0 ? first : { type: 'asks', asks: [first, ...more] }),
)

const desk = new DeskClient((message) => {
  if (!process.connected) {
    // Nobody waits for an answer to it.
    if (message.call === 'turnOver') return
    throw new DeskError('the supervisor is gone')
  }
  questions.add(message)
})

const answered = (message: AnswerMessage): void => {
  if (message.type === 'answer') desk.answered(message.id, message.answer)
  else desk.failed(message.id, message.message)
}

/** Asks the supervisor who may come in. */
const admission = new SharedAdmission(send)

const run = async ({ service, settings, version, console, network }: StartMessage): Promise<void> => {
  const records = await openJournal({ service: service.name, folder: settings.logs, level: service.log.level, console })
  const { log } = records
  process.on('uncaughtException', (error) => void crash(records, error))
  process.on('unhandledRejection', (error) => void crash(records, error))
  let server: Server | null = null
  try {
    const protocol = await loadService(service.protocol)
    if (protocol === null) throw new PermanentError(`no protocol is called ${service.protocol}`)
    const context: Context<unknown> = {
      service: service.name,
      options: service.options,
      requireTls: service.requireTls,
      tls: service.tls,
      connections: service.limits.connections,
      settings,
      desk,
      journal: records,
      log,
      version,
    }
    server = protocol.create(context)
    await server.start?.()
    // The only process of a service counts for itself.
    const asked = service.workers > 1 ? admission : undefined
    const host = new Host(server, service.limits, log, tlsFor(service, server), service.proxyProtocol?.from, asked)
    desk.onBlocked = () => host.countLimit('blockAfter')
    reportCounters(host, records)
    const port = await host.listen({ fd: inheritedFd })
    // For good: what breaks into this process cannot call home or reach the neighbours.
    if (network === 'accept') process.permission?.drop('net')
    life = { state: 'running', host, journal: records }
    if (level !== null) records.keepFrom(level)
    send({ type: 'ready', port })
    giveBackStartMemory()
  } catch (error) {
    await giveUp(error, server, records)
  }
}

const countersOf = (host: Host, records: Journal): ToSupervisor => ({
  type: 'counters',
  counters: host.counters,
  journal: records.health,
})

const reportCounters = (host: Host, records: Journal): void => {
  let due = false
  let toldAt = Number.NEGATIVE_INFINITY
  host.onChange(() => {
    if (due) return
    due = true
    // The first change at once: a child that is killed then was not busy, and nothing that it did is missing in `served`.
    const waitMs = Math.max(0, toldAt + countersEveryMs - performance.now())
    setTimeout(() => {
      due = false
      toldAt = performance.now()
      send(countersOf(host, records))
    }, waitMs).unref()
  })
}

const giveUp = async (error: unknown, server: Server | null, records: Journal): Promise<void> => {
  const code = error instanceof Error && 'code' in error ? error.code : null
  const portTaken = code === 'EADDRINUSE'
  journal.notStarted(records.log, error)
  await sendLast({ type: 'failed', message: error instanceof Error ? error.message : String(error), portTaken })
  await server?.stop(AbortSignal.timeout(1_000))
  await records.close()
  exit(error instanceof PermanentError || portTaken ? exitCodes.permanent : exitCodes.temporary)
}

const end = async (how: 'replace' | 'stop', deadlineMs: number, queue: 'leave' | 'serve'): Promise<void> => {
  if (life.state === 'waiting') return exit(exitCodes.done)
  const { state, host, journal: records } = life
  life = { state: 'ending', host, journal: records }
  await host.end(how, deadlineMs, queue)
  // Told again while it ended: the first call goes on from here.
  if (state === 'ending') return
  await sendLast(countersOf(host, records))
  await records.close()
  exit(exitCodes.done)
}

const crash = async (records: Journal, error: unknown): Promise<void> => {
  journal.crashed(records.log, error)
  await records.close()
  exit(exitCodes.temporary)
}

const exit = (code: number): never => process.exit(code)

/** The connection that came with a question whether we are well. One that did not arrive, for want of a descriptor, is asked for anew. */
const takeProbe = (handle: unknown): void => {
  if (!(handle instanceof Socket)) return
  if (life.state === 'running') life.host.probe(handle)
  else handle.destroy()
}

process.on('message', (message, handle) => {
  if (!isToChild(message)) return
  switch (message.type) {
    case 'start':
      return void run(message)
    case 'end':
      return void end(message.how, message.deadlineMs, message.queue)
    case 'answer':
    case 'failure':
      return answered(message)
    case 'answers':
      return message.answers.forEach(answered)
    case 'admission':
      return admission.answered(message.id, message.verdict)
    case 'tls':
      return takeKeys(message.material)
    case 'probe':
      return takeProbe(handle)
    case 'reopen':
      if (life.state !== 'waiting') life.journal.reopen()
      return
    case 'level':
      level = message.level
      if (life.state !== 'waiting') life.journal.keepFrom(level)
      return
    case 'count':
      if (life.state !== 'waiting') send(countersOf(life.host, life.journal))
      return
  }
})

process.on('disconnect', () => {
  desk.close()
  admission.close()
  if (life.state === 'waiting') return exit(exitCodes.done)
  // First of all: an orphan that holds the port would be in the way of the next start.
  life.host.close()
  journal.orphaned(life.journal.log)
  void end('stop', orphanMs, 'leave')
})

// A terminal's Ctrl-C and hang-up reach the whole group; the supervisor decides what they mean. SIGUSR1 would be for a debugger.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1'] as const) process.on(signal, () => undefined)
