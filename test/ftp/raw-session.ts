import { once } from 'node:events'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { Client, type ClientOptions } from '../kit/client.ts'
import { testAccounts } from '../kit/fake-desk.ts'
import { patienceMs } from '../kit/patience.ts'
import { type Running, type Setup, serve } from '../kit/serving.ts'

/** Runs the FTP service, with alice's home made. */
export const serveFtp = (setup: Partial<Setup> = {}): Promise<Running> =>
  serve({
    service: 'ftp',
    ...setup,
    prepare: async (settings) => {
      await mkdir(join(settings.data, 'files', 'alice'), { recursive: true })
      await setup.prepare?.(settings)
    },
  })

/** What lies in an account's home. */
export class Home {
  readonly #folder: string
  constructor(running: Running, account = 'alice') {
    this.#folder = join(running.settings.data, 'files', account)
  }
  path(...names: string[]): string {
    return join(this.#folder, ...names)
  }
  put(name: string, content: string | Buffer): Promise<void> {
    return writeFile(this.path(name), content)
  }
  async remove(...names: string[]): Promise<void> {
    for (const name of names) await rm(this.path(name), { force: true })
  }
  octets(name: string): Promise<Buffer> {
    return readFile(this.path(name))
  }
  text(name: string): Promise<string> {
    return readFile(this.path(name), 'utf8')
  }
  /** All names, hidden ones too: nothing unfinished may be left behind. */
  async names(): Promise<string[]> {
    return (await readdir(this.#folder)).sort()
  }
}

/** A session of octets: control connection and data connections in the test's own hands. `using` ends both. */
export class RawSession implements Disposable {
  readonly control: Client
  /** What holds for its data connections too. */
  readonly #options: ClientOptions
  readonly #open: Disposable[] = []
  /** What the server said before the octets of the last upload. */
  opening = ''

  private constructor(control: Client, options: ClientOptions) {
    this.control = control
    this.#options = options
  }

  /** Connects and logs in, TYPE I. */
  static async open(
    running: { readonly host: string; readonly port: number },
    as = 'alice',
    options: ClientOptions = {},
    password = testAccounts[as],
  ): Promise<RawSession> {
    const control = await Client.connect(running.port, { host: running.host, ...options })
    const session = new RawSession(control, { host: running.host, ...options })
    expect(await session.reply()).to.match(/^220 /)
    expect(await session.ask(`USER ${as}`)).to.match(/^331 /)
    expect(await session.ask(`PASS ${password}`)).to.match(/^230 /)
    expect(await session.ask('TYPE I')).to.match(/^200 /)
    return session
  }

  /** The next whole reply, its lines joined with LF. */
  async reply(): Promise<string> {
    return (await this.control.reply()).join('\n')
  }

  async ask(line: string): Promise<string> {
    await this.control.command(line)
    return this.reply()
  }

  /** The port of a new passive listener. */
  async passivePort(): Promise<number> {
    const reply = await this.ask('EPSV')
    const [, port = ''] = /^229 .*\(\|\|\|(\d+)\|\)$/.exec(reply) ?? []
    expect(port, reply).to.not.equal('')
    return Number(port)
  }

  /** A data connection that stands. */
  async passive(): Promise<Client> {
    const port = await this.passivePort()
    const data = await Client.connect(port, this.#options)
    this.#open.push(data)
    return data
  }

  /** PORT, and the connection once the server makes it. */
  async active(command: 'PORT' | 'EPRT' = 'PORT'): Promise<{ readonly arrives: Promise<Socket> }> {
    const listener = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
    await once(listener, 'listening')
    const { port } = listener.address() as AddressInfo
    this.#open.push({ [Symbol.dispose]: () => listener.close() })
    const arrives = once(listener, 'connection').then(([socket]: Socket[]) => {
      if (socket === undefined) throw new Error('no connection')
      this.#open.push({ [Symbol.dispose]: () => socket.destroy() })
      return socket
    })
    const target = command === 'PORT' ? `127,0,0,1,${Math.trunc(port / 256)},${port % 256}` : `|1|127.0.0.1|${port}|`
    expect(await this.ask(`${command} ${target}`)).to.match(/^200 /)
    return { arrives }
  }

  /** A whole download. */
  async download(command: string): Promise<Buffer> {
    const data = await this.passive()
    expect(await this.ask(command)).to.match(/^150 /)
    const octets = await data.rest()
    expect(await this.reply()).to.match(/^226 /)
    return octets
  }

  /** A whole upload. @returns the last reply */
  async upload(command: string, octets: string | Buffer): Promise<string> {
    const data = await this.passive()
    this.opening = await this.ask(command)
    expect(this.opening).to.match(/^150 /)
    await data.send(octets)
    data.end()
    return this.reply()
  }

  [Symbol.dispose](): void {
    for (const each of this.#open) each[Symbol.dispose]()
    this.control[Symbol.dispose]()
  }
}

/** Waits until it is so. @param otherwise what there is instead, for the error @throws when it does not become so */
export const until = async (
  what: string,
  holds: () => boolean | Promise<boolean>,
  otherwise: () => string = () => '',
): Promise<void> => {
  for (const deadline = performance.now() + patienceMs; !(await holds()); await sleep(5)) {
    if (performance.now() > deadline)
      throw new Error([`not within ${patienceMs / 1_000} s: ${what}`, otherwise()].join('\n').trim())
  }
}
