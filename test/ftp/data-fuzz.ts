import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { expect } from 'chai'
import { Client, ClientError } from '../kit/client.ts'
import { testAccounts } from '../kit/fake-desk.ts'
import { patienceMs } from '../kit/patience.ts'
import { reset } from '../kit/reset.ts'
import { type Seeded, seeded } from '../kit/seeded.ts'
import type { Running } from '../kit/serving.ts'
import { descriptors, listening, noDescriptorSince } from './descriptors.ts'
import { freePorts } from './free-ports.ts'
import { Home, serveFtp, until } from './raw-session.ts'
import { manners } from './tls-session.ts'

/** Sessions at once: they share few ports, so that a crossed connection would show. */
const crowd = 40
const ports = 800

/**
 * Each session has an address of its own: who comes late to a port that is long gone, and now another's, is told from that other by
 * nothing else in clear (RFC 2577 §3). Some come from a stranger's.
 */
const addressOf = (name: string): string => `127.0.1.${(Number(name) % crowd) + 1}`
const stranger = '127.0.0.66'

/** A session that does what no client should, in any order, and looks whether it gets what is somebody else's. */
class Meddler {
  readonly #random: Seeded
  readonly #running: Running
  readonly #name: string
  readonly #address: string
  readonly #control: Client
  readonly #raw: Socket
  readonly #reading: Promise<void>
  /** Data connections, each with what is below its encryption: only that can be reset. */
  readonly #sockets = new Map<Socket, Socket>()
  #listener: Server | null = null
  #replies: string[] = []
  #wake: () => void = () => undefined
  #over = false
  #left = false
  #port: number | null = null
  #ticket: Buffer | undefined
  #tls: ConnectionOptions = { rejectUnauthorized: false }
  #private = false
  #inputs = 0
  /** Somebody else's data, seen by a listener: what nobody waits for cannot throw. */
  #crossed: Error | null = null

  private constructor(running: Running, random: Seeded, name: string, control: Client, raw: Socket) {
    this.#running = running
    this.#random = random
    this.#name = name
    this.#address = addressOf(name)
    this.#control = control
    this.#raw = raw
    this.#reading = this.#read()
  }

  /** Logs in, one in three over TLS. */
  static async open(running: Running, random: Seeded, name: string): Promise<Meddler> {
    const control = await Client.connect(running.port, { deadlineMs: 60_000, from: addressOf(name) })
    await control.reply()
    const raw = control.socket
    const secure = random.chance(0.33)
    const old = random.chance(0.5)
    if (secure) {
      await control.ask('AUTH TLS')
      await control.startTls({ ...(old ? manners['TLS 1.2 with ids'] : {}) })
    }
    await control.ask('USER alice')
    expect(await control.ask(`PASS ${testAccounts['alice']}`)).to.match(/^230 /)
    await control.ask('TYPE I')
    const meddler = new Meddler(running, random, name, control, raw)
    if (!secure) return meddler
    await until('a session to resume', () => control.sessions.length > 0)
    meddler.#ticket = control.sessions[0]
    meddler.#tls = { rejectUnauthorized: false, ...(old ? manners['TLS 1.2 with ids'] : {}) }
    await meddler.#send('PBSZ 0', 'PROT P')
    meddler.#private = true
    return meddler
  }

  /** Does so many things; then all has to be well. @returns how many there were */
  async run(): Promise<number> {
    try {
      for (let steps = this.#random.between(5, 40); steps > 0 && !this.#over; steps -= 1) await this.#step()
      const leaving = this.#random.next()
      if (leaving < 0.15) reset(this.#raw, this.#control.socket)
      else if (leaving < 0.3) this.#control.end()
      else await this.#leaveWell()
      // A download that nobody takes would go on waiting for its client.
      for (const socket of this.#sockets.keys()) socket.destroy()
      await this.#reading
      if (this.#crossed !== null) throw this.#crossed
    } finally {
      this.#left = true
      this.#control[Symbol.dispose]()
      for (const socket of this.#sockets.keys()) socket.destroy()
      this.#listener?.close()
    }
    return this.#inputs
  }

  async #leaveWell(): Promise<void> {
    await this.#quiet()
    await this.#ordinary()
    await this.#send('QUIT')
    await this.#until('221', () => this.#replies.some((line) => line.startsWith('221 ')))
  }

  async #read(): Promise<void> {
    try {
      for (;;) {
        const line = await this.#control.line()
        if (!/^(?:[1-5]\d\d[ -]| )/.test(line)) throw new Error(`"${line}" is no line of a reply`)
        const [, port] = /\|\|\|(\d+)\|/.exec(line) ?? []
        const [, high, low] = /^227 .*,(\d+),(\d+)\)/.exec(line) ?? []
        if (port !== undefined) this.#port = Number(port)
        if (high !== undefined) this.#port = Number(high) * 256 + Number(low)
        this.#replies.push(line)
        this.#wake()
      }
    } catch (error) {
      if (!(error instanceof ClientError) || error.why !== 'closed') throw error
    } finally {
      this.#over = true
      this.#wake()
    }
  }

  async #until(what: string, holds: () => boolean): Promise<void> {
    const deadline = performance.now() + patienceMs
    while (!holds()) {
      if (this.#over) throw new Error(`the session is over before ${what}: ${this.#control.transcript.slice(-30).join('\n')}`)
      if (performance.now() > deadline) throw new Error(`no ${what}: ${this.#control.transcript.slice(-30).join('\n')}`)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, 1_000)
        this.#wake = () => {
          clearTimeout(timer)
          resolve()
        }
      })
    }
  }

  async #send(...lines: string[]): Promise<void> {
    this.#inputs += lines.length
    await this.#control.send(lines.map((line) => `${line}\r\n`).join(''))
  }

  /** The whole of the next reply to a command of ours; only while no other is under way. */
  async #ask(line: string): Promise<string> {
    this.#replies = []
    await this.#send(line)
    return this.#next()
  }

  async #next(): Promise<string> {
    await this.#until('a reply', () => this.#replies.some((line) => /^\d{3} /.test(line)))
    const at = this.#replies.findIndex((line) => /^\d{3} /.test(line))
    return this.#replies.splice(0, at + 1)[at] ?? ''
  }

  /** Ends all that is under way, and waits until all has been answered. */
  async #quiet(): Promise<void> {
    for (const socket of this.#sockets.keys()) socket.destroy()
    this.#replies = []
    await this.#send('ABOR', 'HELP HELP')
    await this.#until('quiet', () => this.#replies.some((line) => line.startsWith('214 Syntax: HELP')))
  }

  async #step(): Promise<void> {
    const random = this.#random
    const kind = random.next()
    if (kind < 0.45) return this.#say()
    if (kind < 0.7) return this.#connect()
    if (kind < 0.9) return this.#push()
    if (kind < 0.93) await this.#quiet()
    else if (kind < 0.95) await this.#quiet().then(() => this.#ordinary())
    else await sleep(random.between(0, 4))
  }

  async #say(): Promise<void> {
    const random = this.#random
    const name = this.#name
    const words = [
      ...['EPSV', 'EPSV', 'EPSV', 'PASV', 'PASV', 'EPSV 1', 'EPSV 2', 'EPSV x'],
      ...[
        `RETR f${name}`,
        `RETR f${name}`,
        `STOR u${name}`,
        `STOR u${name}`,
        `APPE u${name}`,
        'LIST',
        'NLST',
        'RETR none',
        'STOR /',
      ],
      ...['REST 5', 'TYPE I', 'TYPE A', 'ABOR', 'ABOR', 'STAT', 'NOOP', 'CWD /', 'LPSV', 'AUTH TLS1'],
      ...[
        `PORT ${this.#address.replaceAll('.', ',')},0,22`,
        'PORT 10,0,0,1,200,1',
        `EPRT |1|${this.#address}|1|`,
        'EPRT |2|::1|50000|',
        'PORT x',
      ],
      ...['PORT', 'EPRT', 'EPRT'],
      ...(this.#ticket === undefined ? [] : ['PROT C', 'PROT P', 'PROT P', 'CCC', 'AUTH TLS']),
    ]
    const lines: string[] = []
    for (let count = random.between(1, 4); count > 0; count -= 1) {
      const word = random.pick(words)
      if (word === 'PROT C') this.#private = false
      if (word === 'PROT P') this.#private = true
      lines.push(word === 'PORT' || word === 'EPRT' ? await this.#target(word) : word)
    }
    await this.#send(...lines)
    if (random.chance(0.5)) await sleep(random.between(0, 3))
  }

  /** Where we listen ourselves, or nobody does. */
  async #target(command: 'PORT' | 'EPRT'): Promise<string> {
    this.#listener ??= createServer({ allowHalfOpen: true }, (socket) => void this.#use(socket)).listen(0, this.#address)
    if (!this.#listener.listening) await once(this.#listener, 'listening')
    const { port } = this.#listener.address() as AddressInfo
    return command === 'PORT'
      ? `PORT ${this.#address.replaceAll('.', ',')},${Math.trunc(port / 256)},${port % 256}`
      : `EPRT |1|${this.#address}|${port}|`
  }

  /** Goes to the port that was told last: as the client, as a stranger, too often. */
  async #connect(): Promise<void> {
    const port = this.#port
    if (port === null) return
    const random = this.#random
    // Whoever comes late, to a port that is long gone, may meet the next one there: as with any server.
    this.#port = random.chance(0.3) ? port : null
    const from = random.chance(0.1) ? stranger : this.#address
    this.#inputs += 1
    const socket = connect({ port, host: '127.0.0.1', localAddress: from, allowHalfOpen: true })
    await this.#use(socket)
  }

  /** One of many ways to treat a data connection. */
  async #use(raw: Socket): Promise<void> {
    const random = this.#random
    this.#keep(raw)
    const encrypts = this.#private ? random.chance(0.8) : random.chance(0.05)
    if (!encrypts) return this.#treat(raw, raw)
    if (raw.connecting) await Promise.race([once(raw, 'connect'), once(raw, 'close')]).catch(() => undefined)
    if (raw.destroyed) return
    const session = random.chance(0.9) ? this.#ticket : undefined
    const socket = connectTls({ ...this.#tls, host: '127.0.0.1', socket: raw, ...(session === undefined ? {} : { session }) })
    this.#keep(socket, raw)
    this.#treat(socket, raw)
    // In the middle of the handshake.
    if (random.chance(0.1)) raw.destroy()
  }

  #keep(socket: Socket, raw: Socket = socket): void {
    this.#sockets.set(socket, raw)
    // The server's connection to us may come when nobody is here any more.
    if (this.#left) socket.destroy()
    socket.on('error', () => undefined)
    socket.once('close', () => this.#sockets.delete(socket))
  }

  #reset(raw: Socket): void {
    const above = [...this.#sockets].filter(([, below]) => below === raw).map(([socket]) => socket)
    reset(raw, ...above)
  }

  #treat(socket: Socket, raw: Socket): void {
    const random = this.#random
    let held = ''
    if (random.chance(0.9)) {
      socket.on('data', (octets: Buffer) => {
        held = (held + octets.toString('latin1')).slice(-40_000)
        const others = [...held.matchAll(/#(\d+)#/g)].find(([, name]) => name !== this.#name)
        if (others !== undefined) this.#crossed ??= new Error(`got what is of ${others[1]}`)
      })
    }
    if (random.chance(0.6)) socket.write(`#${this.#name}#`.repeat(random.pick([1, 50, 30_000])))
    else if (random.chance(0.3)) socket.write(Buffer.from(random.text(random.between(1, 300))))
    if (random.chance(0.5)) socket.end()
    else if (random.chance(0.2)) this.#reset(raw)
  }

  /** Does something to a connection that is there. */
  #push(): void {
    const [socket, raw] = [...this.#sockets][0] ?? []
    if (socket === undefined || raw === undefined) return
    this.#inputs += 1
    const random = this.#random
    const way = random.next()
    if (way < 0.3) socket.end()
    else if (way < 0.5) socket.destroy()
    else if (way < 0.65) this.#reset(raw)
    else if (way < 0.8) socket.pause()
    else socket.write(random.text(random.between(1, 2_000)))
  }

  /** What a client does as a rule works, whatever was before. */
  async #ordinary(): Promise<void> {
    await this.#ask('TYPE I')
    await this.#ask('REST 0')
    if (this.#ticket !== undefined) expect(await this.#ask('PROT P')).to.match(/^200 /)
    this.#private = this.#ticket !== undefined
    const content = `#${this.#name}#`.repeat(this.#random.between(1, 3_000))
    const up = await this.#transfer(`STOR u${this.#name}`, content)
    if (up === null) return
    expect(await readFile(new Home(this.#running).path(`u${this.#name}`), 'latin1')).to.equal(content)
    const down = await this.#transfer(`RETR u${this.#name}`, null)
    if (down !== null) expect(down).to.equal(content)
  }

  /** @returns what came; null where no port was free */
  async #transfer(command: string, content: string | null): Promise<string | null> {
    const told = await this.#ask('EPSV')
    if (told.startsWith('425 ')) return null
    const [, port] = /\|\|\|(\d+)\|/.exec(told) ?? []
    const target = { port: Number(port), host: '127.0.0.1', localAddress: this.#address, allowHalfOpen: true }
    const socket = this.#ticket === undefined ? connect(target) : connectTls({ ...target, ...this.#tls, session: this.#ticket })
    this.#keep(socket)
    const chunks: Buffer[] = []
    socket.on('data', (octets: Buffer) => chunks.push(octets))
    const ended = new Promise<void>((resolve) => socket.once('close', () => resolve()).once('end', () => resolve()))
    const ready = once(socket, this.#ticket === undefined ? 'connect' : 'secureConnect')
    // Told below, unless the command is refused before.
    ready.catch(() => undefined)
    expect(await this.#ask(command), `seed ${this.#random.seed}`).to.match(/^150 /)
    await ready
    if (content === null) socket.end()
    else socket.end(content)
    expect(await this.#next(), `seed ${this.#random.seed}`).to.match(/^226 /)
    await ended
    return Buffer.concat(chunks).toString('latin1')
  }
}

/**
 * Plays sessions that meddle with their data connections until so many inputs (commands, connections, things done to one) were given.
 */
export const fuzzDataConnections = async (inputs: number): Promise<void> => {
  const seeds = seeded()
  const from = await freePorts(ports)
  const before = descriptors()
  await using running = await serveFtp({
    tls: 'starttls',
    options: { dataWait: '1500ms', badCommands: 1000, passive: { ports: `${from}-${from + ports - 1}` } },
    limits: { handshakeMs: 3_000 },
    endMs: 20_000,
  })
  const home = new Home(running)
  let given = 0
  for (let session = 0; given < inputs; session += crowd) {
    const meddlers = Array.from({ length: crowd }, (_, n) => ({
      name: String(session + n),
      random: seeded(seeds.between(0, 2 ** 31)),
    }))
    const counts = await Promise.all(
      meddlers.map(async ({ name, random }) => {
        try {
          await home.put(`f${name}`, `#${name}#`.repeat(20_000))
          return await (await Meddler.open(running, random, name)).run()
        } catch (error) {
          throw new Error(`seed ${random.seed} (session ${name}): ${error instanceof Error ? error.message : error}`, {
            cause: error,
          })
        }
      }),
    )
    given += counts.reduce((sum, count) => sum + count, 0)
    await until('all sessions are over', () => running.open === 0)
    for (const { name } of meddlers) {
      const stored = await home.text(`u${name}`).catch(() => '')
      const other = [...stored.matchAll(/#(\d+)#/g)].find(([, id]) => id !== name)
      expect(other?.[0], `in what ${name} has stored`).to.equal(undefined)
      await home.remove(`f${name}`, `u${name}`)
    }
  }
  expect(running.journal.records.filter(({ level, event }) => level === 'error' && event !== 'data.no-port')).to.deep.equal([])
  expect((await home.names()).filter((name) => name.startsWith('.havre-upload-'))).to.deep.equal([])
  await until('no passive port is open', () => listening(from, from + ports - 1) === 0)
  await running.close()
  await noDescriptorSince(before)
}
