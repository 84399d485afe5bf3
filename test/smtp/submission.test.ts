import { expect } from 'chai'
import { createRecipients } from '../../shared/accounts/recipients.ts'
import { MemoryAccountStore } from '../accounts/memory-account-store.ts'
import { Client } from '../kit/client.ts'
import { type FakeDesk, fakeDesk, testAccounts } from '../kit/fake-desk.ts'
import { FakeStore } from './fake-store.ts'
import { type SmtpDialogue, serveSmtp, smtpDialogue } from './setup.ts'

const submission = { options: { mode: 'submission' } } as const

/** A desk that finds recipients as the supervisor does. `alice` was there before `bob`. */
const deskWith = async (
  aliases: Readonly<Record<string, readonly string[]>>,
  catchAll: string | null = null,
): Promise<FakeDesk> => {
  const store = new MemoryAccountStore()
  await store.add(...Object.keys(testAccounts).map((name) => ({ name, passwordHash: 'h' })))
  const recipients = createRecipients({ store, domains: ['havre.test', 'localhost', 'bücher.test'], aliases, catchAll })
  return { ...fakeDesk(), recipient: (address) => recipients.resolve(address) }
}

const login = (name: string) => `AUTH PLAIN ${Buffer.from(`\0${name}\0${testAccounts[name]}`).toString('base64')}`

/** A client that has logged in. */
const loggedIn = async (port: number, name: string): Promise<Client> => {
  const client = await Client.connect(port)
  await client.reply()
  await client.command('EHLO client.test')
  await client.reply()
  expect(await client.ask(login(name))).to.match(/^235 /)
  return client
}

const as = (name: string, lines: string, more: SmtpDialogue = {}) =>
  smtpDialogue(name, lines, { ...submission, as: 'alice', source: 'RFC 6409 §6.1', ...more })

describe('SMTP: who may send in which name', () => {
  as(
    'alice as herself at every local domain, with a tag, in any case, quoted, and as nobody',
    `
      C: MAIL FROM:<alice@havre.test>
      S: 250 2.1.0 …
      C: RSET
      S: 250 2.0.0 …
      C: MAIL FROM:<Alice+shop@LOCALHOST> SIZE=10
      S: 250 2.1.0 …
      C: RSET
      S: 250 2.0.0 …
      C: MAIL FROM:<>
      S: 250 2.1.0 …
      C: RCPT TO:<bob@havre.test>
      S: 250 2.1.5 …
    `,
  )
  as(
    'alice as nobody else; she reads as whom she may, and the session goes on',
    `
      C: MAIL FROM:<bob@havre.test>
      S: 550 5.7.1 You are alice here: the sender is alice@havre.test, …
      C: MAIL FROM:<alice@example.org>
      S: 550 5.7.1 …
      C: MAIL FROM:<nobody@havre.test>
      S: 550 5.7.1 …
      C: RCPT TO:<bob@havre.test>
      S: 503 5.5.1 …
      C: MAIL FROM:<alice@havre.test>
      S: 250 2.1.0 …
    `,
    { after: ({ journal }) => void expect(journal.of('sender.refused')).to.have.length(3) },
  )
  smtpDialogue(
    'elsewhere, a login does not change who sends: other servers hand on the mail of others',
    'C: MAIL FROM:<bob@havre.test>\nS: 250 2.1.0 …',
    { as: 'alice' },
  )

  as(
    'alice to nobody elsewhere, and she reads why',
    `
      C: MAIL FROM:<alice@havre.test>
      S: 250 2.1.0 …
      C: RCPT TO:<alice@example.org>
      S: 550 5.7.1 …
      C: RCPT TO:<bob@havre.test>
      S: 250 2.1.5 …
    `,
    { source: 'RFC 6409 §6.2' },
  )

  it('aliases and lists are those that they reach, also through another one, and of an IDN', async () => {
    const desk = await deskWith({ sales: ['bob', 'carol'], office: ['sales'], alice2: ['alice'], büro: ['bob'] })
    await using running = await serveSmtp({ ...submission, desk })
    using client = await loggedIn(running.port, 'bob')
    for (const [sender, reply] of [
      ['sales@havre.test', /^250 /],
      ['office+x@localhost', /^250 /],
      ['"bob"@havre.test', /^250 /],
      ['bob@xn--bcher-kva.test', /^250 /],
      ['alice2@havre.test', /^550 5\.7\.1 /],
      // Without an alias it is the oldest account.
      ['postmaster@havre.test', /^550 5\.7\.1 /],
    ] as const) {
      expect(await client.ask(`MAIL FROM:<${sender}>`), sender).to.match(reply)
      await client.ask('RSET')
    }
    expect(await client.ask('MAIL FROM:<BU\u0308RO@BÜCHER.test> SMTPUTF8')).to.match(/^250 /)
    using postmaster = await loggedIn(running.port, 'alice')
    expect(await postmaster.ask('MAIL FROM:<postmaster@havre.test>')).to.match(/^250 /)
  })

  it('while the desk cannot be asked nobody is refused for good', async () => {
    const desk = fakeDesk()
    await using running = await serveSmtp({ ...submission, desk })
    using client = await loggedIn(running.port, 'alice')
    desk.fail(true)
    expect(await client.ask('MAIL FROM:<alice@havre.test>')).to.match(/^451 4\.3\.0 /)
    desk.fail(false)
    expect(await client.ask('MAIL FROM:<alice@havre.test>')).to.match(/^250 /)
  })
})

describe('SMTP: what submission offers (RFC 6409 §7)', () => {
  it('is what must and what should be there, and nothing that must not', async () => {
    await using running = await serveSmtp({ ...submission, tls: 'starttls' })
    using client = await Client.connect(running.port)
    await client.reply()
    await client.command('EHLO client.test')
    const keywords = (await client.reply()).slice(1).map((line) => line.slice(4).split(' ')[0])
    const wanted = ['AUTH', 'PIPELINING', 'ENHANCEDSTATUSCODES', 'DSN', '8BITMIME']
    const allowed = ['SIZE', 'CHUNKING', 'STARTTLS', 'SMTPUTF8', 'HELP']
    expect(keywords).to.have.members([...wanted, ...allowed])
    expect(await client.ask('ETRN havre.test')).to.match(/^502 /)
    expect(await client.ask('ATRN havre.test')).to.match(/^50[02] /)
  })
})

describe('SMTP: submission says what to do before MAIL (RFC 6409 §4.3)', () => {
  for (const [title, setup, from, told] of [
    ['log in, where that may be in clear', {}, '127.0.0.5', '530 5.7.0 Log in first: mail of the accounts is taken here'],
    [
      'STARTTLS first, from elsewhere',
      { tls: 'starttls' },
      '192.0.2.7',
      '530 5.7.0 Say STARTTLS and log in first: mail of the accounts is taken here',
    ],
    [
      'log in, from elsewhere where the setting allows it',
      { requireTls: 'never' },
      '192.0.2.7',
      '530 5.7.0 Log in first: mail of the accounts is taken here',
    ],
    [
      'STARTTLS first, where it is always required',
      { tls: 'starttls', requireTls: 'always' },
      '127.0.0.5',
      '530 5.7.0 Say STARTTLS and log in first: mail of the accounts is taken here',
    ],
    [
      'go elsewhere, where TLS is off',
      {},
      '192.0.2.7',
      '530 5.7.0 Mail is taken after a login only, and no login in clear: use the service that has TLS (settings tls, requireTls)',
    ],
  ] as const) {
    it(title, async () => {
      await using running = await serveSmtp({ ...submission, ...setup, proxiesFrom: ['127.0.0.1'] })
      using client = await Client.connect(running.port, { header: `PROXY TCP4 ${from} 198.51.100.1 40000 587\r\n` })
      await client.reply()
      expect(await client.ask('HELO client.test')).to.match(/^250 /)
      expect(await client.ask('MAIL FROM:<alice@havre.test>')).to.equal(told)
      expect(await client.ask('RCPT TO:<alice@havre.test>')).to.match(/^503 /)
      expect(await client.ask('DATA')).to.match(/^503 /)
    })
  }
})

describe('SMTP: what is submitted (RFC 6409 §8)', () => {
  /** Sends it as alice, and returns what was kept of it, without the trace lines. */
  const sent = async (message: string, mode: 'mta' | 'submission', bareNewlines: 'reject' | 'normalize' = 'reject') => {
    const store = new FakeStore()
    await using running = await serveSmtp({
      options: { mode },
      store,
      settings: { hostname: 'mail.havre.test', mail: { bareNewlines, maxSizeOctets: message.length + 10 } },
    })
    using client = await loggedIn(running.port, 'alice')
    await client.ask(`MAIL FROM:<alice@havre.test> SIZE=${message.length}`)
    await client.ask('RCPT TO:<bob@havre.test>')
    await client.ask('DATA')
    await client.send(Buffer.from(`${message}.\r\n`, 'latin1'))
    expect(await client.line()).to.match(/^250 /)
    const [kept] = store.kept
    const [record] = running.journal.of('message.accepted')
    return { body: kept?.body.toString('latin1') ?? '', trace: kept?.trace ?? '', octets: record?.fields['octets'] }
  }

  it('has Date and Message-ID, the id that the trace names and our name in it, and no Bcc', async () => {
    const message = 'From: alice@havre.test\r\nBcc: bob@havre.test,\r\n carol@havre.test\r\nSubject: \xe9\r\n\r\nBcc: x\r\n'
    const { body, trace, octets } = await sent(message, 'submission')
    const [, date = '', id = ''] =
      /^From: alice@havre\.test\r\nSubject: \xe9\r\nDate: (.*)\r\nMessage-ID: <(.*)@mail\.havre\.test>\r\n\r\nBcc: x\r\n$/.exec(
        body,
      ) ?? []
    expect(Math.abs(Date.parse(date) - Date.now())).to.be.lessThan(60_000)
    const [, transaction = '?'] = / id (\S+) /.exec(trace) ?? []
    expect(id.startsWith(`${transaction}.`), `${id} of ${transaction}`).to.equal(true)
    // What came, not what was made of it.
    expect(octets).to.equal(message.length)
  })

  it('is as it came, octet for octet, where nothing is missing', async () => {
    const message = `Date: x\r\nMessage-Id:y\r\nX\r\n: \0\xff\r\n\r\n..\r\n${'z'.repeat(100_000)}\r\n`
    expect((await sent(message, 'submission')).body).to.equal(message.replace('..', '.'))
  })

  it('is completed behind the normalizer of line breaks', async () => {
    const { body } = await sent('Subject: x\nBcc: y\r z\n\nbody\r\n', 'submission', 'normalize')
    expect(body).to.match(/^Subject: x\r\nDate: .*\r\nMessage-ID: <.*>\r\n\r\nbody\r\n$/)
  })

  it('has a header of bounded length; where other servers bring it, it may have any', async () => {
    const header = `Subject: ${'x'.repeat(1_100_000)}\r\n`
    const store = new FakeStore()
    await using running = await serveSmtp({ ...submission, store })
    using client = await loggedIn(running.port, 'alice')
    await client.ask('MAIL FROM:<alice@havre.test>')
    await client.ask('RCPT TO:<bob@havre.test>')
    await client.ask('DATA')
    await client.send(`${header}\r\nx\r\n.\r\n`)
    expect(await client.line()).to.equal('552 5.3.4 A header has at most 1048576 octets')
    expect(await client.ask('NOOP')).to.match(/^250 /)
    expect(store.kept).to.have.length(0)
    expect(store.unended).to.equal(0)
    expect((await sent(`${header}\r\nx\r\n`, 'mta')).octets).to.equal(header.length + 5)
    // The body is as long as it likes.
    const { body } = await sent(`Subject: x\r\n\r\n${header}`, 'submission')
    expect(body.endsWith(header)).to.equal(true)
  })

  it('is not touched where other servers bring it', async () => {
    const message = 'Bcc: bob@havre.test\r\n\r\nbody\r\n'
    expect((await sent(message, 'mta')).body).to.equal(message)
  })

  it('has an id of its own each time', async () => {
    const ids = await Promise.all(Array.from({ length: 3 }, () => sent('\r\n', 'submission')))
    expect(new Set(ids.map(({ body }) => body)).size).to.equal(3)
  })
})
