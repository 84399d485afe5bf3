import { expect } from 'chai'
import { commands } from '../../servers/smtp/commands.ts'
import { protocol } from '../../servers/smtp/options.ts'
import { afterEhlo, type SmtpDialogue, smtpDialogue } from './setup.ts'

const greeted = (name: string, source: string, lines: string) => afterEhlo(name, lines, { source })
const fresh = (name: string, source: string, lines: string) => smtpDialogue(name, lines, { source })

describe('SMTP: the table of commands', () => {
  it('names only standards that the protocol says it follows', () => {
    const followed = new Set(protocol.standards)
    for (const { name, source, offered } of commands) {
      const standard = source.split(' §')[0] ?? ''
      if (offered) expect(followed.has(standard), `${name}: ${source}`).to.equal(true)
    }
  })

  it('has each name once, in upper case', () => {
    const names = commands.map(({ name }) => name)
    expect(new Set(names).size).to.equal(names.length)
    for (const name of names) expect(name).to.equal(name.toUpperCase())
  })
})

describe('SMTP: HELO and EHLO', () => {
  fresh(
    'EHLO tells what is offered',
    'RFC 5321 §4.1.1.1',
    `
      S: 220 localhost ESMTP …
      C: EHLO client.test
      S: 250-localhost greets [127.0.0.1]
      S: 250-PIPELINING
      S: 250-SIZE 50000000
      S: 250-8BITMIME
      S: 250-SMTPUTF8
      S: 250-ENHANCEDSTATUSCODES
      S: 250-CHUNKING
      S: 250-DSN
      S: 250-AUTH PLAIN LOGIN SCRAM-SHA-256
      S: 250 HELP
      C: QUIT
      S: 221 2.0.0 …
      S closes
    `,
  )
  fresh('HELO gets one line', 'RFC 5321 §4.1.1.1', 'C: HELO client.test\nS: 250 localhost greets [127.0.0.1]')
  fresh(
    'names are in any case, blanks at the end do not count',
    'RFC 5321 §2.4',
    'C: helo x  \nS: 250 localhost …\nC: nOoP\nS: 250 2.0.0 …',
  )
  fresh('EHLO without a name gets no enhanced code', 'RFC 2034 §3', 'C: EHLO\nS: 501 The syntax …\nC: HELO\nS: 501 The syntax …')
  fresh('a name of two words is none', 'RFC 5321 §4.1.1.1', 'C: EHLO a b\nS: 501 The syntax …')
  fresh(
    'any word is a name, also one beyond ASCII',
    'RFC 5321 §4.1.4',
    'C: EHLO büro_pc!\nS* 250-…\nS: 250 HELP\nC: HELO [127.0.0.1]\nS: 250 …',
  )
  greeted(
    'EHLO forgets the message that was begun',
    'RFC 5321 §4.1.4',
    `
      C: MAIL FROM:<a@example.org>
      S: 250 2.1.0 …
      C: RCPT TO:<alice@havre.test>
      S: 250 2.1.5 …
      C: EHLO again
      S* 250-…
      S: 250 HELP
      C: RCPT TO:<alice@havre.test>
      S: 503 5.5.1 MAIL comes first
    `,
  )
})

describe('SMTP: the order of commands', () => {
  fresh(
    'nothing of a message comes before HELO or EHLO',
    'RFC 5321 §4.1.4',
    `
      C: MAIL FROM:<a@example.org>
      S: 503 5.5.1 …
      C: RCPT TO:<alice@havre.test>
      S: 503 5.5.1 …
      C: DATA
      S: 503 5.5.1 …
      C: AUTH PLAIN
      S: 503 5.5.1 …
    `,
  )
  fresh(
    'what begins nothing may come at any time',
    'RFC 5321 §4.1.4',
    `
      C: NOOP
      S: 250 2.0.0 …
      C: NOOP with words
      S: 250 2.0.0 …
      C: RSET
      S: 250 2.0.0 …
      C: VRFY alice
      S: 252 2.0.0 …
      C: EXPN list
      S: 502 5.5.1 …
      C: HELP
      S: 214-2.0.0 The commands are HELO EHLO STARTTLS AUTH MAIL RCPT DATA BDAT RSET VRFY HELP NOOP QUIT
      S: 214 2.0.0 …
      C: QUIT
      S: 221 2.0.0 …
      S closes
    `,
  )
  greeted('RCPT and DATA need MAIL', 'RFC 5321 §4.1.4', 'C: RCPT TO:<alice@havre.test>\nS: 503 5.5.1 …\nC: DATA\nS: 503 5.5.1 …')
  greeted(
    'a second MAIL is refused and the first stays',
    'RFC 5321 §4.1.4',
    `
      C: MAIL FROM:<a@example.org>
      S: 250 2.1.0 …
      C: MAIL FROM:<b@example.org>
      S: 503 5.5.1 …
      C: RCPT TO:<alice@havre.test>
      S: 250 2.1.5 …
      C: MAIL FROM:<b@example.org>
      S: 503 5.5.1 …
      C: AUTH PLAIN
      S: 503 5.5.1 …
    `,
  )
  greeted(
    'DATA without a recipient that was taken is refused',
    'RFC 5321 §3.3',
    `
      C: MAIL FROM:<a@example.org>
      S: 250 2.1.0 …
      C: RCPT TO:<nobody@havre.test>
      S: 550 5.1.1 …
      C: DATA
      S: 554 5.5.1 …
      C: RCPT TO:<alice@havre.test>
      S: 250 2.1.5 …
    `,
  )
  greeted(
    'RSET forgets the message and nothing else',
    'RFC 5321 §4.1.1.5',
    `
      C: MAIL FROM:<a@example.org>
      S: 250 2.1.0 …
      C: RSET
      S: 250 2.0.0 …
      C: MAIL FROM:<b@example.org>
      S: 250 2.1.0 …
    `,
  )
})

describe('SMTP: arguments', () => {
  fresh(
    'commands that take none refuse them, those that need one ask for it',
    'RFC 5321 §4.1.1',
    `
      C: RSET now
      S: 501 5.5.4 The syntax is: RSET
      C: QUIT now
      S: 501 5.5.4 The syntax is: QUIT
      C: VRFY
      S: 501 5.5.4 The syntax is: VRFY address
      C: HELP MAIL
      S: 214 2.0.0 MAIL FROM:<address> …
      C: help quit
      S: 214 2.0.0 QUIT
      C: HELP EXPN
      S: 504 5.5.4 …
      C: HELP me
      S: 504 5.5.4 …
    `,
  )
  greeted(
    'DATA takes none',
    'RFC 5321 §4.1.1.4',
    'C: MAIL FROM:<a@example.org>\nS: 250 2.1.0 …\nC: RCPT TO:<alice@havre.test>\nS: 250 2.1.5 …\nC: DATA now\nS: 501 5.5.4 …',
  )
  greeted(
    'malformed senders are told so, and how it is written',
    'RFC 5321 §4.1.2',
    `
      C: MAIL
      S: 501 5.1.7 …
      C: MAIL FROM
      S: 501 5.1.7 …
      C: MAIL FROM:
      S: 501 5.1.7 …
      C: MAIL FROM:a@example.org
      S: 501 5.1.7 …
      C: MAIL FROM:<a@example.org
      S: 501 5.1.7 …
      C: MAIL FROM:<a>
      S: 501 5.1.7 …
      C: MAIL FROM:<a b@example.org>
      S: 501 5.1.7 …
      C: MAIL TO:<a@example.org>
      S: 501 5.1.7 …
      C: MAIL FROM:<a@example.org>SIZE=1
      S: 501 5.1.7 …
      C: MAIL FROM:<a@exa\\xffmple.org>
      S: 501 5.1.7 …
      C: mail from: <a@example.org>
      S: 250 2.1.0 …
    `,
  )
  greeted(
    'malformed recipients are told so',
    'RFC 5321 §4.1.2',
    `
      C: MAIL FROM:<>
      S: 250 2.1.0 …
      C: RCPT TO:<>
      S: 501 5.1.3 …
      C: RCPT TO:<alice>
      S: 501 5.1.3 …
      C: RCPT TO:alice@havre.test
      S: 501 5.1.3 …
      C: RCPT FROM:<alice@havre.test>
      S: 501 5.1.3 …
      C: RCPT TO:<alice@@havre.test>
      S: 501 5.1.3 …
      C: RCPT TO: <alice@havre.test>
      S: 250 2.1.5 …
    `,
  )
  greeted(
    'parameters that are not known are refused, known ones are read',
    'RFC 5321 §4.1.1.11',
    `
      C: MAIL FROM:<a@example.org> MT-PRIORITY=1
      S: 555 5.5.4 …
      C: MAIL FROM:<a@example.org> =
      S: 555 5.5.4 …
      C: MAIL FROM:<a@example.org> SIZE
      S: 501 5.5.4 The syntax of the parameter is SIZE=octets, once
      C: MAIL FROM:<a@example.org> SIZE=x
      S: 501 5.5.4 …
      C: MAIL FROM:<a@example.org> SIZE=1 SIZE=1
      S: 501 5.5.4 …
      C: MAIL FROM:<a@example.org> SIZE=123456789012345678901
      S: 501 5.5.4 …
      C: MAIL FROM:<a@example.org> BODY=BINARYMIME
      S: 501 5.5.4 …
      C: MAIL FROM:<a@example.org> SMTPUTF8=yes
      S: 501 5.5.4 …
      C: MAIL FROM:<a@example.org> size=0 Body=8bitmime smtputf8 AUTH=<>
      S: 250 2.1.0 …
      C: RCPT TO:<alice@havre.test> RRVS=now
      S: 555 5.5.4 …
    `,
  )
  fresh(
    'unknown commands and lines that are none',
    'RFC 5321 §4.2.4',
    `
      C: FOO bar
      S: 500 5.5.2 …
      C:
      S: 500 5.5.2 …
      C:  NOOP
      S: 500 5.5.2 …
      C: NOOP\\x00
      S: 500 5.5.2 …
      C: NOOP a\\rMAIL
      S: 500 5.5.2 …
      C: STARTTLS
      S: 502 5.5.1 …
    `,
  )
})

describe('SMTP: recipients', () => {
  const mail = (name: string, lines: string, more: SmtpDialogue = {}) =>
    afterEhlo(name, `C: MAIL FROM:<a@example.org>\nS: 250 2.1.0 …\n${lines}`, more)

  mail(
    'local ones are taken, with tags, in any case, postmaster also without a domain',
    `
      C: RCPT TO:<alice@havre.test>
      S: 250 2.1.5 …
      C: RCPT TO:<Alice+shop@HAVRE.test>
      S: 250 2.1.5 …
      C: RCPT TO:<@relay.example,@b.example:bob@localhost>
      S: 250 2.1.5 …
      C: RCPT TO:<postmaster>
      S: 250 2.1.5 …
      C: RCPT TO:<POSTMASTER@havre.test>
      S: 250 2.1.5 …
    `,
    {
      after: ({ desk }) => {
        expect(desk.recipients).to.include('bob@localhost').and.include('Alice+shop@HAVRE.test')
      },
    },
  )
  mail(
    'unknown mailboxes and other domains are refused, and the others stay',
    `
      C: RCPT TO:<alice@havre.test>
      S: 250 2.1.5 …
      C: RCPT TO:<nobody@havre.test>
      S: 550 5.1.1 …
      C: RCPT TO:<alice@example.org>
      S: 550 5.7.1 This server takes mail for its own domains only; it passes no mail on to others
      C: DATA
      S: 354 …
      C: .
      S: 250 2.0.0 …
    `,
    {
      after: ({ journal }, store) => {
        expect(store.of('alice')).to.have.length(1)
        expect(journal.of('recipient.refused').map(({ fields }) => fields['recipient'])).to.deep.equal([
          'nobody@havre.test',
          'alice@example.org',
        ])
      },
    },
  )
  smtpDialogue(
    'relaying is refused after a login too, and the reply says so',
    `
      C: MAIL FROM:<a@example.org>
      S: 250 2.1.0 …
      C: RCPT TO:<alice@example.org>
      S: 550 5.7.1 …, not even after a login
    `,
    { as: 'alice' },
  )
  mail(
    'an account that catches all gets what nobody else gets, from any domain',
    `
      C: RCPT TO:<nobody@havre.test>
      S: 250 2.1.5 …
      C: RCPT TO:<someone@example.org>
      S: 250 2.1.5 …
      C: DATA
      S: 354 …
      C: Subject: caught
      C: .
      S: 250 2.0.0 …
    `,
    {
      settings: { mail: { catchAll: 'bob' } },
      after: (_running, { kept }) => {
        expect(kept.map(({ body }) => body.toString())).to.deep.equal(['Subject: caught\r\n'])
        expect(kept[0]?.envelope.recipients.map(({ account }) => account)).to.deep.equal(['bob', 'bob'])
      },
    },
  )
  mail(
    'an account gets one copy however often it is named',
    `
      C: RCPT TO:<alice@havre.test>
      S: 250 2.1.5 …
      C: RCPT TO:<alice@localhost>
      S: 250 2.1.5 …
      C: RCPT TO:<alice@havre.test>
      S: 250 2.1.5 …
      C: RCPT TO:<bob@havre.test>
      S: 250 2.1.5 …
      C: DATA
      S: 354 …
      C: x
      C: .
      S: 250 2.0.0 …
    `,
    {
      after: ({ journal }, { kept }) => {
        expect(kept).to.have.length(1)
        const [record] = journal.of('message.accepted')
        expect(record?.fields['messages']).to.have.length(2)
        expect(record?.fields['recipientCount']).to.equal(4)
      },
    },
  )
  mail(
    'addresses beyond ASCII need SMTPUTF8',
    `
      C: RCPT TO:<jürgen@havre.test>
      S: 553 5.6.7 …
      C: RSET
      S: 250 2.0.0 …
      C: MAIL FROM:<jürgen@example.org>
      S: 553 5.6.7 …
      C: MAIL FROM:<jürgen@example.org> SMTPUTF8
      S: 250 2.1.0 …
      C: RCPT TO:<jürgen@havre.test>
      S: 550 5.1.1 …
    `,
    { source: 'RFC 6531 §3.5' },
  )
})
