import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { expect } from 'chai'
import { awaitHello, offeredIn } from '../../shared/tls/client-hello.ts'

/** A server's end of a connection, and what connects to it. */
const pair = async (): Promise<{ socket: Socket; port: number; client: () => Socket; end: () => void }> => {
  const server = createServer({ pauseOnConnect: true, allowHalfOpen: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = connect(port, '127.0.0.1')
  client.on('error', () => undefined)
  const [socket] = (await once(server, 'connection')) as [Socket]
  const end = () => {
    client.destroy()
    socket.destroy()
    server.close()
  }
  return { socket, port, client: () => client, end }
}

/** What a client of node:tls says first. */
const helloOf = async (minVersion: 'TLSv1.2' | 'TLSv1.3', maxVersion: 'TLSv1.2' | 'TLSv1.3'): Promise<Buffer> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const client = connectTls({ port, host: '127.0.0.1', minVersion, maxVersion })
  client.on('error', () => undefined)
  const [socket] = (await once(server, 'connection')) as [Socket]
  const [hello] = (await once(socket, 'data')) as [Buffer]
  socket.destroy()
  server.close()
  return hello
}

describe('TLS: what a client offers', () => {
  it('is TLS 1.3 only, or something older too', async () => {
    expect(offeredIn(await helloOf('TLSv1.3', 'TLSv1.3'))).to.equal('newer-only')
    expect(offeredIn(await helloOf('TLSv1.2', 'TLSv1.3'))).to.equal('older')
    expect(offeredIn(await helloOf('TLSv1.2', 'TLSv1.2'))).to.equal('older')
  })

  it('is not known before the hello is whole; what is none is left to the handshake', async () => {
    const hello = await helloOf('TLSv1.3', 'TLSv1.3')
    for (let octets = 0; octets < hello.length; octets++) expect(offeredIn(hello.subarray(0, octets))).to.equal('incomplete')
    for (const other of ['USER alice\r\n', '\x80\x2e\x01\x00\x02', '\x16\x03\x01\xff\xff', '\x16\x03\x01\x00\x04\x01\x00\x00\x00'])
      expect(offeredIn(Buffer.from(other, 'latin1')), other).to.equal('older')
    // Lengths in it that lead out of it.
    for (let at = 43; at < hello.length; at++) {
      const wrong = Buffer.from(hello)
      wrong[at] = 0xff
      expect(offeredIn(wrong)).to.be.oneOf(['older', 'newer-only'])
    }
  })

  it('stays in the socket, however it was split', async () => {
    const hello = await helloOf('TLSv1.3', 'TLSv1.3')
    const { socket, client, end } = await pair()
    const offered = awaitHello(socket, 10_000, new AbortController().signal)
    client().write(hello.subarray(0, 3))
    await new Promise((resolve) => setTimeout(resolve, 20))
    client().write(hello.subarray(3, 60))
    await new Promise((resolve) => setTimeout(resolve, 20))
    client().write(Buffer.concat([hello.subarray(60), Buffer.from('behind')]))
    expect(await offered).to.equal('newer-only')
    expect(socket.read()?.toString('latin1')).to.match(/behind$/)
    end()
  })

  it('is not awaited longer than its client is there, nor when nobody waits any more', async () => {
    const ended = await pair()
    const offered = awaitHello(ended.socket, 10_000, new AbortController().signal)
    ended.client().end(Buffer.of(22, 3, 1))
    expect(await offered).to.equal('incomplete')
    ended.end()
    const silent = await pair()
    const stop = new AbortController()
    const given = awaitHello(silent.socket, 10_000, stop.signal)
    stop.abort()
    expect(await given).to.equal('incomplete')
    expect(silent.socket.listenerCount('readable')).to.equal(0)
    silent.end()
  })
})
