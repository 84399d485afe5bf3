import { expect } from 'chai'
import { seeded } from '../kit/seeded.ts'
import { FakeStore } from './fake-store.ts'
import { afterEhlo, afterRcpt, inData, serveSmtp } from './setup.ts'

/** As a client sends it: dots stuffed, with the end. The message ends with CRLF. */
const stuffed = (message: Buffer): Buffer =>
  Buffer.from(`\r\n${message.toString('latin1')}`.replaceAll('\r\n.', '\r\n..').slice(2).concat('.\r\n'), 'latin1')

describe('SMTP: what lies in the store', () => {
  it('is the trace lines and then the octets as they came, whatever they are', async () => {
    const random = seeded()
    const lines = [
      Buffer.from('Subject: ü \xff', 'latin1'),
      Buffer.from('.'),
      Buffer.from('..'),
      Buffer.from('...x'),
      Buffer.alloc(0),
      Buffer.alloc(10_000, 'y'),
      Buffer.alloc(70_000, '.'),
      Buffer.from([0, 1, 2, 0x7f, 0x80, 0xff]),
      Buffer.from('Return-Path: <other@example.org>'),
      Buffer.from(' trailing blanks  \t'),
    ]
    const store = new FakeStore()
    await using running = await serveSmtp({ store })
    const sent: Buffer[] = []
    for (let round = 0; round < 60; round++) {
      const message = Buffer.concat(
        Array.from({ length: random.between(0, 40) }, () => Buffer.concat([random.pick(lines), Buffer.from('\r\n')])),
      )
      const wire = stuffed(message)
      sent.push(message)
      using client = await inData(running)
      for (let at = 0; at < wire.length; ) {
        const end = at + (random.chance(0.3) ? random.between(1, 5) : random.between(1, 100_000))
        await client.send(wire.subarray(at, end))
        at = end
      }
      expect(await client.line()).to.match(/^250 2\.0\.0 /)
    }
    expect(store.kept).to.have.length(sent.length)
    for (const [index, { body }] of store.kept.entries())
      expect(body.equals(sent[index] ?? Buffer.alloc(0)), `${index}`).to.equal(true)
  })

  afterRcpt(
    'has a Return-Path first and says how it came and for whom',
    `
      C: DATA
      S: 354 …
      C: Return-Path: <kept@example.org>
      C:
      C: ..
      C: .
      S: 250 2.0.0 Message taken, id …
    `,
    {
      after: (_running, { kept }) => {
        const [message] = kept
        expect(message?.trace).to.match(
          /^Return-Path: <sender@example\.org>\r\nReceived: from client\.test \(\[127\.0\.0\.1\]\) by localhost with ESMTP id [a-z0-9]+-[a-z0-9]+-1 for <alice@havre\.test>; \w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d \+0000\r\n$/,
        )
        expect(message?.body.toString()).to.equal('Return-Path: <kept@example.org>\r\n\r\n.\r\n')
        expect(message?.envelope).to.deep.equal({
          sender: 'sender@example.org',
          recipients: [{ address: 'alice@havre.test', account: 'alice' }],
        })
      },
    },
  )

  afterEhlo(
    'is for nobody by name where there are several recipients, and says that the sender logged in',
    `
      C: MAIL FROM:<> SMTPUTF8
      S: 250 2.1.0 …
      C: RCPT TO:<alice@havre.test>
      S: 250 2.1.5 …
      C: RCPT TO:<bob@havre.test>
      S: 250 2.1.5 …
      C: DATA
      S: 354 …
      C: .
      S: 250 2.0.0 …
    `,
    {
      as: 'alice',
      after: ({ journal }, { kept }) => {
        expect(kept[0]?.trace).to.match(/^Return-Path: <>\r\n.* with UTF8SMTPA id [a-z0-9-]+; /)
        expect(kept[0]?.body.length).to.equal(0)
        expect(journal.of('message.accepted')[0]?.fields).to.include({ account: 'alice', sender: '', octets: 0, recipientCount: 2 })
      },
    },
  )

  afterRcpt(
    'are all messages of a session, each with an id of its own, and each has its record',
    `
      C: DATA
      S: 354 …
      C: one
      C: .
      S: 250 2.0.0 …
      C: RCPT TO:<bob@havre.test>
      S: 503 5.5.1 …
      C: MAIL FROM:<second@example.org>
      S: 250 2.1.0 …
      C: RCPT TO:<bob@havre.test>
      S: 250 2.1.5 …
      C: DATA
      S: 354 …
      C: two
      C: .
      S: 250 2.0.0 …
    `,
    {
      after: ({ journal }, store) => {
        expect(store.of('alice').map(({ body }) => body.toString())).to.deep.equal(['one\r\n'])
        expect(store.of('bob').map(({ body }) => body.toString())).to.deep.equal(['two\r\n'])
        const records = journal.of('message.accepted').map(({ fields }) => fields)
        expect(records.map(({ sender, octets }) => ({ sender, octets }))).to.deep.equal([
          { sender: 'sender@example.org', octets: 5 },
          { sender: 'second@example.org', octets: 5 },
        ])
        expect(new Set(records.map(({ transaction }) => transaction)).size).to.equal(2)
        for (const { transaction, reply } of records) expect(reply).to.equal(`250 2.0.0 Message taken, id ${transaction}`)
      },
    },
  )
})
