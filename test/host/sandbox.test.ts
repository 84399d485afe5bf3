import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { BoundSocket, createServer } from 'node:net'
import { extname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { expect } from 'chai'
import { isToSupervisor, type StartMessage } from '../../servers/host/messages.ts'
import { protocols } from '../../servers/supervisor/protocols.ts'
import { loadConfiguration } from '../../shared/config/load.ts'
import { Client } from '../kit/client.ts'
import { type Family, familyArgs, showWhereFailed, startFamily } from '../kit/family.ts'

const probe = join(import.meta.dirname, 'sandbox-probe.mjs')

/** A child of the family as its command line tells: Node's own flags, its program, the program's arguments. */
interface CommandLine {
  readonly flags: readonly string[]
  readonly program: string
  readonly args: readonly string[]
}

const nulSeparated = async (file: string): Promise<string[]> =>
  (await readFile(file, 'utf8')).split('\0').filter((text) => text !== '')

const commandLineOf = async (pid: number): Promise<CommandLine> => {
  const [, ...all] = await nulSeparated(`/proc/${pid}/cmdline`)
  const at = all.findIndex((argument) => !argument.startsWith('--'))
  return { flags: all.slice(0, at), program: all[at] ?? '', args: all.slice(at + 1) }
}

/** What the probe is told of the machine. */
interface Places extends Readonly<Record<string, string | number>> {
  readonly own: string
  readonly port: number
}

/** A child like the family's own, with the probe in it. */
class ProbedChild implements AsyncDisposable {
  readonly port: number
  readonly #process: ChildProcess
  readonly #bound: BoundSocket

  private constructor(child: ChildProcess, bound: BoundSocket) {
    this.#process = child
    this.#bound = bound
    this.port = bound.address().port
    // The desk, as far as these conversations need it.
    child.on('message', (message: unknown) => {
      if (!isToSupervisor(message)) return
      for (const { id, call } of message.type === 'asks' ? message.asks : message.type === 'ask' ? [message] : []) {
        const answer =
          call === 'login'
            ? { outcome: 'accepted', account: 'alice' }
            : call === 'recipient'
              ? { outcome: 'local', accounts: ['alice'] }
              : null
        child.send({ type: 'answer', id, answer })
      }
    })
  }

  /** Starts it, and waits until it serves. */
  static async start({ flags, program, args }: CommandLine, start: StartMessage): Promise<ProbedChild> {
    const bound = new BoundSocket({ host: '127.0.0.1', port: 0 })
    const fd = bound.fd()
    const child = fork(probe, args, {
      execArgv: [...flags],
      env: { HAVRE_TEST_PROGRAM: program },
      stdio: ['ignore', 'inherit', 'inherit', 'ipc', fd],
    })
    const probed = new ProbedChild(child, bound)
    const ready = probed.#told('ready')
    child.send(start)
    await ready
    return probed
  }

  /** What came of each attempt. @param thread the program of a thread in which it is made; none: it is made in the process */
  async try(places: Places, thread?: URL): Promise<Readonly<Record<string, string>>> {
    const tried = this.#told('tried')
    this.#process.send(thread === undefined ? { type: 'try', places } : { type: 'try in a thread', thread: thread.href, places })
    const { outcomes } = (await tried) as { outcomes: Record<string, string> }
    return outcomes
  }

  /** What a thread that the child may start says last. */
  async run(thread: URL, data: Readonly<Record<string, string | boolean | null>>): Promise<unknown> {
    const ran = this.#told('ran')
    this.#process.send({ type: 'run a thread', thread: fileURLToPath(thread), data })
    return ((await ran) as { last: unknown }).last
  }

  #told(type: string): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.#process.on('message', (message: { type: string; why?: string }) => {
        if (message.type === type) resolve(message)
        if (message.type === 'not tried') reject(new Error(message.why))
      })
      this.#process.once('exit', (code, signal) =>
        reject(new Error(`the child ended with ${signal ?? code} before it was ${type}`)),
      )
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#bound.close()
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return
    const ended = once(this.#process, 'exit')
    this.#process.send({ type: 'end', how: 'stop', deadlineMs: 1_000 })
    await ended
  }
}

/** Conversations that show that the child can do all it is there for. */
const works: Readonly<Record<string, (port: number) => Promise<void>>> = {
  http: async (port) => {
    using client = await Client.connect(port)
    await client.send('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    expect((await client.rest()).toString()).to.match(/^HTTP\/1\.1 200 /)
  },
  smtp: async (port) => {
    using client = await Client.connect(port)
    await client.reply()
    for (const line of ['EHLO probe', 'MAIL FROM:<>', 'RCPT TO:<alice@localhost>', 'DATA']) {
      await client.command(line)
      expect((await client.reply()).at(-1)).to.match(/^[23]/)
    }
    expect(await client.ask('Subject: probe\r\n\r\nprobe\r\n.')).to.match(/^250 /)
  },
  pop3: async (port) => {
    using client = await Client.connect(port)
    await client.line()
    await client.ask('USER alice')
    expect(await client.ask('PASS any')).to.match(/^\+OK/)
    expect(await client.ask('STAT')).to.match(/^\+OK [1-9]/)
  },
  ftp: async (port) => {
    using client = await Client.connect(port)
    await client.line()
    await client.ask('USER alice')
    expect(await client.ask('PASS any')).to.match(/^230/)
    for (const [command, written] of [
      ['STOR probe', 'probe'],
      ['RETR probe', ''],
    ] as const) {
      const [, passive = ''] = /\|\|\|(\d+)\|/.exec(await client.ask('EPSV')) ?? []
      using data = await Client.connect(Number(passive))
      expect(await client.ask(command)).to.match(/^150/)
      await data.send(written)
      if (written !== '') data.end()
      else expect((await data.rest()).toString()).to.equal('probe')
      expect(await client.line()).to.match(/^226/)
    }
  },
}

/** A server for those who connect out. */
const answering = async (): Promise<{ port: number } & AsyncDisposable> => {
  const listener = createServer((socket) => socket.on('error', () => undefined).end('HTTP/1.0 204 No Content\r\n\r\n'))
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const address = listener.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return { port: address.port, [Symbol.asyncDispose]: async () => void listener.close() }
}

/** FTP connects to its clients: Node gives the network whole or not at all. */
const ofTheNetwork = ['connect out', 'connect out by a name', 'connect out by HTTP', 'send a datagram', 'bind another port']

/** How what is tried is refused: for what it is, not for something else that is wrong with it. */
const refusals = [
  'refused: ERR_ACCESS_DENIED',
  'refused: ERR_DLOPEN_DISABLED',
  'refused: no permission',
  'refused: fetch failed',
  'refused: Cannot redefine property: Worker',
  'refused: Cannot redefine property: Symbol(Symbol.hasInstance)',
]

/** What no thread can do, whatever its flags. */
const refusalsOfThreads = ['refused: ERR_WORKER_UNSUPPORTED_OPERATION', 'refused: ERR_TRACE_EVENTS_UNAVAILABLE']

/** Attempts that show, made without the sandbox, that they would go well. */
const harmless = [
  'read /etc/passwd',
  'read it as a stream',
  'read a key of TLS',
  'read the accounts',
  'read the accounts by a descriptor',
  'read them by a promise',
  'read them by a callback',
  'read them as a stream',
  'read them by the class of streams',
  'read them as a stream that is led elsewhere later',
  'read them by a path of octets',
  'read them by what passes for a URL',
  'read them by what passes for an open file',
  'read them by an open file that is none any more',
  'load them as environment',
  'list their folder by a descriptor',
  'open their folder by a descriptor',
  'read /etc/passwd through the root of a process',
  'read it through the root of a process, plainly',
  'read its environment by a descriptor',
  'open its memory by a descriptor',
  'write elsewhere by a descriptor',
  'write there as a stream',
  'write there as another stream',
  'lead any function of files elsewhere',
  'lead any function of its promises elsewhere',
  'list the data folder',
  'read its environment as it began',
  'start a program',
  'start a thread without flags',
  'open the accounts with SQLite',
  'look for a process',
  ...ofTheNetwork,
  'ask the supervisor something',
]

describe('the sandbox of a child, under the flags of the running one', function () {
  this.timeout(120_000)
  if (process.platform !== 'linux') return

  let family: Family
  let starts: ReadonlyMap<string, StartMessage>
  before(async () => {
    family = await startFamily({ demo: true, env: { HAVRE_SECRETISH: undefined, SECRET_OF_THE_SHELL: 'hush' } })
    const sets = familyArgs(family.folder).filter((argument) => argument !== '--set')
    const { services, settings } = await loadConfiguration({ protocols, sets, env: {} })
    starts = new Map(
      services.map((service) => [
        service.name,
        { type: 'start', service, settings, version: '0', console: false, network: service.grants.network },
      ]),
    )
  })
  afterEach(async function () {
    await showWhereFailed(family, this.currentTest)
  })
  after(() => family?.[Symbol.asyncDispose]())

  const running = async (service: string): Promise<{ pid: number; line: CommandLine }> => {
    const { services } = await family.status()
    const pid = services.find(({ name }) => name === service)?.pid ?? 0
    return { pid, line: await commandLineOf(pid) }
  }

  const places = async (service: string, port: number): Promise<Places> => {
    const { folder } = family
    return {
      own: service === 'http' ? folder.at('data', 'www') : service === 'ftp' ? folder.at('data', 'files') : folder.at('logs'),
      data: folder.at('data'),
      run: folder.at('data', 'run'),
      key: folder.at('data', 'tls', 'certificate.key'),
      authority: folder.at('data', 'tls', 'authority.key'),
      accounts: folder.at('data', 'accounts.db'),
      elsewhere: folder.at(`elsewhere-${service}`),
      port,
    }
  }

  it('keeps from what goes well without it', async () => {
    await using listener = await answering()
    const env = { ...process.env, HAVRE_TEST_PROGRAM: 'data:text/javascript,' }
    const child = fork(probe, [], { env, stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
    try {
      child.send({ type: 'try', places: await places('free', listener.port), only: harmless })
      const [message]: { outcomes: Record<string, string> }[] = await once(child, 'message')
      const { environment: _environment, ...attempts } = message?.outcomes ?? {}
      const done = Object.entries(attempts).filter(([, outcome]) => outcome.startsWith('done'))
      expect(done.map(([name]) => name)).to.have.members(harmless)
    } finally {
      child.kill()
    }
  })

  for (const service of ['http', 'ftp', 'smtp', 'pop3']) {
    it(`${service}: does its work, and nothing else`, async () => {
      const { line } = await running(service)
      const start = starts.get(service)
      if (start === undefined) throw new Error(`no service ${service}`)
      // Somebody who answers: what is refused is refused by the sandbox.
      await using listener = await answering()
      const { port } = listener
      await using child = await ProbedChild.start(line, start)
      await works[service]?.(child.port)
      const outcomes = await child.try(await places(service, port))
      const { environment, ...attempts } = outcomes
      expect(environment).to.match(/^HAVRE_TEST_PROGRAM/)
      const notRefused = Object.entries(attempts).filter(([, outcome]) => !refusals.includes(outcome))
      expect(notRefused.map(([name]) => name)).to.deep.equal(service === 'ftp' ? ofTheNetwork : [])
      // And it still does its work.
      await works[service]?.(child.port)
    })

    it(`${service}: was started with no more than it needs, and with nothing of our environment`, async () => {
      const { pid, line } = await running(service)
      for (const flag of line.flags) expect(flag).to.not.include('*')
      expect(line.flags).to.include('--permission')
      const allowed = line.flags.filter((flag) => flag.startsWith('--allow-') && !flag.includes('='))
      expect(allowed).to.deep.equal(['smtp', 'pop3'].includes(service) ? ['--allow-net', '--allow-worker'] : ['--allow-net'])
      const names = (await nulSeparated(`/proc/${pid}/environ`)).map((variable) => variable.replace(/=.*/s, ''))
      const own = ['MALLOC_ARENA_MAX', 'NODE_CHANNEL_FD', 'NODE_CHANNEL_SERIALIZATION_MODE']
      const passedOn = /^(?:TZ|LANG|LC_.*|TERM|NO_COLOR|HAVRE_TEST_.*)$/
      expect(names.filter((name) => !passedOn.test(name) && !own.includes(name))).to.deep.equal([])
    })
  }

  it('holds the thread of the housekeeping of mail too, which has no network at all', async () => {
    const { line } = await running('smtp')
    const start = starts.get('smtp')
    if (start === undefined) throw new Error('no service smtp')
    await using listener = await answering()
    await using child = await ProbedChild.start(line, start)
    const ending = extname(line.program)
    const programAt = (name: string): URL => new URL(`${name}${ending}`, pathToFileURL(line.program))
    const { environment: _, ...attempts } = await child.try(await places('smtp', listener.port), programAt('keeping-thread'))
    const notRefused = Object.entries(attempts).filter(([, outcome]) => ![...refusals, ...refusalsOfThreads].includes(outcome))
    expect(notRefused).to.deep.equal([])
    // It is the one that a child's housekeeping has, and does its work; a path as only what is sealed refuses shows which it is.
    const worker = programAt('../../shared/mail/keeping/worker')
    const data = family.folder.at('data')
    const round = { urgency: 'urgent', retention: null, token: 'probe', died: false, indexFile: join(data, 'mail-index.db') }
    expect(await child.run(worker, { ...round, mailFile: join(data, 'mail.db') })).to.deep.equal({ kind: 'ended', how: 'done' })
    const around = { ...round, mailFile: `${data}/tls/../mail.db` }
    expect(await child.run(worker, around)).to.have.nested.property('kind', 'failed')
  })

  it('has no debugger to open by a signal, in no process of the family', async () => {
    const { services, supervisor } = await family.status()
    for (const pid of [supervisor.pid, ...services.map(({ pid }) => pid ?? 0)]) process.kill(pid, 'SIGUSR1')
    const after = await family.status()
    expect(after.services.map(({ pid }) => pid)).to.deep.equal(services.map(({ pid }) => pid))
    expect(family.output()).to.not.include('Debugger listening')
  })
})
