import { truncate } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { undisturbed } from '../../kit/undisturbed.ts'
import { rawUpstream } from '../proxy/upstream.ts'
import { serveSite } from '../site.ts'
import { errorName, flags, frame, get, types, uint32 } from './frame.ts'
import { FrameClient } from './frame-client.ts'

/** What comes of a stream behind its head: octets of content, and how it ends. */
const endOf = async (client: FrameClient, stream: number): Promise<{ content: string; end: string }> => {
  let content = ''
  for (;;) {
    const { type, flags: flag, payload } = await client.until((next) => next.stream === stream)
    if (type === types.data) content += payload.toString('latin1')
    if (type === types.reset) return { content, end: `RST_STREAM ${errorName(payload.readUInt32BE(0))}` }
    if ((type === types.data || type === types.headers) && (flag & flags.endStream) !== 0) return { content, end: 'END_STREAM' }
  }
}

describe('HTTP/2: an answer that cannot be finished', () => {
  it('is reset, and never ended as if it were whole, where an upstream server breaks off (RFC 9113 §8.1)', async () => {
    for (const [said, content] of [
      ['Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n', 'half'],
      ['Content-Length: 100\r\n\r\nhalf', 'half'],
      ['Transfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\n', ''],
    ] as const) {
      await using upstream = await rawUpstream((_head, socket) => socket.write(`HTTP/1.1 200 OK\r\n${said}`))
      const options = { http2: 'prior-knowledge', routes: [{ path: '/app/', proxy: upstream.url }] }
      await using site = await serveSite({ 'www/a.txt': 'hello\n' }, { options })
      using client = await FrameClient.connect(site.port)
      await client.send(get(1, '/app/'))
      expect(await client.outcome(1)).to.equal('200')
      if (content !== '') {
        const first = await client.until(({ stream, type }) => stream === 1 && type === types.data)
        expect([first.payload.toString(), first.flags & flags.endStream]).to.deep.equal([content, 0])
      }
      for (const socket of upstream.connections) socket.destroy()
      expect((await endOf(client, 1)).end).to.equal('RST_STREAM INTERNAL_ERROR')
      // The connection goes on.
      await client.send(get(3))
      expect(await client.outcome(3)).to.equal('200')
      expect(await endOf(client, 3)).to.deep.equal({ content: 'hello\n', end: 'END_STREAM' })
    }
  })

  it('is reset where its file is cut off in the middle of a download', async () => {
    const size = 4_000_000
    const options = { http2: 'prior-knowledge' }
    await using site = await serveSite({ 'www/large.bin': Buffer.alloc(size, 'x'), 'www/a.txt': 'hello\n' }, { options })
    using client = await FrameClient.connect(site.port)
    await client.send(get(1, '/large.bin'))
    expect(await client.outcome(1)).to.equal('200')
    await truncate(join(site.settings.data, 'www/large.bin'), 100_000)
    const room = uint32(2 ** 30)
    await client.send(frame(types.window, flags.none, 0, room), frame(types.window, flags.none, 1, room))
    const { content, end } = await endOf(client, 1)
    expect([content.length < size, end]).to.deep.equal([true, 'RST_STREAM INTERNAL_ERROR'])
    await client.send(get(3))
    expect(await client.outcome(3)).to.equal('200')
  })

  it('is none where it is slow by itself: the client waits with it, and gets all of it', () =>
    undisturbed(80, async () => {
      await using upstream = await rawUpstream((_head, socket) => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf'))
      const options = {
        http2: 'prior-knowledge',
        timeouts: { headers: '200ms', request: '400ms' },
        routes: [{ path: '/app/', proxy: { to: upstream.url, timeouts: { idle: '60s' } } }],
      }
      await using site = await serveSite({}, { options })
      using client = await FrameClient.connect(site.port)
      await client.send(get(1, '/app/'))
      expect(await client.outcome(1)).to.equal('200')
      await sleep(2_500)
      for (const socket of upstream.connections) socket.write('half')
      const { content, end } = await endOf(client, 1)
      expect([content, end]).to.deep.equal(['halfhalf', 'END_STREAM'])
    }))

  it('is no reset of the client: however many there are, its connection goes on', async () => {
    await using upstream = await rawUpstream((_head, socket) => socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nhalf'))
    const options = { http2: 'prior-knowledge', maxResets: 1, routes: [{ path: '/app/', proxy: upstream.url }] }
    await using site = await serveSite({ 'www/a.txt': 'hello\n' }, { options })
    using client = await FrameClient.connect(site.port)
    const streams = Array.from({ length: 50 }, (_, n) => 1 + 2 * n)
    await client.send(...streams.map((stream) => get(stream, '/app/')))
    // Whether its head goes out before it breaks off is the machine's to say.
    for (const stream of streams) expect(await client.outcome(stream)).to.be.oneOf(['200', 'RST_STREAM INTERNAL_ERROR'])
    await client.send(get(1_001))
    expect(await client.outcome(1_001)).to.equal('200')
  })
})
