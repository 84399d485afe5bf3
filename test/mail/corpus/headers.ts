/** Headers: broken ones, large ones, encoded words. */
import { broken, type CorpusMessage, good, head, lines, octets } from './message.ts'

/** A message that is about one field. */
const withField = (...fields: readonly (string | Buffer)[]): Buffer =>
  octets('From: sender@example.org\r\nTo: alice@havre.test\r\n', ...fields.flatMap((field) => [field, '\r\n']), '\r\nThe body.\r\n')

const subject = (value: string | Buffer): Buffer => octets('Subject: ', value)

const many = Array.from({ length: 2_000 }, (_, number) => `person-${number}@example.org`).join(',\r\n ')

/** Each with what is to be seen of it. */
export const headers: readonly CorpusMessage[] = [
  broken('a line without a colon', withField('Subject: before', 'this is no field', 'X-After: after')),
  broken('a header that begins with a blank', octets(' folded from nowhere\r\n', withField('Subject: odd'))),
  broken('a field folded with an empty continuation', withField('Subject: one\r\n \r\n\t\r\n two')),
  good('a field folded with blanks and tabs', withField('Subject: folded\r\n once\r\n\ttwice\r\n   thrice'), {
    subject: 'folded once twice thrice',
  }),
  good('two subjects', withField('Subject: the first', 'Subject: the second'), { text: ['The body.'] }),
  broken('two types of content', withField('Content-Type: text/plain', 'Content-Type: multipart/mixed; boundary=x')),
  broken('two senders', withField('From: <other@example.org>', 'From: third@example.org')),
  good('a field of 100,000 octets', withField(`X-Large: ${'large '.repeat(16_667)}`, 'Subject: behind the large one'), {
    subject: 'behind the large one',
  }),
  good('a field of 100,000 octets, folded', withField(`X-Large: ${'large\r\n '.repeat(12_500)}end`, 'Subject: behind the folds'), {
    subject: 'behind the folds',
  }),
  good(
    '5,000 fields',
    withField(...Array.from({ length: 5_000 }, (_, number) => `X-Field-${number}: value ${number}`), 'Subject: the last one'),
    { subject: 'the last one' },
  ),
  good('2,000 addresses', octets('To: ', many, '\r\n', withField('Subject: everybody')), {
    subject: 'everybody',
    text: ['The body.'],
  }),
  good('a header and nothing else', lines('From: sender@example.org', 'Subject: no body at all'), {
    subject: 'no body at all',
    attachments: [],
  }),
  good('a header and an empty line', lines('From: sender@example.org', 'Subject: nothing below', ''), {
    subject: 'nothing below',
    attachments: [],
  }),
  good('no header: an empty line first', lines('', 'Only a body, anonymously.'), {
    text: ['Only a body, anonymously.'],
    word: 'anonymously',
  }),
  broken('neither header nor empty line', lines('Just text that somebody typed.')),
  broken('a field without a name', withField(': nameless', 'Subject: named')),
  broken('a blank before the colon', withField('Subject : spaced', 'X-Other\t: tabbed')),
  broken('a field without a value', withField('Subject:', 'X-Empty:', 'Cc: ')),
  broken('NUL in a field', withField(subject(Buffer.from('a\0b')))),
  good('windows-1252 in a field, undeclared', withField(subject(Buffer.from('d\xe9j\xe0 vu \x80', 'latin1'))), {
    text: ['The body.'],
  }),
  good('UTF-8 in fields (RFC 6532)', withField('From: Jürgen <jürgen@exämple.org>', 'Subject: Grüße aus Köln 🚢'), {
    subject: 'Grüße aus Köln 🚢',
    utf8: true,
    word: 'Köln',
  }),
  broken(
    'a From_ line before the header',
    octets('From sender@example.org Sat Nov 21 10:00:00 2026\r\n', withField('Subject: from a mailbox')),
  ),
  broken('a From_ line, quoted', octets('>From sender@example.org Sat Nov 21 10:00:00 2026\r\n', withField('Subject: quoted'))),
  good(
    'addresses with groups, comments and quotes',
    lines(
      'From: "Sender, A. (real)" <"odd local"@example.org> (a comment)',
      'To: Friends: alice@havre.test, bob@havre.test;, undisclosed-recipients:;',
      'Subject: addresses',
      '',
      'addressed',
    ),
    {
      subject: 'addresses',
      from: 'Sender, A. (real)',
      text: ['addressed'],
    },
  ),
  broken('addresses that are none', lines('From: <<>>,;@', 'To: "unfinished <a@', 'Cc: ,,,', 'Reply-To: @', '', 'x')),
  broken('dates that are none', lines('Date: yesterday', 'Date: Thu, 99 Foo 10000000 99:99:99 +9999', '', 'x')),
  good(
    '30 trace lines',
    octets(
      ...Array.from(
        { length: 30 },
        (_, hop) => `Received: from a${hop}.example.org by b${hop}.example.org; Sat, 21 Nov 2026 10:00:00 +0000\r\n`,
      ),
      head('travelled'),
      '\r\nfar\r\n',
    ),
    { subject: 'travelled' },
  ),
  good('words encoded as B and Q', withField('Subject: =?utf-8?B?R3LDvMOfZQ==?= and =?iso-8859-1?q?caf=E9_au_lait?='), {
    subject: 'Grüße and café au lait',
    word: 'lait',
  }),
  good('encoded words that follow each other', withField('Subject: =?utf-8?Q?one?=\r\n =?utf-8?Q?_two?= three'), {
    subject: 'one two three',
  }),
  good('a character cut between encoded words', withField('Subject: =?utf-8?Q?Stra=C3?= =?utf-8?Q?=9Fe?='), {
    subject: 'Straße',
    word: 'Strasse',
  }),
  good('ISO-2022-JP in encoded words', withField('Subject: =?ISO-2022-JP?B?GyRCJDMkcyRLJEEkTxsoQg==?='), { subject: 'こんにちは' }),
  good('a language in an encoded word', withField('Subject: =?us-ascii*en?Q?Keith_Moore?='), { subject: 'Keith Moore' }),
  broken('an encoded word of an unknown character set', withField('Subject: =?x-klingon?Q?=F8=D0?= still readable')),
  broken('Q with blanks in it', withField('Subject: =?utf-8?Q?not encoded at all?=')),
  broken(
    'encoded words that do not end',
    withField('Subject: =?utf-8?Q?open', 'X-A: =?utf-8?B?', 'X-B: =?=?=?=', 'X-C: =?utf-8?Z?x?='),
  ),
  broken('an encoded word of broken base64', withField('Subject: =?utf-8?B?R3LDv!!MOfZ?=')),
  broken('an encoded word that hides line breaks and escapes', withField('Subject: =?utf-8?Q?a=0D=0AX-Injected:_yes=1B[31m=00?=')),
  good('an encoded name', lines('From: =?utf-8?B?UMOkdWw=?= <paul@example.org>', 'Subject: named', '', 'x'), {
    from: 'Päul',
    subject: 'named',
  }),
  broken('an encoded word of 100,000 characters', withField(`Subject: =?utf-8?Q?${'=C3=A9'.repeat(17_000)}?=`)),
  broken('20,000 encoded words', withField(`Subject: ${'=?utf-8?Q?a?=\r\n '.repeat(20_000)}end`)),
]
