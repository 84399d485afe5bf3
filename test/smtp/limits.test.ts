import { expect } from 'chai'
import { protocol } from '../../servers/smtp/options.ts'
import type { Desk } from '../../shared/accounts/desk.ts'
import { duration } from '../../shared/config/units.ts'
import { limits } from '../../shared/limits/limits.ts'
import type { Client } from '../kit/client.ts'
import { fakeDesk } from '../kit/fake-desk.ts'
import { FakeStore } from './fake-store.ts'
import { afterEhlo, afterRcpt, inData, introduced, serveSmtp } from './setup.ts'

const say = async (client: Client, words: string): Promise<string> => {
  await client.send(`${words}\r\n`)
  return (await client.reply()).join()
}

describe('SMTP: limits (RFC 5321 §4.5.3)', () => {
  it('cannot be set below what the standards ask for, nor have defaults below it', () => {
    // §4.5.3.1.8; RFC 3461 §5.4 has 1,036 octets.
    for (const wrong of [{ recipients: 99 }, { commandLine: 1_035 }, { badCommands: 0 }])
      expect(protocol.options.safeParse(wrong).success, JSON.stringify(wrong)).to.equal(false)
    const options = protocol.options.parse({})
    expect(options.recipients).to.be.at.least(100)
    expect(options.commandLine).to.be.at.least(12_288)
    // §4.5.3.2.7
    expect(duration({ min: 1 }).parse(limits.idle.defaults.smtp)).to.be.at.least(300_000)
    expect(duration({ min: 1 }).parse(limits.idle.defaults.submission)).to.be.at.least(300_000)
    // §6.3
    expect(options.hops).to.be.at.least(100)
  })

  it('let a message of 64 KiB in unless the operator wants less (§4.5.3.1.7)', async () => {
    const store = new FakeStore()
    await using running = await serveSmtp({ store })
    using client = await inData(running)
    await client.send(`${`${'x'.repeat(62)}\r\n`.repeat(1_024)}.\r\n`)
    expect(await client.line()).to.match(/^250 /)
    expect(store.kept[0]?.body).to.have.length(65_536)
    expect(running.settings.mail.maxSizeOctets).to.be.at.least(65_536)
  })
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

describe('SMTP: recipients of a message (RFC 5321 §4.5.3.1.8)', () => {
  it('at the limit are taken, those past it are to be sent again', async () => {
    const store = new FakeStore()
    await using running = await serveSmtp({ store, options: { recipients: 100 }, settings: { mail: { catchAll: 'bob' } } })
    using client = await introduced(running)
    await client.ask('MAIL FROM:<a@example.org>')
    for (let count = 1; count <= 100; count++) expect(await client.ask(`RCPT TO:<r${count}@example.org>`)).to.match(/^250 2\.1\.5 /)
    expect(await client.ask('RCPT TO:<r101@example.org>')).to.match(/^452 4\.5\.3 .*100/)
    expect(await client.ask('RCPT TO:<r1@example.org>')).to.match(/^452 4\.5\.3 /)
    await client.ask('DATA')
    expect(await client.ask('x\r\n.')).to.match(/^250 2\.0\.0 /)
    expect(store.kept[0]?.envelope.recipients).to.have.length(100)
    expect(running.journal.of('message.accepted')[0]?.fields).to.include({ recipientCount: 100 })
    expect(await client.ask('MAIL FROM:<a@example.org>')).to.match(/^250 /)
    expect(await client.ask('RCPT TO:<r101@example.org>')).to.match(/^250 /)
  })

  it('may be lists of any length, but not many long ones in one message', async () => {
    const members = Array.from({ length: 6_000 }, (_, index) => `m${index}`)
    const desk = fakeDesk()
    const recipient: Desk['recipient'] = async (address) =>
      address.startsWith('list') ? { outcome: 'local', accounts: members } : desk.recipient(address)
    const store = new FakeStore()
    await using running = await serveSmtp({ store, desk: { ...desk, recipient } })
    using client = await introduced(running)
    await client.ask('MAIL FROM:<a@example.org>')
    expect(await client.ask('RCPT TO:<list@havre.test>')).to.match(/^250 /)
    expect(await client.ask('RCPT TO:<list@havre.test>')).to.match(/^452 4\.5\.3 /)
    expect(await client.ask('RCPT TO:<list+more@havre.test>')).to.match(/^452 4\.5\.3 /)
    expect(await client.ask('RCPT TO:<alice@havre.test>')).to.match(/^250 /)
    await client.ask('DATA')
    expect(await client.ask('x\r\n.')).to.match(/^250 2\.0\.0 /)
    expect(store.kept[0]?.envelope.recipients).to.have.length(6_001)
    members.push(...Array.from({ length: 6_000 }, (_, index) => `n${index}`))
    await client.ask('MAIL FROM:<a@example.org>')
    expect(await client.ask('RCPT TO:<list@havre.test>'), 'one that is longer than that').to.match(/^250 /)
  })

  it('are a thousand unless told otherwise, and a record names a hundred of them', async () => {
    await using running = await serveSmtp()
    using client = await introduced(running)
    await client.ask('MAIL FROM:<a@example.org>')
    await client.send('RCPT TO:<alice@havre.test>\r\n'.repeat(1_001))
    for (let count = 1; count <= 1_000; count++) expect(await client.line()).to.match(/^250 /)
    expect(await client.line()).to.match(/^452 4\.5\.3 .*1000/)
    await client.ask('DATA')
    await client.ask('.')
    const [record] = running.journal.of('message.accepted')
    expect(record?.fields['recipientCount']).to.equal(1_000)
    expect(record?.fields['recipients']).to.have.length(100)
  })
})

describe('SMTP: lines (RFC 5321 §4.5.3.1.4, RFC 4954 §4)', () => {
  const ofLength = (octets: number) => `NOOP ${'x'.repeat(octets - 'NOOP \r\n'.length)}`

  for (const limit of [2_048, 12_288]) {
    it(`of ${limit} octets is taken, one that is longer is dropped whole`, async () => {
      await using running = await serveSmtp(limit === 12_288 ? {} : { options: { commandLine: limit } })
      using client = await introduced(running)
      expect(await client.ask(ofLength(limit))).to.match(/^250 /)
      expect(await client.ask(ofLength(limit + 1))).to.equal(`500 5.5.2 A line has at most ${limit} octets`)
      await client.send(`NOOP ${'x'.repeat(1_000_000)}`)
      // The end of the dropped line looks like a command, and is none.
      expect(await client.ask(' QUIT')).to.match(/^500 5\.5\.2 /)
      expect(await client.ask('NOOP')).to.match(/^250 /)
      expect(running.journal.of('smtp.limit.reached').map(({ fields }) => fields['limit'])).to.deep.equal([
        'commandLine',
        'commandLine',
      ])
    })
  }

  it('of a message are as long as the message may be: one of 10 MB arrives whole', async () => {
    const store = new FakeStore()
    await using running = await serveSmtp({ store })
    using client = await inData(running)
    const line = `${'x'.repeat(10_000_000)}\r\n`
    await client.send(`${line}.\r\n`)
    expect(await client.line()).to.match(/^250 /)
    expect(store.kept[0]?.body.equals(Buffer.from(line))).to.equal(true)
  })

  it('of a login of 12,288 octets are taken, longer ones end it', async () => {
    await using running = await serveSmtp()
    using client = await introduced(running)
    const response = Buffer.from(`\0alice\0${'p'.repeat(9_000)}`).toString('base64')
    expect(await client.ask(`AUTH PLAIN ${response}`)).to.match(/^535 /)
    expect(await client.ask('AUTH PLAIN')).to.match(/^334/)
    expect(await client.ask('A'.repeat(12_287))).to.match(/^500 5\.5\.6 /)
    expect(await client.ask('NOOP')).to.match(/^250 /)
  })
})

describe('SMTP: bad commands', () => {
  const bad = [
    'FOO',
    'MAIL',
    'RCPT TO:<alice@havre.test>',
    'EXPN x',
    'HELP x',
    'AUTH X',
    'x'.repeat(20_000),
    'NOOP\0',
    'RSET x',
    '',
  ]

  it('are borne as many as the limit says; the next one ends the session', async () => {
    await using running = await serveSmtp()
    using client = await introduced(running)
    for (let count = 0; count < 20; count++) expect(await client.ask(bad[count % bad.length] ?? '')).to.match(/^50\d /)
    expect(await client.ask('NOOP')).to.match(/^250 /)
    expect(await client.ask('FOO')).to.match(/^421 4\.7\.0 /)
    await client.closed()
    await running.close('replace')
    expect(running.journal.of('smtp.limit.reached').map(({ fields }) => fields['limit'])).to.include('badCommands')
    expect(running.journal.of('smtp.session.ended')[0]?.fields).to.include({ reason: 'bad-commands', badCommands: 21 })
  })

  it('that come behind the last one are not run', async () => {
    await using running = await serveSmtp({ options: { badCommands: 1 } })
    using client = await introduced(running)
    await client.send('FOO\r\nFOO\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<alice@havre.test>\r\n')
    expect(await client.line()).to.match(/^500 /)
    expect(await client.line()).to.match(/^421 /)
    await client.closed()
    expect(running.desk.recipients).to.have.length(0)
  })

  it('are not refused recipients, senders, logins or messages', async () => {
    await using running = await serveSmtp({ options: { badCommands: 1 }, settings: { mail: { maxSizeOctets: 100 } } })
    using client = await introduced(running)
    for (let count = 0; count < 5; count++) {
      expect(await client.ask('AUTH PLAIN AGEAYg==')).to.match(/^535 /)
      expect(await client.ask('MAIL FROM:<a@example.org> SIZE=101')).to.match(/^552 /)
      await client.ask('MAIL FROM:<a@example.org>')
      for (let more = 0; more < 50; more++) expect(await client.ask('RCPT TO:<nobody@havre.test>')).to.match(/^550 /)
      expect(await client.ask('DATA')).to.match(/^554 /)
      expect(await client.ask('VRFY x')).to.match(/^252 /)
      await client.ask('RSET')
    }
  })
})

describe('SMTP: what a session holds', () => {
  it('is over after too many commands that bring no mail, and each message begins the count anew', async () => {
    await using running = await serveSmtp({ options: { commandsWithoutMail: 10 } })
    using client = await introduced(running)
    for (let message = 0; message < 3; message++) {
      for (let n = 0; n < 8; n++) expect(await say(client, 'NOOP')).to.match(/^250/)
      await say(client, 'MAIL FROM:<a@example.org>')
      // However many they are, recipients are none of them.
      for (let n = 0; n < 15; n++) await say(client, 'RCPT TO:<alice@havre.test>')
      expect(await say(client, 'DATA')).to.match(/^354/)
      expect(await say(client, 'Subject: x\r\n\r\nx\r\n.')).to.match(/^250/)
    }
    for (let n = 0; n < 10; n++) expect(await say(client, 'RSET')).to.match(/^250/)
    expect(await say(client, 'NOOP')).to.match(/^421 4\.7\.0/)
    await client.closed()
    expect(running.journal.of('smtp.limit.reached').map(({ fields }) => fields['limit'])).to.deep.equal(['commandsWithoutMail'])
  })

  it('is not what a client pipelines without reading the replies', async () => {
    await using running = await serveSmtp({ options: { commandsWithoutMail: 1_000_000 } })
    using client = await introduced(running)
    client.pause()
    const count = 100_000
    const sent = client.send(Buffer.from('HELP\r\n'.repeat(count)))
    const answered = () => running.journal.of('conversation.client').length
    let before = -1
    while (answered() > before) {
      before = answered()
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
    // The server waits for its reader, with what the system's buffers hold on the way.
    expect(answered()).to.be.lessThan(count)
    client.resume()
    await sent
    await client.command('QUIT')
    const said = (await client.rest()).toString()
    expect(said.split('\r\n').filter((text) => text.startsWith('214 '))).to.have.length(count)
    expect(said.endsWith('221 2.0.0 Goodbye\r\n')).to.equal(true)
  })
})
