/**
 * How many messages a second the SMTP server takes from 20 clients, each committed to disk before its 250:
 * `node bench/smtp-alone.ts [seconds for each figure] [127.0.0.1:PORT of a running server]`. Without a port a server is run in a process
 * of its own, as the host runs it, with a desk that answers at once; its event loop's delay, CPU and memory are told then.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import process from 'node:process'
import { testSettings } from '../test/kit/settings.ts'
import { forgetfulJournal, wideLimits } from './load/bare-host.ts'

const clients = 20
const body = (octets: number) => Buffer.from(`Subject: bench\r\n\r\n${`${'x'.repeat(74)}\r\n`.repeat(octets / 76)}.\r\n`)
const envelope = 'MAIL FROM:<bench@example.org>\r\nRCPT TO:<alice@havre.test>\r\nDATA\r\n'

/** What the server's process tells of the time since it was asked last. */
interface Told {
  readonly loop: { readonly p50: number; readonly p99: number; readonly max: number }
  /** Of the thread that serves the sockets, and of all threads. */
  readonly mainCpuMs: number
  readonly cpuMs: number
  readonly rssMiB: number
}

const serveHere = async (data: string): Promise<void> => {
  const [{ Host }, { service }, { protocol }, { makeMailStore }, { mailFile }] = await Promise.all([
    import('../servers/host/host.ts'),
    import('../servers/smtp/service.ts'),
    import('../servers/smtp/options.ts'),
    import('../shared/mail/sqlite-mail-store.ts'),
    import('../shared/mail/mail-files.ts'),
  ])
  makeMailStore(mailFile(data))
  const { log } = forgetfulJournal
  const server = service.create({
    service: 'smtp',
    options: protocol.options.parse({}),
    requireTls: 'auto',
    tls: 'off',
    connections: 1_000,
    settings: testSettings(data, {
      data,
      logs: data,
      drainMs: 1_000,
      domains: ['havre.test'],
      mail: { quota: { octets: 1e12, messages: 1e9 } },
      logins: { scram: false },
      log: { level: 'error' },
    }),
    desk: {
      login: async () => ({ outcome: 'refused' }),
      scram: async () => ({ outcome: 'refused' }),
      recipient: async () => ({ outcome: 'local', accounts: ['alice'] }),
      sync: async () => undefined,
      turn: async () => ({ [Symbol.dispose]: () => undefined }),
    },
    journal: forgetfulJournal,
    log,
    version: '0',
  })
  await server.start?.()
  const host = new Host(server, wideLimits, log)
  const port = await host.listen({ host: '127.0.0.1', port: 0 })
  const delay = monitorEventLoopDelay({ resolution: 1 })
  delay.enable()
  let cpu = process.cpuUsage()
  let mainCpu = process.threadCpuUsage()
  process.on('message', (message) => {
    if (message === 'end') {
      void host.end('stop', 2_000).then(() => process.exit())
      return
    }
    const { user, system } = process.cpuUsage(cpu)
    const ms = (value: number) => value / 1e6
    const loop = { p50: ms(delay.percentile(50)), p99: ms(delay.percentile(99)), max: ms(delay.max) }
    const main = process.threadCpuUsage(mainCpu)
    process.send?.({
      loop,
      mainCpuMs: (main.user + main.system) / 1000,
      cpuMs: (user + system) / 1000,
      rssMiB: process.memoryUsage.rss() / 1048576,
    } satisfies Told)
    delay.reset()
    cpu = process.cpuUsage()
    mainCpu = process.threadCpuUsage()
  })
  process.on('disconnect', () => process.exit())
  process.send?.({ port })
}

/** Reads replies off a socket, as many as are asked for. */
class Replies {
  #held = ''
  #wake: (() => void) | null = null
  #ended = false

  constructor(socket: Socket) {
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => {
      this.#held += text
      this.#wake?.()
    })
    socket.on('close', () => {
      this.#ended = true
      this.#wake?.()
    })
  }

  /** @throws when one of them is an error */
  async take(count: number): Promise<void> {
    for (let left = count; left > 0; ) {
      const found = /^(?:\d{3}-[^\n]*\n)*(?<code>\d{3}) [^\n]*\n/.exec(this.#held)
      if (found === null) {
        if (this.#ended) throw new Error('the server closed')
        await new Promise<void>((resolve) => {
          this.#wake = resolve
        })
        continue
      }
      if (Number(found.groups?.['code']) >= 400) throw new Error(found[0])
      this.#held = this.#held.slice(found[0].length)
      left -= 1
    }
  }
}

/** One client until the time is over. Envelope and DATA in one write, as a client that pipelines does. @returns messages taken */
const client = async (port: number, message: Buffer, until: number, kept: boolean): Promise<number> => {
  let count = 0
  while (performance.now() < until) {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    const replies = new Replies(socket)
    await once(socket, 'connect')
    await replies.take(1)
    socket.write('EHLO bench.test\r\n')
    await replies.take(1)
    do {
      socket.write(envelope)
      await replies.take(3)
      socket.write(message)
      await replies.take(1)
      count += 1
    } while (kept && performance.now() < until)
    socket.write('QUIT\r\n')
    await replies.take(1)
    socket.end()
    await once(socket, 'close')
  }
  return count
}

const ask = async (server: ChildProcess): Promise<Told> => {
  server.send('tell')
  const [told] = (await once(server, 'message')) as [Told]
  return told
}

const measure = async (what: string, port: number, seconds: number, octets: number, kept: boolean, server: ChildProcess | null) => {
  if (server !== null) await ask(server)
  const begin = performance.now()
  const until = begin + seconds * 1000
  const counts = await Promise.all(Array.from({ length: clients }, () => client(port, body(octets), until, kept)))
  const ms = performance.now() - begin
  const count = counts.reduce((sum, each) => sum + each, 0)
  const rate = `${Math.round((count / ms) * 1000).toLocaleString('en')}/s, ${((count * octets) / 1048576 / (ms / 1000)).toFixed(0)} MiB/s`
  const told = server === null ? null : await ask(server)
  const loop =
    told === null
      ? ''
      : `; event loop late p50 ${told.loop.p50.toFixed(1)}, p99 ${told.loop.p99.toFixed(1)}, worst ${told.loop.max.toFixed(0)} ms`
  const cost =
    told === null
      ? ''
      : `; CPU a message ${((told.mainCpuMs / count) * 1000).toFixed(0)} µs in the main thread, ${((told.cpuMs / count) * 1000).toFixed(0)} in all, ${told.rssMiB.toFixed(0)} MiB RSS`
  console.log(`${what.padEnd(40)}${rate}${loop}${cost}`)
}

/** How the supervisor starts a child: without these two the same load takes twice the memory. */
const asTheSupervisor = { execArgv: ['--max-semi-space-size=1'], env: { ...process.env, MALLOC_ARENA_MAX: '1' } }

const main = async (seconds: number, target: string | undefined): Promise<void> => {
  const folder = await mkdtemp(join(tmpdir(), 'havre-bench-'))
  const server = target === undefined ? fork(import.meta.filename, ['serve', folder], asTheSupervisor) : null
  try {
    const port =
      server === null ? Number(target?.split(':').at(-1)) : ((await once(server, 'message')) as [{ port: number }])[0].port
    await measure('warm-up', port, 1, 4096, true, server)
    await measure(`4 KiB, ${clients} clients, sessions kept`, port, seconds, 4096, true, server)
    await measure(`4 KiB, ${clients} clients, a session each`, port, seconds, 4096, false, server)
    await measure(`1 MiB, ${clients} clients, sessions kept`, port, seconds, 1_048_576, true, server)
  } finally {
    server?.send('end')
    if (server !== null) await once(server, 'exit')
    await rm(folder, { recursive: true, force: true })
  }
}

if (process.argv[2] === 'serve') await serveHere(process.argv[3] ?? '')
else await main(Number(process.argv[2] ?? 4), process.argv[3])
