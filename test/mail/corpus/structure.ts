/** Parts in parts: boundaries of all kinds, and messages within messages. */
import { attached, broken, type CorpusMessage, good, head, lines, multipart, octets, parts, plain, single } from './message.ts'

const pixel = Buffer.from('R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7', 'base64')
const type = (subtype: string, boundary: string) => `Content-Type: multipart/${subtype}; boundary="${boundary}"`

const nested = multipart(
  'nested multiparts',
  'mixed',
  'outer',
  octets(
    lines(type('alternative', 'middle'), ''),
    parts(
      'middle',
      plain('The plain nestling.'),
      octets(
        lines(type('related', 'inner'), ''),
        parts(
          'inner',
          lines('Content-Type: text/html; charset=utf-8', '', '<p>The <b>rich</b> nestling. <img src="cid:pixel@example.org"></p>'),
          octets(
            lines(
              'Content-Type: image/gif',
              'Content-ID: <pixel@example.org>',
              'Content-Disposition: inline; filename="pixel.gif"',
              'Content-Transfer-Encoding: base64',
              '',
            ),
            pixel.toString('base64'),
          ),
        ),
      ),
    ),
  ),
  attached('application/pdf; name="paper.pdf"', 'attachment; filename="paper.pdf"', Buffer.from('%PDF-1.4 no more')),
)

/** A part so many multiparts down. */
const deep = (levels: number, text: string): Buffer => {
  const down = Array.from({ length: levels }, (_, level) => lines(type('mixed', `level-${level}`), '', `--level-${level}`))
  const up = Array.from({ length: levels }, (_, level) => lines(`--level-${levels - 1 - level}--`))
  return octets(head(`${levels} levels`), ...down, plain(text), ...up)
}

/** A message in a message, so many times. */
const forwarded = (levels: number): Buffer =>
  octets(
    head('forwarded'),
    ...Array.from({ length: levels }, (_, level) => lines('Content-Type: message/rfc822', '', `Subject: level ${level}`)),
    lines('', 'matryoshka'),
  )

const forward = multipart(
  'message/rfc822 within',
  'mixed',
  'f',
  plain('See the forwarded one.'),
  octets(
    lines('Content-Type: message/rfc822', 'Content-Disposition: attachment; filename="original.eml"', ''),
    multipart(
      'the original',
      'mixed',
      'g',
      plain('Original words.'),
      attached('image/gif', 'attachment; filename="deep.gif"', pixel),
    ),
  ),
)

const report = multipart(
  'multipart/report',
  'report; report-type=delivery-status',
  'r',
  plain('Your message could not be delivered to gone@example.org.'),
  lines(
    'Content-Type: message/delivery-status',
    '',
    'Reporting-MTA: dns; mx.example.org',
    '',
    'Final-Recipient: rfc822; gone@example.org',
    'Action: failed',
    'Status: 5.1.1',
  ),
  lines('Content-Type: text/rfc822-headers', '', 'Subject: undeliverable'),
)

/** Each with what is to be seen of it. */
export const structure: readonly CorpusMessage[] = [
  good('multiparts in multiparts', nested, {
    subject: 'nested multiparts',
    text: ['The plain nestling.'],
    attachments: [
      ['pixel.gif', 'image/gif', pixel.length],
      ['paper.pdf', 'application/pdf', 16],
    ],
    word: 'nestling',
  }),
  good('40 multiparts deep', deep(40, 'speleology'), { text: ['speleology'], word: 'speleology' }),
  broken('1,000 multiparts deep', deep(1_000, 'the abyss')),
  good('a multipart without its end', octets(head('no end'), lines(type('mixed', 'x'), '', '--x'), plain('endlessly')), {
    text: ['endlessly'],
    word: 'endlessly',
  }),
  good(
    'a boundary that is the beginning of another',
    multipart(
      'prefix',
      'mixed',
      'edge',
      octets(lines(type('alternative', 'edge-two'), ''), parts('edge-two', plain('within the longer'))),
      plain('behind both'),
    ),
    { text: ['within the longer', 'behind both'], attachments: [], word: 'behind' },
  ),
  good('a boundary that never comes', single('none', [type('mixed', 'never')], lines('There is no part.')), {
    text: ['There is no part.'],
  }),
  good(
    'a boundary of specials',
    multipart(
      'specials',
      'mixed',
      "=_'()+,-./:? =x",
      plain('special edges'),
      attached('text/csv', 'attachment; filename="a.csv"', Buffer.from('1,2')),
    ),
    {
      text: ['special edges'],
      attachments: [['a.csv', 'text/csv', 3]],
    },
  ),
  good(
    'a boundary of 70 characters',
    multipart(
      'long',
      'mixed',
      'b'.repeat(70),
      plain('longest edge'),
      attached('text/csv', 'attachment; filename="a.csv"', Buffer.from('1,2')),
    ),
    {
      text: ['longest edge'],
      attachments: [['a.csv', 'text/csv', 3]],
    },
  ),
  good(
    'blanks behind the delimiters',
    single(
      'blanks',
      [type('mixed', 'x')],
      octets(
        '--x  \t\r\n',
        plain('padded'),
        '--x \r\n',
        attached('text/csv', 'attachment; filename="a.csv"', Buffer.from('1,2')),
        '\r\n--x-- \r\n',
      ),
    ),
    // mailparser 3.9.31 does not find parts behind such a delimiter (RFC 2046 §5.1.1 has them): they are shown as they came.
    { text: ['padded'] },
  ),
  broken('an empty boundary', single('empty', ['Content-Type: multipart/mixed; boundary=""'], lines('--', '', 'a', '----'))),
  broken(
    'a multipart without a boundary',
    single('no boundary', ['Content-Type: multipart/mixed'], lines('--x', '', 'a', '--x--')),
  ),
  good(
    'words before and behind the parts',
    single(
      'preamble',
      [type('mixed', 'x')],
      octets(lines('This is a preamble.', ''), parts('x', plain('only this')), lines('And an epilogue.')),
    ),
    {
      text: ['only this'],
      not: ['preamble', 'epilogue'],
    },
  ),
  good('a multipart of no parts', single('empty multipart', [type('mixed', 'x')], lines('--x--')), {
    subject: 'empty multipart',
    attachments: [],
  }),
  good('parts without a header', multipart('bare parts', 'mixed', 'x', lines('', 'headless first'), lines('', 'headless second')), {
    text: ['headless first', 'headless second'],
  }),
  broken('a part of a header only', multipart('header only', 'mixed', 'x', lines('Content-Type: text/plain'), plain('after it'))),
  broken(
    'inner and outer boundary the same',
    multipart('same', 'mixed', 'x', octets(lines(type('mixed', 'x'), ''), parts('x', plain('inside'))), plain('outside')),
  ),
  good(
    'a field in capitals, with comments',
    single(
      'capitals',
      ['CONTENT-TYPE: Multipart/MIXED (a comment);', '\tBOUNDARY="X" (and another)'],
      parts('X', plain('loud and clear')),
    ),
    {
      text: ['loud and clear'],
    },
  ),
  good('a message within', forward, { subject: 'message/rfc822 within', text: ['See the forwarded one.'], word: 'forwarded' }),
  broken('a message within a message, 20 times', forwarded(20)),
  broken('a message within a message, 500 times', forwarded(500)),
  broken(
    'a message within, in base64',
    multipart(
      'encoded message',
      'mixed',
      'x',
      plain('see inside'),
      attached('message/rfc822', 'attachment', single('inside', [], 'encoded words\r\n')),
    ),
  ),
  broken(
    'a digest',
    multipart(
      'digest',
      'digest',
      'x',
      octets(lines(''), single('first', [''], 'digested one\r\n')),
      octets(lines(''), single('second', [''], 'digested two\r\n')),
    ),
  ),
  good('a report of a failed delivery', report, { text: ['could not be delivered to gone@example.org'], word: 'delivered' }),
  broken(
    'a piece of a message',
    single(
      'partial',
      ['Content-Type: message/partial; id="abc@example.org"; number=1; total=3'],
      lines('Subject: whole', '', 'first third'),
    ),
  ),
  broken(
    'a body that lies elsewhere',
    single(
      'external',
      ['Content-Type: message/external-body; access-type=URL; URL="http://127.0.0.1:9/x"'],
      lines('Content-Type: image/gif', '', ''),
    ),
  ),
]
