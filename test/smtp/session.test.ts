import { expect } from 'chai'
import { Client } from '../kit/client.ts'
import { type FakeDesk, fakeDesk } from '../kit/fake-desk.ts'
import type { Running } from '../kit/serving.ts'
import { undisturbed } from '../kit/undisturbed.ts'
import { FakeStore } from './fake-store.ts'
import { inData, introduced, serveSmtp, smtpDialogue } from './setup.ts'

const ended = (running: Running) => running.journal.of('smtp.session.ended').map(({ fields }) => fields['reason'])

/** A desk that looks for a recipient until this is kept. */
const slowDesk = (until: Promise<void>): FakeDesk => {
  const desk = fakeDesk()
  return {
    ...desk,
    recipient: async (address) => {
      const answer = await desk.recipient(address)
      await until
      return answer
    },
  }
}

describe('SMTP: the end of a session', () => {
  it('idle clients are told so, between commands and in the middle of a message', () =>
    undisturbed(300, async () => {
      const store = new FakeStore()
      await using running = await serveSmtp({ store, limits: { idleMs: 1_000 } })
      using silent = await Client.connect(running.port)
      expect(await silent.line()).to.match(/^220 /)
      expect(await silent.line()).to.match(/^421 4\.4\.2 /)
      await silent.closed()
      using stalled = await inData(running)
      await stalled.send('half a line')
      expect(await stalled.line()).to.match(/^421 4\.4\.2 /)
      await stalled.closed()
      await running.close('replace')
      expect(store.counts).to.include({ begun: 1, aborted: 1 })
      expect(ended(running)).to.deep.equal(['idle', 'idle'])
    }))

  it('a stop says 421 to those that wait, and lets a message and its reply come to their end', async () => {
    const gate = Promise.withResolvers<void>()
    const store = new FakeStore({ beforeCommit: () => gate.promise })
    await using running = await serveSmtp({ store })
    using waiting = await introduced(running)
    using sending = await inData(running)
    await sending.send('Subject: x\r\n')
    while (store.counts.writes === 0) await new Promise(setImmediate)
    const closing = running.close('stop')
    expect(await waiting.line()).to.match(/^421 4\.3\.2 /)
    await waiting.closed()
    await sending.send('.\r\n')
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(sending.unread).to.equal(0)
    gate.resolve()
    expect(await sending.line()).to.match(/^250 2\.0\.0 /)
    expect(await sending.line()).to.match(/^421 4\.3\.2 /)
    await sending.closed()
    await closing
    expect(store.kept).to.have.length(1)
    expect(store.closed).to.equal(true)
  })

  it('a message that the store is committing is not given up at the deadline', () =>
    undisturbed(300, async () => {
      const gate = Promise.withResolvers<void>()
      const store = new FakeStore({ beforeCommit: () => gate.promise })
      await using running = await serveSmtp({ store, limits: { idleMs: 1_000 } })
      using client = await inData(running)
      await client.send('x\r\n.\r\n')
      // Idle by the clock, while the store works.
      await new Promise((resolve) => setTimeout(resolve, 2_000))
      expect(client.unread).to.equal(0)
      gate.resolve()
      expect(await client.line()).to.match(/^250 2\.0\.0 /)
      expect(await client.line()).to.match(/^421 4\.4\.2 /)
      expect(store.kept).to.have.length(1)
    }))

  it('nor is one that is kept while its report is written: the client hears that it is', () =>
    undisturbed(300, async () => {
      const gate = Promise.withResolvers<void>()
      const store: FakeStore = new FakeStore({
        beforeCommit: () => (store.counts.committed === 0 ? Promise.resolve() : gate.promise),
      })
      await using running = await serveSmtp({ store, limits: { idleMs: 1_000 } })
      using client = await introduced(running)
      await client.ask('MAIL FROM:<bob@havre.test>')
      await client.ask('RCPT TO:<alice@havre.test> NOTIFY=SUCCESS')
      await client.ask('DATA')
      await client.send('x\r\n.\r\n')
      while (store.counts.begun < 2) await new Promise(setImmediate)
      // Idle by the clock.
      await new Promise((resolve) => setTimeout(resolve, 2_000))
      expect(client.unread).to.equal(0)
      gate.resolve()
      expect(await client.line()).to.match(/^250 2\.0\.0 /)
      expect(await client.line()).to.match(/^421 4\.4\.2 /)
      expect(store.kept).to.have.length(2)
    }))

  it('a stop waits for the reply to a command', async () => {
    const gate = Promise.withResolvers<void>()
    await using running = await serveSmtp({ desk: slowDesk(gate.promise) })
    using client = await introduced(running)
    await client.ask('MAIL FROM:<a@example.org>')
    await client.command('RCPT TO:<alice@havre.test>')
    while (running.desk.recipients.length === 0) await new Promise(setImmediate)
    const closing = running.close('stop')
    await new Promise((resolve) => setTimeout(resolve, 500))
    expect(client.unread).to.equal(0)
    gate.resolve()
    expect(await client.line()).to.match(/^250 2\.1\.5 /)
    expect(await client.line()).to.match(/^421 4\.3\.2 /)
    await closing
  })

  it('after the goodbye no command is run, though it came before', () =>
    undisturbed(300, async () => {
      const gate = Promise.withResolvers<void>()
      await using running = await serveSmtp({ desk: slowDesk(gate.promise), limits: { idleMs: 1_000 } })
      using client = await introduced(running)
      await client.send('MAIL FROM:<a@example.org>\r\nRCPT TO:<alice@havre.test>\r\nRCPT TO:<bob@havre.test>\r\n')
      expect(await client.line()).to.match(/^250 2\.1\.0 /)
      expect(await client.line()).to.match(/^421 4\.4\.2 /)
      gate.resolve()
      await client.closed()
      await running.close('replace')
      expect(running.desk.recipients).to.deep.equal(['alice@havre.test'])
    }))

  it('a client that has shut its side gets all its replies', async () => {
    const store = new FakeStore()
    await using running = await serveSmtp({ store })
    using client = await Client.connect(running.port)
    expect(await client.line()).to.match(/^220 /)
    await client.send(
      'HELO x\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<alice@havre.test>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\nMAIL FROM:<b@example.org>\r\nRCPT TO:<bob@havre.test>\r\nNOOP',
    )
    client.end()
    const said = (await client.rest()).toString()
    expect(said.match(/^\d{3}/gm)?.join(' ')).to.equal('250 250 250 354 250 250 250')
    expect(store.kept).to.have.length(1)
    await running.close('replace')
    expect(ended(running)).to.deep.equal(['closed'])
  })

  it('what comes behind QUIT is not run', async () => {
    const store = new FakeStore()
    await using running = await serveSmtp({ store })
    using client = await introduced(running)
    await client.send('QUIT\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<alice@havre.test>\r\n')
    expect(await client.line()).to.equal('221 2.0.0 Goodbye')
    await client.closed()
    expect(running.desk.recipients).to.have.length(0)
    await running.close('replace')
    expect(running.journal.of('smtp.session.ended')[0]?.fields).to.include({
      client: 'client.test',
      commands: 2,
      messages: 0,
      badCommands: 0,
      reason: 'quit',
    })
  })

  it('what a client still sends behind QUIT does not cost it the goodbye', async () => {
    await using running = await serveSmtp()
    for (let round = 0; round < 20; round++) {
      using client = await Client.connect(running.port)
      await client.line()
      const sent = client.send(Buffer.concat([Buffer.from('QUIT\r\n'), Buffer.alloc(500_000, 'x')]))
      expect(await client.line()).to.equal('221 2.0.0 Goodbye')
      client.end()
      await client.closed()
      await sent
    }
  })

  for (const [name, line] of [
    ['GET', 'GET / HTTP/1.1'],
    ['POST', 'POST /x HTTP/1.1'],
    ['CONNECT', 'CONNECT a:25 HTTP/1.1'],
  ] as const) {
    smtpDialogue(`a browser that is made to send mail gets no further than ${name}`, `C: ${line}\nS: 421 4.7.0 …\nS closes`, {
      after: ({ journal }) =>
        void expect(journal.of('conversation.client')[0]?.fields['text']).to.equal(`${name} … (a request of HTTP)`),
    })
  }
})

describe('SMTP: connections that are turned away', () => {
  it('are told why', async () => {
    await using running = await serveSmtp({ limits: { connections: 2, connectionsPerAddress: 1 } })
    using one = await introduced(running)
    using fromOne = await Client.connect(running.port)
    expect(await fromOne.line()).to.match(/^421 4\.7\.0 Too many connections from your address/)
    await fromOne.closed()
    using other = await Client.connect(running.port, { from: '127.0.0.2' })
    expect(await other.line()).to.match(/^220 /)
    using third = await Client.connect(running.port, { from: '127.0.0.3' })
    expect(await third.line()).to.match(/^421 4\.3\.2 Too many connections/)
    await third.closed()
    expect(await one.ask('NOOP')).to.match(/^250 /)
    expect(running.server.refuse('stopping')).to.match(/^421 4\.3\.2 [^\r\n]*\r\n$/)
  })
})

describe('SMTP: two hundred clients at once', () => {
  it('are all served, and a slow one delays nobody', async () => {
    const store = new FakeStore()
    await using running = await serveSmtp({ store })
    using slow = await inData(running)
    await slow.send('Subject: slow\r\n')
    const clients = await Promise.all(Array.from({ length: 200 }, () => Client.connect(running.port)))
    await Promise.all(
      clients.map(async (client, index) => {
        using own = client
        await own.line()
        await own.send(
          `HELO c${index}\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<alice@havre.test>\r\nDATA\r\nSubject: ${index}\r\n.\r\nQUIT\r\n`,
        )
        expect(
          (await own.rest())
            .toString()
            .match(/^\d{3}/gm)
            ?.join(' '),
        ).to.equal('250 250 250 354 250 221')
      }),
    )
    expect(new Set(store.kept.map(({ body }) => body.toString())).size).to.equal(200)
    await slow.send('.\r\n')
    expect(await slow.line()).to.match(/^250 /)
  })
})
