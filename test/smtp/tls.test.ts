import { expect } from 'chai'
import { Client } from '../kit/client.ts'
import { eventually } from '../kit/eventually.ts'
import { testAccounts } from '../kit/fake-desk.ts'
import { testKeys } from '../kit/keys.ts'
import { undisturbed } from '../kit/undisturbed.ts'
import { FakeStore } from './fake-store.ts'
import { serveSmtp, smtpDialogue } from './setup.ts'

/** A client that was greeted. */
const greeted = async (port: number): Promise<Client> => {
  const client = await Client.connect(port)
  await client.reply()
  return client
}

const say = async (client: Client, line: string): Promise<string> => {
  await client.command(line)
  return (await client.reply()).join('\n')
}

const login = `AUTH PLAIN ${Buffer.from(`\0alice\0${testAccounts['alice']}`).toString('base64')}`

describe('SMTP: STARTTLS (RFC 3207)', () => {
  it('encrypts, forgets what was said before, and is told in the trace of a message', async () => {
    const store = new FakeStore()
    await using running = await serveSmtp({ tls: 'starttls', store })
    using client = await greeted(running.port)
    expect(await say(client, 'EHLO client.test')).to.match(/250-STARTTLS\n/)
    expect(await say(client, login)).to.match(/^235/)
    expect(await say(client, 'STARTTLS')).to.equal('220 2.7.0 Begin TLS now')
    await client.startTls({ rejectUnauthorized: true, ca: (await testKeys()).authority, servername: 'localhost' })
    expect(await say(client, 'MAIL FROM:<a@example.org>')).to.match(/^503 5\.5\.1 Say EHLO/)
    const offered = await say(client, 'EHLO client.test')
    expect(offered).to.not.include('STARTTLS')
    expect(offered).to.include('AUTH PLAIN')
    expect(await say(client, 'STARTTLS')).to.match(/^503/)
    expect(await say(client, login)).to.match(/^235/)
    expect(await say(client, 'MAIL FROM:<a@example.org>')).to.match(/^250/)
    expect(await say(client, 'STARTTLS')).to.match(/^503 5\.5\.1 A message is begun/)
    expect(await say(client, 'RCPT TO:<alice@havre.test>')).to.match(/^250/)
    expect(await say(client, 'DATA')).to.match(/^354/)
    expect(await say(client, 'Subject: x\r\n\r\nbody\r\n.')).to.match(/^250/)
    expect(store.kept.map(({ octets }) => octets.toString()).join()).to.match(
      /with ESMTPSA\r\n\t\(TLSv1\.3 TLS_AES_256_GCM_SHA384\) id/,
    )
    expect(await say(client, 'QUIT')).to.match(/^221/)
  })

  it('runs nothing that came in clear behind it', async () => {
    await using running = await serveSmtp({ tls: 'starttls' })
    using client = await greeted(running.port)
    await client.send('STARTTLS\r\nEHLO mallory.test\r\nMAIL FROM:<mallory@example.org>\r\nRC')
    expect((await client.reply()).join()).to.match(/^220/)
    await client.startTls()
    expect(await say(client, 'MAIL FROM:<a@example.org>')).to.match(/^503/)
    expect(await say(client, 'EHLO client.test')).to.match(/^250-/)
    expect(running.journal.text()).to.not.include('mallory')
  })

  it('nor a login, nor half a line, nor a message that came in clear behind it', async () => {
    const store = new FakeStore()
    for (const clear of [`${login}\r\n`, 'AUTH PLAIN\r\n', 'EHLO x\r\nAUTH LOGIN\r\nYWxpY2U=\r\n', 'NOO', 'DATA\r\nx\r\n.\r\n']) {
      await using running = await serveSmtp({ tls: 'starttls', options: { mode: 'submission' }, store })
      using client = await greeted(running.port)
      await say(client, 'EHLO client.test')
      await client.send(`STARTTLS\r\n${clear}`)
      expect((await client.reply()).join()).to.match(/^220/)
      await client.startTls()
      // The first that is heard over TLS is what is said over TLS.
      expect(await say(client, 'NOOP'), clear).to.equal('250 2.0.0 OK')
      expect(running.desk.attempts, clear).to.have.length(0)
      expect(await say(client, 'EHLO client.test')).to.include('AUTH PLAIN')
      expect(await say(client, 'MAIL FROM:<alice@havre.test>')).to.match(/^530/)
      expect(await say(client, login)).to.match(/^235/)
      expect(await say(client, 'MAIL FROM:<alice@havre.test>')).to.match(/^250/)
    }
    expect(store.counts.begun).to.equal(0)
  })

  it('nor what came in later packets before the handshake', async () => {
    await using running = await serveSmtp({ tls: 'starttls' })
    using client = await greeted(running.port)
    await client.send(`${'RSET\r\n'.repeat(90)}STARTTLS\r\n${'HELO mallory.test\r\n'.repeat(20_000)}`)
    while (!(await client.reply()).join().startsWith('220'));
    const outcome = await client.startTls().then(
      () => say(client, 'MAIL FROM:<a@example.org>'),
      () => 'closed',
    )
    expect(outcome).to.match(/^(?:503|closed)/)
    expect(running.journal.text()).to.not.include('mallory')
  })

  it('lets nobody wait: a silent handshake ends', async () => {
    await using running = await serveSmtp({ tls: 'starttls', limits: { handshakeMs: 50 } })
    using client = await greeted(running.port)
    await say(client, 'STARTTLS')
    await client.closed()
    await eventually(() => expect(running.journal.of('tls.failed').at(-1)?.fields).to.include({ code: 'timeout' }))
    await eventually(() => expect(running.journal.of('smtp.session.ended').at(-1)?.fields).to.include({ reason: 'no-tls' }))
    await eventually(() => expect(running.open).to.equal(0))
  })

  it('says goodbye over TLS when the client is idle', () =>
    undisturbed(500, async () => {
      await using running = await serveSmtp({ tls: 'starttls', limits: { idleMs: 1_500 } })
      using client = await greeted(running.port)
      await say(client, 'STARTTLS')
      await client.startTls()
      expect((await client.reply()).join()).to.match(/^421 4\.4\.2/)
      await client.closed()
    }))

  it('is what a login needs where TLS is required', async () => {
    await using running = await serveSmtp({ tls: 'starttls', requireTls: 'always' })
    using client = await greeted(running.port)
    expect(await say(client, 'EHLO client.test')).to.not.include('AUTH')
    expect(await say(client, login)).to.match(/^538/)
    await say(client, 'STARTTLS')
    await client.startTls()
    expect(await say(client, 'EHLO client.test')).to.include('AUTH PLAIN')
    expect(await say(client, login)).to.match(/^235/)
  })

  smtpDialogue(
    'takes no arguments, and is refused where TLS is off',
    `
    C: EHLO client.test
    S* 250-…
    S: 250 HELP
    C: STARTTLS now
    S: 501 5.5.4 The syntax is: STARTTLS
    C: STARTTLS
    S: 502 5.5.1 This command is not offered
    `,
    { source: 'RFC 3207 §4' },
  )
})

describe('SMTP: TLS from the first octet (RFC 8314 §3.3)', () => {
  it('greets when the connection is encrypted, and offers no STARTTLS', async () => {
    await using running = await serveSmtp({ tls: 'implicit', requireTls: 'always' })
    using client = await Client.connectTls(running.port)
    expect((await client.reply()).join()).to.match(/^220/)
    const offered = await say(client, 'EHLO client.test')
    expect(offered).to.include('AUTH PLAIN').and.to.not.include('STARTTLS')
    expect(await say(client, 'QUIT')).to.match(/^221/)
  })

  it('tells a client in these words that there are too many', async () => {
    await using running = await serveSmtp({ tls: 'implicit', limits: { connections: 1 } })
    using first = await Client.connectTls(running.port)
    await first.reply()
    using second = await Client.connectTls(running.port)
    expect((await second.reply()).join()).to.match(/^421 4\.3\.2 Too many connections/)
    await second.closed()
  })
})

describe('SMTP: submission (RFC 6409)', () => {
  it('takes no mail before a login, and offers STARTTLS and AUTH', async () => {
    await using running = await serveSmtp({ tls: 'starttls', options: { mode: 'submission' } })
    using client = await greeted(running.port)
    expect(await say(client, 'EHLO client.test'))
      .to.include('STARTTLS')
      .and.to.include('AUTH PLAIN LOGIN SCRAM-SHA-256')
    expect(await say(client, 'MAIL FROM:<alice@havre.test>')).to.match(/^530 5\.7\.0 Log in first/)
    expect(await say(client, 'RCPT TO:<alice@havre.test>')).to.match(/^503/)
    await say(client, 'STARTTLS')
    await client.startTls()
    await say(client, 'EHLO client.test')
    expect(await say(client, 'MAIL FROM:<alice@havre.test>')).to.match(/^530/)
    expect(await say(client, login)).to.match(/^235/)
    expect(await say(client, 'MAIL FROM:<alice@havre.test>')).to.match(/^250/)
    expect(await say(client, 'RCPT TO:<alice@havre.test>')).to.match(/^250/)
  })

  it('says STARTTLS where no login would be taken without it, and forgets a login in clear with TLS', async () => {
    await using strict = await serveSmtp({ tls: 'starttls', requireTls: 'always', options: { mode: 'submission' } })
    using client = await greeted(strict.port)
    await say(client, 'EHLO client.test')
    expect(await say(client, 'MAIL FROM:<alice@havre.test>')).to.match(/^530 5\.7\.0 Say STARTTLS/)
    await using running = await serveSmtp({ tls: 'starttls', options: { mode: 'submission' } })
    using other = await greeted(running.port)
    await say(other, 'EHLO client.test')
    expect(await say(other, login)).to.match(/^235/)
    await say(other, 'STARTTLS')
    await other.startTls()
    await say(other, 'EHLO client.test')
    expect(await say(other, 'MAIL FROM:<alice@havre.test>')).to.match(/^530/)
  })
})
