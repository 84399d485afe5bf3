import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect } from 'chai'
import { FakeStore } from './fake-store.ts'
import { afterEhlo, afterRcpt, inData, serveSmtp } from './setup.ts'

/**
 * What somebody has taken for the end of a message, or might: the sequences of "SMTP Smuggling" (SEC Consult, 2023) and of the scanners
 * that followed it, what was mended for them in Postfix (CVE-2023-51764), Sendmail (CVE-2023-51765), Exim (CVE-2023-51766), Apache James
 * (CVE-2023-51747) and aiosmtpd (CVE-2024-27305), and what is near to these. None holds CRLF.CRLF, which is the end.
 */
const sequences = [
  '\n.\n',
  '\n.\r\n',
  '\n.\r',
  '\r\n.\n',
  '\r\n.\r',
  '\r.\n',
  '\r.\r',
  '\r.\r\n',
  '\r\r.\r\r',
  '\n\r.\n\r',
  '\n\r.\r\n',
  '\n\n.\r\n',
  '\n\n.\n\n',
  '\n.\n.\n',
  '\r\n.\r.\r\n',
  '\r\n.\r\r\n',
  '\r\n.\n\r\n',
  '\r\r\n.\r\r\n',
  '\r\n\x00.\r\n',
  '\r\n.\x00\r\n',
  '\r\n\x00.\x00\r\n',
  '\r\x00\n.\r\x00\n',
  '\r\n..\r\n',
  '\n..\n',
  '\r\n. \r\n',
  '\r\n .\r\n',
  '\r\n.\t\r\n',
  '\x0b.\x0b',
  '\r\n.\x0b\r\n',
  '\x0c.\x0c',
  '\x85.\x85',
  '\r\n.\x85\r\n',
  '\u2028.\u2028',
  '\r\n.\u2028\r\n',
  '\r\n\u2024\r\n',
]

type Mode = 'reject' | 'normalize'

/** What a message is in the store, by the words of the standard; null: it is refused. `\r\r\n` and `\r\n` are both one line break. */
const byTheBook = (text: string, mode: Mode): string | null => {
  const unstuffed = `\r\n${text}`.replace(/(?<=\r\n)\./g, '').slice(2)
  if (mode === 'reject') return /(?<!\r)\n|\r(?!\n)/.test(text) ? null : unstuffed
  return unstuffed.replace(/(?<=(?<!\r)\n)\.(?=\.)/g, '').replace(/\r\r\n|\r\n|\r|\n/g, '\r\n')
}

/** The ways in which octets come: in one packet, each alone, in two packets cut anywhere in the sequence. */
const packetings = (before: string, sequence: string, after: string): Buffer[][] => {
  const all = Buffer.from(before + sequence + after, 'latin1')
  const cuts = Array.from({ length: sequence.length + 1 }, (_, at) => before.length + at)
  return [[all], Array.from(all, (_, at) => all.subarray(at, at + 1)), ...cuts.map((at) => [all.subarray(0, at), all.subarray(at)])]
}

describe('SMTP: smuggling', () => {
  const before = 'Subject: first\r\n\r\nhello'
  const second = 'MAIL FROM:<evil@example.org>\r\nRCPT TO:<bob@havre.test>\r\nDATA\r\nSubject: smuggled\r\n\r\nevil'
  for (const written of sequences) {
    const sequence = Buffer.from(written).toString('latin1')
    for (const mode of ['reject', 'normalize'] as const) {
      it(`${JSON.stringify(written)} ends no message (${mode})`, async () => {
        const store = new FakeStore()
        await using running = await serveSmtp({ store, settings: { mail: { bareNewlines: mode } } })
        const expected = byTheBook(`${before}${sequence}${second}\r\n`, mode)
        const ways = packetings(before, sequence, `${second}\r\n.\r\nNOOP\r\n`)
        for (const packets of ways) {
          using client = await inData(running)
          for (const packet of packets) {
            await client.send(packet)
            // So that the server reads it before the next one comes.
            await nextTurn()
          }
          // One reply to one message, then the one to NOOP: in sync, whatever was in between.
          expect(await client.line()).to.match(expected === null ? /^554 5\.6\.0 Line \d+ has / : /^250 2\.0\.0 Message/)
          expect(await client.line()).to.equal('250 2.0.0 OK')
          expect(client.unread).to.equal(0)
        }
        expect(store.kept.map(({ body }) => body.toString('latin1'))).to.deep.equal(
          expected === null ? [] : ways.map(() => expected),
        )
        expect(new Set(running.desk.recipients)).to.deep.equal(new Set(['alice@havre.test']))
        expect(store.unended).to.equal(0)
      })
    }
  }

  for (const [title, lines] of [
    ['a command', 'C: NOOP\\n\\c\nS: 500 5.5.2 The line ends with LF alone; …'],
    [
      'a command in the argument of another one',
      'C: MAIL FROM:<a@example.org>\\nRSET\nS: 500 5.5.2 The line ends with LF alone; …\nS: 250 2.0.0 …',
    ],
    [
      'the answer of a login',
      `C: AUTH PLAIN\nS: 334 …\nC: AGFsaWNlAHdvbmRlciBsYW5kOjE=\\n\\c\nS: 500 5.5.2 …\nC: NOOP\nS: 250 2.0.0 …`,
    ],
  ] as const) {
    afterEhlo(`LF alone ends no line: ${title}`, lines, { source: 'RFC 5321 §2.3.8', played: ['line by line', 'octet by octet'] })
  }
  afterEhlo('LF alone ends a command where the setting says so', 'C: NOOP\\n\\c\nS: 250 2.0.0 …\nC: RSET\\n\\c\nS: 250 2.0.0 …', {
    settings: { mail: { bareNewlines: 'normalize' } },
  })

  afterRcpt(
    'a message with bare line breaks is made whole where the setting says so',
    'C: DATA\nS: 354 …\nC: one\\ntwo\\rthree\\r\\r\\nfour\\n..five\nC: .\nS: 250 2.0.0 …',
    {
      settings: { mail: { bareNewlines: 'normalize' } },
      after: (_running, { kept }) => {
        expect(kept[0]?.body.toString()).to.equal('one\r\ntwo\r\nthree\r\nfour\r\n.five\r\n')
      },
    },
  )
  afterRcpt(
    'a refused message tells where it is wrong and how it would be taken',
    'C: DATA\nS: 354 …\nC: one\nC: two\\nthree\nC: .\nS: 554 5.6.0 Line 2 has LF without CR; …\nC: MAIL FROM:<a@example.org>\nS: 250 2.1.0 …',
    {
      after: ({ journal }) => {
        expect(journal.of('message.refused')[0]?.fields).to.include({ sender: 'sender@example.org', octets: 16 })
      },
    },
  )
})
