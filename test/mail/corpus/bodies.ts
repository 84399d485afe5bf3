/** Bodies: lines of all kinds, and encodings of the transfer that are broken. */
import { broken, type CorpusMessage, good, head, lines, octets, single } from './message.ts'

const encoded = (encoding: string, body: string): Buffer =>
  single(encoding, ['Content-Type: text/plain; charset=utf-8', `Content-Transfer-Encoding: ${encoding}`], body)

/** All octets but CR and LF, which mean something. */
const everyOctet = Buffer.from(Array.from({ length: 256 }, (_, octet) => octet).filter((octet) => octet !== 0x0d && octet !== 0x0a))

/** Each with what is to be seen of it. */
export const bodies: readonly CorpusMessage[] = [
  broken('nothing at all', Buffer.alloc(0)),
  broken('one empty line', lines('')),
  broken('empty lines only', lines(...Array.from({ length: 50 }, () => ''))),
  good('empty lines at the end', octets(head('trailing'), lines('', 'top', '', '', '')), { text: ['top'] }),
  broken('a dot', lines('.')),
  broken('dots only', lines('.', '..', '...', '.', '....')),
  good('lines that begin with dots', octets(head('dots'), lines('', '.', '..', '.hidden', '..hidden', '. spaced', 'dotted')), {
    text: ['.\n..\n.hidden\n..hidden\n. spaced\ndotted'],
    word: 'dotted',
  }),
  good(
    'a dot at the end, and lines that look like commands',
    octets(head('commands'), lines('', 'QUIT', 'DATA', 'RSET', '+OK', '-ERR', '250 OK', '.')),
    { text: ['QUIT\nDATA\nRSET\n+OK'] },
  ),
  good(
    'From_ lines',
    octets(
      head('From_'),
      lines(
        '',
        'From the start of a line',
        '>From quoted',
        '>>From twice',
        'From ',
        'From sender@example.org Sat Nov 21 10:00:00 2026',
      ),
    ),
    {
      text: ['From the start of a line\n>From quoted\n>>From twice'],
    },
  ),
  good('a line of 998 characters', octets(head('998'), lines('', 'a'.repeat(998))), { text: ['a'.repeat(998)] }),
  good(
    'lines of 10,000 characters',
    octets(head('10,000'), lines('', 'a'.repeat(10_000), `${'long '.repeat(2_000)}`, 'b'.repeat(10_000))),
    { text: ['a'.repeat(10_000), 'b'.repeat(10_000)] },
  ),
  good('a line of 500,000 characters', octets(head('500,000'), lines('', 'c'.repeat(500_000))), { subject: '500,000' }),
  broken('NUL octets', octets(head('NUL'), '\r\nbefore\0\0after\r\n\0\r\n')),
  broken('NUL octets only', octets(Buffer.alloc(5_000), '\r\n')),
  broken('every octet', octets(head('every'), '\r\n', everyOctet, '\r\n', everyOctet, '\r\n')),
  broken('escapes that drive a terminal', octets(head('escapes \x1b[31m'), '\r\n\x1b]0;title\x07\x1b[2J\x9b31m\b\b\x7f\r\n')),
  good('blanks and tabs at the ends of lines', octets(head('blanks'), lines('', 'two  ', 'tab\t', ' ', '\t', 'end')), {
    text: ['end'],
  }),
  broken('no line break at the end', octets(head('unended'), '\r\nlast words'), { word: 'unended' }),
  broken('a header that stops in mid-line', Buffer.from('Subject: cut o')),
  good('base64', encoded('base64', `${Buffer.from('Sechsundsechzig Zeichen, die für sich stehen').toString('base64')}\r\n`), {
    text: ['Sechsundsechzig Zeichen, die für sich stehen'],
  }),
  broken('base64 with garbage and without padding', encoded('base64', 'R3LDvM*?*OfZQ\r\n=\r\n!!!!\r\nZQ')),
  broken('base64 that is none', encoded('base64', 'This is no base64 at all, my friend.\r\n')),
  good('base64 in one line', encoded('base64', `${Buffer.from('unbroken '.repeat(2_000)).toString('base64')}\r\n`), {
    text: ['unbroken unbroken'],
  }),
  good('quoted-printable', encoded('quoted-printable', 'soft=\r\n break, =C3=BC, =3D, trailing=20\r\n'), {
    text: ['soft break, ü, =, trailing'],
  }),
  good('quoted-printable in lower case', encoded('Quoted-Printable', 'sm=c3=b8rrebr=c3=b8d\r\n'), {
    text: ['smørrebrød'],
    word: 'smørrebrød',
  }),
  broken('broken quoted-printable', encoded('quoted-printable', '=XZ =4 = \r\n=\r\n=C3\r\nend=')),
  broken('an unknown encoding', encoded('x-rot13', 'Uryyb\r\n')),
  broken(
    'an encoding of a multipart, which may have none',
    single(
      'encoded multipart',
      ['Content-Type: multipart/mixed; boundary=x', 'Content-Transfer-Encoding: base64'],
      lines('--x', '', 'text', '--x--'),
    ),
  ),
  good('uuencode', octets(head('uuencode'), lines('', 'begin 644 hello.txt', '%:&5L;&\\', '`', 'end')), {
    text: ['begin 644 hello.txt'],
  }),
  good(
    'format=flowed',
    single(
      'flowed',
      ['Content-Type: text/plain; charset=utf-8; format=flowed'],
      lines('This paragraph ', 'flows on.', '', '> quoted ', '> too', '-- ', 'signature'),
    ),
    { text: ['This paragraph', 'signature'] },
  ),
  good(
    'format=flowed; delsp=yes',
    single('delsp', ['Content-Type: text/plain; charset=utf-8; format=flowed; delsp=yes'], lines('flo ', 'wing')),
    { subject: 'delsp' },
  ),
]
