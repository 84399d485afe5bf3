import { Readable } from 'node:stream'
import { expect } from 'chai'
import { headerFields } from '../../shared/mail/header.ts'
import { readParts } from '../../shared/mail/message-parts.ts'
import { seeded } from '../kit/seeded.ts'

const partsOf = (message: string | Buffer) => readParts(Readable.from([Buffer.from(message)]))

describe('the parts of a message', () => {
  it('are its addresses, subject, date, text and attachments', async () => {
    const parts = await partsOf(
      [
        'From: =?utf-8?Q?J=C3=BCrgen?= <juergen@example.org>',
        'To: a@havre.test, "B, C" <b@havre.test>',
        'To: d@havre.test',
        'Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=',
        'Date: Sat, 21 Nov 2026 10:00:00 +0100',
        'Message-ID: <1@example.org>',
        'Content-Type: multipart/mixed; boundary=x',
        '',
        '--x',
        'Content-Type: text/plain; charset=iso-8859-1',
        'Content-Transfer-Encoding: quoted-printable',
        '',
        'gr=FC=DFe',
        '--x',
        "Content-Type: application/octet-stream; name*=utf-8''%e2%82%ac.bin",
        'Content-Transfer-Encoding: base64',
        '',
        'AAEC',
        '--x--',
        '',
      ].join('\r\n'),
    )
    expect(parts.from).to.equal('"Jürgen" <juergen@example.org>')
    expect(parts.to).to.include('a@havre.test').and.to.include('b@havre.test').and.to.include('d@havre.test')
    expect(parts.cc).to.equal(null)
    expect(parts.subject).to.equal('Grüße')
    expect(parts.sentAt?.toISOString()).to.equal('2026-11-21T09:00:00.000Z')
    expect(parts.messageId).to.equal('<1@example.org>')
    expect(parts.text?.trim()).to.equal('grüße')
    expect(parts.attachments).to.deep.equal([{ filename: '€.bin', contentType: 'application/octet-stream', octets: 3 }])
  })

  it('has the text of HTML where there is no other', async () => {
    expect((await partsOf('Content-Type: text/html\r\n\r\n<p>only &amp; <b>HTML</b></p>')).text).to.include('only & HTML')
  })

  for (const kind of ['mixed', 'alternative', 'related'])
    it(`has the text of HTML that is the only text of a multipart/${kind}`, async () => {
      const { text, incomplete } = await partsOf(
        `Content-Type: multipart/${kind}; boundary=x\r\n\r\n--x\r\nContent-Type: text/html\r\n\r\n<p>Gr&uuml;&szlig;e &ndash; <b>&Eacute;mile</b>\r\n--x--\r\n`,
      )
      expect([text, incomplete]).to.deep.equal(['Grüße – Émile', null])
    })

  describe('behind delimiters with blanks at their ends', () => {
    const message = [
      'Content-Type: multipart/mixed; boundary=x',
      '',
      '--x  ',
      '',
      'one',
      '-- ',
      '--xy ',
      'signature \t',
      '--x\t \t',
      'Content-Type: multipart/alternative; boundary="in x"',
      '',
      '--in x ',
      'Content-Type: text/plain',
      '',
      'two',
      '--in x-- ',
      '--x ',
      'Content-Type: application/octet-stream',
      '',
      '--y ',
      'x ',
      '--x--  ',
      '',
    ]
    for (const [ends, end] of [
      ['CRLF', '\r\n'],
      ['LF', '\n'],
    ] as const)
      for (const [how, octets] of [
        ['whole', 1_000],
        ['octet by octet', 1],
        ['in pieces of seven', 7],
      ] as const)
        it(`are found, with ${ends}, ${how}, and nothing else is taken for one`, async () => {
          const whole = Buffer.from(message.join(end))
          const pieces: Buffer[] = []
          for (let at = 0; at < whole.length; at += octets) pieces.push(whole.subarray(at, at + octets))
          const saved: string[] = []
          const { text, attachments } = await readParts(Readable.from(pieces), async (_, coming) => {
            saved.push(Buffer.concat(await Readable.from(coming).toArray()).toString())
          })
          expect(text).to.equal('one\n-- \n--xy \nsignature \t\ntwo')
          expect(attachments).to.have.length(1)
          expect(saved).to.deep.equal([`--y ${end}x `])
        })

    it('are not looked for in lines of blanks for long', async () => {
      const { text } = await partsOf(
        `Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\n\r\n${`--x${' '.repeat(60_000)}y\r\n`.repeat(20)}--x--`,
      )
      expect(text).to.include('--x   ').and.to.match(/ y$/)
    })
  })

  const odd: [what: string, message: string | Buffer][] = [
    ['nothing at all', ''],
    ['an empty line', '\r\n'],
    ['text without a header', 'no header'],
    ['a field without a name', ': \r\n\r\n'],
    ['dots', '....\r\n'.repeat(10)],
    ['a multipart without a boundary', 'Content-Type: multipart/mixed\r\n\r\n--\r\n'],
    [
      'a multipart that does not end',
      'Content-Type: multipart/mixed; boundary=x\r\n\r\n--x\r\nContent-Type: multipart/alternative; boundary=x\r\n\r\n--x',
    ],
    ['NUL octets', Buffer.alloc(20_000)],
    ['random octets', seeded().octets(5000)],
    ['an unknown character set', Buffer.from('Content-Type: text/plain; charset=none\r\n\r\n\xff', 'latin1')],
    ['an unknown encoding', 'Content-Transfer-Encoding: none\r\n\r\nx'],
    ['broken base64', 'Content-Transfer-Encoding: base64\r\n\r\n=A=\r\n?'],
    ['a date that is none', 'Date: yesterday\r\n\r\n'],
    ['a field of 100,000 characters', `Subject: ${'a'.repeat(100_000)}\r\n\r\nx`],
    ['a line of 100,000 characters', `Subject: x\r\n\r\n${'a'.repeat(100_000)}`],
    [
      'a message within a message within …',
      `${Array.from({ length: 60 }, () => 'Content-Type: message/rfc822\r\n\r\n').join('')}x`,
    ],
    ['addresses that are none', 'From: <<>>,;@\r\nTo: undisclosed-recipients:;\r\nCc: "\r\n\r\n'],
  ]
  for (const [what, message] of odd)
    it(`can be had of ${what}`, async () => {
      const parts = await partsOf(message)
      expect(parts.attachments).to.be.an('array')
      expect(parts.sentAt === null || !Number.isNaN(parts.sentAt.getTime())).to.equal(true)
      expect(headerFields(Buffer.from(message))).to.be.an('array')
    })
})
