/** Plays a dialogue with any FTP server, and tells in one line what came of it. */
import { once } from 'node:events'
import { chown, mkdir, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { join } from 'node:path'
import { Client, ClientError } from '../kit/client.ts'
import type { FtpServer } from './ftp-peers.ts'

/**
 * What a client does, a step a line:
 * - `NOOP`: any command as it stands, and its reply
 * - `get: RETR a`: over a passive data connection, what arrives and both replies; `port:` the same over PORT; `names: LIST` only the
 *   last words of the lines that arrive, in their order
 * - `put: STOR a = text`: over a passive data connection, both replies; `\n`, `\r` and `\xff` in the text are those octets
 * - `begin: STOR a = text`: the same without the end; `begin: RETR a`: nothing is read. `end`: the data connection ends from our side, and
 *   the reply; `cut`: it is reset, and no reply is read; `hear`: one more reply
 * - `say: text`: octets, with `\r`, `\n` and `\xff` in them as in `put`; `line: text` the same with CRLF, and a reply
 * - `file: name`: what lies in the folder under that name; `files`: all names there
 */
export type Step = string

/** What it needs of a server. */
type Played = Omit<FtpServer, typeof Symbol.asyncDispose>

/** What lies in the home before each dialogue. */
const seeds: Readonly<Record<string, string>> = {
  'text.txt': 'hello\nworld\n',
  digits: '0123456789',
  empty: '',
  'a b.txt': 'blank',
  '-dash': 'dash',
  'folder/inner.txt': 'inner',
}
const seededAt = new Date('2024-05-06T07:08:09Z')
const large = 'large'
const largeOctets = 16 * 1024 * 1024

const fill = async ({ home, owner }: Played): Promise<void> => {
  for (const name of await readdir(home)) await rm(join(home, name), { recursive: true })
  const own = async (path: string) => {
    if (owner !== null) await chown(path, owner, owner)
  }
  for (const name of ['folder', 'bare']) {
    await mkdir(join(home, name))
    await own(join(home, name))
  }
  for (const [name, text] of Object.entries(seeds)) {
    await writeFile(join(home, name), text)
    await utimes(join(home, name), seededAt, seededAt)
    await own(join(home, name))
  }
}

const written = (text: string) =>
  Buffer.concat(
    text
      .split(/(\\n|\\r|\\x[0-9a-f]{2})/)
      .map((part) =>
        part === '\\n'
          ? Buffer.from('\n')
          : part === '\\r'
            ? Buffer.from('\r')
            : part.startsWith('\\x')
              ? Buffer.from(part.slice(2), 'hex')
              : Buffer.from(part),
      ),
  )

/** What a client reads in it: the code; a value, a path, the lines of features. */
const gist = (lines: readonly string[]): string => {
  // TELNET commands before it are told apart, 125 is as good as 150.
  const telnet = /^\ufffd{2}./.test(lines[0] ?? '') ? 'TELNET ' : ''
  if (telnet !== '') return `${telnet}${gist(lines.map((line) => line.replace(/^\ufffd{2}./, '')))}`
  const last = (lines.at(-1) ?? '').replace(/^125/, '150')
  const code = last.slice(0, 3)
  const path = /"((?:[^"]|"")*)"/.exec(last)?.[0]
  if (code === '257' && path !== undefined) return `257 ${path}`
  if (code === '213' && lines.length === 1) return last
  return lines.length > 1 && code !== '220' && code !== '230' ? `${code}+` : code
}

class Player {
  readonly #server: Played
  readonly #control: Client
  #data: Client | null = null
  constructor(server: Played, control: Client) {
    this.#server = server
    this.#control = control
  }

  async reply(): Promise<string> {
    try {
      return gist(await this.#control.reply())
    } catch (error) {
      if (!(error instanceof ClientError)) throw error
      return this.#control.ended ? 'closed' : 'silence'
    }
  }

  async ask(line: string): Promise<string> {
    await this.#control.command(line)
    return this.reply()
  }

  async #passive(): Promise<string | null> {
    await this.#control.command('EPSV')
    const [line = ''] = await this.#control.reply()
    const [, port] = /\|\|\|(\d+)\|/.exec(line) ?? []
    if (port === undefined) return line.slice(0, 3)
    this.#data = await Client.connect(Number(port))
    return null
  }

  async #read(command: string, shown: (octets: Buffer) => string): Promise<string> {
    const refused = await this.#passive()
    if (this.#data === null) return `EPSV ${refused}`
    const first = await this.ask(command)
    if (!first.startsWith('1')) {
      this.#end()
      return first
    }
    const octets = await this.#data.rest()
    return `${first} ${shown(octets)} ${await this.reply()}`
  }

  async #active(command: string): Promise<string> {
    const listener = createServer().listen(0, '127.0.0.1')
    await once(listener, 'listening')
    try {
      const { port } = listener.address() as AddressInfo
      // Some connect at once.
      const arrives = new Promise<Buffer>((resolve) => {
        listener.once('connection', (socket) => {
          const chunks: Buffer[] = []
          socket.on('data', (chunk: Buffer) => chunks.push(chunk)).once('close', () => resolve(Buffer.concat(chunks)))
        })
      })
      const taken = await this.ask(`PORT 127,0,0,1,${Math.trunc(port / 256)},${port % 256}`)
      if (taken !== '200') return `PORT ${taken}`
      const first = await this.ask(command)
      if (!first.startsWith('1')) return first
      return `${first} ${JSON.stringify((await arrives).toString())} ${await this.reply()}`
    } finally {
      listener.close()
    }
  }

  async #begin(what: string): Promise<string> {
    const [command = '', text] = what.split(' = ')
    const refused = await this.#passive()
    if (this.#data === null) return `EPSV ${refused}`
    const first = await this.ask(command)
    if (!first.startsWith('1')) this.#end()
    else if (text !== undefined) await this.#data.send(written(text))
    return first
  }

  #end(): void {
    this.#data?.end()
    this.#data = null
  }

  #cut(): void {
    this.#data?.socket.resetAndDestroy()
    this.#data = null
  }

  async step(step: Step): Promise<string | null> {
    const [, kind = '', rest = ''] = /^(get|port|names|put|begin|say|line|file): (.*)$/.exec(step) ?? []
    switch (kind || step) {
      case 'get':
        return this.#read(rest, (octets) => JSON.stringify(octets.toString('latin1')))
      case 'names':
        return this.#read(rest, (octets) => `[${lastWords(octets.toString())}]`)
      case 'port':
        return this.#active(rest)
      case 'begin':
        return this.#begin(rest)
      case 'put': {
        const first = await this.#begin(rest)
        if (!first.startsWith('1')) return first
        this.#end()
        return `${first} ${await this.reply()}`
      }
      case 'end':
        this.#end()
        return this.reply()
      case 'cut':
        this.#cut()
        return null
      case 'hear':
        return this.reply()
      case 'say':
        await this.#control.send(written(rest))
        return null
      case 'line':
        await this.#control.send(Buffer.concat([written(rest), Buffer.from('\r\n')]))
        return this.reply()
      case 'file':
        return this.#file(rest)
      case 'files':
        return `[${(await readdir(this.#server.home)).sort().join(' ')}]`
      default:
        return this.ask(step)
    }
  }

  async #file(name: string): Promise<string> {
    try {
      return JSON.stringify((await readFile(join(this.#server.home, name))).toString('latin1'))
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return 'none'
      throw error
    }
  }

  [Symbol.dispose](): void {
    this.#cut()
  }
}

const lastWords = (text: string): string =>
  text
    .split(/\r?\n/)
    .filter((line) => line !== '')
    .map((line) => (/^[bcdlps-][rwxsStT-]{9}/.test(line) ? line.split(/ +/).slice(8).join(' ') : line.replace(/^[\w.]+=.*?; /, '')))
    .sort()
    .join(', ')

/** How a session begins. */
export interface Beginning {
  /** No login. */
  readonly stranger?: true
  /** The large file is there. */
  readonly large?: true
}

/** @returns what came of each step that tells something, `; ` between them; `silence` where no reply came, `closed` at the end */
export const play = async (server: Played, steps: readonly Step[], beginning: Beginning = {}): Promise<string> => {
  await fill(server)
  if (beginning.large) {
    await writeFile(join(server.home, large), Buffer.alloc(largeOctets, 'abcdefg\n'))
    if (server.owner !== null) await chown(join(server.home, large), server.owner, server.owner)
  }
  using control = await Client.connect(server.port, { deadlineMs: 5_000 })
  using player = new Player(server, control)
  const greeting = await player.reply()
  if (!beginning.stranger) {
    await player.ask(`USER ${server.user}`)
    const login = await player.ask(`PASS ${server.password}`)
    if (login !== '230') return `no login: ${greeting} ${login}`
  }
  const told: string[] = []
  for (const step of steps) {
    const outcome = await player.step(step.replaceAll('{user}', server.user).replaceAll('{password}', server.password))
    if (outcome !== null) told.push(outcome)
    if (outcome === 'closed') break
  }
  return told.join('; ')
}
