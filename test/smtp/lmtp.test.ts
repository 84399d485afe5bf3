import { expect } from 'chai'
import { protocol } from '../../servers/smtp/options.ts'
import { StoreError } from '../../shared/mail/mail-store.ts'
import { FakeStore } from './fake-store.ts'
import { type SmtpDialogue, smtpDialogue } from './setup.ts'

const lmtp = (name: string, lines: string, what: SmtpDialogue = {}): void =>
  smtpDialogue(name, lines, { ...what, options: { mode: 'lmtp', ...what.options } })

/** After LHLO and MAIL, with recipients that are taken. */
const to = (recipients: readonly string[], name: string, lines: string, what: SmtpDialogue = {}): void => {
  const rcpt = recipients.map((address) => `C: RCPT TO:<${address}>\nS: 250 2.1.5 …`).join('\n')
  const begin = 'C: LHLO mta.test\nS* 250-…\nS: 250 HELP\nC: MAIL FROM:<sender@example.org>\nS: 250 2.1.0 …'
  lmtp(name, `${begin}\n${rcpt}\n${lines}`, what)
}

const full =
  (...accounts: readonly string[]) =>
  (): FakeStore => {
    const store = new FakeStore()
    for (const account of accounts) store.full.add(account)
    return store
  }

describe('LMTP: the beginning (RFC 2033 §4.1)', () => {
  lmtp(
    'is LHLO, which offers what EHLO does, without reports: they are the client’s',
    `
      S: 220 localhost LMTP Havre
      C: MAIL FROM:<a@example.org>
      S: 503 5.5.1 Say LHLO first
      C: LHLO
      S: 501 The syntax is: LHLO name
      C: LHLO mta.test
      S: 250-localhost greets [127.0.0.1]
      S: 250-PIPELINING
      S: 250-SIZE 50000000
      S: 250-8BITMIME
      S: 250-SMTPUTF8
      S: 250-ENHANCEDSTATUSCODES
      S: 250-CHUNKING
      S: 250-AUTH PLAIN …
      S: 250 HELP
      C: HELP
      S: 214-2.0.0 The commands are LHLO STARTTLS AUTH MAIL RCPT DATA BDAT RSET VRFY HELP NOOP QUIT
      S: 214 2.0.0 …
      C: QUIT
      S: 221 2.0.0 …
      S closes
    `,
  )
  lmtp(
    'is neither HELO nor EHLO',
    'C: HELO mta.test\nS: 500 5.5.1 LMTP is spoken here: say LHLO\nC: EHLO mta.test\nS: 500 5.5.1 …\nC: HELP EHLO\nS: 504 5.5.4 …',
  )
  smtpDialogue(
    'is not LHLO where SMTP is spoken',
    'C: LHLO mta.test\nS: 500 5.5.1 SMTP is spoken here: say EHLO\nC: HELP LHLO\nS: 504 5.5.4 …',
  )

  it('is what a probe says before it encrypts', () => {
    const probe = (mode: string) => protocol.startTlsProbeFor?.(protocol.options.parse({ mode })).flatMap(({ say }) => say)
    expect(probe('lmtp')).to.deep.equal(['LHLO localhost', 'STARTTLS'])
    expect(probe('mta')).to.deep.equal(['EHLO localhost', 'STARTTLS'])
  })
})

describe('LMTP: a message', () => {
  to(
    ['alice@havre.test', 'bob@havre.test', 'alice@havre.test'],
    'gets a reply for each recipient, in their order, also for one that was named twice',
    'C: DATA\nS: 354 …\nC: text\nC: .\nS: 250 2.0.0 …\nS: 250 2.0.0 …\nS: 250 2.0.0 …\nC: NOOP\nS: 250 2.0.0 OK',
    {
      source: 'RFC 2033 §4.2',
      after: ({ journal }, { kept }) => {
        expect(kept.map(({ body }) => body.toString())).to.deep.equal(['text\r\n'])
        expect(kept[0]?.trace).to.match(
          /^Return-Path: <sender@example\.org>\r\nReceived: from mta\.test \(\[127\.0\.0\.1\]\) by localhost with LMTP id /,
        )
        expect(journal.of('message.accepted')).to.have.length(1)
      },
    },
  )
  to(
    ['alice@havre.test', 'bob@havre.test'],
    'gets them after the last chunk too, and one after any other',
    'C: BDAT 4\nC: te\nS: 250 2.0.0 …\nC: BDAT 4 LAST\nC: xt\nS: 250 2.0.0 …\nS: 250 2.0.0 …\nC: NOOP\nS: 250 2.0.0 OK',
    { source: 'RFC 2033 §4.3', after: (_running, { kept }) => void expect(kept[0]?.body.toString()).to.equal('te\r\nxt\r\n') },
  )
  to(
    ['alice@havre.test', 'bob@havre.test'],
    'that goes over the size gets them too, of a refused chunk only the last',
    `
      C: BDAT 12
      C: 0123456789
      S: 552 5.3.4 …
      C: BDAT 3
      C: a
      S: 552 5.3.4 …
      C: BDAT 3 LAST
      C: a
      S: 552 5.3.4 …
      S: 552 5.3.4 …
      C: MAIL FROM:<sender@example.org>
      S: 250 2.1.0 …
      C: RCPT TO:<alice@havre.test>
      S: 250 2.1.5 …
      C: RCPT TO:<bob@havre.test>
      S: 250 2.1.5 …
      C: DATA
      S: 354 …
      C: 0123456789
      C: .
      S: 552 5.3.4 …
      S: 552 5.3.4 …
      C: NOOP
      S: 250 2.0.0 OK
    `,
    { settings: { mail: { maxSizeOctets: 10 } }, source: 'RFC 2033 §4.2, §4.3' },
  )
  to(
    ['alice@havre.test', 'bob@havre.test'],
    'that the store cannot take is refused for each',
    'C: DATA\nS: 354 …\nC: text\nC: .\nS: 452 4.3.1 …\nS: 452 4.3.1 …\nC: NOOP\nS: 250 2.0.0 OK',
    { faults: { commit: new StoreError('full', 'a test said so') }, errors: true, source: 'RFC 2033 §4.2' },
  )
  to(
    ['alice@havre.test', 'bob@havre.test'],
    'goes into the mailboxes that have room, and each recipient is told of its own',
    'C: DATA\nS: 354 …\nC: text\nC: .\nS: 452 4.2.2 …\nS: 250 2.0.0 …\nC: NOOP\nS: 250 2.0.0 OK',
    {
      store: full('alice'),
      source: 'RFC 2033 §4.2',
      after: ({ journal }, store) => {
        expect(store.of('bob')).to.have.length(1)
        expect(store.of('alice')).to.have.length(0)
        expect(journal.of('mailbox.full')[0]?.fields).to.deep.include({ accounts: ['alice'] })
        expect(journal.of('message.accepted')).to.have.length(1)
      },
    },
  )
  to(
    ['alice@havre.test', 'bob@havre.test'],
    'for full mailboxes only is refused',
    'C: BDAT 6 LAST\nC: text\nS: 452 4.2.2 …\nS: 452 4.2.2 …\nC: NOOP\nS: 250 2.0.0 OK',
    {
      store: full('alice', 'bob'),
      after: ({ journal }, { kept }) => {
        expect(kept).to.have.length(0)
        expect(journal.of('message.refused')).to.have.length(1)
      },
    },
  )
  to(
    [],
    'without recipients is refused once',
    `
      C: RCPT TO:<nobody@havre.test>
      S: 550 5.1.1 …
      C: DATA
      S: 503 5.5.1 No recipient was taken
      C: BDAT 6 LAST
      C: text
      S: 503 5.5.1 No recipient was taken
      C: NOOP
      S: 250 2.0.0 OK
    `,
    { source: 'RFC 2033 §4.2' },
  )
})
