/**
 * What the adapter (`servers/smtp/engine.ts`) relies on in smtp-server, and the faults that it works round: a test here that fails
 * after an update says that a part of the adapter has to change, or may go.
 */
import { once } from 'node:events'
import { createServer, type Socket } from 'node:net'
import { expect } from 'chai'
import { SMTPServer } from 'smtp-server'
import { SMTPConnection } from 'smtp-server/lib/smtp-connection.js'
import { SMTPStream } from 'smtp-server/lib/smtp-stream.js'
import { Engine, type Link, type Listener } from '../../servers/smtp/engine.ts'
import type { Line } from '../../shared/net/line-splitter.ts'
import type { Connection } from '../../shared/service.ts'
import { capturedJournal } from '../kit/captured-journal.ts'
import { Client } from '../kit/client.ts'

/** What the library's own reader makes of a message that comes in one piece. */
const stockReading = async (wire: Buffer): Promise<{ body: Buffer; pieces: number }> => {
  const stream = new SMTPStream()
  const pieces: Buffer[] = []
  const done = Promise.withResolvers<void>()
  const data = stream.startDataMode()
  data.on('data', (piece: Buffer) => pieces.push(piece))
  data.on('end', () => done.resolve())
  stream.write(wire)
  await done.promise
  stream.continue()
  return { body: Buffer.concat(pieces), pieces: pieces.length }
}

describe('SMTP: smtp-server as the adapter finds it', () => {
  it('still has the parts that are replaced', () => {
    for (const name of [
      'init',
      '_createParser',
      '_armTimeout',
      '_onError',
      '_onClose',
      '_setListeners',
      '_whenWritable',
      'close',
    ]) {
      expect(typeof Reflect.get(SMTPConnection.prototype, name), name).to.equal('function')
    }
    for (const name of ['_write', '_flushData']) expect(typeof Reflect.get(SMTPStream.prototype, name), name).to.equal('function')
    expect(typeof SMTPServer.prototype.updateSecureContext).to.equal('function')
  })

  it('still waits before the greeting', () => {
    expect(SMTPConnection.prototype.init.toString()).to.match(/setTimeout\(\(\) => this\.connectionReady\(\), 100\)/)
  })

  it('still says nothing to a client that has shut its side', () => {
    expect(SMTPConnection.prototype.send.toString()).to.include("readyState === 'open'")
  })

  it('still lets bare line breaks through', async () => {
    const { body } = await stockReading(Buffer.from('a\nb\rc\r\n.\r\n'))
    expect(body.toString()).to.equal('a\nb\rc\r\n')
  })

  it('still handles each stuffed line on its own', async () => {
    const { pieces } = await stockReading(Buffer.from('..\r\n'.repeat(1_000).concat('.\r\n')))
    expect(pieces).to.be.greaterThan(500)
  })

  it('still gives up a session for a long line', async () => {
    const stream = new SMTPStream({ maxCommandLength: 100 })
    const failed = new Promise<Error>((resolve) => stream.once('error', resolve))
    stream.write(`${'x'.repeat(200)}\r\n`)
    expect((await failed).message).to.include('too long')
  })

  it('still takes unknown parameters without a word', () => {
    expect(SMTPConnection.prototype._validateMailParams.toString()).not.to.include('555')
  })
})

/** A connected pair: the client, and the server's end as a connection. */
const connected = async (): Promise<{ client: Client; connection: Connection; socket: Socket }> => {
  const listener = createServer({ allowHalfOpen: true })
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const address = listener.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const [client, [socket]] = await Promise.all([Client.connect(address.port), once(listener, 'connection')])
  listener.close()
  if (!(socket instanceof Object && 'on' in socket)) throw new Error('no socket')
  const connection: Connection = {
    id: 'x-1',
    remote: { address: '127.0.0.1', port: 1 },
    local: { address: '127.0.0.1', port: 2 },
    withinMachine: true,
    secure: false,
    stream: socket as Socket,
    tls: null,
    startTls: () => Promise.reject(new Error('no TLS here')),
    certifies: () => false,
    secureOther: () => Promise.reject(new Error('no TLS here')),
    peerOf: () => Promise.reject(new Error('no other sockets here')),
    signal: new AbortController().signal,
    mustEnd: null,
    onMustEnd: () => undefined,
    probe: false,
    log: capturedJournal().log,
    transcript: null,
    busy: () => ({ [Symbol.dispose]: () => undefined }),
    touch: () => undefined,
    loggedIn: () => undefined,
    overLimit: () => undefined,
  }
  return { client, connection, socket: socket as Socket }
}

/** Writes down what it is told. */
class Told implements Listener {
  readonly lines: string[] = []
  readonly link: Link
  readonly end = Promise.withResolvers<Error | null>()
  readonly #act: (line: string, link: Link) => void

  constructor(link: Link, act: (line: string, link: Link) => void = () => undefined) {
    this.link = link
    this.#act = act
  }

  begin(): void {
    // Nobody is greeted here.
  }

  async line(line: Line): Promise<void> {
    const text = line.kind === 'line' ? line.octets.toString() : '(too long)'
    this.lines.push(text)
    this.#act(text, this.link)
  }

  async body(): Promise<void> {
    throw new Error('no message was asked for')
  }

  async bodyEnded(): Promise<void> {
    throw new Error('no message was asked for')
  }

  inputEnded(): void {
    this.link.end()
  }

  gone(error: Error | null): void {
    this.end.resolve(error)
  }
}

describe('SMTP: the adapter', () => {
  it('tells that a client is gone that went before it was served', async () => {
    const { client, connection, socket } = await connected()
    client[Symbol.dispose]()
    socket.destroy()
    await once(socket, 'close')
    const told = new Engine('localhost', 512, () => undefined).converse(connection, (link) => new Told(link))
    expect(await told.end.promise).to.equal(null)
  })

  it('hands on what nobody foresaw, and ends the connection', async () => {
    const { client, connection } = await connected()
    const told = new Engine('localhost', 512, () => undefined).converse(
      connection,
      (link) =>
        new Told(link, () => {
          throw new TypeError('a test said so')
        }),
    )
    await client.send('NOOP\r\nNOOP\r\n')
    expect((await told.end.promise)?.message).to.equal('a test said so')
    expect(told.lines).to.deep.equal(['NOOP'])
    await client.rest()
  })

  it('writes in one piece what is said in one turn, and forgets whom it has served', async () => {
    const { client, connection, socket } = await connected()
    const engine = new Engine('localhost', 512, () => undefined)
    const told = engine.converse(connection, (link) => new Told(link, (line) => link.say(`${line}!`)))
    expect(engine.connections.size).to.equal(1)
    let writes = 0
    const write = socket.write.bind(socket)
    socket.write = ((...args: Parameters<typeof write>) => {
      writes += 1
      return write(...args)
    }) as typeof socket.write
    await client.send('a\r\nb\r\nc\r\n')
    client.end()
    expect((await client.rest()).toString()).to.equal('a!b!c!')
    expect(writes).to.equal(1)
    expect(await told.end.promise).to.equal(null)
    expect(engine.connections.size).to.equal(0)
  })
})
