import { expect } from 'chai'
import { HeaderCompletion, maxHeaderOctets } from '../../servers/smtp/header-completion.ts'
import { NewlineNormalizer } from '../../servers/smtp/newline-normalizer.ts'
import { inTurn } from '../../servers/smtp/stage.ts'
import { seeded } from '../kit/seeded.ts'

const completion = { date: new Date('2026-11-21T10:02:03Z'), messageId: 'abc-1-1@mail.havre.test' }
const date = 'Date: Sat, 21 Nov 2026 10:02:03 +0000\r\n'
const id = 'Message-ID: <abc-1-1@mail.havre.test>\r\n'

const chunked = (text: string, cuts: readonly number[]): Buffer[] => {
  const octets = Buffer.from(text, 'latin1')
  return [0, ...cuts].map((from, index) => Buffer.from(octets.subarray(from, cuts[index] ?? octets.length)))
}

const completed = (chunks: readonly Buffer[], stage = new HeaderCompletion(completion) as Pick<HeaderCompletion, 'push' | 'end'>) =>
  Buffer.concat([...chunks.map((chunk) => stage.push(chunk)), stage.end()]).toString('latin1')

/** The same on the whole text at once. */
const byTheBook = (text: string): string => {
  const first = text.slice(0, text.indexOf('\r\n') === -1 ? undefined : text.indexOf('\r\n'))
  const begins = text.startsWith('\r\n') || /^(?:[!-9;-~]+[ \t]*:|>?From )/.test(first)
  if (!begins) return text === '' ? date + id : `${date}${id}\r\n${text}`
  const end = text.startsWith('\r\n') ? 0 : text.indexOf('\r\n\r\n') + 2
  const header = end === 1 ? text : text.slice(0, end)
  const kept = `\r\n${header}`.replace(/(?<=\r\n)(?:resent-)?bcc[ \t]*:(?:[^\r]|\r(?!\n)|\r\n(?=[ \t]))*(?:\r\n|$)/gi, '').slice(2)
  const has = (name: string) => new RegExp(`(?:^|\r\n)${name}[ \t]*:`, 'i').test(header)
  const lineEnd = kept === '' || kept.endsWith('\r\n') ? '' : '\r\n'
  return `${kept}${lineEnd}${has('date') ? '' : date}${has('message-id') ? '' : id}${end === 1 ? '' : text.slice(end)}`
}

describe('SMTP: completing the header of a submitted message (RFC 6409 §8)', () => {
  for (const [title, from, to] of [
    ['Date and Message-ID are added behind the last field', 'Subject: x\r\n\r\nbody\r\n', `Subject: x\r\n${date}${id}\r\nbody\r\n`],
    [
      'what is there stays, in whatever case',
      'DATE: then\r\nmessage-id : <x@y>\r\n\r\nb\r\n',
      'DATE: then\r\nmessage-id : <x@y>\r\n\r\nb\r\n',
    ],
    ['only what is missing is added', 'Date: then\r\n\r\n', `Date: then\r\n${id}\r\n`],
    [
      'every Bcc goes, folded or not, in whatever case',
      'Bcc: a@b\r\nTo: x\r\nBCC:\r\n a@b,\r\n\tc@d\r\nresent-bcc : e\r\nSubject: y\r\n\r\nBcc: stays\r\n',
      `To: x\r\nSubject: y\r\n${date}${id}\r\nBcc: stays\r\n`,
    ],
    [
      'folded fields stay as they are',
      'Subject: x\r\n Bcc: is text\r\nBccs: y\r\nX-Bcc: z\r\n\r\n',
      `Subject: x\r\n Bcc: is text\r\nBccs: y\r\nX-Bcc: z\r\n${date}${id}\r\n`,
    ],
    ['a name in a folded line is none', 'Subject:\r\n\tDate: no\r\n\r\n', `Subject:\r\n\tDate: no\r\n${date}${id}\r\n`],
    ['a message without a body gets them too', 'Subject: x\r\n', `Subject: x\r\n${date}${id}`],
    ['one that ends in a Bcc', 'Bcc: a@b\r\n', `${date}${id}`],
    ['an empty message becomes a header', '', `${date}${id}`],
    ['a message of one word without a line end gets one too', 'Hello', `${date}${id}\r\nHello`],
    ['one whose last line is no field, and has no end', 'Subject: x\r\nBcc', `Subject: x\r\nBcc\r\n${date}${id}`],
    ['a message without a header gets one', 'Hello\r\nBcc: no field\r\n', `${date}${id}\r\nHello\r\nBcc: no field\r\n`],
    ['one that begins with the empty line', '\r\nBcc: body\r\n', `${date}${id}\r\nBcc: body\r\n`],
    ['one that begins with a folded line', ' x\r\nSubject: y\r\n\r\n', `${date}${id}\r\n x\r\nSubject: y\r\n\r\n`],
    [
      'a line of mbox files is borne',
      'From alice Sat Nov 21 10:02:03 2026\r\nBcc: x\r\nSubject: y\r\n\r\n',
      `From alice Sat Nov 21 10:02:03 2026\r\nSubject: y\r\n${date}${id}\r\n`,
    ],
    [
      'a line that is no field survives, and the header goes on behind it',
      'Subject: x\r\nwhat is this?\r\n\xff\x00:\r\nBcc: y\r\n\r\nb\r\n',
      `Subject: x\r\nwhat is this?\r\n\xff\x00:\r\n${date}${id}\r\nb\r\n`,
    ],
    ['a last line without its end gets one (BDAT)', 'Subject: x', `Subject: x\r\n${date}${id}`],
    ['a body without it stays so', 'Subject: x\r\n\r\nhalf', `Subject: x\r\n${date}${id}\r\nhalf`],
    ['a name without a colon at the end', 'Subject: x\r\nDate', `Subject: x\r\nDate\r\n${date}${id}`],
  ] as const) {
    it(title, () => {
      expect(byTheBook(from), 'the test itself').to.equal(to)
      for (let cut = 0; cut <= from.length; cut++) expect(completed(chunked(from, [cut])), `cut at ${cut}`).to.equal(to)
      const single = chunked(
        from,
        Array.from({ length: from.length }, (_, index) => index),
      )
      expect(completed(single), 'octet by octet').to.equal(to)
    })
  }

  it('holds for random headers in random chunks, and touches nothing else', () => {
    const random = seeded()
    const pieces = [
      'Bcc: x',
      'bcc:',
      'RESENT-BCC \t: z',
      ' folded',
      '\tBcc: folded',
      'Date: d',
      'Message-Id:m',
      'Subject: \xff\0',
      'no field',
      'From me',
      ':',
      'x'.repeat(1_500),
      `${'y'.repeat(997)}:`,
      '',
      'Bcc',
      'D:',
    ]
    for (let round = 0; round < 3_000; round++) {
      const text = Array.from({ length: random.between(0, 12) }, () => `${random.pick(pieces)}\r\n`).join('')
      const cuts = Array.from({ length: random.between(0, 10) }, () => random.between(0, text.length)).sort((a, b) => a - b)
      expect(completed(chunked(text, cuts)), JSON.stringify({ text, cuts })).to.equal(byTheBook(text))
    }
  })

  it('knows a header that is too long, wherever it ends, by its own octets only', () => {
    const judged = (...chunks: readonly string[]) => {
      const stage = new HeaderCompletion(completion)
      for (const chunk of chunks) stage.push(Buffer.from(chunk))
      return stage.tooLong
    }
    const line = `X: ${'x'.repeat(maxHeaderOctets - 5)}\r\n`
    expect(judged(`${line}\r\nbody`)).to.equal(false)
    expect(judged('X: x\r\n\r\n', line, line)).to.equal(false)
    expect(judged(`X: x\r\n\r\n${line}${line}`)).to.equal(false)
    expect(judged(`${line}Y: y\r\n\r\nbody`), 'in one chunk').to.equal(true)
    expect(judged(line, 'Y: y\r\n\r\nbody')).to.equal(true)
    expect(judged(line, 'Y: y\r\n\r\n', 'body'), 'behind it').to.equal(true)
  })

  it('hands the body on as it is, without a copy', () => {
    const stage = new HeaderCompletion(completion)
    stage.push(Buffer.from('Subject: x\r\n\r\nfirst'))
    const chunk = Buffer.from('second')
    const out = stage.push(chunk)
    expect({ buffer: out.buffer, at: out.byteOffset, text: out.toString() }).to.deep.equal({
      buffer: chunk.buffer,
      at: chunk.byteOffset,
      text: 'second',
    })
  })

  it('holds no more than a name, however long the header is', () => {
    const stage = new HeaderCompletion(completion)
    let out = stage.push(Buffer.from('Bcc: ')).length
    // A removed field of 64 MiB, a kept one, and one that never comes to its colon.
    for (let count = 0; count < 1_024; count++) out += stage.push(Buffer.alloc(65_536, 'x')).length
    expect(out).to.equal(0)
    expect(stage.push(Buffer.from('\r\nSubject: ')).length).to.equal('Subject: '.length)
    expect(stage.push(Buffer.alloc(65_536, 'x')).length).to.equal(65_536)
    expect(stage.push(Buffer.from('\r\n')).length).to.equal(2)
    let nameless = 0
    for (let count = 0; count < 5_000; count++) nameless += stage.push(Buffer.from('x')).length
    expect(nameless).to.be.greaterThan(4_000)
  })

  it('reads what the normalizer of line breaks made, also at the very end', () => {
    const stage = inTurn([new NewlineNormalizer(), new HeaderCompletion(completion)])
    expect(completed(chunked('Subject: x\nBcc: y\r z\r\r\nTo: a\n\nb\n', [3, 12, 20]), stage)).to.equal(
      `Subject: x\r\nTo: a\r\n${date}${id}\r\nb\r\n`,
    )
    const atEnd = inTurn([new NewlineNormalizer(), new HeaderCompletion(completion)])
    expect(completed([Buffer.from('Subject: x\r')], atEnd)).to.equal(`Subject: x\r\n${date}${id}`)
  })
})
