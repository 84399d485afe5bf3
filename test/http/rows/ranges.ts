/** Requests for parts of a file (RFC 9110 §14). */
import { get, head, type Row, row } from '../rows.ts'
import { fileDate } from '../site.ts'

export const ranges: readonly Row[] = [
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
  row('several ranges', get('/a.txt', 'Range: bytes=4-4,0-1\r\n'), [206], {
    body: /^--(?<b>[\w-]{24})\r\nContent-Type: text\/plain; charset=utf-8\r\nContent-Range: bytes 4-4\/6\r\n\r\no\r\n--\k<b>\r\nContent-Type: text\/plain; charset=utf-8\r\nContent-Range: bytes 0-1\/6\r\n\r\nhe\r\n--\k<b>--\r\n$/,
    fields: { 'content-type': /^multipart\/byteranges; boundary=[\w-]{24}$/, 'content-range': null },
    source: 'RFC 9110 §14.6',
    differs: /(?<=boundary=|\n--)[\w-]{24}/g,
  }),
  row('several ranges that are one', get('/a.txt', 'Range: bytes=0-1,2-3\r\n'), [206], {
    body: 'hell',
    fields: { 'content-range': 'bytes 0-3/6', 'content-type': 'text/plain; charset=utf-8' },
    source: 'RFC 9110 §15.3.7.2',
  }),
  row('several ranges of which only one exists', get('/a.txt', 'Range: bytes=9-,0-1\r\n'), [206], {
    body: 'he',
    fields: { 'content-range': 'bytes 0-1/6' },
  }),
  row('several ranges of which none exists', get('/a.txt', 'Range: bytes=9-,7-8\r\n'), [416], {
    fields: { 'content-range': 'bytes */6' },
  }),
  row('a flood of ranges', get('/a.txt', `Range: bytes=${'0-0,'.repeat(200)}\r\n`), [200], {
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
