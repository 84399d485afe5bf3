import { once } from 'node:events'
import { expect } from 'chai'
import { StoreError, type StoreErrorCode, storeErrors } from '../../shared/mail/mail-store.ts'
import { Client } from '../kit/client.ts'
import { fakeDesk } from '../kit/fake-desk.ts'
import { seeded } from '../kit/seeded.ts'
import type { Running } from '../kit/serving.ts'
import { FakeStore } from './fake-store.ts'
import { afterEhlo, afterRcpt, serveSmtp } from './setup.ts'

/** A client that has come as far as 354. */
const inData = async (running: Running, mail = 'MAIL FROM:<sender@example.org>'): Promise<Client> => {
  const client = await Client.connect(running.port)
  await client.reply()
  await client.ask('HELO client.test')
  await client.ask(mail)
  await client.ask('RCPT TO:<alice@havre.test>')
  expect(await client.ask('DATA')).to.match(/^354 /)
  return client
}

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

describe('SMTP: smuggling', () => {
  const second = 'MAIL FROM:<evil@example.org>\r\nRCPT TO:<bob@havre.test>\r\nDATA\r\nSubject: smuggled\r\n'
  for (const sequence of [
    '\n.\n',
    '\r\n.\n',
    '\n.\r\n',
    '\r.\r',
    '\r.\r\n',
    '\r\n.\r',
    '\n.\r',
    '\r.\n',
    '\n\n.\r\n',
    '\r\n\x00.\r\n',
    '\r\n.\x00\r\n',
    '\r\n.\r\r\n',
    '\r\r\n.\r\r\n',
    '\n\r.\n\r',
    '\r\n. \r\n',
    '\r\n\u2028.\r\n',
    '\r\n\x85.\r\n',
  ]) {
    const strict = !/(?<!\r)\n|\r(?!\n)/.test(sequence)
    for (const mode of ['reject', 'normalize'] as const) {
      it(`${JSON.stringify(sequence)} ends no message (${mode})`, async () => {
        const store = new FakeStore()
        await using running = await serveSmtp({ store, settings: { mail: { bareNewlines: mode } } })
        using client = await inData(running)
        await client.send(Buffer.from(`Subject: first\r\n\r\nhello${sequence}${second}\r\n.\r\nNOOP\r\n`, 'latin1'))
        // One reply to one message, then the one to NOOP: in sync, whatever was in between.
        expect(await client.line()).to.match(mode === 'normalize' || strict ? /^250 2\.0\.0 Message/ : /^554 5\.6\.0 Line \d+ has /)
        expect(await client.line()).to.equal('250 2.0.0 OK')
        expect(store.of('bob')).to.have.length(0)
        expect(store.kept).to.have.length(mode === 'normalize' || strict ? 1 : 0)
        for (const { body } of store.kept) expect(/(?<!\r)\n|\r(?!\n)/.test(body.toString('latin1'))).to.equal(false)
        expect(store.unended).to.equal(0)
      })
    }
  }

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

describe('SMTP: the size of a message (RFC 1870)', () => {
  const limit = { settings: { mail: { maxSizeOctets: 1_000 } } }
  const line = 'x'.repeat(98)
  const body = (lines: number) => Array.from({ length: lines }, () => `C: ${line}`).join('\n')

  afterRcpt(`at the limit is taken`, `C: DATA\nS: 354 …\n${body(10)}\nC: .\nS: 250 2.0.0 …`, limit)
  afterRcpt(
    'past the limit is refused at its end, and the session goes on',
    `C: DATA\nS: 354 …\n${body(10)}\nC: \\c\nC:\nC: .\nS: 552 5.3.4 A message has at most 1000 octets\nC: NOOP\nS: 250 2.0.0 …`,
    { ...limit, after: (_running, { kept }) => void expect(kept).to.have.length(0) },
  )
  afterRcpt('stuffed dots do not count', `C: DATA\nS: 354 …\n${body(9)}\nC: .${line.slice(1)}.\nC: .\nS: 250 2.0.0 …`, limit)
  afterEhlo(
    'that MAIL tells is judged at once',
    `
      C: MAIL FROM:<a@example.org> SIZE=1001
      S: 552 5.3.4 …
      C: MAIL FROM:<a@example.org> SIZE=99999999999999999999
      S: 552 5.3.4 …
      C: MAIL FROM:<a@example.org> SIZE=1000
      S: 250 2.1.0 …
    `,
    { ...limit, after: ({ journal }) => void expect(journal.of('sender.refused')).to.have.length(2) },
  )
})

describe('SMTP: a store that fails', () => {
  const replies: Record<StoreErrorCode, RegExp> = {
    full: /^452 4\.3\.1 /,
    locked: /^451 4\.3\.0 /,
    damaged: /^451 4\.3\.0 /,
    closed: /^451 4\.3\.0 /,
    missing: /^451 4\.3\.0 /,
  }
  const failures: readonly [string, Error, RegExp][] = [
    ...(Object.keys(storeErrors) as StoreErrorCode[]).map((code): [string, Error, RegExp] => [
      code,
      new StoreError(code, 'a test said so'),
      replies[code],
    ]),
    ['unforeseen', new TypeError('a secret path /etc/x'), /^451 4\.3\.0 [^/]*$/],
  ]
  for (const [code, error, reply] of failures) {
    for (const faults of [
      { write: { nth: 0, error } },
      { write: { nth: 1, error } },
      { write: { nth: 3, error } },
      { commit: error },
    ]) {
      it(`${code} at ${JSON.stringify(faults)}: the client may try again, nothing is kept`, async () => {
        const store = new FakeStore(faults)
        await using running = await serveSmtp({ store })
        using client = await inData(running)
        await client.send(Buffer.alloc(300_000, 'x\r\n'))
        await client.send('\r\n.\r\n')
        expect(await client.line()).to.match(reply)
        expect(await client.ask('NOOP')).to.match(/^250 /)
        expect(store.kept).to.have.length(0)
        expect(store.unended).to.equal(0)
        expect(running.journal.of('message.refused')).to.have.length(1)
        const faulty = running.journal.records.filter(({ level }) => level === 'error')
        expect(faulty).to.have.length(['damaged', 'missing', 'unforeseen'].includes(code) ? 1 : 0)
      })
    }

    it(`${code} at the start: DATA is refused, the recipients stay`, async () => {
      const store = new FakeStore({ deliver: error })
      await using running = await serveSmtp({ store })
      using client = await Client.connect(running.port)
      await client.reply()
      await client.ask('HELO client.test')
      await client.ask('MAIL FROM:<a@example.org>')
      await client.ask('RCPT TO:<alice@havre.test>')
      expect(await client.ask('DATA')).to.match(reply)
      delete store.faults.deliver
      expect(await client.ask('DATA')).to.match(/^354 /)
    })
  }

  it('says no 250 before the commit is done', async () => {
    const gate = Promise.withResolvers<void>()
    const store = new FakeStore({ beforeCommit: () => gate.promise })
    await using running = await serveSmtp({ store })
    using client = await inData(running)
    await client.send('x\r\n.\r\nNOOP\r\n')
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(client.unread).to.equal(0)
    gate.resolve()
    expect(await client.line()).to.match(/^250 2\.0\.0 Message/)
    expect(await client.line()).to.equal('250 2.0.0 OK')
  })

  it('is not outrun: a slow store holds the client back', async () => {
    const gate = Promise.withResolvers<void>()
    const store = new FakeStore({ duringWrite: () => gate.promise })
    await using running = await serveSmtp({ store })
    using client = await inData(running)
    const whole = Buffer.alloc(30_000_000, 'x'.repeat(98).concat('\r\n'))
    const sent = client.send(whole)
    await new Promise((resolve) => setTimeout(resolve, 100))
    // One write waits; the rest lies with the system and in the client.
    expect(store.counts.writes).to.equal(1)
    expect(client.socket.writableLength).to.be.greaterThan(0)
    gate.resolve()
    await sent
    await client.send('.\r\n')
    expect(await client.line()).to.match(/^250 /)
    expect(store.kept[0]?.body.length).to.equal(whole.length)
    expect(store.counts.largestWrite).to.be.lessThanOrEqual(65_536)
  })
})

describe('SMTP: clients that vanish', () => {
  it('in the middle of a message leave nothing behind', async () => {
    const store = new FakeStore()
    await using running = await serveSmtp({ store })
    for (const leave of ['reset', 'end', 'dispose'] as const) {
      const client = await inData(running)
      await client.send('Subject: half\r\n\r\nand then')
      if (leave === 'reset') client.reset()
      else if (leave === 'dispose') client[Symbol.dispose]()
      else {
        client.end()
        expect(await client.line()).to.match(/^421 4\.4\.2 The message did not come to its end/)
        await client.closed()
      }
    }
    await running.close('replace')
    expect(store.counts).to.include({ begun: 3, aborted: 3, committed: 0 })
    expect(running.journal.of('message.unfinished')).to.have.length(3)
    expect(running.journal.of('session.ended')).to.have.length(3)
  })

  it('while the store still writes leave nothing behind', async () => {
    const gate = Promise.withResolvers<void>()
    const store = new FakeStore({ duringWrite: () => gate.promise })
    await using running = await serveSmtp({ store })
    const client = await inData(running)
    await client.send('x\r\n')
    while (store.counts.writes === 0) await new Promise(setImmediate)
    client.reset()
    await once(client.socket, 'close')
    gate.resolve()
    await running.close('replace')
    expect(store.counts).to.include({ begun: 1, aborted: 1, committed: 0 })
  })

  it('while the store commits: the message is kept and its record says so', async () => {
    const gate = Promise.withResolvers<void>()
    const store = new FakeStore({ beforeCommit: () => gate.promise })
    await using running = await serveSmtp({ store })
    const client = await inData(running)
    await client.send('x\r\n.\r\n')
    while (store.counts.writes < 2) await new Promise(setImmediate)
    client.reset()
    await once(client.socket, 'close')
    gate.resolve()
    await running.close('replace')
    expect(store.kept).to.have.length(1)
    expect(running.journal.records.map(({ event }) => event).filter((event) => /^(?:message|session)\./.test(event))).to.deep.equal(
      ['message.accepted', 'session.ended'],
    )
  })

  it('while the desk looks for a recipient: nothing happens', async () => {
    const desk = fakeDesk()
    const gate = Promise.withResolvers<void>()
    const slow = { ...desk, recipient: (address: string) => gate.promise.then(() => desk.recipient(address)) }
    await using running = await serveSmtp({ desk: slow })
    const client = await Client.connect(running.port)
    await client.reply()
    await client.ask('HELO client.test')
    await client.ask('MAIL FROM:<a@example.org>')
    await client.command('RCPT TO:<alice@havre.test>')
    client.reset()
    await once(client.socket, 'close')
    gate.resolve()
    await running.close('replace')
    expect(running.journal.records.filter(({ level }) => level === 'error')).to.have.length(0)
  })
})

describe('SMTP: a desk that does not answer', () => {
  it('RCPT is to be tried again, the message stays begun', async () => {
    await using running = await serveSmtp()
    using client = await Client.connect(running.port)
    await client.reply()
    await client.ask('HELO client.test')
    await client.ask('MAIL FROM:<a@example.org>')
    running.desk.fail(true)
    expect(await client.ask('RCPT TO:<alice@havre.test>')).to.match(/^451 4\.3\.0 /)
    running.desk.fail(false)
    expect(await client.ask('RCPT TO:<alice@havre.test>')).to.match(/^250 2\.1\.5 /)
    expect(running.journal.of('desk.silent')).to.have.length(1)
  })
})
