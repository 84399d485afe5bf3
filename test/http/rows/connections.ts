/** What a connection becomes with its request: kept, closed, never another protocol (RFC 9112 §9, RFC 9110 §7.6.1, §7.8, §10.1.1). */
import { closes, further, get, host, post, type Row, row, stays } from '../rows.ts'

const old = (fields: string, target = '/a.txt') => `GET ${target} HTTP/1.0\r\n${fields}\r\n`

export const connections: readonly Row[] = [
  row('Connection: keep-alive', get('/a.txt', 'Connection: keep-alive\r\n') + further, [200, 200], { fields: stays }),
  row('Connection: CLOSE', get('/a.txt', 'Connection: CLOSE\r\n') + further, [200], { fields: closes, source: 'RFC 9112 §9.6' }),
  row('close in a list', get('/a.txt', 'Connection: x, close\r\n') + further, [200], { fields: closes }),
  row('close in a second field', get('/a.txt', 'Connection: x\r\nConnection: close\r\n') + further, [200], { fields: closes }),
  row('close beside keep-alive', get('/a.txt', 'Connection: keep-alive, close\r\n') + further, [200], {
    fields: closes,
    source: 'RFC 9112 §9.3',
  }),
  row('an option that only begins as close', get('/a.txt', 'Connection: closed\r\n') + further, [200, 200]),
  row('an option that only ends as close', get('/a.txt', 'Connection: not-close\r\n') + further, [200, 200]),
  row('an empty Connection', get('/a.txt', 'Connection:\r\n') + further, [200, 200]),
  row('Connection that names Host', get('/a.txt', 'Connection: host\r\n') + further, [200, 200]),
  row(
    'Keep-Alive with parameters',
    get('/a.txt', 'Connection: keep-alive\r\nKeep-Alive: timeout=600, max=1\r\n') + further,
    [200, 200],
  ),
  row(
    'Proxy-Connection: close, which the engine takes for Connection',
    get('/a.txt', 'Proxy-Connection: close\r\n') + further,
    [200],
    { fields: closes, source: 'RFC 9112 §C.2.2' },
  ),
  row('a 404 keeps the connection', get('/missing') + further, [404, 200], { source: 'RFC 9112 §9.3' }),
  row('a 304 keeps the connection', get('/a.txt', 'If-None-Match: *\r\n') + further, [304, 200]),
  row('a 405 keeps the connection', post('Content-Length: 0\r\n') + further, [405, 200]),
  row('a 416 keeps the connection', get('/a.txt', 'Range: bytes=9-\r\n') + further, [416, 200]),
  row('a 400 for the target keeps the connection', get('/a%zz') + further, [400, 200]),
  row('close with the second of two', further + get('/b.html', 'Connection: close\r\n') + further, [200, 200], {
    body: '<p>b',
    fields: closes,
  }),
  row('HTTP/1.0 with Connection: Keep-Alive in other letters', old('Connection: Keep-Alive\r\n') + further, [200, 200]),
  row('HTTP/1.0 with keep-alive in a list', old('Connection: x, keep-alive\r\n') + further, [200, 200]),
  row('HTTP/1.0 with keep-alive and close', old('Connection: keep-alive, close\r\n') + further, [200], {
    fields: closes,
    mayCut: true,
    source: 'RFC 9112 §9.3',
  }),
  row('HTTP/1.0 with close and keep-alive', old('Connection: close\r\nConnection: keep-alive\r\n') + further, [200], {
    fields: closes,
    mayCut: true,
  }),
  row('HTTP/1.0 with Keep-Alive alone', old('Keep-Alive: 300\r\n') + further, [200], { fields: closes }),
  row('HTTP/1.0 keeps the connection over a 404', old('Connection: keep-alive\r\n', '/missing') + further, [404, 200]),
  row(
    'Upgrade to WebSocket of a file',
    get('/a.txt', 'Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n'),
    [200],
    {
      body: 'hello\n',
      fields: { upgrade: null },
      source: 'RFC 9110 §7.8',
    },
  ),
  row('Upgrade without its Connection', get('/a.txt', 'Upgrade: h2c\r\n'), [200], { body: 'hello\n' }),
  row('Upgrade of HTTP/1.0, which has none', old('Connection: upgrade\r\nUpgrade: websocket\r\n'), [200], { body: 'hello\n' }),
  row(
    'Upgrade to h2c with its settings',
    get('/a.txt', 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n'),
    [200],
    {
      body: 'hello\n',
    },
  ),
  row('an expectation in other letters', get('/a.txt', 'Expect: 100-Continue\r\n'), [200], { source: 'RFC 9110 §10.1.1' }),
  row('an expectation twice', get('/a.txt', 'Expect: 100-continue, 100-continue\r\n'), [200]),
  row('an expectation in two fields', get('/a.txt', 'Expect: 100-continue\r\nExpect: 100-continue\r\n'), [200]),
  row('an expectation and an empty one', get('/a.txt', 'Expect: 100-continue,\r\n'), [200], { source: 'RFC 9110 §5.6.1.2' }),
  row('no expectation in the field', get('/a.txt', 'Expect:\r\n'), [200]),
  row('an expectation with a parameter', get('/a.txt', 'Expect: 100-continue;a=b\r\n'), [417]),
  row('an expectation that only begins as the known one', get('/a.txt', 'Expect: 100-continued\r\n'), [417]),
  row('TE and its Connection', get('/a.txt', 'Connection: TE\r\nTE: trailers\r\n') + further, [200, 200], {
    source: 'RFC 9110 §10.1.4',
  }),
  row('TE: trailers, deflate;q=0.5', get('/a.txt', 'Connection: TE\r\nTE: trailers, deflate;q=0.5\r\n'), [200], {
    fields: { 'transfer-encoding': null },
  }),
  row('Max-Forwards of OPTIONS to the server itself', `OPTIONS * HTTP/1.1\r\n${host}Max-Forwards: 0\r\n\r\n`, [204], {
    source: 'RFC 9110 §7.6.2',
  }),
  row('nothing at all', '', []),
  row('empty lines alone', '\r\n\r\n', []),
]
