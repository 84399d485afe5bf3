/** Shapes of mail that programs send every day. */
import { attached, broken, type CorpusMessage, good, head, lines, multipart, octets, parts, plain, single } from './message.ts'

const invitation = [
  'BEGIN:VCALENDAR',
  'VERSION:2.0',
  'METHOD:REQUEST',
  'BEGIN:VEVENT',
  'UID:1@example.org',
  'SUMMARY:Launch',
  'DTSTART:20261121T100000Z',
  'END:VEVENT',
  'END:VCALENDAR',
]
const armour = (what: string) =>
  lines(`-----BEGIN PGP ${what}-----`, '', 'iQEzBAABCAAdFiEEexamplexamplexamplexampleexample', '=abcd', `-----END PGP ${what}-----`)
const tnef = Buffer.concat([Buffer.from('789f3e22', 'hex'), Buffer.alloc(200, 7)])

const page =
  `<!DOCTYPE html><html><head><title>A page</title><style>p { color: red }</style><script>alert('scripted')</script></head>
<body onload="alert(1)"><h1>Every&nbsp;thing</h1><p>With <b>bold</b>, <a href="javascript:alert(1)">links</a> &amp; &lt;entities&gt;.</p>
<table><tr><td>cell</td></tr></table><ul><li>item</li></ul><img src="http://127.0.0.1:9/track.gif" alt="tracker"><iframe src="file:///etc/passwd"></iframe>
<form action="http://127.0.0.1:9/"><input name=a></form><svg onload="alert(2)"/><!-- a comment --></body></html>`.replaceAll(
    '\n',
    '\r\n',
  )

const signed = (protocol: string, boundary: string, signature: Buffer): Buffer =>
  single(
    'signed',
    [`Content-Type: multipart/signed; micalg=pgp-sha256; protocol="${protocol}"; boundary="${boundary}"`],
    octets(`--${boundary}\r\n`, plain('Signed words.'), `\r\n--${boundary}\r\n`, signature, `\r\n--${boundary}--\r\n`),
  )

/** Blanks, an empty last line and folding that a signature covers: a relay that tidies up breaks it. */
const dkim = octets(
  lines(
    'DKIM-Signature: v=1; a=rsa-sha256; c=simple/simple; d=example.org; s=one;',
    '\th=from:subject:date; bh=47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=;',
    '\tb=dGhpcyBpcyBubyBzaWduYXR1cmU=',
    'From:sender@example.org',
    'subJect:   Signed,  with   blanks  ',
    'Date: Sat, 21 Nov 2026 10:00:00 +0000',
    '',
    'Exactly  so. ',
    '\t',
    '',
  ),
)

/** Each with what is to be seen of it. */
export const shapes: readonly CorpusMessage[] = [
  good('signed with DKIM, simple/simple', dkim, { text: ['Exactly  so.'] }),
  good(
    'plain text and HTML',
    multipart(
      'alternative',
      'alternative',
      'x',
      plain('The plain side.'),
      lines('Content-Type: text/html; charset=utf-8', '', '<p>The rich side.</p>'),
    ),
    {
      text: ['The plain side.'],
      attachments: [],
      word: 'side',
    },
  ),
  good('HTML only, with everything', single('page', ['Content-Type: text/html; charset=utf-8'], octets(page, '\r\n')), {
    text: ['bold', 'links', '& <entities>.', 'cell', 'item'],
    not: ['scripted', 'color: red', 'a comment'],
    word: 'entities',
  }),
  broken(
    'HTML 5,000 elements deep',
    single('deep page', ['Content-Type: text/html'], octets('<div>'.repeat(5_000), 'bottom', '\r\n')),
  ),
  broken('HTML that does not end', single('cut page', ['Content-Type: text/html'], '<p>cut <a href="http://\r\n')),
  good(
    'an invitation',
    multipart(
      'invitation',
      'alternative',
      'x',
      plain('Come to the launch.'),
      lines('Content-Type: text/calendar; charset=utf-8; method=REQUEST', '', ...invitation),
    ),
    { text: ['Come to the launch.'], word: 'launch' },
  ),
  good(
    'a calendar attached',
    multipart(
      'calendar',
      'mixed',
      'x',
      plain('Attached.'),
      attached('text/calendar', 'attachment; filename="invite.ics"', lines(...invitation)),
    ),
    {
      attachments: [['invite.ics', 'text/calendar', lines(...invitation).length]],
    },
  ),
  good(
    'signed with PGP/MIME',
    signed(
      'application/pgp-signature',
      's',
      octets(lines('Content-Type: application/pgp-signature; name="signature.asc"', ''), armour('SIGNATURE')),
    ),
    {
      text: ['Signed words.'],
    },
  ),
  good(
    'signed with S/MIME',
    signed(
      'application/pkcs7-signature',
      's',
      attached('application/pkcs7-signature; name="smime.p7s"', 'attachment; filename="smime.p7s"', Buffer.alloc(300, 48)),
    ),
    {
      text: ['Signed words.'],
      attachments: [['smime.p7s', 'application/pkcs7-signature', 300]],
    },
  ),
  good(
    'encrypted with S/MIME',
    octets(
      head('enveloped'),
      attached(
        'application/pkcs7-mime; smime-type=enveloped-data; name="smime.p7m"',
        'attachment; filename="smime.p7m"',
        Buffer.alloc(500, 49),
      ),
      '\r\n',
    ),
    {
      attachments: [['smime.p7m', 'application/pkcs7-mime', 500]],
    },
  ),
  broken(
    'encrypted with PGP/MIME',
    single(
      'secret',
      ['Content-Type: multipart/encrypted; protocol="application/pgp-encrypted"; boundary=e'],
      parts(
        'e',
        lines('Content-Type: application/pgp-encrypted', '', 'Version: 1'),
        octets(lines('Content-Type: application/octet-stream', ''), armour('MESSAGE')),
      ),
    ),
  ),
  good(
    'PGP inline',
    octets(
      head('inline'),
      lines('', '-----BEGIN PGP SIGNED MESSAGE-----', 'Hash: SHA256', '', '- -- dashes escaped'),
      armour('SIGNATURE'),
    ),
    { text: ['- -- dashes escaped'] },
  ),
  good(
    'winmail.dat',
    multipart(
      'TNEF',
      'mixed',
      'x',
      plain('From Outlook.'),
      attached('application/ms-tnef; name="winmail.dat"', 'attachment; filename="winmail.dat"', tnef),
    ),
    {
      text: ['From Outlook.'],
      attachments: [['winmail.dat', 'application/ms-tnef', tnef.length]],
    },
  ),
  broken(
    'a file with its resource fork',
    multipart(
      'AppleDouble',
      'appledouble',
      'x',
      attached('application/applefile; name="a.pdf"', 'attachment; filename="a.pdf"', Buffer.from('\0\x05\x16\x07')),
      attached('application/pdf; name="a.pdf"', 'attachment; filename="a.pdf"', Buffer.from('%PDF')),
    ),
  ),
  good(
    'a card',
    multipart(
      'card',
      'mixed',
      'x',
      plain('My card.'),
      attached(
        'text/vcard; charset=utf-8',
        'attachment; filename="me.vcf"',
        lines('BEGIN:VCARD', 'VERSION:4.0', 'FN:Sender', 'END:VCARD'),
      ),
    ),
    {
      attachments: [['me.vcf', 'text/vcard', lines('BEGIN:VCARD', 'VERSION:4.0', 'FN:Sender', 'END:VCARD').length]],
    },
  ),
  broken(
    'a receipt',
    multipart(
      'read',
      'report; report-type=disposition-notification',
      'x',
      plain('It was displayed.'),
      lines(
        'Content-Type: message/disposition-notification',
        '',
        'Final-Recipient: rfc822;alice@havre.test',
        'Disposition: manual-action/MDN-sent-manually; displayed',
      ),
    ),
    { word: 'displayed' },
  ),
  good(
    'a mailing list',
    octets(
      head('[list] news'),
      lines(
        'List-Id: News <news.example.org>',
        'List-Unsubscribe: <mailto:leave@example.org>, <https://example.org/leave>',
        'Precedence: list',
        '',
        'Monthly tidings.',
      ),
    ),
    {
      subject: '[list] news',
      text: ['Monthly tidings.'],
      word: 'tidings',
    },
  ),
  good('text/enriched', single('enriched', ['Content-Type: text/enriched; charset=us-ascii'], '<bold>Bold</bold> words\r\n'), {
    subject: 'enriched',
  }),
]
