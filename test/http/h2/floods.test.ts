import { expect } from 'chai'
import { eventually } from '../../kit/eventually.ts'
import type { Running } from '../../kit/serving.ts'
import { undisturbed } from '../../kit/undisturbed.ts'
import { serveSite } from '../site.ts'
import { errorName, fields, flags, frame, get, pseudo, types, uint32 } from './frame.ts'
import { FrameClient } from './frame-client.ts'

const { endHeaders, endStream, none, ack } = flags
const times = (count: number, make: (nth: number) => Buffer): Buffer =>
  Buffer.concat(Array.from({ length: count }, (_, nth) => make(nth)))
const ping = frame(types.ping, none, 0, '12345678')
const reset = (stream: number) => frame(types.reset, none, stream, uint32(8))
const head = (flag: number, ...more: readonly (readonly [string, string])[]) =>
  frame(types.headers, flag, 1, fields(...pseudo(), ...more))

/** What a client sends, at once, and under which name the journal has it; null where nghttp2 ends the connection by itself. */
const floods: readonly (readonly [title: string, sent: Buffer, what: string | null])[] = [
  ['requests that are taken back at once', times(1_000, (nth) => Buffer.concat([get(2 * nth + 1), reset(2 * nth + 1)])), 'resets'],
  ['PING', times(2_000, () => ping), 'frames'],
  ['SETTINGS', times(2_000, () => frame(types.settings, none, 0)), 'frames'],
  ['updates of the window', times(200_000, () => frame(types.window, none, 0, uint32(1))), 'octets'],
  ['priorities', times(200_000, () => frame(types.priority, none, 1, Buffer.alloc(5))), null],
  ['frames that nobody knows', times(200_000, () => frame(0xfa, none, 0, 'what?')), null],
  ['empty DATA', Buffer.concat([head(endHeaders), times(5_000, () => frame(types.data, none, 1))]), null],
  ['CONTINUATION', Buffer.concat([head(none), times(5_000, () => frame(types.continuation, none, 1))]), null],
  [
    'a head without an end',
    Buffer.concat([head(none), times(50, () => frame(types.continuation, none, 1, fields(['x', 'y'.repeat(10_000)])))]),
    null,
  ],
]

describe('HTTP/2: floods end their own connection, and nobody else’s', () => {
  let site: Running
  before(async () => {
    site = await serveSite(
      { 'www/a.txt': 'hello\n', 'www/large.bin': Buffer.alloc(1_000_000) },
      { options: { http2: 'prior-knowledge' } },
    )
  })
  after(() => site.close())

  for (const [title, sent, what] of floods) {
    it(`of ${title} (RFC 9113 §10.5)`, async () => {
      using other = await FrameClient.connect(site.port)
      const before = site.journal.of('http2.flooded').length
      using client = await FrameClient.connect(site.port)
      void client.send(sent)
      const ended = (await client.rest()).find((frame) => frame.type === types.goaway)
      if (what !== null) {
        await eventually(() => expect(site.journal.of('http2.flooded').length).to.equal(before + 1))
        expect(site.journal.of('http2.flooded').at(-1)?.fields).to.include({ what })
        // Octets of it that nobody reads any more may turn the end into a reset.
        if (ended !== undefined) expect(errorName(ended.payload.readUInt32BE(4))).to.equal('ENHANCE_YOUR_CALM')
      }
      await other.send(get(1))
      expect(await other.outcome(1)).to.equal('200')
    })
  }

  it('takes so many requests at once, and refuses the next (RFC 9113 §5.1.2)', async () => {
    // Nothing is taken: the answers stay where they are.
    using client = await FrameClient.connect(site.port, [4, 0])
    await client.until((frame) => frame.type === types.settings && (frame.flags & ack) !== 0)
    await client.send(
      frame(types.settings, ack, 0),
      times(100, (nth) => get(2 * nth + 1, '/large.bin')),
    )
    const statuses = new Set<number>()
    await client.until((frame) => frame.type === types.headers && statuses.add(frame.stream).size === 100)
    await client.send(get(201))
    expect(await client.outcome(201)).to.match(/REFUSED_STREAM|ENHANCE_YOUR_CALM|PROTOCOL_ERROR/)
  })

  it('answers a head that is too large with 431 (RFC 6585 §5)', async () => {
    using client = await FrameClient.connect(site.port)
    const block = fields(...pseudo(), ['a', 'x'.repeat(14_000)], ['b', 'x'.repeat(14_000)], ['c', 'x'.repeat(14_000)])
    await client.send(
      frame(types.headers, endStream, 1, block.subarray(0, 16_000)),
      frame(types.continuation, none, 1, block.subarray(16_000, 32_000)),
      frame(types.continuation, endHeaders, 1, block.subarray(32_000)),
    )
    expect(await client.outcome(1)).to.equal('431')
  })
})

describe('HTTP/2: deadlines', () => {
  const timeouts = { headers: '300ms', request: '600ms', keepAlive: '400ms' }
  let site: Running
  before(async () => {
    const options = { http2: 'prior-knowledge', timeouts }
    site = await serveSite({ 'www/a.txt': 'hello\n', 'www/large.bin': Buffer.alloc(1_000_000) }, { options })
  })
  after(() => site.close())

  it('end a connection without a request, whatever else is said', async () => {
    using client = await FrameClient.connect(site.port)
    const pinging = setInterval(() => void client.send(ping), 100)
    const last = (await client.rest()).find((frame) => frame.type === types.goaway)
    clearInterval(pinging)
    expect(errorName(last?.payload.readUInt32BE(4) ?? -1)).to.equal('NO_ERROR')
  })

  it('end a connection whose head does not come to its end', () =>
    undisturbed(100, async () => {
      using client = await FrameClient.connect(site.port)
      await client.send(head(none))
      expect(await client.outcome(1)).to.match(/GOAWAY|closed/)
    }))

  it('end one that has had its answer, with a word that refuses nothing (RFC 9113 §6.8)', () =>
    undisturbed(100, async () => {
      using client = await FrameClient.connect(site.port)
      await client.send(get(1))
      expect(await client.outcome(1)).to.equal('200')
      const last = (await client.rest()).find((frame) => frame.type === types.goaway)
      expect(last?.payload.readUInt32BE(0)).to.equal(1)
    }))

  it('end an answer of which nothing is taken (slow windows)', () =>
    undisturbed(100, async () => {
      using client = await FrameClient.connect(site.port, [4, 10])
      await client.send(get(1, '/large.bin'))
      expect(await client.outcome(1)).to.equal('200')
      expect(await client.outcome(1)).to.match(/RST_STREAM CANCEL/)
      await eventually(() => expect(site.journal.of('request.finished').at(-1)?.fields).to.include({ complete: false }))
    }))
})

describe('HTTP/2: a drain', () => {
  it('says GOAWAY, finishes what was asked, and loses nothing (RFC 9113 §6.8)', async () => {
    const site = await serveSite({ 'www/large.bin': Buffer.alloc(3_000_000) }, { options: { http2: 'prior-knowledge' } })
    using client = await FrameClient.connect(site.port, [4, 2 ** 31 - 1])
    await client.send(frame(types.window, none, 0, uint32(100_000)), get(1, '/large.bin'))
    expect(await client.outcome(1)).to.equal('200')
    const closing = site.close('replace')
    const notice = await client.until((frame) => frame.type === types.goaway)
    expect(notice.payload.readUInt32BE(0)).to.equal(2 ** 31 - 1)
    await client.send(frame(types.window, none, 0, uint32(10_000_000)))
    const rest = await client.rest()
    expect(rest.some((frame) => frame.type === types.data && (frame.flags & endStream) !== 0)).to.equal(true)
    expect(
      rest
        .filter((frame) => frame.type === types.goaway)
        .at(-1)
        ?.payload.readUInt32BE(0),
    ).to.equal(1)
    await closing
  })
})
