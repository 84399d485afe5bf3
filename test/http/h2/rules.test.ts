import { expect } from 'chai'
import { Client } from '../../kit/client.ts'
import type { Running } from '../../kit/serving.ts'
import { serveSite } from '../site.ts'
import { fields, flags, frame, get, pseudo, settings, statusIn, types, uint32 } from './frame.ts'
import { FrameClient } from './frame-client.ts'

const { endHeaders, endStream, none, ack, padded } = flags
const whole = endHeaders | endStream
type Pairs = readonly (readonly [string, string])[]
const request = (pairs: Pairs, flag: number = whole, stream = 1) => frame(types.headers, flag, stream, fields(...pairs))
const withFields = (...more: Pairs) => request([...pseudo(), ...more])
const post = (...more: Pairs) => request([...pseudo('/a.txt', 'POST'), ...more], endHeaders)
const without = (name: string): Pairs => pseudo().filter(([each]) => each !== name)
const data = (stream: number, content = '', flag: number = endStream) => frame(types.data, flag, stream, content)

type Row = readonly [section: string, title: string, sent: readonly Buffer[], outcome: RegExp]

/**
 * What becomes of the first stream, and of the connection: each row is what a client sends behind its preface, and the answer (an
 * error of the stream may be treated as one of the connection, RFC 9113 §5.4.1).
 */
const rows: readonly Row[] = [
  ['§4.1', 'frames of an unknown type are ignored', [frame(0xfe, 0xff, 0, 'whatever'), get(1)], /^200$/],
  [
    '§4.1',
    'flags and reserved bits that mean nothing are ignored',
    [frame(types.headers, 0xc0 | whole, 0x80_00_00_01, fields(...pseudo()))],
    /^200$/,
  ],
  ['§4.2', 'a frame larger than we take', [frame(types.data, none, 1, Buffer.alloc(16_385))], /FRAME_SIZE_ERROR/],
  [
    '§4.3',
    'a head that is no HPACK',
    [frame(types.headers, whole, 1, Buffer.of(0xff, 0xff, 0xff, 0xff, 0xff, 0xff))],
    /COMPRESSION_ERROR/,
  ],
  ['§4.3', 'an index that is in no table', [frame(types.headers, whole, 1, Buffer.of(0xbf, 0x80))], /COMPRESSION_ERROR/],
  ['§5.1', 'DATA on an idle stream', [data(1, 'x')], /GOAWAY (PROTOCOL|STREAM_CLOSED)/],
  ['§5.1', 'RST_STREAM on an idle stream', [frame(types.reset, none, 1, uint32(8))], /GOAWAY PROTOCOL_ERROR/],
  ['§5.1', 'WINDOW_UPDATE on an idle stream', [frame(types.window, none, 1, uint32(1))], /GOAWAY PROTOCOL_ERROR/],
  ['§5.1', 'HEADERS behind the end of a stream', [get(1), get(1)], /STREAM_CLOSED|PROTOCOL_ERROR|^200$/],
  ['§5.1.1', 'a stream with an even number', [get(2)], /PROTOCOL_ERROR/],
  ['§6.1', 'DATA on no stream', [data(0, 'x')], /GOAWAY PROTOCOL_ERROR/],
  [
    '§6.1',
    'DATA with more padding than octets',
    [post(), frame(types.data, padded, 1, Buffer.of(9, 1, 2))],
    /GOAWAY PROTOCOL_ERROR/,
  ],
  ['§6.1', 'DATA with padding', [post(), frame(types.data, padded | endStream, 1, Buffer.of(2, 1, 0, 0))], /^405$/],
  ['§6.2', 'HEADERS on no stream', [request(pseudo(), whole, 0)], /GOAWAY PROTOCOL_ERROR/],
  [
    '§6.2',
    'HEADERS with padding and a priority',
    [
      frame(
        types.headers,
        whole | padded | flags.priority,
        1,
        Buffer.concat([Buffer.of(2), Buffer.alloc(5), fields(...pseudo()), Buffer.alloc(2)]),
      ),
    ],
    /^200$/,
  ],
  [
    '§6.2',
    'HEADERS with more padding than octets',
    [frame(types.headers, whole | padded, 1, Buffer.of(200, 0x82))],
    /PROTOCOL_ERROR/,
  ],
  ['§6.3', 'PRIORITY is read and means nothing', [frame(types.priority, none, 1, Buffer.alloc(5)), get(1)], /^200$/],
  ['§6.3', 'PRIORITY of the wrong size', [get(1), frame(types.priority, none, 3, Buffer.alloc(4))], /FRAME_SIZE_ERROR/],
  ['§6.4', 'RST_STREAM on no stream', [frame(types.reset, none, 0, uint32(8))], /GOAWAY PROTOCOL_ERROR/],
  ['§6.4', 'RST_STREAM of the wrong size', [get(1), frame(types.reset, none, 1, 'abc')], /GOAWAY FRAME_SIZE_ERROR/],
  ['§6.5', 'SETTINGS on a stream', [frame(types.settings, none, 1, settings([3, 1]))], /GOAWAY PROTOCOL_ERROR/],
  ['§6.5', 'SETTINGS of the wrong size', [frame(types.settings, none, 0, 'abcde')], /GOAWAY FRAME_SIZE_ERROR/],
  ['§6.5', 'an acknowledgement with something in it', [frame(types.settings, ack, 0, settings([3, 1]))], /GOAWAY FRAME_SIZE_ERROR/],
  ['§6.5.2', 'a setting that nobody knows is ignored', [frame(types.settings, none, 0, settings([0x6a_6a, 7])), get(1)], /^200$/],
  ['§6.5.2', 'ENABLE_PUSH of 2', [frame(types.settings, none, 0, settings([2, 2]))], /GOAWAY PROTOCOL_ERROR/],
  ['§6.5.2', 'a window beyond 2^31-1', [frame(types.settings, none, 0, settings([4, 2 ** 31]))], /GOAWAY FLOW_CONTROL_ERROR/],
  ['§6.5.2', 'frames of less than 16,384 octets', [frame(types.settings, none, 0, settings([5, 16_383]))], /GOAWAY PROTOCOL_ERROR/],
  ['§6.5.2', 'frames of 2^24 octets', [frame(types.settings, none, 0, settings([5, 2 ** 24]))], /GOAWAY PROTOCOL_ERROR/],
  [
    '§6.6',
    'PUSH_PROMISE by a client',
    [frame(types.push, endHeaders, 1, Buffer.concat([uint32(2), fields(...pseudo())]))],
    /GOAWAY PROTOCOL_ERROR/,
  ],
  ['§6.7', 'PING on a stream', [frame(types.ping, none, 1, '12345678')], /GOAWAY PROTOCOL_ERROR/],
  ['§6.7', 'PING of the wrong size', [frame(types.ping, none, 0, '1234567')], /GOAWAY FRAME_SIZE_ERROR/],
  ['§6.7', 'an acknowledgement of a PING that nobody sent', [frame(types.ping, ack, 0, '12345678')], /GOAWAY INTERNAL_ERROR/],
  ['§6.8', 'GOAWAY on a stream', [frame(types.goaway, none, 1, Buffer.alloc(8))], /GOAWAY PROTOCOL_ERROR/],
  ['§6.9', 'a window that grows by nothing', [post(), frame(types.window, none, 1, uint32(0))], /PROTOCOL_ERROR/],
  ['§6.9', 'the connection’s window grows by nothing', [frame(types.window, none, 0, uint32(0))], /GOAWAY PROTOCOL_ERROR/],
  ['§6.9', 'WINDOW_UPDATE of the wrong size', [frame(types.window, none, 0, 'abc')], /GOAWAY FRAME_SIZE_ERROR/],
  [
    '§6.9.1',
    'a connection’s window beyond 2^31-1',
    [frame(types.window, none, 0, uint32(2 ** 31 - 1))],
    /GOAWAY FLOW_CONTROL_ERROR/,
  ],
  ['§6.9.1', 'a stream’s window beyond 2^31-1', [post(), frame(types.window, none, 1, uint32(2 ** 31 - 1))], /FLOW_CONTROL_ERROR/],
  [
    '§6.10',
    'a head in several frames',
    [
      frame(types.headers, endStream, 1, fields(...pseudo().slice(0, 2))),
      frame(types.continuation, endHeaders, 1, fields(...pseudo().slice(2))),
    ],
    /^200$/,
  ],
  [
    '§6.10',
    'CONTINUATION without HEADERS',
    [frame(types.continuation, endHeaders, 1, fields(...pseudo()))],
    /GOAWAY PROTOCOL_ERROR/,
  ],
  [
    '§6.10',
    'another frame within a head',
    [frame(types.headers, endStream, 1, fields(...pseudo().slice(0, 2))), frame(types.ping, none, 0, '12345678')],
    /GOAWAY PROTOCOL_ERROR/,
  ],
  [
    '§6.10',
    'CONTINUATION of another stream',
    [
      frame(types.headers, endStream, 1, fields(...pseudo().slice(0, 2))),
      frame(types.continuation, endHeaders, 3, fields(...pseudo().slice(2))),
    ],
    /GOAWAY PROTOCOL_ERROR/,
  ],
  ['§8.1', 'trailers', [post(), data(1, 'x', none), request([['checksum', '1']], whole)], /^405$/],
  ['§8.1', 'trailers that do not end the stream', [post(), request([['checksum', '1']], endHeaders)], /PROTOCOL_ERROR/],
  ['§8.1', 'trailers with a pseudo field', [post(), request([[':path', '/b']], whole)], /PROTOCOL_ERROR/],
  ['§8.1.1', 'less content than Content-Length', [post(['content-length', '3']), data(1, 'ab')], /PROTOCOL_ERROR/],
  [
    '§8.1.1',
    'more content than Content-Length',
    [post(['content-length', '1']), data(1, 'ab')],
    /GOAWAY (PROTOCOL|INTERNAL)_ERROR/,
  ],
  ['§8.1.1', 'no content though Content-Length says so', [withFields(['content-length', '1'])], /PROTOCOL_ERROR/],
  [
    '§8.1.1',
    'two lengths',
    [request([...pseudo('/a.txt', 'POST'), ['content-length', '1'], ['content-length', '2']], endHeaders), data(1, 'a')],
    /PROTOCOL_ERROR/,
  ],
  ['§8.2', 'a name in upper case', [withFields(['Accept', 'a'])], /PROTOCOL_ERROR/],
  ['§8.2.2', 'Connection', [withFields(['connection', 'close'])], /PROTOCOL_ERROR/],
  ['§8.2.2', 'Transfer-Encoding', [withFields(['transfer-encoding', 'chunked'])], /PROTOCOL_ERROR/],
  ['§8.2.2', 'Upgrade', [withFields(['upgrade', 'websocket'])], /PROTOCOL_ERROR/],
  ['§8.2.2', 'Keep-Alive', [withFields(['keep-alive', 'timeout=5'])], /PROTOCOL_ERROR/],
  ['§8.2.2', 'Proxy-Connection', [withFields(['proxy-connection', 'close'])], /PROTOCOL_ERROR/],
  ['§8.2.2', 'TE: gzip', [withFields(['te', 'gzip'])], /PROTOCOL_ERROR/],
  ['§8.2.2', 'TE: trailers', [withFields(['te', 'trailers'])], /^200$/],
  ['§8.3', 'a pseudo field behind a field', [request([...without(':path'), ['a', 'b'], [':path', '/a.txt']])], /PROTOCOL_ERROR/],
  ['§8.3', 'a pseudo field that nobody knows', [request([...pseudo(), [':color', 'red']])], /PROTOCOL_ERROR/],
  ['§8.3', 'a pseudo field of answers', [request([...pseudo(), [':status', '200']])], /PROTOCOL_ERROR/],
  ['§8.3.1', 'two paths', [request([...pseudo(), [':path', '/b.txt']])], /PROTOCOL_ERROR/],
  ['§8.3.1', 'no method', [request(without(':method'))], /PROTOCOL_ERROR/],
  ['§8.3.1', 'no scheme', [request(without(':scheme'))], /PROTOCOL_ERROR/],
  ['§8.3.1', 'no path', [request(without(':path'))], /PROTOCOL_ERROR/],
  ['§8.3.1', 'an empty path', [request([...without(':path'), [':path', '']])], /PROTOCOL_ERROR/],
  ['§8.3.1', 'a path that is none', [request([...without(':path'), [':path', 'a.txt']])], /PROTOCOL_ERROR|^400$/],
  ['§8.3.1', 'the asterisk of OPTIONS', [request([...pseudo('*', 'OPTIONS')])], /^204$/],
  ['§8.3.1', 'the asterisk of GET', [request([...pseudo('*')])], /PROTOCOL_ERROR|^400$/],
  ['§8.3.1', 'Host in the place of :authority', [request([...without(':authority'), ['host', 'localhost']])], /^200$/],
  ['§8.3.1', 'Host beside :authority, the same', [withFields(['host', 'LOCALHOST'])], /^200$/],
  ['§8.3.1', 'Host beside :authority, another', [withFields(['host', 'other.test'])], /^400$/],
  ['§8.3.1', 'neither Host nor :authority', [request(without(':authority'))], /PROTOCOL_ERROR|^400$/],
  [
    '§8.3.1',
    'a user in :authority',
    [request([...without(':authority'), [':authority', 'alice@localhost']])],
    /PROTOCOL_ERROR|^400$/,
  ],
  [
    '§8.5',
    'CONNECT',
    [
      request([
        [':method', 'CONNECT'],
        [':authority', 'localhost:443'],
      ]),
    ],
    /^405$/,
  ],
  ['§8.5', 'CONNECT with a path', [request(pseudo('/a.txt', 'CONNECT'))], /PROTOCOL_ERROR/],
  ['RFC 9110 §9.1', 'a method that nobody knows', [request(pseudo('/a.txt', 'BREW'))], /^501$/],
  ['RFC 9110 §10.1.1', 'an expectation that nobody knows', [withFields(['expect', 'a-miracle'])], /^417$/],
  ['RFC 9110 §15.5.15', 'a path that is too long', [request(pseudo(`/${'a'.repeat(8_001)}`))], /^414$/],
]

/**
 * What nghttp2 1.70 passes over where RFC 9113 wants an error: none of it reaches anybody. A field that is not valid is left out, so the
 * condition in it does not hold the answer up.
 */
const passedOver: readonly Row[] = [
  ['§5.1.1', 'a number lower than one before', [get(5), get(3), get(1)], /^none$/],
  ['§6.3', 'PRIORITY on no stream', [frame(types.priority, none, 0, Buffer.alloc(5)), get(1)], /^200$/],
  ['§8.2.1', 'a blank in a name', [withFields(['if match', '"x"'])], /^200$/],
  ['§8.2.1', 'an empty name', [withFields(['', '"x"'])], /^200$/],
  ['§8.2.1', 'a line break in a value', [withFields(['if-match', '"x"\r\nrange: bytes=0-0'])], /^200$/],
  ['§8.2.1', 'a NUL in a value', [withFields(['if-match', '"x\0"'])], /^200$/],
  ['§8.2.1', 'a blank before a value', [withFields(['if-match', ' "x"'])], /^200$/],
]

describe('HTTP/2: what a client may send, and what becomes of it', () => {
  let site: Running
  before(async () => {
    site = await serveSite({ 'www/a.txt': 'hello\n' }, { options: { http2: 'prior-knowledge' } })
  })
  after(() => site.close())

  for (const [section, title, sent, outcome] of rows) {
    it(`${title} (${section})`, async () => {
      using client = await FrameClient.connect(site.port)
      await client.send(...sent)
      const said = await client.outcome(1)
      expect(said).to.match(outcome)
      // Others are served, whatever somebody else sends.
      using other = await FrameClient.connect(site.port)
      await other.send(get(1))
      expect(await other.outcome(1)).to.equal('200')
    })
  }

  for (const [section, title, sent, outcome] of passedOver) {
    it(`passes over ${title} (RFC 9113 ${section})`, async () => {
      using client = await FrameClient.connect(site.port)
      await client.send(...sent, get(7))
      const all: string[] = []
      await client.until((frame) => {
        if (frame.type === types.headers) all.push(`${frame.stream} ${statusIn(frame.payload)}`)
        return frame.stream === 7 && (frame.flags & endStream) !== 0
      })
      const first = all.find((said) => said.startsWith('1 '))
      expect(first?.slice(2) ?? 'none').to.match(outcome)
      expect(all).to.include('7 200')
    })
  }

  it('a preface that is none (RFC 9113 §3.4)', async () => {
    using client = await Client.connect(site.port)
    await client.send('PRI * HTTP/2.0\r\n\r\nSM\r\n\r!')
    expect((await client.rest()).toString('latin1')).to.match(/^HTTP\/1\.1 400 /)
  })

  it('a preface without SETTINGS behind it (RFC 9113 §3.4)', async () => {
    using client = new FrameClient(await Client.connect(site.port))
    await client.send(Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), get(1))
    expect(await client.outcome(1)).to.match(/GOAWAY PROTOCOL_ERROR|closed/)
  })
})
