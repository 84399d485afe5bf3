/**
 * Requests whose end two servers could see at different places, and a second request hides in the difference (RFC 9112 §11.2). Each
 * is refused, or read in the one way that the standard allows; the hidden request is `GET /b.html`, and is never answered with 200
 * unless it is really a request of its own.
 */
import { chunked, closes, further, host, post, type Row, row } from '../rows.ts'

const hidden = `GET /b.html HTTP/1.1\r\n${host}\r\n`
/** Chunks that end at once, and what a server that goes by a length would not take for a request. */
const ended = `0\r\n\r\n${hidden}`
const refused = { fields: closes }
const shown = (text: string) => JSON.stringify(text).slice(1, -1)

/** Codings that only some servers take for `chunked`, beside a length that the others go by. */
const codings: readonly Row[] = [
  'Transfer-Encoding : chunked',
  'Transfer-Encoding\t: chunked',
  'Transfer-Encoding\n: chunked',
  'Transfer-Encoding;chunked',
  'Transfer\0-Encoding: chunked',
  'Transfer-Encoding: \0chunked',
  'Transfer-Encoding: chunked\0',
  'Transfer-Encoding: \x0bchunked',
  'Transfer-Encoding: chunked\x0c',
  'Transfer-Encoding: chunk',
  'Transfer-Encoding: xchunked',
  'Transfer-Encoding: x, chunked',
  'Transfer-Encoding: chunked, x',
  'Transfer-Encoding: chunked-x',
  'Transfer-Encoding: , chunked',
  'Transfer-Encoding: chunked,',
  'Transfer-Encoding: chunked;q=1',
  "Transfer-Encoding: 'chunked'",
  'Transfer-Encoding: "chunked"',
  'Transfer-Encoding: ch\xc4\xb1nked',
  'Transfer-Encoding: chunked\xa0',
  'Transfer-Encoding:\tchunked',
  'transfer-encoding: CHUNKED',
  'Transfer-Encoding: identity',
  'Transfer-Encoding: chunked\r\nTransfer-Encoding: identity',
  'Transfer-Encoding: identity\r\nTransfer-Encoding: chunked',
  'Transfer-Encoding:\r\n chunked',
  'Transfer-Encoding:\r\n\tchunked',
  'Transfer-Encoding: chu\r\n nked',
  ' Transfer-Encoding: chunked',
  'X: y\n Transfer-Encoding: chunked',
  'X: y\rTransfer-Encoding: chunked',
  'X: y\nTransfer-Encoding: chunked',
  'X: y\n\rTransfer-Encoding: chunked',
  '\rTransfer-Encoding: chunked',
].map(
  (field): Row =>
    row(`a length beside: ${shown(field)}`, `${post(`Content-Length: 5\r\n${field}\r\n`)}${ended}`, [400], {
      ...refused,
      source: 'RFC 9112 §6.1',
    }),
)

/** Fields that look like one of framing and are none: the length alone counts. */
const lookalikes: readonly Row[] = [
  'Transfer_Encoding: chunked',
  'Transfer-Encodin: chunked',
  'X-Transfer-Encoding: chunked',
  'TE: chunked',
  'Content-Encoding: chunked',
  'Content_Length: 90',
  'X-Content-Length: 90',
  'Content-Lengt: 90',
  'Connection: Content-Length',
  'Connection: Transfer-Encoding',
].map(
  (field): Row =>
    row(`no framing beside a length: ${field}`, `${post(`Content-Length: 3\r\n${field}\r\n`)}abc${hidden}`, [405, 200], {
      body: '<p>b',
    }),
)

/** Lengths that servers have read in more than one way. */
const lengths: readonly Row[] = [
  ...[
    '3, 5',
    '3 5',
    '3,',
    ',3',
    '3\t5',
    '3.0',
    '3e0',
    '-0',
    '3_0',
    '0b11',
    '1,000',
    '3"',
    '"3"',
    '\xb3',
    '\xd9\xa3',
    '\x0b3',
    '3\0',
    'NaN',
  ].map((value): Row => row(`the length ${shown(value)}`, `${post(`Content-Length: ${value}\r\n`)}abc${hidden}`, [400], refused)),
  row('a length of 2⁶⁴ + 3', `${post('Content-Length: 18446744073709551619\r\n')}abc${hidden}`, [400], {
    ...refused,
    source: 'RFC 9110 §8.6',
  }),
  row('a length without a colon', `${post('Content-Length 3\r\n')}abc${hidden}`, [400], refused),
  row('a length with a blank before its colon', `${post('Content-Length : 3\r\n')}abc${hidden}`, [400], refused),
  row('a length that is folded', `${post('Content-Length:\r\n 3\r\n')}abc${hidden}`, [400], refused),
  row('a length after a bare CR', `${post('X: y\rContent-Length: 3\r\n')}abc${hidden}`, [400], refused),
  row('two lengths of other spellings', `${post('Content-Length: 3\r\ncontent-LENGTH: 03\r\n')}abc${hidden}`, [400], refused),
  row('a length with zeros before it', `${post('Content-Length: 0003\r\n')}abc${hidden}`, [405, 200], { body: '<p>b' }),
  row('a length with blanks around it', `${post('Content-Length: \t 3 \t\r\n')}abc${hidden}`, [405, 200], { body: '<p>b' }),
  row('a length of nothing, and the next request', `${post('Content-Length: 0\r\n')}${hidden}`, [405, 200], { body: '<p>b' }),
  row('POST without any length, which has no content', `${post('')}${hidden}`, [405, 200], {
    body: '<p>b',
    source: 'RFC 9112 §6.3',
  }),
  row(
    'GET with a length, whose content is a request',
    `GET /a.txt HTTP/1.1\r\n${host}Content-Length: ${hidden.length}\r\n\r\n${hidden}${further}`,
    [200, 200],
    {
      body: 'hello\n',
    },
  ),
  row(
    'HEAD with a length, whose content is a request',
    `HEAD /a.txt HTTP/1.1\r\n${host}Content-Length: ${hidden.length}\r\n\r\n${hidden.replace('GET', 'GOT')}${further}`,
    [200, 200],
    {
      body: 'hello\n',
    },
  ),
  row(
    'OPTIONS with a length, whose content is a request',
    `OPTIONS * HTTP/1.1\r\n${host}Content-Length: ${hidden.length}\r\n\r\n${hidden.replace('GET', 'GOT')}${further}`,
    [204, 200],
    {
      body: 'hello\n',
    },
  ),
  row('a method of nobody with content', `GOT /a.txt HTTP/1.1\r\n${host}Content-Length: 3\r\n\r\nabc${hidden}`, [501], refused),
  row(
    'CONNECT with content, behind which nothing is read',
    `CONNECT a:1 HTTP/1.1\r\n${host}Content-Length: 3\r\n\r\nabc${hidden}`,
    [405],
    refused,
  ),
  row('a GET with both lengths', `GET /a.txt HTTP/1.1\r\n${host}Content-Length: 5\r\n${chunked}\r\n${ended}`, [400], refused),
  row(
    'HTTP/1.0 with both lengths',
    `POST /a.txt HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 5\r\n${chunked}\r\n${ended}`,
    [400],
    refused,
  ),
  row(
    'HTTP/1.0 with a length',
    `POST /a.txt HTTP/1.0\r\nConnection: keep-alive\r\nContent-Length: 3\r\n\r\nabc${hidden}`,
    [405, 200],
    {
      body: '<p>b',
    },
  ),
]

/** Line ends that are none, by which a head would end earlier or later. */
const lineEnds: readonly Row[] = [
  row('a head that two LF end', `GET /a.txt HTTP/1.1\n${host.replace('\r', '')}\n${hidden}`, [400], {
    ...refused,
    source: 'RFC 9112 §2.2',
  }),
  row('a head that CR LF LF ends', `GET /a.txt HTTP/1.1\r\nHost: a\r\n\n${hidden}`, [400], refused),
  row('a head that LF CR LF ends', `GET /a.txt HTTP/1.1\r\nHost: a\n\r\n${hidden}`, [400], refused),
  row('a head that two CR end', `GET /a.txt HTTP/1.1\r\nHost: a\r\r${hidden}`, [400], { ...refused, source: 'RFC 9112 §2.2' }),
  row('CR CR LF behind a field', `GET /a.txt HTTP/1.1\r\nHost: a\r\r\n\r\n${hidden}`, [400], refused),
  row('CR CR LF behind the request line', `GET /a.txt HTTP/1.1\r\r\nHost: a\r\n\r\n${hidden}`, [400], refused),
  row('a line of blanks in the head', `GET /a.txt HTTP/1.1\r\n${host} \r\n\r\n${hidden}`, [400], refused),
  row('a NUL line', `GET /a.txt HTTP/1.1\r\n${host}\0\r\n\r\n${hidden}`, [400], refused),
  row('a vertical tab for a blank', `GET\x0b/a.txt\x0bHTTP/1.1\r\n${host}\r\n`, [400], refused),
  row('a form feed for a blank', `GET /a.txt\x0cHTTP/1.1\r\n${host}\r\n`, [400], refused),
  row('a next line (U+0085) in a field', `GET /a.txt HTTP/1.1\r\n${host}X: a\x85Y: b\r\n\r\n${further}`, [200, 200]),
]

export const smuggling: readonly Row[] = [...codings, ...lookalikes, ...lengths, ...lineEnds]
