import { expect } from 'chai'
import { eventually } from '../../kit/eventually.ts'
import type { Running } from '../../kit/serving.ts'
import { openBelow } from '../open-files.ts'
import { serveSite } from '../site.ts'
import { errorName, get, types } from './frame.ts'
import { FrameClient } from './frame-client.ts'

const connections = 30
const few = 4

/** A client that takes nothing of what it asks for. */
const stalled = (site: Running): Promise<FrameClient> => FrameClient.connect(site.port, [4, 0])
const asks = (from: number, count: number): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, nth) => get(2 * (from + nth) + 1, '/large.bin')))

/** As a program that is killed, with octets that it has not read. */
const leave = ({ client }: FrameClient): void => void client.socket.resetAndDestroy()

/** What becomes of so many requests: how many were answered, and how many refused. */
const outcomes = async (client: FrameClient, count: number): Promise<Record<string, number>> => {
  const all: Record<string, number> = {}
  for (let told = 0; told < count; ) {
    const next = await client.next()
    if (next === null || next.type === types.goaway) throw new Error(`the connection ended behind ${told} outcomes`)
    if (next.type !== types.headers && next.type !== types.reset) continue
    const outcome = next.type === types.headers ? 'answered' : errorName(next.payload.readUInt32BE(0))
    all[outcome] = (all[outcome] ?? 0) + 1
    told += 1
  }
  return all
}

describe('HTTP/2: all connections together', () => {
  let site: Running
  beforeEach(async () => {
    const tree = { 'www/a.txt': 'hello\n', 'www/large.bin': Buffer.alloc(1_000_000) }
    site = await serveSite(tree, { options: { http2: 'prior-knowledge', maxResets: 1_000 }, limits: { connections } })
  })
  afterEach(() => site.close())
  const open = () => openBelow(site.settings.data).length

  it('have about as many downloads under way as there may be connections; who has a few is refused more (RFC 9113 §8.7)', async () => {
    using first = await stalled(site)
    using second = await stalled(site)
    using third = await stalled(site)
    await first.send(asks(0, 100))
    expect(await outcomes(first, 100)).to.deep.equal({ answered: connections, REFUSED_STREAM: 100 - connections })
    for (const client of [second, third]) {
      await client.send(asks(0, 100))
      expect(await outcomes(client, 100)).to.deep.equal({ answered: few, REFUSED_STREAM: 100 - few })
    }
    await eventually(() => expect(open()).to.be.at.most(connections + 2 * few))

    // Who has asked for little yet is served.
    using other = await FrameClient.connect(site.port)
    await other.send(get(1))
    expect(await other.outcome(1)).to.equal('200')

    // What ends makes room, and the connection that was refused goes on.
    leave(first)
    await eventually(() => expect(open()).to.equal(2 * few))
    await second.send(asks(100, 10))
    expect(await outcomes(second, 10)).to.deep.equal({ answered: 10 })
    for (const client of [second, third]) leave(client)
  })

  it('leave no record of a request that nobody looked at', async () => {
    using client = await stalled(site)
    await client.send(asks(0, connections + 5))
    await outcomes(client, connections + 5)
    leave(client)
    await eventually(() => expect(site.open).to.equal(0))
    expect(site.journal.of('request.finished')).to.have.length(connections)
  })

  it('wait no longer than a moment for one that has said that nothing more comes, and takes nothing', async () => {
    using client = await stalled(site)
    await client.send(asks(0, 10))
    await outcomes(client, 10)
    expect(open()).to.equal(10)
    client[Symbol.dispose]()
    await eventually(() => expect([open(), site.open]).to.deep.equal([0, 0]))
  })

  it('end one that asks on and on, however often it is refused', async () => {
    await using strict = await serveSite(
      { 'www/large.bin': Buffer.alloc(1_000_000) },
      { options: { http2: 'prior-knowledge', maxResets: 20 }, limits: { connections: 1 } },
    )
    using client = await stalled(strict)
    await client.send(asks(0, 100))
    const last = (await client.rest()).find((frame) => frame.type === types.goaway)
    await eventually(() => expect(strict.journal.of('http2.flooded').at(-1)?.fields).to.include({ what: 'resets' }))
    if (last !== undefined) expect(errorName(last.payload.readUInt32BE(4))).to.equal('ENHANCE_YOUR_CALM')
  })
})
