import { expect } from 'chai'
import { StoreError, type StoreErrorCode, storeErrors } from '../../shared/mail/mail-store.ts'
import { openMailStore } from '../../shared/mail/sqlite-mail-store.ts'
import { temporaryFolder } from '../kit/folder.ts'
import { turns } from '../kit/turns.ts'
import { FakeStore } from './fake-store.ts'
import { inData, introduced, serveSmtp } from './setup.ts'

describe('SMTP: a store that fails', () => {
  const replies: Record<StoreErrorCode, RegExp> = {
    full: /^452 4\.3\.1 /,
    'over-quota': /^452 4\.2\.2 /,
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
        expect(faulty).to.have.length(['closed', 'over-quota'].includes(code) ? 0 : 1)
      })
    }

    it(`${code} at the start: DATA is refused, the recipients stay`, async () => {
      const store = new FakeStore({ deliver: error })
      await using running = await serveSmtp({ store })
      using client = await introduced(running)
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
    await turns(50)
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
    await turns(100)
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

describe('SMTP: the real store when it is full', () => {
  it('refuses for now what does not fit, keeps nothing of it, and takes what fits', async () => {
    await using folder = await temporaryFolder()
    const store = await openMailStore({ file: folder.at('mail.db'), maxOctets: 2_000_000 })
    await using running = await serveSmtp({ store })
    using client = await inData(running)
    await client.send(Buffer.alloc(5_000_000, 'x'.repeat(98).concat('\r\n')))
    await client.send('.\r\n')
    expect(await client.line()).to.match(/^452 4\.3\.1 /)
    expect(await store.list('alice')).to.have.length(0)
    await client.send('MAIL FROM:<a@example.org>\r\nRCPT TO:<alice@havre.test>\r\nDATA\r\n')
    for (let count = 0; count < 3; count++) await client.line()
    await client.send('Subject: small\r\n.\r\n')
    expect(await client.line()).to.match(/^250 /)
    expect(await store.list('alice')).to.have.length(1)
  })
})

describe('SMTP: a desk that does not answer', () => {
  it('RCPT is to be tried again, the message stays begun', async () => {
    await using running = await serveSmtp()
    using client = await introduced(running)
    await client.ask('MAIL FROM:<a@example.org>')
    running.desk.fail(true)
    expect(await client.ask('RCPT TO:<alice@havre.test>')).to.match(/^451 4\.3\.0 /)
    running.desk.fail(false)
    expect(await client.ask('RCPT TO:<alice@havre.test>')).to.match(/^250 2\.1\.5 /)
    expect(running.journal.of('smtp.desk.silent')).to.have.length(1)
  })
})
