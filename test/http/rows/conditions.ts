/** Conditional requests (RFC 9110 §13). */
import { further, get, head, type Row, row } from '../rows.ts'
import { fileDate } from '../site.ts'

export const conditions: readonly Row[] = [
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
