import { expect } from 'chai'
import { NewlineWatch } from '../../servers/smtp/chunk-reader.ts'
import { StoreError } from '../../shared/mail/mail-store.ts'
import { seeded } from '../kit/seeded.ts'
import { FakeStore } from './fake-store.ts'
import { afterEhlo, afterRcpt, introduced, type SmtpDialogue, serveSmtp, smtpDialogue } from './setup.ts'

const source = 'RFC 3030 §2'
const bodies = ({ kept }: FakeStore) => kept.map(({ body }) => body.toString('latin1'))
const keeps = (...expected: readonly string[]): Pick<SmtpDialogue, 'after' | 'source'> => ({
  source,
  after: (_running, store) => void expect(bodies(store)).to.deep.equal(expected),
})

describe('SMTP: BDAT', () => {
  afterRcpt(
    'takes a message in chunks, octet for octet: dots are nothing special',
    `
      C: BDAT 13
      C: Subject: ab
      S: 250 2.0.0 13 octets taken
      C: bdat 7
      C:
      C: .
      C: ..\\c
      S: 250 2.0.0 …
      C: BDAT 6 last
      C:
      C: end.\\c
      S: 250 2.0.0 Message taken, id …
      C: MAIL FROM:<next@example.org>
      S: 250 2.1.0 …
    `,
    keeps('Subject: ab\r\n\r\n.\r\n..\r\nend.'),
  )
  afterRcpt(
    'is over with a last chunk of no octets',
    'C: BDAT 6\nC: text\nS: 250 2.0.0 …\nC: BDAT 0 LAST\nS: 250 2.0.0 Message taken, id …\nC: NOOP\nS: 250 2.0.0 …',
    keeps('text\r\n'),
  )
  afterRcpt(
    'takes empty chunks and an empty message',
    'C: BDAT 0\nS: 250 2.0.0 0 octets taken\nC: BDAT 0 LAST\nS: 250 2.0.0 …',
    keeps(''),
  )
  afterRcpt(
    'lets commands that begin nothing come between chunks',
    `
      C: BDAT 3
      C: a
      S: 250 2.0.0 …
      C: NOOP
      S: 250 2.0.0 …
      C: VRFY alice
      S: 252 2.0.0 …
      C: BDAT 3 LAST
      C: b
      S: 250 2.0.0 Message taken, id …
    `,
    keeps('a\r\nb\r\n'),
  )
  afterRcpt(
    'is not to be mixed with DATA',
    `
      C: BDAT 3
      C: a
      S: 250 2.0.0 …
      C: DATA
      S: 503 5.5.1 The message comes in chunks: …
      C: RCPT TO:<bob@havre.test>
      S: 503 5.5.1 …
      C: MAIL FROM:<a@example.org>
      S: 503 5.5.1 …
      C: BDAT 3 LAST
      C: b
      S: 250 2.0.0 Message taken, id …
    `,
    keeps('a\r\nb\r\n'),
  )
  for (const [command, title] of [
    ['RSET', 'is given up with RSET'],
    ['EHLO again', 'is given up with EHLO'],
  ] as const) {
    afterRcpt(
      title,
      `
        C: BDAT 3
        C: a
        S: 250 2.0.0 …
        C: ${command}
        S* 250-…
        S: 250 …
        C: BDAT 3 LAST
        C: b
        S: 503 5.5.1 MAIL comes first
        C: MAIL FROM:<a@example.org>
        S: 250 2.1.0 …
        C: RCPT TO:<alice@havre.test>
        S: 250 2.1.5 …
        C: BDAT 3 LAST
        C: c
        S: 250 2.0.0 Message taken, id …
      `,
      {
        source,
        after: ({ journal }, store) => {
          expect(bodies(store)).to.deep.equal(['c\r\n'])
          expect(store.counts).to.include({ begun: 2, aborted: 1, committed: 1 })
          expect(journal.of('message.unfinished')).to.have.length(1)
        },
      },
    )
  }
  afterRcpt('is given up with QUIT', 'C: BDAT 3\nC: a\nS: 250 2.0.0 …\nC: QUIT\nS: 221 2.0.0 …\nS closes', {
    source,
    after: (_running, store) => void expect(store.counts).to.include({ begun: 1, aborted: 1, committed: 0 }),
  })
})

describe('SMTP: a chunk that is refused is read to its end', () => {
  // What looks like commands is what a chunk holds: nobody may run it.
  smtpDialogue('before EHLO', 'C: BDAT 6 LAST\nC: QUIT\nS: 503 5.5.1 Say EHLO or HELO first\nC: HELO client.test\nS: 250 …', {
    source,
  })
  afterEhlo(
    'without MAIL, and so are those behind it',
    `
      C: BDAT 6
      C: QUIT
      S: 503 5.5.1 MAIL comes first
      C: BDAT 12
      C: QUIT
      C: QUIT
      S: 503 5.5.1 MAIL comes first
      C: BDAT 6 LAST
      C: QUIT
      S: 503 5.5.1 MAIL comes first
      C: MAIL FROM:<a@example.org>
      S: 250 2.1.0 …
    `,
    { source },
  )
  afterEhlo(
    'without a recipient',
    `
      C: MAIL FROM:<a@example.org>
      S: 250 2.1.0 …
      C: RCPT TO:<nobody@havre.test>
      S: 550 5.1.1 …
      C: BDAT 6
      C: QUIT
      S: 554 5.5.1 No recipient was taken
      C: BDAT 6 LAST
      C: QUIT
      S: 554 5.5.1 No recipient was taken
      C: MAIL FROM:<a@example.org>
      S: 250 2.1.0 …
    `,
    { source },
  )
  afterRcpt(
    'with more than belongs there, and the message is given up',
    `
      C: BDAT 3
      C: a
      S: 250 2.0.0 …
      C: BDAT 6 FIRST
      C: QUIT
      S: 501 5.5.4 The syntax is: BDAT octets [LAST]
      C: BDAT 6 LAST
      C: QUIT
      S: 501 5.5.4 …
      C: RCPT TO:<alice@havre.test>
      S: 503 5.5.1 …
    `,
    { source, after: (_running, store) => void expect(store.counts).to.include({ begun: 1, aborted: 1, committed: 0 }) },
  )
  it('however many come behind it: they are no bad commands', async () => {
    await using running = await serveSmtp({ settings: { mail: { maxSizeOctets: 100 } } })
    using client = await introduced(running)
    await client.send('MAIL FROM:<a@example.org>\r\nRCPT TO:<alice@havre.test>\r\n')
    await client.send(`BDAT 101\r\n${'x'.repeat(101)}`.concat('BDAT 6\r\nQUIT\r\n'.repeat(300), 'BDAT 0 LAST\r\nNOOP\r\n'))
    expect(await client.line()).to.match(/^250 2\.1\.0 /)
    expect(await client.line()).to.match(/^250 2\.1\.5 /)
    for (let count = 0; count < 302; count++) expect(await client.line()).to.match(/^552 5\.3\.4 /)
    expect(await client.line()).to.match(/^250 2\.0\.0 OK/)
  })
})

describe('SMTP: a chunk whose size cannot be told ends the session', () => {
  for (const argument of ['', ' LAST', ' -1', ' 5x LAST', ' 9999999999999999']) {
    afterRcpt(`as in BDAT${argument}`, `C: BDAT${argument}\nS: 421 4.5.4 The syntax is: BDAT octets [LAST]; closing, …\nS closes`, {
      source,
    })
  }
})

describe('SMTP: messages in chunks', () => {
  const limit = { settings: { mail: { maxSizeOctets: 1_000 } } }
  const chunk = (octets: number, last = '') => `C: BDAT ${octets}${last}\nC: ${'x'.repeat(octets)}\\c`

  afterRcpt(
    'may have the size limit in all',
    `${chunk(400)}\nS: 250 2.0.0 …\n${chunk(600, ' LAST')}\nS: 250 2.0.0 Message taken, id …`,
    { ...limit, source: 'RFC 1870 §6.1' },
  )
  afterRcpt(
    'are refused with the chunk that goes over it, and the next message is welcome',
    `
      ${chunk(400)}
      S: 250 2.0.0 …
      ${chunk(601)}
      S: 552 5.3.4 A message has at most 1000 octets
      ${chunk(10, ' LAST')}
      S: 552 5.3.4 …
      C: MAIL FROM:<a@example.org>
      S: 250 2.1.0 …
      C: RCPT TO:<alice@havre.test>
      S: 250 2.1.5 …
      ${chunk(10, ' LAST')}
      S: 250 2.0.0 Message taken, id …
    `,
    {
      ...limit,
      after: ({ journal }, store) => {
        expect(bodies(store)).to.deep.equal(['x'.repeat(10)])
        expect(journal.of('message.refused')).to.have.length(1)
      },
    },
  )
  afterRcpt(
    'are refused with the last chunk that goes over it',
    `${chunk(1_001, ' LAST')}\nS: 552 5.3.4 …\nC: MAIL FROM:<a@example.org>\nS: 250 2.1.0 …`,
    { ...limit, after: (_running, store) => void expect(bodies(store)).to.deep.equal([]) },
  )
  for (const [what, lines, octet] of [
    ['LF', 'C: BDAT 5 LAST\nC: a\\nb\\r\\n\\c', 'LF without CR'],
    ['CR', 'C: BDAT 5 LAST\nC: a\\rb\\r\\n\\c', 'CR without LF'],
    ['CR at the very end', 'C: BDAT 2 LAST\nC: a\\r\\c', 'CR without LF'],
    ['CR at the end of a chunk', 'C: BDAT 2\nC: a\\r\\c\nS: 250 2.0.0 …\nC: BDAT 1 LAST\nC: b\\c', 'CR without LF'],
  ] as const) {
    afterRcpt(`are refused for a bare ${what}`, `${lines}\nS: 554 5.6.0 Line 1 has ${octet}; …`, {
      source: 'RFC 5321 §2.3.8',
      after: (_running, store) => void expect(bodies(store)).to.deep.equal([]),
    })
  }
  afterRcpt(
    'may have a line break cut in two by chunks',
    'C: BDAT 2\nC: a\\r\\c\nS: 250 2.0.0 …\nC: BDAT 2 LAST\nC: \\nb\\c\nS: 250 2.0.0 …',
    keeps('a\r\nb'),
  )
  afterRcpt(
    'have their line breaks made right where the settings say so',
    'C: BDAT 7 LAST\nC: a\\nb\\rc\\r\\r\\c\nS: 250 2.0.0 …',
    {
      settings: { mail: { bareNewlines: 'normalize' } },
      after: (_running, store) => void expect(bodies(store)).to.deep.equal(['a\r\nb\r\nc\r\n\r\n']),
    },
  )
  afterRcpt(
    'leave nothing behind when the store does not take the first octets',
    'C: BDAT 3\nC: a\nS: 452 4.3.1 …\nC: BDAT 3 LAST\nC: b\nS: 452 4.3.1 …\nC: NOOP\nS: 250 2.0.0 …',
    { faults: { write: { nth: 0, error: new StoreError('full', 'a test said so') } }, errors: true },
  )
  afterRcpt(
    'are read to their end when the store takes no message at all',
    'C: BDAT 6\nC: QUIT\nS: 451 4.3.0 …\nC: BDAT 6 LAST\nC: QUIT\nS: 451 4.3.0 …\nC: NOOP\nS: 250 2.0.0 …',
    { faults: { deliver: new StoreError('closed', 'a test said so') } },
  )

  it('come out as they went in, however they and the packets are cut', async () => {
    const random = seeded()
    const store = new FakeStore()
    await using running = await serveSmtp({ store })
    const sent: Buffer[] = []
    for (let round = 0; round < 40; round++) {
      const pieces = ['.\r\n', '..\r\n', '\r\n', 'BDAT 5 LAST\r\n', `${'y'.repeat(20_000)}\r\n`, '\0\xff', 'QUIT\r\n']
      const message = Buffer.from(Array.from({ length: random.between(0, 30) }, () => random.pick(pieces)).join(''), 'latin1')
      sent.push(message)
      const wire: Buffer[] = []
      let chunks = 0
      for (let at = 0; ; chunks++) {
        const end = Math.min(message.length, at + random.between(0, random.chance(0.5) ? 10 : 50_000))
        const last = end === message.length && random.chance(0.5)
        wire.push(Buffer.from(`BDAT ${end - at}${last ? ' LAST' : ''}\r\n`), message.subarray(at, end))
        at = end
        if (last) break
      }
      const octets = Buffer.concat(wire)
      using client = await introduced(running)
      await client.ask('MAIL FROM:<sender@example.org>')
      await client.ask('RCPT TO:<alice@havre.test>')
      for (let at = 0; at < octets.length; ) {
        const end = at + (random.chance(0.2) ? random.between(1, 5) : random.between(1, 70_000))
        await client.send(octets.subarray(at, end))
        at = end
      }
      for (let count = 0; count <= chunks; count++) expect(await client.line()).to.match(/^250 2\.0\.0 /)
    }
    expect(store.kept.map(({ body }) => body.toString('latin1'))).to.deep.equal(sent.map((message) => message.toString('latin1')))
  })

  it('leave nothing behind when the client vanishes, in a chunk or between two', async () => {
    const store = new FakeStore()
    await using running = await serveSmtp({ store })
    for (const words of ['BDAT 100\r\nhalf', 'BDAT 4\r\nhalf']) {
      for (const leave of ['reset', 'end'] as const) {
        const client = await introduced(running)
        await client.ask('MAIL FROM:<sender@example.org>')
        await client.ask('RCPT TO:<alice@havre.test>')
        await client.send(words)
        if (words.includes('4\r')) expect(await client.line()).to.match(/^250 2\.0\.0 /)
        if (leave === 'reset') client.reset()
        else {
          client.end()
          expect(await client.line()).to.match(/^421 4\.4\.2 The message did not come to its end/)
          await client.closed()
        }
      }
    }
    await running.close('replace')
    // Of a client that resets the connection the server may not even have read the first octet.
    expect(store.unended).to.equal(0)
    expect(store.counts.committed).to.equal(0)
    expect(store.counts.aborted).to.be.at.least(2)
    expect(running.journal.of('smtp.session.ended')).to.have.length(4)
  })
})

describe('SMTP: line breaks of a message in pieces', () => {
  it('are found as in one piece', () => {
    const random = seeded()
    for (let round = 0; round < 2_000; round++) {
      const octets = Buffer.from(
        Array.from({ length: random.between(0, 12) }, () => random.pick(['\r\n', '\r\n', '\r\n', 'a', 'b', '\r', '\n'])).join(''),
      )
      const bare = /\r(?!\n)|(?<!\r)\n/.exec(octets.toString())
      const watch = new NewlineWatch()
      for (let at = 0; at < octets.length; ) {
        const end = at + random.between(1, 4)
        watch.push(octets.subarray(at, end))
        at = end
      }
      watch.end()
      const line = octets.toString().slice(0, bare?.index).split('\r\n').length
      expect(watch.bare, JSON.stringify(octets.toString())).to.deep.equal(
        bare === null ? null : { line, octet: bare[0] === '\r' ? 'CR' : 'LF' },
      )
    }
  })
})
