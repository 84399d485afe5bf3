import { expect } from 'chai'
import { Downgrading, downgraded } from '../../servers/pop3/downgrade/downgrading.ts'
import { headerFields } from '../../shared/mail/header.ts'
import { fuzzRounds, seeded } from '../kit/seeded.ts'

/** What becomes of a message that comes in chunks of this size, each in the memory of the one before. */
const told = async (message: Buffer, size = message.length): Promise<Buffer> => {
  const chunks = async function* () {
    const shared = Buffer.alloc(Math.max(size, 1))
    for (let at = 0; at < message.length; at += size) yield shared.subarray(0, message.copy(shared, 0, at, at + size))
  }
  return Buffer.concat(await Array.fromAsync(downgraded(chunks()), (chunk) => Buffer.from(chunk)))
}

const toldField = async (field: string | Buffer): Promise<string> =>
  (await told(Buffer.concat([Buffer.from(field as string), Buffer.from('\r\n\r\n')]))).toString().replace(/\r\n\r\n$/, '')

/** Unfolded and decoded, each with its name. */
const shown = async (field: string | Buffer): Promise<string> =>
  headerFields(Buffer.from(await toldField(field)))
    .map(({ name, value }) => `${name}: ${value}`)
    .join('\n')

describe('POP3: a header in ASCII (RFC 6857)', () => {
  for (const field of [
    'Subject: plain',
    'Subject:  with   blanks \r\n\tand folds ',
    'To: "a, b" <c@example.org>, d@example.org',
    'no field',
    ' begins with a blank',
    'X: =?iso-8859-1?q?=E4?=',
    'bare\nline feeds: are kept\n so',
    'control: \0\x01\x7f',
    '',
  ]) {
    it(`leaves ${JSON.stringify(field)} as it came`, async () => {
      expect(await toldField(field)).to.equal(field)
    })
  }

  for (const [field, expected] of [
    ['Subject: Grüße', 'Subject: =?UTF-8?B?R3LDvMOfZQ==?='],
    ['Subject: 例え', 'Subject: =?UTF-8?B?5L6L44GI?='],
    ['From: Zoë <z@example.org>', 'From: =?UTF-8?Q?Zo=C3=AB?=\r\n <z@example.org>'],
    ['From: z@example.org (Zoë)', 'From: z@example.org\r\n (=?UTF-8?Q?Zo=C3=AB?=)'],
    ['From: zoë@example.org', 'From: =?UTF-8?Q?zo=C3=AB=40example=2Eorg?= :;'],
    ['To: z@bücher.example, "A" <a@b>', 'To: =?UTF-8?B?ekBiw7xjaGVyLmV4YW1wbGU=?= :;,\r\n "A" <a@b>'],
    ['Content-Disposition: attachment; filename=ä.txt', "Content-Disposition: attachment;\r\n filename*=UTF-8''%C3%A4.txt"],
  ] as const) {
    it(`tells ${JSON.stringify(field)} so`, async () => {
      expect(await toldField(field)).to.equal(expected)
    })
  }

  for (const [field, expected] of [
    ['To: "Zoë, \\"Q\\" X" <z@example.org>', 'To: Zoë, "Q" X <z@example.org>'],
    ['To: =?utf-8?q?J=C3=B6?= Zoë <z@example.org>', 'To: Jö Zoë <z@example.org>'],
    ['To: Freunde für immer: a@b.c, Jö <b@c.d>;, e@f', 'To: Freunde für immer: a@b.c, Jö <b@c.d>;, e@f'],
    ['To: Leute: ö@x.y, Ann <b@c.d>;, e@f', 'To: Leute ö@x.y, Ann <b@c.d> :;, e@f'],
    ['To: Nobody:;, A: b@c; , ö@[IPv6:::1]', 'To: Nobody:;, A: b@c;, ö@[IPv6:::1] :;'],
    ['Cc: <"ö, (>"@example.org>', 'Cc: "ö, (>"@example.org :;'],
    ['Cc: Ann (ö (nested) x) <a@b>', 'Cc: Ann <a@b> (ö (nested) x)'],
    ['Keywords: eins, zwölf, "drei, ö"', 'Keywords: eins, zwölf, drei, ö'],
    ['Received: from a (Größe) by b; today', 'Received: from a (Größe) by b; today'],
    ['Received: from a by b for <ö@example.org>', 'Downgraded-Received: from a by b for <ö@example.org>'],
    ['Return-Path: <ö@example.org>', 'Downgraded-Return-Path: <ö@example.org>'],
    ['Message-ID: <ö@example.org>', 'Downgraded-Message-ID: <ö@example.org>'],
    ['References: <a@b>\r\n <ö@example.org>', 'Downgraded-References: <a@b> <ö@example.org>'],
    ['X-Anything: ö; ü', 'Downgraded-X-Anything: ö; ü'],
    ['From: "no end ö <a@b>', 'Downgraded-From: "no end ö <a@b>'],
    ['From: <a@b> ö <c@d>', 'Downgraded-From: <a@b> ö <c@d>'],
    ['From: a) ö <c@d>', 'Downgraded-From: a) ö <c@d>'],
    ['Content-Type: tüxt/plain; a=b', 'Downgraded-Content-Type: tüxt/plain; a=b'],
    [
      'Content-Type: multipart/mixed; größe; boundary="a;b"',
      'Content-Type: multipart/mixed; boundary="a;b"\nDowngraded-Content-Type: multipart/mixed; größe; boundary="a;b"',
    ],
    ['Subject: a\r\n =?utf-8?q?=C3=B6?= ö', 'Subject: a ö ö'],
  ] as const) {
    it(`shows ${JSON.stringify(field)} as ${JSON.stringify(expected)}`, async () => {
      expect(await toldField(field)).to.match(/^[\0-\x7f]*$/)
      expect(await shown(field)).to.equal(expected)
    })
  }

  it('reads octets that are no UTF-8 as the rest of the suite does, field by field', async () => {
    const fields = Buffer.concat([Buffer.from('Subject: Gr\xfc\xdfe\r\n', 'latin1'), Buffer.from('Comments: Grüße')])
    expect(await shown(fields)).to.equal('Subject: Grüße\nComments: Grüße')
  })

  it('cuts long names of files into numbered pieces, none of them within an octet', async () => {
    const name = 'ü'.repeat(100)
    const field = await toldField(`Content-Type: text/plain; name="${name}"`)
    const pieces = [...field.matchAll(/name\*(\d+)\*=(?:UTF-8'')?([^;\r]*)/g)]
    expect(pieces.map(([, number]) => Number(number))).to.deep.equal(pieces.map((_, at) => at))
    expect(pieces.map(([, , piece = '']) => decodeURIComponent(piece)).join('')).to.equal(name)
    for (const line of field.split('\r\n')) expect(line.length).to.be.at.most(78)
  })

  it('keeps lines that are no fields, without a word beyond ASCII', async () => {
    expect(await toldField('A: b\r\nno field ö\r\nGrüße: x\r\nC: d')).to.equal(
      'A: b\r\n=?UTF-8?Q?no_field_=C3=B6?=\r\n=?UTF-8?B?R3LDvMOfZTogeA==?=\r\nC: d',
    )
  })

  it('leaves the body alone, and what looks like a header in it', async () => {
    const body = 'Subject: ä\r\n\r\nTo: ö\r\n'
    for (const empty of ['\r\n', '\n'])
      expect((await told(Buffer.from(`Subject: ä${empty}${empty}${body}`))).toString()).to.equal(
        `Subject: =?UTF-8?B?w6Q=?=${empty}${empty}${body}`,
      )
    expect((await told(Buffer.from(`\r\n${body}`))).toString()).to.equal(`\r\n${body}`)
  })

  it('gives the same in whatever chunks a message comes, is ASCII up to the body, and never ends a header too soon', async () => {
    const random = seeded()
    const pieces = [
      'Subject',
      'To',
      'Content-Type',
      ': ',
      '\r\n',
      '\r\n ',
      '\r\n\t',
      '\n',
      '\r',
      '<',
      '>',
      '"',
      '(',
      ')',
      ',',
      ';',
      ':',
      '\\',
    ]
    const others = [
      'ä',
      '例',
      '\xe4',
      'a@b.c',
      'ö@x',
      '=?utf-8?q?=C3?=',
      '=?',
      'name=',
      '*',
      ' ',
      'From: Jö <j@x>',
      '[',
      ']',
      '\0',
      '=',
    ]
    for (let turn = 0; turn < fuzzRounds(1_000); turn += 1) {
      const header = Buffer.concat(
        Array.from({ length: random.between(0, 60) }, () => {
          const piece = random.pick([...pieces, ...others])
          return Buffer.from(piece, piece === '\xe4' && random.chance(0.5) ? 'latin1' : 'utf8')
        }),
      )
      const message = Buffer.concat([header, Buffer.from('\r\nEnd: ä\r\n\r\nbody ä\r\n')])
      const whole = await told(message)
      for (const size of [1, 2, 7]) expect((await told(message, size)).equals(whole), message.toString('hex')).to.equal(true)
      const end = bodyAt(message)
      const body = message.subarray(end)
      expect(whole.subarray(whole.length - body.length).equals(body), message.toString('hex')).to.equal(true)
      const head = whole.subarray(0, whole.length - body.length)
      expect(bodyAt(head), message.toString('hex')).to.equal(head.length)
      expect(
        head.every((octet) => octet < 0x80),
        message.toString('hex'),
      ).to.equal(true)
    }
  })

  it('tells a field of any length, in pieces that do not depend on the chunks', async () => {
    const field = `To: ${'Jörg Müller <j@b.example>,\r\n '.repeat(40_000)}j@b.example\r\nX: ${'例'.repeat(400_000)}\r\nSubject: ä\r\n\r\n`
    const message = Buffer.from(field)
    const whole = await told(message)
    expect((await told(message, 65_536)).equals(whole)).to.equal(true)
    expect(whole.every((octet) => octet < 0x80)).to.equal(true)
    expect(bodyAt(whole)).to.equal(whole.length)
    expect(headerFields(whole).map(({ name }) => name)).to.deep.equal(['To', 'Downgraded-X', 'Subject'])
  }).timeout(20_000)

  it('holds no more of a header than a field of 1 MiB', () => {
    const downgrading = new Downgrading()
    const chunk = Buffer.from('x'.repeat(65_536))
    let held = 0
    for (let chunks = 0; chunks < 64; chunks += 1) {
      held += chunk.length
      for (const { length } of downgrading.take(chunk)) held -= length
      expect(held).to.be.at.most(1024 * 1024)
    }
  })

  it('tells whether anything is other than it came', () => {
    for (const [message, changed] of [
      ['Subject: a\r\n\r\nö', false],
      ['Subject: ö\r\n\r\no', true],
      ['Subject: ö', true],
    ] as const) {
      const downgrading = new Downgrading()
      downgrading.take(Buffer.from(message))
      downgrading.end()
      expect(downgrading.changed, message).to.equal(changed)
    }
  })
})

/** Behind the first empty line. */
const bodyAt = (message: Buffer): number => {
  let begin = 0
  for (const line of message.toString('latin1').split(/(?<=\n)/)) {
    begin += line.length
    if (line === '\r\n' || line === '\n') return begin
  }
  return -1
}
