/** Fields by which a client chooses or bargains, and that never make a good request a bad one (RFC 9110 §12, §5.6). */
import { further, get, head, type Row, row } from '../rows.ts'

const served = (name: string, fields: string, more: Parameters<typeof row>[3] = {}): Row =>
  row(name, get('/a.txt', fields) + further, [200, 200], { body: 'hello\n', ...more })

export const choices: readonly Row[] = [
  served('Accept of another type, which is served all the same', 'Accept: image/png\r\n', { source: 'RFC 9110 §12.5.1' }),
  served('Accept of nothing', 'Accept: */*;q=0\r\n'),
  served('an empty Accept', 'Accept:\r\n'),
  served('Accept that is none', 'Accept: ,;=,,"\r\n'),
  served('Accept-Language of nobody', 'Accept-Language: tlh\r\n', { source: 'RFC 9110 §12.5.4' }),
  served('Accept-Charset', 'Accept-Charset: utf-16\r\n', { source: 'RFC 9110 §12.5.2' }),
  served('an empty Accept-Encoding', 'Accept-Encoding:\r\n', { fields: { 'content-encoding': null }, source: 'RFC 9110 §12.5.3' }),
  served('codings that nobody has', 'Accept-Encoding: exi, pack200-gzip\r\n', { fields: { 'content-encoding': null } }),
  served('codings that are refused', 'Accept-Encoding: gzip;q=0, br;q=0.000, zstd;q=0\r\n', {
    fields: { 'content-encoding': null },
  }),
  served('quality that is none', 'Accept-Encoding: gzip;q=x, identity;q=2\r\n'),
  served('an empty Range', 'Range:\r\n'),
  served('a range that is none', 'Range: bytes=a-b\r\n', { source: 'RFC 9110 §14.2' }),
  served('a range of negative numbers', 'Range: bytes=--1\r\n'),
  served('a range with a blank', 'Range: bytes = 0-1\r\n'),
  served('two ranges in two fields', 'Range: bytes=0-1\r\nRange: bytes=2-3\r\n'),
  served('If-Range without Range', 'If-Range: "x"\r\n', { source: 'RFC 9110 §13.1.5' }),
  served('If-Modified-Since of a year before', 'If-Modified-Since: Sat, 06 Nov 1993 08:49:37 GMT\r\n'),
  served('If-Modified-Since on a day that is none', 'If-Modified-Since: Sun, 31 Feb 2025 08:49:37 GMT\r\n', {
    source: 'RFC 9110 §13.1.3',
  }),
  served('If-Modified-Since with another zone', 'If-Modified-Since: Sun, 06 Nov 1994 08:49:37 +0100\r\n'),
  served('If-Unmodified-Since that is no date', 'If-Unmodified-Since: tomorrow\r\n', { source: 'RFC 9110 §13.1.4' }),
  served('Cache-Control of a request', 'Cache-Control: no-cache, no-store\r\nPragma: no-cache\r\n', { source: 'RFC 9111 §5.2.1' }),
  served('Cache-Control: only-if-cached, which asks caches', 'Cache-Control: only-if-cached\r\n'),
  served('Content-Type of a request without content', 'Content-Type: x\r\n'),
  served('Content-Range of GET', 'Content-Range: bytes 0-1/2\r\n', { source: 'RFC 9110 §14.4' }),
  served('Authorization where nothing is protected', 'Authorization: Basic !!!\r\n', { source: 'RFC 9110 §11.6.2' }),
  served('Proxy-Authorization to no proxy', 'Proxy-Authorization: Basic YTpi\r\n'),
  served('Cookie, From, Referer, User-Agent, as they like', 'Cookie: a=b; c="\r\nFrom: nobody\r\nReferer: ::\r\nUser-Agent: (\r\n'),
  served('Date of a request', 'Date: never\r\n', { source: 'RFC 9110 §6.6.1' }),
  served('Via and Forwarded of a client', 'Via: 1.1 a\r\nForwarded: for=1.2.3.4;host=b\r\nX-Forwarded-Host: b\r\n'),
  served('X-HTTP-Method-Override, which nobody follows', 'X-HTTP-Method-Override: DELETE\r\n'),
  served('a field of every character that a name may have', "!#$%&'*+-.^_`|~09azAZ: x\r\n", { source: 'RFC 9110 §5.6.2' }),
  served('a field that is empty', 'X:\r\n'),
  served('a field without a blank behind the colon', 'X:y\r\n'),
  served('a field with tabs and blanks around its value', 'X: \t y \t \r\n', { source: 'RFC 9112 §5.1' }),
  served('a field with tabs within its value', 'X: a\tb\r\n'),
  served('a field of 8,000 octets', `X: ${'a'.repeat(8_000)}\r\n`),
  row('HEAD with a range that cannot be', head('/a.txt', 'Range: bytes=9-\r\n'), [200], {
    fields: { 'content-length': '6' },
    source: 'RFC 9110 §14.2',
  }),
  row('HEAD of what is not there', head('/missing') + further, [404, 200], { source: 'RFC 9110 §9.3.2' }),
  row('If-Modified-Since in the form of RFC 850', get('/a.txt', 'If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT\r\n'), [304], {
    source: 'RFC 9110 §5.6.7',
  }),
  row('If-Modified-Since in the form of asctime', get('/a.txt', 'If-Modified-Since: Sun Nov  6 08:49:37 1994\r\n'), [304], {
    source: 'RFC 9110 §5.6.7',
  }),
  row(
    'If-None-Match before If-Modified-Since',
    get('/a.txt', 'If-None-Match: "x"\r\nIf-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n'),
    [200],
    {
      source: 'RFC 9110 §13.2.2',
    },
  ),
  row(
    'If-Match before If-Unmodified-Since',
    get('/a.txt', 'If-Match: *\r\nIf-Unmodified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n'),
    [200],
    {
      source: 'RFC 9110 §13.2.2',
    },
  ),
  row('If-Match before If-None-Match', get('/a.txt', 'If-Match: "x"\r\nIf-None-Match: *\r\n'), [412]),
  row('If-Match of a weak tag, which never matches', get('/a.txt', 'If-Match: W/"x"\r\n'), [412], { source: 'RFC 9110 §13.1.1' }),
  row('If-Match of a list without ours', get('/a.txt', 'If-Match: "a", "b", W/"c"\r\n'), [412]),
  row('a failed condition goes before a range', get('/a.txt', 'If-Match: "x"\r\nRange: bytes=0-1\r\n'), [412], {
    source: 'RFC 9110 §13.2.2',
  }),
  row('an unchanged file goes before a range', get('/a.txt', 'If-None-Match: *\r\nRange: bytes=0-1\r\n'), [304]),
  row('conditions of what is not there', get('/missing', 'If-None-Match: *\r\nRange: bytes=0-1\r\n'), [404], {
    source: 'RFC 9110 §13.2.1',
  }),
]
