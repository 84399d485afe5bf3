import { describeRows, further, get, head, type Row, row } from './rows.ts'
import { fileDate } from './site.ts'

const conditional: readonly Row[] = [
  row('If-Modified-Since at the date', get('/a.txt', `If-Modified-Since: ${fileDate}\r\n`) + further, [304, 200]),
  row('If-Modified-Since before the date', get('/a.txt', 'If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n'), [200], {
    fields: { 'last-modified': fileDate },
  }),
  row('If-Modified-Since that is no date', get('/a.txt', 'If-Modified-Since: yesterday\r\n'), [200]),
  row('If-Unmodified-Since before the date', get('/a.txt', 'If-Unmodified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n'), [412]),
  row('If-None-Match of anything', get('/a.txt', 'If-None-Match: *\r\n'), [304], {
    fields: { etag: /^"[\w-]{22}"$/, 'cache-control': 'no-cache', 'content-length': null },
  }),
  row(
    'If-None-Match of another tag, which outdoes the date',
    get('/a.txt', `If-None-Match: "x"\r\nIf-Modified-Since: ${fileDate}\r\n`),
    [200],
    { source: 'RFC 9110 §13.1.3' },
  ),
  row('If-Match of another tag', get('/a.txt', 'If-Match: "x"\r\n'), [412]),
  row('If-Match of anything', get('/a.txt', 'If-Match: *\r\n'), [200]),
  row('If-Match of anything where there is nothing', get('/missing', 'If-Match: *\r\n'), [404]),
  row('HEAD with If-Modified-Since', head('/a.txt', `If-Modified-Since: ${fileDate}\r\n`), [304]),
]

const ranges: readonly Row[] = [
  row('the first octets', get('/a.txt', 'Range: bytes=0-1\r\n'), [206], {
    body: 'he',
    fields: { 'content-range': 'bytes 0-1/6', 'content-length': '2' },
    source: 'RFC 9110 §14.1.2',
  }),
  row('from an octet on', get('/a.txt', 'Range: bytes=2-\r\n'), [206], {
    body: 'llo\n',
    fields: { 'content-range': 'bytes 2-5/6' },
  }),
  row('the last octets', get('/a.txt', 'Range: bytes=-2\r\n'), [206], { body: 'o\n', fields: { 'content-range': 'bytes 4-5/6' } }),
  row('more last octets than there are', get('/a.txt', 'Range: bytes=-9\r\n'), [206], {
    body: 'hello\n',
    fields: { 'content-range': 'bytes 0-5/6' },
  }),
  row('an end beyond the end', get('/a.txt', 'Range: bytes=4-99999999999999999999\r\n'), [206], { body: 'o\n' }),
  row('a beginning beyond the end', get('/a.txt', 'Range: bytes=6-\r\n'), [416], {
    fields: { 'content-range': 'bytes */6' },
    source: 'RFC 9110 §15.5.17',
  }),
  row('no last octets', get('/a.txt', 'Range: bytes=-0\r\n'), [416]),
  row('an octet of an empty file', get('/empty.txt', 'Range: bytes=0-\r\n'), [416], { fields: { 'content-range': 'bytes */0' } }),
  row('an end before the beginning, which is no range', get('/a.txt', 'Range: bytes=5-2\r\n'), [200], { body: 'hello\n' }),
  row('another unit', get('/a.txt', 'Range: lines=0-1\r\n'), [200]),
  row('several ranges, answered with the whole', get('/a.txt', 'Range: bytes=0-0,2-2\r\n'), [200], {
    body: 'hello\n',
    source: 'RFC 9110 §14.2',
  }),
  row('a range of HEAD, which has none', head('/a.txt', 'Range: bytes=0-1\r\n'), [200], {
    fields: { 'content-length': '6', 'content-range': null },
  }),
  row('If-Range of another tag', get('/a.txt', 'Range: bytes=0-1\r\nIf-Range: "x"\r\n'), [200], { source: 'RFC 9110 §13.1.5' }),
  row('If-Range of the date', get('/a.txt', `Range: bytes=0-1\r\nIf-Range: ${fileDate}\r\n`), [206]),
  row('If-Range of another date', get('/a.txt', 'Range: bytes=0-1\r\nIf-Range: Sun, 06 Nov 1994 08:49:38 GMT\r\n'), [200]),
  row('a range of a file that is not there', get('/missing', 'Range: bytes=0-1\r\n'), [404]),
]

describeRows('conditions', conditional)
describeRows('ranges', ranges)
