import { Duplex } from 'node:stream'
import { setImmediate as turn } from 'node:timers/promises'
import { expect } from 'chai'
import { Wire } from '../../shared/net/wire.ts'

/** A stream whose other end a test plays. */
class Peer extends Duplex {
  /** What was written, a piece each. */
  readonly written: string[] = []
  /** Whether writes stay unfinished: a client that does not read. */
  stuck = false
  #go: (() => void) | null = null

  constructor() {
    super({ highWaterMark: 1_000, allowHalfOpen: true })
  }

  override _read(): void {
    // What there is to read is pushed by the test.
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.written.push(chunk.toString('latin1'))
    if (this.stuck) this.#go = done
    else done()
  }

  /** The client reads again. */
  goOn(): void {
    this.stuck = false
    this.#go?.()
  }
}

const make = () => {
  const peer = new Peer()
  const controller = new AbortController()
  return { peer, controller, wire: new Wire(peer, controller.signal) }
}

/** Whether the promise is settled after the loop has turned. */
const settled = async (promise: Promise<unknown>): Promise<boolean> => {
  let done = false
  promise.then(
    () => {
      done = true
    },
    () => {
      done = true
    },
  )
  await turn()
  await turn()
  return done
}

describe('Wire', () => {
  it('reads what comes, waits for more, and ends with the input', async () => {
    const { peer, wire } = make()
    peer.push('one')
    expect((await wire.read())?.toString()).to.equal('one')
    const next = wire.read()
    expect(await settled(next)).to.equal(false)
    peer.push('two')
    expect((await next)?.toString()).to.equal('two')
    peer.push('last')
    peer.push(null)
    expect((await wire.read())?.toString()).to.equal('last')
    expect(await wire.read()).to.equal(null)
    expect(await wire.read()).to.equal(null)
    expect(wire.over).to.equal(false)
  })

  it('holds the client back while nobody reads, and loses nothing of what it sent', async () => {
    const { peer, wire } = make()
    const chunks = Array.from({ length: 200 }, (_, index) => Buffer.alloc(1_024, index))
    let taken = 0
    await turn()
    // As a socket does: what is pushed into a paused stream waits there, and is a sign to stop.
    for (const chunk of chunks) {
      taken += 1
      if (!peer.push(chunk)) break
      await turn()
    }
    expect(taken, 'KiB taken').to.be.within(64, 70)
    const read: Buffer[] = []
    for (let octets = 0; octets < taken * 1_024; octets = Buffer.concat(read).length) read.push((await wire.read()) ?? Buffer.of())
    expect(Buffer.concat(read).equals(Buffer.concat(chunks.slice(0, taken)))).to.equal(true)
  })

  it('reads nothing more once the conversation has to end', async () => {
    const { peer, controller, wire } = make()
    const waiting = wire.read()
    expect(await settled(waiting)).to.equal(false)
    controller.abort()
    expect(await waiting).to.equal(null)
    peer.push('more')
    expect(await wire.read()).to.equal(null)
    expect(wire.over).to.equal(true)
  })

  it('reads nothing more once the stream is destroyed', async () => {
    const { peer, wire } = make()
    const waiting = wire.read()
    peer.destroy()
    expect(await waiting).to.equal(null)
    expect(wire.over).to.equal(true)
  })

  it('writes what was gathered in one piece, in its order', async () => {
    const { peer, wire } = make()
    for (let line = 0; line < 100; line++) wire.text(`${line}\r\n`)
    await wire.flush()
    wire.text('+OK\r\n')
    wire.octets(Buffer.from('body\r\n'))
    wire.octets(Buffer.from('more\r\n'))
    wire.text('.\r\n')
    expect(await wire.flush()).to.equal(true)
    wire.octets(Buffer.from('alone'))
    await wire.flush()
    await wire.flush()
    expect(peer.written).to.have.length(3)
    expect(peer.written[0]).to.equal(Array.from({ length: 100 }, (_, line) => `${line}\r\n`).join(''))
    expect(peer.written.slice(1)).to.deep.equal(['+OK\r\nbody\r\nmore\r\n.\r\n', 'alone'])
  })

  it('is full at 64 KiB, whatever they are made of', () => {
    for (const add of [(wire: Wire) => wire.text('x'.repeat(1_024)), (wire: Wire) => wire.octets(Buffer.alloc(1_024))]) {
      const { wire } = make()
      for (let count = 0; count < 63; count++) add(wire)
      expect(wire.full).to.equal(false)
      add(wire)
      expect(wire.full).to.equal(true)
    }
  })

  it('waits while the client does not read, until it does', async () => {
    const { peer, wire } = make()
    peer.stuck = true
    wire.text('x'.repeat(2_000))
    const flushed = wire.flush()
    expect(await settled(flushed)).to.equal(false)
    peer.goOn()
    expect(await flushed).to.equal(true)
  })

  it('waits no longer when the conversation has to end', async () => {
    for (const end of [(controller: AbortController) => controller.abort(), (_: AbortController, peer: Peer) => peer.destroy()]) {
      const { peer, controller, wire } = make()
      peer.stuck = true
      wire.text('x'.repeat(2_000))
      const flushed = wire.flush()
      expect(await settled(flushed)).to.equal(false)
      end(controller, peer)
      expect(await flushed).to.equal(false)
    }
  })

  it('ends with what is gathered, also when the conversation has to end', async () => {
    const { peer, controller, wire } = make()
    controller.abort()
    wire.text('goodbye')
    await wire.end()
    expect(peer.written).to.deep.equal(['goodbye'])
    expect(peer.writableFinished).to.equal(true)
  })

  it('resolves its end when the system has all of it, or when the stream is destroyed', async () => {
    const { peer, wire } = make()
    peer.stuck = true
    wire.text('goodbye')
    const ended = wire.end()
    expect(await settled(ended)).to.equal(false)
    peer.destroy()
    await ended
    wire.text('too late')
    await wire.end()
    expect(peer.written).to.deep.equal(['goodbye'])
  })

  it('leaves no listener behind', () => {
    const { peer, wire } = make()
    const before = new Peer()
    wire.detach()
    for (const event of ['data', 'readable', 'end', 'drain', 'finish', 'close']) {
      expect(peer.listenerCount(event), event).to.equal(before.listenerCount(event))
    }
  })
})
