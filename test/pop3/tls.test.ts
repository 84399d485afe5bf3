import { expect } from 'chai'
import { Client } from '../kit/client.ts'
import { eventually } from '../kit/eventually.ts'
import { testAccounts } from '../kit/fake-desk.ts'
import { testKeys } from '../kit/keys.ts'
import { memoryDialogue, serveInMemory } from './memory-dialogue.ts'

/** What CAPA lists. */
const capabilities = async (client: Client): Promise<readonly string[]> => {
  const lines = [await client.ask('CAPA')]
  while (lines.at(-1) !== '.') lines.push(await client.line())
  return lines.slice(1, -1)
}

describe('POP3: STLS (RFC 2595)', () => {
  it('encrypts, and forgets what was said before', async () => {
    await using running = await serveInMemory({ tls: 'starttls', mailbox: ['one'] })
    using client = await Client.connect(running.port)
    await client.line()
    expect(await capabilities(client)).to.include('STLS')
    expect(await client.ask('USER alice')).to.match(/^\+OK/)
    expect(await client.ask('LANG de')).to.match(/^\+OK de /)
    expect(await client.ask('STLS')).to.equal('+OK Jetzt mit TLS beginnen')
    await client.startTls({
      rejectUnauthorized: true,
      ca: (await testKeys()).authority,
      host: 'localhost',
      servername: 'localhost',
    })
    expect(await client.ask(`PASS ${testAccounts['alice']}`)).to.equal('-ERR Send USER first')
    expect(await capabilities(client)).to.not.include('STLS')
    expect(await client.ask('STLS')).to.match(/^-ERR The connection is encrypted already/)
    expect(await client.ask('USER alice')).to.match(/^\+OK/)
    expect(await client.ask(`PASS ${testAccounts['alice']}`)).to.match(/^\+OK Logged in/)
    expect(await client.ask('STLS')).to.match(/^-ERR/)
    expect(await client.ask('QUIT')).to.match(/^\+OK/)
  })

  it('runs nothing that came in clear behind STLS', async () => {
    await using running = await serveInMemory({ tls: 'starttls' })
    using client = await Client.connect(running.port)
    await client.line()
    await client.send('STLS\r\nUSER mallory\r\nCAPA\r\nNO')
    expect(await client.line()).to.equal('+OK Begin TLS now')
    await client.startTls()
    // Not a word of the rest was answered, and its unfinished line is not before ours.
    expect(await client.ask('NOOP')).to.match(/^-ERR Log in first/)
    expect(running.journal.text()).to.not.include('mallory')
  })

  it('drops what came in a packet of its own before the handshake', async () => {
    await using running = await serveInMemory({ tls: 'starttls' })
    using client = await Client.connect(running.port)
    await client.line()
    // More commands than are run at one go: the last ones are still in the socket when STLS is run.
    await client.send(`${'CAPA\r\n'.repeat(50)}STLS\r\n${'USER mallory\r\n'.repeat(20_000)}`)
    while ((await client.line()) !== '+OK Begin TLS now');
    const outcome = await client.startTls().then(
      () => client.ask('NOOP'),
      () => 'closed',
    )
    expect(outcome).to.match(/^(?:-ERR Log in first|closed)/)
    expect(running.journal.text()).to.not.include('mallory')
  })

  it('lets nobody wait: a silent handshake ends', async () => {
    await using running = await serveInMemory({ tls: 'starttls', limits: { handshakeMs: 50 } })
    using client = await Client.connect(running.port)
    await client.line()
    await client.ask('STLS')
    await client.closed()
    await eventually(() => expect(running.journal.of('tls.failed').at(-1)?.fields).to.include({ code: 'timeout' }))
    await eventually(() => expect(running.journal.of('pop3.session.ended')).to.have.length(1))
    expect(running.open).to.equal(0)
  })

  it('ends where the client speaks no TLS', async () => {
    await using running = await serveInMemory({ tls: 'starttls' })
    using client = await Client.connect(running.port)
    await client.line()
    await client.ask('STLS')
    await client.command('USER alice')
    await client.closed()
    await eventually(() => expect(running.journal.of('tls.failed')).to.have.length(1))
    await eventually(() => expect(running.open).to.equal(0))
  })

  it('is what a login needs where TLS is required', async () => {
    await using running = await serveInMemory({ tls: 'starttls', requireTls: 'always' })
    using client = await Client.connect(running.port)
    await client.line()
    expect(await capabilities(client))
      .to.include('STLS')
      .and.to.not.include('USER')
    expect(await client.ask('USER alice')).to.match(/^-ERR \[SYS\/PERM\]/)
    await client.ask('STLS')
    await client.startTls()
    expect(await capabilities(client)).to.include('USER')
    expect(await client.ask('USER alice')).to.match(/^\+OK/)
  })

  memoryDialogue('is not offered where TLS is off', {
    source: 'RFC 2595 §4',
    lines: `
      C: STLS
      S: -ERR TLS is not offered here
      C: CAPA
      S: +OK …
      S: USER
      S: SASL PLAIN SCRAM-SHA-256
      S: TOP
      S: UIDL
      S: UTF8 USER
      S: LANG
      S: PIPELINING
      S: RESP-CODES
      S: AUTH-RESP-CODE
      S: EXPIRE NEVER
      S: .
    `,
  })
})

describe('POP3: TLS from the first octet', () => {
  it('greets when the connection is encrypted, and offers no STLS', async () => {
    await using running = await serveInMemory({ tls: 'implicit', requireTls: 'always' })
    using client = await Client.connectTls(running.port)
    expect(await client.line()).to.match(/^\+OK Havre/)
    expect(await capabilities(client))
      .to.include('USER')
      .and.to.not.include('STLS')
    expect(await client.ask('QUIT')).to.match(/^\+OK/)
  })
})
