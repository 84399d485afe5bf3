import { constants } from 'node:crypto'
import { once } from 'node:events'
import { type AddressInfo, connect as connectTcp, createServer, type Socket } from 'node:net'
import { type ConnectionOptions, connect, type TLSSocket } from 'node:tls'
import { expect } from 'chai'
import { Client } from '../kit/client.ts'
import { testAccounts } from '../kit/fake-desk.ts'
import type { Running } from '../kit/serving.ts'

/** How a client does TLS. `ids`: it takes no tickets (curl, over TLS 1.2): its sessions have ids. */
export const manners = {
  'TLS of any version': {},
  'TLS 1.2 with tickets': { maxVersion: 'TLSv1.2' },
  'TLS 1.2 with ids': { maxVersion: 'TLSv1.2', secureOptions: constants.SSL_OP_NO_TICKET },
} as const satisfies Readonly<Record<string, ConnectionOptions>>

/** A data connection below its encryption, to begin that when one likes. */
export interface DataEnd {
  readonly raw: Socket
  /** Begins the handshake. */
  encrypt(): TLSSocket
}

/** A session over TLS whose data connections are in the test's own hands, PROT P. `using` ends all. */
export class TlsSession implements Disposable {
  readonly control: Client
  /** The control connection below its encryption. */
  readonly raw: Socket
  readonly #how: ConnectionOptions
  readonly #open: Disposable[] = []

  private constructor(control: Client, raw: Socket, how: ConnectionOptions) {
    this.control = control
    this.raw = raw
    this.#how = how
  }

  /** AUTH TLS, login, TYPE I, PROT P. */
  static async open(running: Running, how: ConnectionOptions = {}, as = 'alice'): Promise<TlsSession> {
    const control = await Client.connect(running.port)
    const raw = control.socket
    await control.reply()
    expect(await control.ask('AUTH TLS')).to.match(/^234 /)
    await control.startTls(how)
    const session = new TlsSession(control, raw, how)
    for (const line of [`USER ${as}`, `PASS ${testAccounts[as]}`, 'TYPE I', 'PBSZ 0', 'PROT P']) await session.ask(line)
    return session
  }

  /** The session of the control connection. */
  get session(): Buffer | undefined {
    return this.control.sessions[0]
  }

  async reply(): Promise<string> {
    return (await this.control.reply()).join('\n')
  }

  async ask(line: string): Promise<string> {
    await this.control.command(line)
    return this.reply()
  }

  /** EPSV. @returns the port */
  async passivePort(): Promise<number> {
    const [, port = ''] = /\|\|\|(\d+)\|/.exec(await this.ask('EPSV')) ?? []
    return Number(port)
  }

  /** Connects, and does not encrypt yet. */
  connect(port: number): DataEnd {
    return this.#end(connectTcp({ port, host: '127.0.0.1', allowHalfOpen: true }))
  }

  /** EPSV and the connection. */
  async passive(): Promise<DataEnd> {
    const end = this.connect(await this.passivePort())
    await once(end.raw, 'connect')
    return end
  }

  /** EPRT: the connection comes when a transfer begins. */
  async active(): Promise<{ readonly arrives: Promise<DataEnd> }> {
    const listener = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
    await once(listener, 'listening')
    this.#open.push({ [Symbol.dispose]: () => listener.close() })
    const { port } = listener.address() as AddressInfo
    const arrives = once(listener, 'connection').then(([socket]: Socket[]) => {
      if (socket === undefined) throw new Error('no connection')
      return this.#end(socket)
    })
    expect(await this.ask(`EPRT |1|127.0.0.1|${port}|`)).to.match(/^200 /)
    return { arrives }
  }

  #end(raw: Socket): DataEnd {
    raw.on('error', () => undefined)
    this.#open.push({ [Symbol.dispose]: () => raw.destroy() })
    const { session } = this
    return {
      raw,
      // The name in a handshake is part of a session: an address is none, as for the control connection.
      encrypt: () => {
        const socket = connect({
          host: '127.0.0.1',
          rejectUnauthorized: false,
          ...this.#how,
          socket: raw,
          ...(session === undefined ? {} : { session }),
        })
        socket.on('error', () => undefined)
        return socket
      },
    }
  }

  [Symbol.dispose](): void {
    for (const each of this.#open) each[Symbol.dispose]()
    this.control[Symbol.dispose]()
    this.raw.destroy()
  }
}

/** All that comes until the other side says that nothing more does. */
export const readAll = (socket: Socket): Promise<string> =>
  new Promise((resolve) => {
    const chunks: Buffer[] = []
    const done = () => resolve(Buffer.concat(chunks).toString())
    socket.on('data', (chunk: Buffer) => chunks.push(chunk))
    socket.once('end', done)
    socket.once('close', done)
  })
