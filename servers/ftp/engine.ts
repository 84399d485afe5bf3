/**
 * The only file that imports ftp-srv (4.6.3). What is used of it is the frame: the server that makes a session of a socket and greets,
 * its events, the dispatcher with its registry, `reply` and `login`. What it does not do well is not used at all: its line parser (a
 * packet is taken for lines, quotes vanish), its handlers (paths of the disk in replies, STOR that deletes the old file), its connectors
 * (data connections), its file system, its timers, its signal handlers. The self-check says so at the start when a part is not as known.
 */
import { type EventEmitter, once } from 'node:events'
import { createRequire } from 'node:module'
import { type Server as NetServer, Socket } from 'node:net'
import { type FtpConnection, FtpSrv } from 'ftp-srv'
import Dispatcher from 'ftp-srv/src/commands/index.js'
import registry from 'ftp-srv/src/commands/registry.js'
import FramedConnection from 'ftp-srv/src/connection.js'
import { PermanentError } from '../../shared/service.ts'
import type { NameCodec } from './name-encoding.ts'

/** The version whose inner parts this file knows. */
export const engineVersion = '4.6.3'

/** One session as the frame sees it. */
export interface Frame {
  /** Resolves when the greeting is sent: no other reply may come before it. */
  readonly greeted: Promise<void>
  /** Runs a command through the frame's dispatcher. Rejects with what `perform` rejects with. */
  dispatch(name: string, perform: () => Promise<void>): Promise<void>
  /** Sends a rendered reply, without its last line break. Resolves when the system has taken it or the connection is gone. */
  reply(code: number, rendered: string, names: Pick<NameCodec, 'encode'>): Promise<void>
  /** The session goes on on another stream of the same connection: its replies go there. */
  moveTo(socket: Socket): void
  /** Tells the frame that somebody logged in. */
  login(account: string): Promise<void>
}

/** What the dispatcher hands to a handler, of which we use what we put in. */
interface Dispatched {
  readonly command: { readonly perform: () => Promise<void> }
}

/** The parts of a session that its types do not tell. */
interface Parts {
  commandSocket: Socket
  connector: object | null
  readonly commands: { handle(command: object): PromiseLike<void> }
}

type Framed = FtpConnection & Parts

/** ftp-srv asks for a log of bunyan's kind. What it has to say, the session journals itself. */
const silent = (): object => {
  const log: Record<string, () => unknown> = {}
  for (const level of ['trace', 'debug', 'info', 'warn', 'error', 'fatal']) log[level] = () => undefined
  log['child'] = () => log
  return log
}

/** A file system that nothing asks: every command has a handler of ours. */
const noFileSystem = {}

/** The frame of one service. */
export class Engine {
  readonly #server: FtpSrv & { _features: string; connections: Record<string, unknown>; server: NetServer }
  readonly #beforeReply: () => void

  /**
   * @param greeting the text of the first reply
   * @param names    the commands that are dispatched; no other one is
   * @param beforeReply is called right before each reply goes out: those of one turn of the event loop go out one behind the other
   * @throws {PermanentError} when ftp-srv is not as this file knows it
   */
  constructor(greeting: string, names: readonly string[], beforeReply: () => void = () => undefined) {
    this.#beforeReply = beforeReply
    checkParts()
    replaceHandlers(names)
    const before = signals.map((signal) => process.listeners(signal))
    const server = new FtpSrv({ log: silent(), url: 'ftp://127.0.0.1:21', pasv_url: '127.0.0.1' })
    // It would end the process by itself: at a signal, which is the host's to act on.
    for (const [n, signal] of signals.entries()) {
      for (const listener of process.listeners(signal)) {
        if (!before[n]?.includes(listener)) process.removeListener(signal, listener)
      }
    }
    if (!hasParts(server)) throw changed('FtpServer')
    server._features = greeting
    // Accounts are checked before; the frame learns the outcome.
    server.on('login', (_attempt, resolve) => resolve({ fs: noFileSystem as never }))
    this.#server = server
  }

  /** Makes a session of a socket, and greets. Nothing of it reads the socket: the caller does. */
  open(socket: Socket): Frame {
    let connection: Framed | null = null
    const greeted = Promise.withResolvers<void>()
    const events: EventEmitter = this.#server
    events.once('connect', (event: { connection: Framed; id: string }) => {
      connection = event.connection
      const { reply } = connection
      // The frame replies for the first time to greet, right after this event.
      connection.reply = async (...words) => {
        event.connection.reply = reply
        await reply.apply(event.connection, words)
        greeted.resolve()
      }
      // Its own parser takes a packet for lines.
      for (const listener of socket.listeners('data')) socket.off('data', listener as () => void)
      // It has nothing to end: data connections are not its.
      event.connection.connector = null
      // Else it keeps a timer for a second after each session; the host ends connections.
      delete this.#server.connections[event.id]
    })
    this.#server.server.emit('connection', socket)
    if (connection === null) throw changed('FtpServer (no session came of a socket)')
    return frameOf(connection, greeted.promise, outletOf(connection, this.#beforeReply))
  }

  /**
   * Holds a session with nobody: greets, dispatches a command, replies, logs in.
   * @throws {PermanentError} when the frame does not do its part
   */
  async rehearse(name: string): Promise<void> {
    using socket = new Nobody()
    const frame = this.open(socket)
    const steps: string[] = []
    const done = (async () => {
      await frame.greeted
      await frame.login('nobody')
      await frame.dispatch(name, async () => {
        steps.push('performed')
        await frame.reply(200, '200-a\r\n200 ü', { encode: (text) => Buffer.from(text) })
      })
      return true
    })()
    const tooLate = AbortSignal.timeout(rehearsalMs)
    const over = await Promise.race([done, once(tooLate, 'abort').then(() => false)])
    const [greeting = '', ...rest] = socket.said.split('\r\n')
    if (!over || steps.length !== 1 || !greeting.startsWith('220 ') || rest.join('|') !== '200-a|200 ü|')
      throw changed('what it says in a session')
  }

  /** Sockets are the host's; nothing else is held. */
  close(): void {
    this.#server.removeAllListeners()
  }
}

/** An octet each; 255, which begins a TELNET command, doubled (RFC 854). */
const telnetText = (octets: Buffer): string => octets.toString('latin1').replaceAll('\xff', '\xff\xff')

/** What a session with nobody may take: it waits for nothing. */
const rehearsalMs = 5_000

/** A socket that is connected to nothing and keeps what is said. */
class Nobody extends Socket implements Disposable {
  said = ''
  override _write(chunk: Buffer | string, encoding: BufferEncoding, done: () => void): void {
    this.said += (typeof chunk === 'string' ? Buffer.from(chunk, encoding) : chunk).toString()
    done()
  }
  [Symbol.dispose](): void {
    this.destroy()
  }
}

/** What the frame takes for a session's socket when it replies. */
const outletOf = (connection: Framed, before: () => void): object => ({
  get writable() {
    return connection.commandSocket.writable
  },
  address: () => connection.commandSocket.address(),
  write: (text: string, encoding: BufferEncoding, done: (error?: Error | null) => void) => {
    before()
    return connection.commandSocket.write(text, encoding, done)
  },
})

const frameOf = (connection: Framed, greeted: Promise<void>, outlet: object): Frame => ({
  greeted,
  // The argument is not handed over: the frame keeps the last command and would keep a password.
  dispatch: async (name, perform) => {
    await connection.commands.handle({ directive: name, arg: null, flags: [], raw: name, perform })
  },
  reply: async (code, rendered, names) => {
    const isAscii = Buffer.byteLength(rendered) === rendered.length
    const message = isAscii ? rendered : telnetText(names.encode(rendered))
    await connection.reply(code, { message, raw: true, encoding: 'latin1', socket: outlet })
  },
  moveTo: (socket) => {
    connection.commandSocket = socket
  },
  login: async (account) => {
    await connection.login(account, '')
  },
})

const signals = ['SIGTERM', 'SIGINT', 'SIGQUIT'] as const

/** One row for each of our commands and none besides: no code of ftp-srv meets a path, an octet of a file or a data connection. */
const replaceHandlers = (names: readonly string[]): void => {
  for (const name of Object.keys(registry)) delete registry[name]
  const handler = ({ command }: Dispatched): Promise<void> => command.perform()
  // Who may send what and when is our table's to say.
  for (const name of names) registry[name] = { directive: name, handler, flags: { no_auth: true } }
}

const changed = (part: string): PermanentError =>
  new PermanentError(`ftp-srv is not as expected: ${part} differs from version ${engineVersion}; install exactly that version`)

const hasMethods = (holder: { readonly prototype: object } | undefined, names: readonly string[]): boolean =>
  names.every((name) => typeof Reflect.get(holder?.prototype ?? {}, name) === 'function')

/** Nothing changes under us unnoticed. @throws {PermanentError} */
const checkParts = (): void => {
  const { version } = createRequire(import.meta.url)('ftp-srv/package.json') as { version: string }
  if (version !== engineVersion) throw changed(`its version, ${version},`)
  if (!hasMethods(FtpSrv, ['emit', 'on', 'emitPromise', 'disconnectClient'])) throw changed('FtpServer')
  if (!hasMethods(FramedConnection, ['reply', 'login', 'close', '_handleData'])) throw changed('FtpConnection')
  if (!hasMethods(Dispatcher, ['handle'])) throw changed('its dispatcher')
  if (Object.keys(registry).length === 0 || typeof registry['NOOP']?.handler !== 'function') throw changed('its command registry')
}

const hasParts = (
  server: FtpSrv,
): server is FtpSrv & { _features: string; connections: Record<string, unknown>; server: NetServer } =>
  '_features' in server &&
  typeof server._features === 'string' &&
  'connections' in server &&
  typeof server.connections === 'object' &&
  'server' in server &&
  typeof server.server === 'object' &&
  server.server !== null &&
  'listenerCount' in server.server &&
  typeof server.server.listenerCount === 'function' &&
  server.server.listenerCount('connection') === 1
