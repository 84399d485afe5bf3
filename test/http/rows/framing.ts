/** Requests by what tells where they end: what smuggles is in here (RFC 9112 §6, §11.2). */
import { chunked, closes, further, get, post, type Row, row } from '../rows.ts'

export const framing: readonly Row[] = [
  row('GET with content, read past', `${get('/a.txt', 'Content-Length: 5\r\n')}12345${further}`, [200, 200], {
    source: 'RFC 9110 §9.3.1',
  }),
  row(
    'GET with chunks, of which nobody knows how many follow',
    `${get('/a.txt', chunked)}3;x=y\r\nabc\r\n0\r\nX: y\r\n\r\n`,
    [200],
    { fields: closes },
  ),
  row('a transfer coding in other letters', `${post('Transfer-Encoding: CHUNKED\r\n')}0\r\n\r\n`, [405]),
  row('both lengths', `${post(`Content-Length: 3\r\n${chunked}`)}0\r\n\r\n${further}`, [400], {
    fields: closes,
    source: 'RFC 9112 §6.3',
  }),
  row('both lengths, the other way', `${post(`${chunked}Content-Length: 3\r\n`)}0\r\n\r\n${further}`, [400], { fields: closes }),
  row('two lengths', post('Content-Length: 3\r\nContent-Length: 4\r\n', 'abcd'), [400], { fields: closes }),
  row('two equal lengths', post('Content-Length: 3\r\nContent-Length: 3\r\n', 'abc'), [400]),
  ...['3, 3', '+3', '-3', '0x3', '3 3', '3;', 'three', '', '99999999999999999999'].map(
    (value): Row => row(`Content-Length: ${value}`, post(`Content-Length: ${value}\r\n`, 'abc'), [400], { fields: closes }),
  ),
  ...[
    'identity',
    'xchunked',
    'chunked, identity',
    'chunked, chunked',
    'chunked;q=1',
    '"chunked"',
    '\x0bchunked',
    '',
    ', chunked',
    'chunked,',
    ',chunked,',
  ].map(
    (value): Row =>
      row(`Transfer-Encoding: ${JSON.stringify(value)}`, `${post(`Transfer-Encoding: ${value}\r\n`)}0\r\n\r\n${further}`, [400], {
        fields: closes,
        source: 'RFC 9112 §6.1',
        // The engine takes it for chunked.
        ...(value === ', chunked' ? { mayCut: true } : {}),
      }),
  ),
  row('two transfer codings in two fields', `${post(chunked + chunked)}0\r\n\r\n${further}`, [400], { fields: closes }),
  row('a transfer coding of nobody', `${post('Transfer-Encoding: gzip, chunked\r\n')}0\r\n\r\n`, [501], {
    source: 'RFC 9112 §6.1',
  }),
  row('a transfer coding in HTTP/1.0', `POST / HTTP/1.0\r\n${chunked}\r\n0\r\n\r\n`, [400], { fields: closes }),
  ...[
    '3\nabc\r\n0\r\n\r\n',
    '3;a\n\r\nabc\r\n0\r\n\r\n',
    '3 \r\nabc\r\n0\r\n\r\n',
    '0x3\r\nabc\r\n0\r\n\r\n',
    '-3\r\nabc\r\n0\r\n\r\n',
    'fffffffffffffffff\r\nabc',
    '3\r\nabcd\r\n0\r\n\r\n',
    '\r\n0\r\n\r\n',
    `3;${'a'.repeat(20_000)}\r\nabc\r\n0\r\n\r\n`,
  ].map(
    (content): Row =>
      row(
        `broken chunks, the answer and the end: ${JSON.stringify(content.slice(0, 20))}`,
        post(chunked, content) + further,
        [405],
        {
          source: 'RFC 9112 §7.1',
        },
      ),
  ),
  row('content too large to read past ends the connection', post('Content-Length: 65537\r\n', 'a'.repeat(1_000)), [405], {
    fields: closes,
  }),
]
