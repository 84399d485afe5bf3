import { allow, chunked, closes, describeRows, further, get, head, host, post, type Row, row, stays } from './rows.ts'

const requestLines: readonly Row[] = [
  row('a file', get('/a.txt'), [200], {
    body: 'hello\n',
    fields: {
      ...stays,
      'content-length': '6',
      'accept-ranges': 'bytes',
      server: 'Havre',
      'x-content-type-options': 'nosniff',
      date: /^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/,
    },
  }),
  row('two requests in one packet, answered in their order', get('/a.txt') + get('/b.html'), [200, 200], { body: '<p>b' }),
  row('HEAD as GET, without the body', head('/a.txt') + further, [200, 200], { source: 'RFC 9110 §9.3.2' }),
  row('OPTIONS of a file', `OPTIONS /a.txt HTTP/1.1\r\n${host}\r\n`, [204], {
    fields: { allow, 'content-length': null },
    source: 'RFC 9110 §9.3.7',
  }),
  row('OPTIONS of the server', `OPTIONS * HTTP/1.1\r\n${host}\r\n`, [204], { fields: { allow } }),
  row('an asterisk for GET', get('*'), [400]),
  row('POST to a file', post('Content-Length: 3\r\n', 'abc') + further, [405, 200], { source: 'RFC 9110 §15.5.6' }),
  row('POST with its Allow', post('Content-Length: 0\r\n'), [405], { fields: { allow } }),
  ...['PUT', 'DELETE', 'PATCH', 'TRACE', 'PROPFIND', 'MKCOL'].map(
    (method): Row =>
      row(`${method}, known and not offered`, `${method} /a.txt HTTP/1.1\r\n${host}\r\n`, [405], { fields: { allow } }),
  ),
  row('CONNECT', `CONNECT localhost:80 HTTP/1.1\r\n${host}\r\n`, [405], { fields: { allow, ...closes } }),
  row('a method of nobody', `FETCH / HTTP/1.1\r\n${host}\r\n`, [501], { fields: closes, source: 'RFC 9110 §15.6.2' }),
  row('a method that the parser knows and HTTP does not', `PURGE /a.txt HTTP/1.1\r\n${host}\r\n`, [501]),
  row('a method in lower case, which is another method', `get / HTTP/1.1\r\n${host}\r\n`, [501], { source: 'RFC 9110 §9.1' }),
  row('a method that goes on after a known one', `GETX / HTTP/1.1\r\n${host}\r\n`, [501]),
  row('a tab after the method', `GET\t/ HTTP/1.1\r\n${host}\r\n`, [400]),
  row('TLS to a server that speaks none here', '\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03', [400], { fields: closes }),
  row('HTTP/2 with prior knowledge', 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', [505], { fields: closes }),
  row('HTTP/2.0 in a request line', `GET / HTTP/2.0\r\n${host}\r\n`, [505]),
  row('HTTP/3.0', `GET / HTTP/3.0\r\n${host}\r\n`, [505], { fields: closes, source: 'RFC 9110 §15.6.6' }),
  row('HTTP/0.9 with a version', `GET / HTTP/0.9\r\n${host}\r\n`, [505]),
  row('a simple request of HTTP/0.9', 'GET /a.txt\r\n', [400]),
  row('a version of three digits', `GET / HTTP/1.10\r\n${host}\r\n`, [400]),
  row('a version of letters', `GET / HTTP/x.1\r\n${host}\r\n`, [400]),
  row('a protocol in lower case', `GET / http/1.1\r\n${host}\r\n`, [400], { source: 'RFC 9112 §2.3' }),
  row('another protocol', `GET / FTP/1.1\r\n${host}\r\n`, [400]),
  row('a blank after the version', `GET / HTTP/1.1 \r\n${host}\r\n`, [400]),
  row('blanks in the target', `GET /a b HTTP/1.1\r\n${host}\r\n`, [400], { source: 'RFC 9112 §3' }),
  row('empty lines before the request line', `\r\n\r\n${further}`, [200], { source: 'RFC 9112 §2.2' }),
  row('a blank before the request line', ` ${further}`, [400]),
  row('a request line that ends in LF', `GET /a.txt HTTP/1.1\n${host}\r\n`, [400], { fields: closes }),
  row('a request that is not whole when the client shuts its side', 'GET /a.txt HTTP/1.1\r\nHost: lo', [400], { fields: closes }),
  row('HTTP/1.0 without Host, which ends the connection', 'GET /a.txt HTTP/1.0\r\n\r\n', [200], { fields: closes }),
  row('HTTP/1.0 that keeps the connection', `GET /a.txt HTTP/1.0\r\nConnection: keep-alive\r\n\r\n${further}`, [200, 200]),
  row('Connection: close, and nothing after it', get('/a.txt', 'Connection: close\r\n') + further, [200], {
    fields: closes,
    source: 'RFC 9112 §9.6',
  }),
  row(
    'Upgrade that is not followed ends the connection with its answer',
    get('/a.txt', 'Connection: Upgrade\r\nUpgrade: h2c\r\n') + further,
    [200],
    { fields: closes, mayCut: true },
  ),
]

const heads: readonly Row[] = [
  row('HTTP/1.1 without Host', 'GET /a.txt HTTP/1.1\r\n\r\n', [400], { source: 'RFC 9112 §3.2' }),
  row('two Hosts', `GET /a.txt HTTP/1.1\r\n${host}Host: other\r\n\r\n`, [400]),
  row('two equal Hosts', `GET /a.txt HTTP/1.1\r\n${host}hOST: localhost\r\n\r\n`, [400]),
  row('HTTP/1.0 with two Hosts', 'GET /a.txt HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n', [400]),
  ...['', 'a b', 'a/b', 'user@a', 'a:port', 'a:70000', '[::1', '[1:2]', 'a,b', 'http://a', 'a%zz', 'a\\b', '[::1]x'].map(
    (value): Row => row(`Host: ${value}`, `GET /a.txt HTTP/1.1\r\nHost: ${value}\r\n\r\n`, [value === 'a,b' ? 200 : 400]),
  ),
  ...['localhost:8080', '127.0.0.1', '[::1]:8080', 'a.b-c_d', 'A', 'a:', 'xn--bcher-kva.test'].map(
    (value): Row => row(`Host: ${value}`, `GET /a.txt HTTP/1.1\r\nHost: ${value}\r\n\r\n`, [200]),
  ),
  row('a blank before the colon', 'GET /a.txt HTTP/1.1\r\nHost : localhost\r\n\r\n', [400], {
    fields: closes,
    source: 'RFC 9112 §5.1',
  }),
  row('a blank before the first field', `GET /a.txt HTTP/1.1\r\n ${host}\r\n`, [400], { source: 'RFC 9112 §2.2' }),
  row('a folded field', get('/a.txt', 'X: a\r\n b\r\n'), [400], { fields: closes, source: 'RFC 9112 §5.2' }),
  row('a field that begins with a fold', get('/a.txt', 'X:\r\n b\r\n'), [400]),
  row('a field that ends in LF', `GET /a.txt HTTP/1.1\r\nHost: localhost\n\r\n`, [400], { fields: closes }),
  row('a head that ends in LF', `GET /a.txt HTTP/1.1\r\n${host}\n`, [400]),
  row('a CR in a field', get('/a.txt', 'X: a\rb\r\n'), [400]),
  row('a NUL in a field', get('/a.txt', 'X: a\0b\r\n'), [400], { source: 'RFC 9110 §5.5' }),
  row('a control character in a field', get('/a.txt', 'X: a\x01b\r\n'), [400]),
  row('a field without a name', get('/a.txt', ': a\r\n'), [400]),
  row('a field without a colon', get('/a.txt', 'X\r\n'), [400]),
  row('a name that is no token', get('/a.txt', 'X(y): a\r\n'), [400]),
  row('octets beyond ASCII in a field', get('/a.txt', 'X: \xe9\r\n'), [200]),
  row('200 fields', get('/a.txt', 'X: a\r\n'.repeat(199)), [200]),
  row('201 fields', get('/a.txt', 'X: a\r\n'.repeat(200)), [431], { source: 'RFC 6585 §5' }),
  row('2,100 fields, more than Node counts', get('/a.txt', 'X: a\r\n'.repeat(2_100)), [431]),
  row('a head of more than 32 KiB', get('/a.txt', `X: ${'a'.repeat(33_000)}\r\n`), [431], { fields: closes }),
  row('an expectation of nobody', get('/a.txt', 'Expect: miracles\r\n'), [417], { source: 'RFC 9110 §10.1.1' }),
  row('an expectation beside the known one', get('/a.txt', 'Expect: miracles, 100-continue\r\n'), [417]),
  row('100-continue without content', get('/a.txt', 'Expect: 100-continue\r\n'), [200]),
  row('100-continue before content that nobody wants', post('Content-Length: 9999999\r\nExpect: 100-continue\r\n'), [405], {
    fields: closes,
  }),
  row('an expectation of HTTP/1.0, which has none', 'GET /a.txt HTTP/1.0\r\nExpect: 100-continue\r\n\r\n', [200]),
]

const framing: readonly Row[] = [
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
  ...['identity', 'xchunked', 'chunked, identity', 'chunked, chunked', 'chunked;q=1', '"chunked"', '\x0bchunked', ''].map(
    (value): Row =>
      row(`Transfer-Encoding: ${JSON.stringify(value)}`, `${post(`Transfer-Encoding: ${value}\r\n`)}0\r\n\r\n${further}`, [400], {
        fields: closes,
        source: 'RFC 9112 §6.1',
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

describeRows('request lines', requestLines)
describeRows('heads', heads)
describeRows('the end of a request', framing)
