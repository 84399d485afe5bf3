/** What attachments are called. */
import { attached, broken, type CorpusMessage, good, lines, multipart, octets, plain } from './message.ts'

const content = Buffer.from('content of it')

/** A text with attachments of these dispositions. */
const carrying = (...dispositions: readonly string[]): Buffer =>
  multipart(
    'attachments',
    'mixed',
    'x',
    plain('See below.'),
    ...dispositions.map((each) => attached('application/octet-stream', each, content)),
  )

const shown = (...names: readonly string[]) => ({
  text: ['See below.'],
  attachments: names.map((name) => [name, 'application/octet-stream', content.length] as const),
})

/** A name of RFC 2231 that is longer than a line. */
const continued = `attachment; filename*0*=utf-8''%E2%82%ACuro%20;\r\n\tfilename*1="and so on";\r\n\tfilename*2*=%20%F0%9F%9A%A2.bin`

/** Each with what is to be seen of it. */
export const names: readonly CorpusMessage[] = [
  good('a plain name', carrying('attachment; filename="report.bin"'), { ...shown('report.bin'), word: 'report' }),
  good('a name with blanks, quotes and semicolons', carrying('attachment; filename="a \\"b\\"; c.bin"'), shown('a "b"; c.bin')),
  good('a name of RFC 2231', carrying("attachment; filename*=utf-8'de'gr%C3%B6%C3%9Fe.bin"), shown('größe.bin')),
  good('a name of RFC 2231 in pieces', carrying(continued), shown('€uro and so on 🚢.bin')),
  good('a name of RFC 2231 in ISO-8859-1', carrying("attachment; filename*=iso-8859-1''%A3%20rates.bin"), shown('£ rates.bin')),
  broken('pieces of a name in the wrong order', carrying('attachment; filename*1="b.bin"; filename*0="a-"')),
  broken('a piece of a name missing', carrying('attachment; filename*0="a-"; filename*2="c.bin"')),
  broken('a name of RFC 2231 with broken octets', carrying("attachment; filename*=utf-8''%E2%82%ZZ%.bin")),
  broken('a name of RFC 2231 in an unknown character set', carrying("attachment; filename*=x-none''%E2.bin")),
  broken('a name of RFC 2231 without its quotes', carrying('attachment; filename*=plain.bin')),
  broken(
    '1,000 pieces of a name',
    carrying(`attachment${Array.from({ length: 1_000 }, (_, piece) => `;\r\n filename*${piece}="p${piece}"`).join('')}`),
  ),
  good('a name in encoded words', carrying('attachment; filename="=?utf-8?Q?=C3=BCber.bin?="'), shown('über.bin')),
  good('a name in UTF-8', carrying('attachment; filename="naïve.bin"'), { ...shown('naïve.bin'), utf8: true }),
  good(
    'a name in the type only',
    multipart(
      'typed',
      'mixed',
      'x',
      plain('See below.'),
      attached('application/octet-stream; name="typed.bin"', 'attachment', content),
    ),
    shown('typed.bin'),
  ),
  broken(
    'names that are paths',
    carrying(
      'attachment; filename="../../etc/passwd"',
      'attachment; filename="/etc/passwd"',
      'attachment; filename="C:\\\\Windows\\\\win.ini"',
      'attachment; filename=".."',
      'attachment; filename="."',
      'attachment; filename=""',
    ),
  ),
  broken(
    'names with line breaks, NUL and escapes',
    carrying("attachment; filename*=utf-8''a%0D%0Ab%00%1B%5B31m.bin", "attachment; filename*=utf-8''%E2%80%AEgnp.exe"),
  ),
  broken('a name of 5,000 characters', carrying(`attachment; filename="${'n'.repeat(5_000)}.bin"`)),
  good(
    'one name twice',
    carrying('attachment; filename="twin.bin"', 'attachment; filename="twin.bin"'),
    shown('twin.bin', 'twin.bin'),
  ),
  good(
    'an attachment of no octets',
    multipart(
      'empty',
      'mixed',
      'x',
      plain('See below.'),
      attached('application/octet-stream', 'attachment; filename="empty.bin"', Buffer.alloc(0)),
    ),
    {
      text: ['See below.'],
      attachments: [['empty.bin', 'application/octet-stream', 0]],
    },
  ),
  good(
    'an attachment of a megabyte',
    multipart(
      'large',
      'mixed',
      'x',
      plain('See below.'),
      attached('application/octet-stream', 'attachment; filename="large.bin"', Buffer.alloc(2 ** 20, 'abcdefg\0')),
    ),
    {
      attachments: [['large.bin', 'application/octet-stream', 2 ** 20]],
    },
  ),
  good(
    'an attachment and no text',
    octets(
      lines('From: sender@example.org', 'Subject: only a file', 'MIME-Version: 1.0'),
      attached('application/octet-stream', 'attachment; filename="alone.bin"', content),
      '\r\n',
    ),
    {
      subject: 'only a file',
      attachments: [['alone.bin', 'application/octet-stream', content.length]],
    },
  ),
  good(
    'a text that is attached',
    multipart(
      'attached text',
      'mixed',
      'x',
      plain('The letter.'),
      attached('text/plain; charset=utf-8', 'attachment; filename="notes.txt"', Buffer.from('The notes.')),
    ),
    {
      text: ['The letter.'],
      not: ['The notes.'],
      attachments: [['notes.txt', 'text/plain', 10]],
    },
  ),
]
