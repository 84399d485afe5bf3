import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect } from 'chai'
import { readInto } from '../../servers/ftp/direct-reading.ts'
import { until } from './raw-session.ts'

/** Two ends of a connection; the one that was accepted is paused, as a data connection is. */
const pair = async (): Promise<{ readonly client: Socket; readonly accepted: Socket } & AsyncDisposable> => {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const client = connect({ port: address.port, host: '127.0.0.1' })
  const [accepted]: Socket[] = await once(server, 'connection')
  if (accepted === undefined) throw new Error('no connection')
  accepted.on('error', () => undefined)
  return {
    client,
    accepted,
    [Symbol.asyncDispose]: async () => {
      client.destroy()
      accepted.destroy()
      server.close()
    },
  }
}

/** Keeps what comes; may be full. */
class Kept {
  readonly octets: Buffer
  count = 0
  takesMore = true
  constructor(size: number) {
    this.octets = Buffer.alloc(size)
  }
  get room(): Buffer {
    return this.octets.subarray(this.count)
  }
  came(octets: number): boolean {
    this.count += octets
    return this.takesMore
  }
  get text(): string {
    return this.octets.toString('latin1', 0, this.count)
  }
}

describe('ftp: octets read right into memory of ours', () => {
  it('come in their order, and so does the end; the connection still sends, and its old socket is closed', async () => {
    await using ends = await pair()
    const kept = new Kept(1024)
    const direct = readInto(ends.accepted, kept)
    if (direct === null) throw new Error('Node reads into no memory of ours any more')
    const over = once(direct, 'end')
    ends.client.write('one')
    await until('the first octets came', () => kept.text === 'one')
    ends.client.end('two')
    await over
    expect(kept.text).to.equal('onetwo')
    expect(ends.accepted.destroyed).to.equal(true)
    direct.end('thanks')
    expect(await text(ends.client)).to.equal('thanks')
  })

  it('stay with the system while the sink takes none, and come when the socket is resumed', async () => {
    await using ends = await pair()
    const kept = new Kept(1024)
    kept.takesMore = false
    const direct = readInto(ends.accepted, kept)
    if (direct === null) throw new Error('Node reads into no memory of ours any more')
    ends.client.write('one')
    await until('the first octets came', () => kept.text === 'one')
    await new Promise((sent) => ends.client.write('two', sent))
    // What came would be read within a turn of the loop.
    for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => setImmediate(resolve))
    expect(kept.text).to.equal('one')
    direct.resume()
    await until('all octets came', () => kept.text === 'onetwo')
    direct.destroy()
  })

  it('are read as ever where somebody has begun to read, or the connection is gone', async () => {
    await using ends = await pair()
    ends.client.write('one')
    ends.accepted.resume()
    await once(ends.accepted, 'data')
    ends.accepted.pause()
    expect(readInto(ends.accepted, new Kept(8))).to.equal(null)
    expect(ends.accepted.destroyed).to.equal(false)
    ends.accepted.destroy()
    expect(readInto(ends.accepted, new Kept(8))).to.equal(null)
  })
})
