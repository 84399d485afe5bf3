import { connect, type Socket } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { type ConnectionOptions, connect as connectTls } from 'node:tls'
import { patienceMs } from './patience.ts'
import { reset } from './reset.ts'

const LF = 0x0a
const CR = 0x0d

/** How a client is made. */
export interface ClientOptions {
  /** Numeric; the default is 127.0.0.1. */
  readonly host?: string
  /** For each wait. */
  readonly deadlineMs?: number
  /** The address to come from: any of 127.0.0.0/8. */
  readonly from?: string
  /** What a proxy says first. */
  readonly header?: string | Buffer
}

/** The server did not do in time what the client waited for, or closed. Its message holds the whole dialogue. */
export class ClientError extends Error {
  override readonly name = 'ClientError'
  readonly why: 'deadline' | 'closed'
  constructor(why: 'deadline' | 'closed', message: string) {
    super(message)
    this.why = why
  }
}

const shown = (octets: Buffer): string => {
  const text = octets.length > 400 ? `${octets.subarray(0, 400).toString('latin1')} … (${octets.length} octets)` : octets.toString()
  return JSON.stringify(text).slice(1, -1)
}

/**
 * A client that speaks octets: no protocol, a deadline on every wait, the dialogue kept for the failure's text. `using` ends it.
 */
export class Client implements Disposable {
  readonly #deadlineMs: number
  #socket: Socket
  #chunks: Buffer[] = []
  #octets = 0
  #ended: string | null = null
  #errorCode: string | null = null
  #waiting: (() => void) | null = null
  /** All octets that came, and all that were sent, as the two sides' programs have them: before encryption, after decryption. */
  readonly heard: Buffer[] = []
  readonly said: Buffer[] = []
  /** TLS sessions that the server gave, oldest first: other connections can resume them. */
  readonly sessions: Buffer[] = []
  /** What was said on both sides, as the failure shows it. */
  readonly transcript: string[] = []

  private constructor(socket: Socket, deadlineMs: number) {
    this.#socket = socket
    this.#deadlineMs = deadlineMs
    this.#listen(socket)
  }

  /** Resolves when the connection stands. */
  static async connect(port: number, options: ClientOptions = {}): Promise<Client> {
    const { host = '127.0.0.1', deadlineMs = patienceMs, from } = options
    const socket = connect({ port, host, noDelay: true, ...(from === undefined ? {} : { localAddress: from }) })
    const client = new Client(socket, deadlineMs)
    await client.#until('a connection', () => !socket.connecting)
    if (client.#ended !== null) throw new ClientError('closed', `no connection to ${host}:${port}: ${client.#ended}`)
    if (options.header !== undefined) await client.send(options.header)
    return client
  }

  /** The same, encrypted from the first octet. @throws {ClientError} */
  static async connectTls(port: number, options: ClientOptions & { readonly tls?: ConnectionOptions } = {}): Promise<Client> {
    const client = await Client.connect(port, options)
    await client.startTls(options.tls)
    return client
  }

  /** The next line without its line break, read as UTF-8. @throws {ClientError} */
  async line(): Promise<string> {
    return (await this.lineOctets()).toString()
  }

  /** The next line's octets without CRLF (or LF). @throws {ClientError} */
  async lineOctets(): Promise<Buffer> {
    await this.#until('a line', () => this.#octets > 0 && this.#held.includes(LF))
    const end = this.#held.indexOf(LF)
    if (end === -1) throw this.#failure('closed', 'a line')
    const line = this.#held.subarray(0, end > 0 && this.#held[end - 1] === CR ? end - 1 : end)
    this.#drop(end + 1)
    this.transcript.push(`S: ${shown(line)}`)
    return line
  }

  /** The lines of a reply of several lines as SMTP and FTP write it: `250-…`, up to and including `250 …`. @throws {ClientError} */
  async reply(): Promise<string[]> {
    const lines = [await this.line()]
    const code = lines[0]?.slice(0, 3) ?? ''
    while (lines[0]?.[3] === '-' && !(lines.at(-1)?.startsWith(`${code} `) ?? true)) lines.push(await this.line())
    return lines
  }

  /** Exactly so many octets. @throws {ClientError} */
  async octets(count: number): Promise<Buffer> {
    await this.#until(`${count} octets`, () => this.#octets >= count)
    if (this.#octets < count) throw this.#failure('closed', `${count} octets`)
    const octets = this.#held.subarray(0, count)
    this.#drop(count)
    this.transcript.push(`S: ${shown(octets)}`)
    return octets
  }

  /** All octets up to the end that the server makes. @throws {ClientError} deadline */
  async rest(): Promise<Buffer> {
    await this.#until('the end', () => this.#ended !== null)
    const octets = this.#held
    this.#drop(octets.length)
    if (octets.length > 0) this.transcript.push(`S: ${shown(octets)}`)
    this.transcript.push(`-- ${this.#ended}`)
    return octets
  }

  /** Resolves when the server has closed; what it said before that and nobody read is an error. @throws {ClientError} */
  async closed(): Promise<void> {
    const left = await this.rest()
    if (left.length > 0) throw this.#failure('closed', 'nothing but the end')
  }

  /** Whether the server has closed. */
  get ended(): boolean {
    return this.#ended !== null
  }

  /** How the system called it when the connection broke (`ECONNRESET`, `EPIPE`); null where it did not. What had arrived then may be lost. */
  get errorCode(): string | null {
    return this.#errorCode
  }

  /** Octets that arrived and that nobody has read. */
  get unread(): number {
    return this.#octets
  }

  /** Our port: the server's journal calls us `127.0.0.1:<port>`. */
  get localPort(): number {
    return this.#socket.localPort ?? 0
  }

  /** The socket itself, for what this class does not do. */
  get socket(): Socket {
    return this.#socket
  }

  /** Sends octets as they are; resolves when the system has taken them or the connection is gone. */
  send(octets: string | Buffer): Promise<void> {
    const whole = Buffer.from(octets as string)
    this.transcript.push(`C: ${shown(whole)}`)
    return this.#write(whole)
  }

  /** Sends a line with CRLF. */
  command(line: string): Promise<void> {
    return this.send(`${line}\r\n`)
  }

  /** Sends a line and reads one line. @throws {ClientError} */
  async ask(line: string): Promise<string> {
    await this.command(line)
    return this.line()
  }

  /** Sends octet by octet, each in a packet of its own as far as the system lets us. */
  async trickle(octets: string | Buffer): Promise<void> {
    const whole = Buffer.from(octets as string)
    this.transcript.push(`C: ${shown(whole)}`)
    for (let at = 0; at < whole.length && this.#ended === null; at++) {
      await this.#write(whole.subarray(at, at + 1))
      // Lets a server in this very process read what was sent before the next octet goes out.
      await setImmediate()
      await setImmediate()
    }
  }

  /** Goes on encrypted. The certificate is not checked unless the options say so. @throws {ClientError} deadline, closed */
  async startTls(options: ConnectionOptions = {}): Promise<void> {
    if (this.#octets > 0) throw this.#failure('closed', 'nothing in clear before TLS')
    this.#socket.removeAllListeners('data')
    const secure = connectTls({ rejectUnauthorized: false, host: '127.0.0.1', ...options, socket: this.#socket })
    secure.on('session', (session: Buffer) => this.sessions.push(session))
    let done = false
    secure.once('secureConnect', () => {
      done = true
      this.#waiting?.()
    })
    this.#socket = secure
    this.#listen(secure)
    this.transcript.push('-- TLS')
    await this.#until('TLS', () => done)
    if (!done) throw this.#failure('closed', 'TLS')
  }

  /** Says that we send no more; the server may still. */
  end(): void {
    this.#socket.end()
  }

  /** Stops reading: the octets stay with the system, as with a slow client. */
  pause(): void {
    this.#socket.pause()
  }

  /** Reads again. */
  resume(): void {
    this.#socket.resume()
  }

  /** Ends the connection as a crashed program does: with a reset. */
  reset(): void {
    reset(this.#socket)
  }

  /** Ends it at once. Twice is harmless. */
  [Symbol.dispose](): void {
    this.#socket.destroy()
  }

  /** What arrived and nobody has read, joined only when somebody looks: large transfers come in many chunks. */
  get #held(): Buffer {
    if (this.#chunks.length !== 1) this.#chunks = [Buffer.concat(this.#chunks)]
    return this.#chunks[0] ?? Buffer.alloc(0)
  }

  #drop(octets: number): void {
    this.#chunks = [this.#held.subarray(octets)]
    this.#octets -= octets
  }

  #listen(socket: Socket): void {
    const wake = () => this.#waiting?.()
    const end = (why: string) => {
      this.#ended ??= why
      wake()
    }
    socket.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk)
      this.heard.push(chunk)
      this.#octets += chunk.length
      wake()
    })
    socket.on('connect', wake)
    socket.on('end', () => end('closed by the server'))
    socket.on('error', (error: NodeJS.ErrnoException) => {
      this.#errorCode ??= error.code ?? error.message
      end(this.#errorCode)
    })
    socket.on('close', () => end('closed'))
  }

  #write(octets: Buffer): Promise<void> {
    // An error comes as an event too, and there it is kept: a server that closed shows in what the test reads next.
    return new Promise((resolve) => {
      if (!this.#socket.writable) return resolve()
      this.said.push(octets)
      this.#socket.write(octets, () => resolve())
    })
  }

  async #until(what: string, ready: () => boolean): Promise<void> {
    const deadline = performance.now() + this.#deadlineMs
    while (!ready() && this.#ended === null) {
      const leftMs = deadline - performance.now()
      if (leftMs <= 0) throw this.#failure('deadline', what)
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, leftMs)
        this.#waiting = () => {
          clearTimeout(timer)
          resolve()
        }
      })
      this.#waiting = null
    }
  }

  #failure(why: 'deadline' | 'closed', what: string): ClientError {
    const happened = why === 'deadline' ? `not within ${this.#deadlineMs} ms` : `the connection is over (${this.#ended ?? 'open'})`
    const unread = this.#octets > 0 ? `\n  unread: ${shown(this.#held)}` : ''
    return new ClientError(why, `expected ${what}, but ${happened}:\n  ${this.transcript.join('\n  ')}${unread}`)
  }
}
