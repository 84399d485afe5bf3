import { expect } from 'chai'
import { Client } from '../kit/client.ts'
import { toldLines } from '../kit/conversation.ts'
import { fakeDesk, testAccounts } from '../kit/fake-desk.ts'
import { ScramClient } from '../kit/scram-client.ts'
import { afterEhlo, serveSmtp, smtpDialogue } from './setup.ts'

const base64 = (text: string) => Buffer.from(text).toString('base64')
const password = testAccounts['alice'] ?? ''
const plain = base64(`\0alice\0${password}`)

describe('SMTP: AUTH PLAIN (RFC 4616)', () => {
  afterEhlo(
    'with the response in the command',
    `
      C: AUTH PLAIN ${plain}
      S: 235 2.7.0 …
      C: EHLO again
      S: 250-localhost …
      S: 250-PIPELINING
      S: 250-SIZE 50000000
      S: 250-8BITMIME
      S: 250-SMTPUTF8
      S: 250-ENHANCEDSTATUSCODES
      S: 250-CHUNKING
      S: 250-DSN
      S: 250 HELP
      C: AUTH PLAIN ${plain}
      S: 503 5.5.1 Logged in already
    `,
    {
      after: ({ journal, desk }) => {
        expect(desk.attempts.map(({ name, address, service }) => ({ name, address, service }))).to.deep.equal([
          { name: 'alice', address: '127.0.0.1', service: 'smtp' },
        ])
        expect(journal.of('smtp.login.accepted')[0]?.fields).to.include({ method: 'PLAIN', account: 'alice' })
      },
    },
  )
  afterEhlo('with the response on a line of its own', `C: auth plain\nS: 334 …\nC: ${plain}\nS: 235 2.7.0 …`)
  afterEhlo('with the name in both places, or in the first only', `C: AUTH PLAIN ${base64(`alice\0\0${password}`)}\nS: 235 2.7.0 …`)
  afterEhlo(
    'in the name of another is refused',
    `C: AUTH PLAIN ${base64(`bob\0alice\0${password}`)}\nS: 535 5.7.8 …\nC: AUTH PLAIN ${base64(`alice\0alice\0${password}`)}\nS: 235 2.7.0 …`,
  )
  afterEhlo(
    'refused, cancelled and garbled logins leave the session as it was',
    `
      C: AUTH PLAIN ${base64('\0alice\0wrong')}
      S: 535 5.7.8 …
      C: AUTH PLAIN
      S: 334 …
      C: *
      S: 501 5.7.0 …
      C: AUTH PLAIN
      S: 334 …
      C: not base64!
      S: 501 5.5.2 …
      C: AUTH PLAIN =
      S: 501 5.5.2 …
      C: AUTH PLAIN ${base64('\0alice')}
      S: 501 5.5.2 …
      C: AUTH PLAIN ${base64('\0al\nice\0x')}
      S: 501 5.5.2 …
      C: AUTH PLAIN ${base64('a\0b\0c\0d')}
      S: 501 5.5.2 …
      C: AUTH PLAIN ${base64('\0alice\0wrong').replace(/=+$/, '')}A
      S: 501 5.5.2 …
      C: MAIL FROM:<a@example.org>
      S: 250 2.1.0 …
    `,
    { source: 'RFC 4954 §4' },
  )
})

describe('SMTP: AUTH LOGIN', () => {
  afterEhlo(
    'asks for name and password',
    `C: AUTH LOGIN\nS: 334 VXNlcm5hbWU6\nC: ${base64('alice')}\nS: 334 UGFzc3dvcmQ6\nC: ${base64(password)}\nS: 235 2.7.0 …`,
    { after: ({ journal }) => void expect(journal.of('smtp.login.accepted')[0]?.fields['method']).to.equal('LOGIN') },
  )
  afterEhlo(
    'takes the name with the command',
    `C: AUTH LOGIN ${base64('alice@havre.test')}\nS: 334 UGFzc3dvcmQ6\nC: ${base64(password)}\nS: 235 2.7.0 …`,
  )
  afterEhlo(
    'can be cancelled at either question',
    `
      C: AUTH LOGIN
      S: 334 VXNlcm5hbWU6
      C: *
      S: 501 5.7.0 …
      C: AUTH LOGIN ${base64('alice')}
      S: 334 UGFzc3dvcmQ6
      C: *
      S: 501 5.7.0 …
      C: AUTH LOGIN
      S: 334 VXNlcm5hbWU6
      C: alice!
      S: 501 5.5.2 …
      C: NOOP
      S: 250 2.0.0 …
    `,
  )
})

describe('SMTP: logins that are refused', () => {
  afterEhlo(
    'other mechanisms and malformed commands',
    'C: AUTH CRAM-MD5\nS: 504 5.5.4 …\nC: AUTH constructor\nS: 504 5.5.4 …\nC: AUTH\nS: 501 5.5.4 …\nC: AUTH PLAIN a b\nS: 501 5.5.4 …',
  )

  it('in clear unless from loopback, and EHLO does not offer them then', async () => {
    for (const [requireTls, offered] of [
      ['auto', true],
      ['never', true],
      ['always', false],
    ] as const) {
      await using running = await serveSmtp({ requireTls })
      using client = await Client.connect(running.port)
      await client.reply()
      await client.command('EHLO client.test')
      const extensions = await client.reply()
      expect(extensions.includes('250-AUTH PLAIN LOGIN SCRAM-SHA-256'), requireTls).to.equal(offered)
      expect(await client.ask(`AUTH PLAIN ${plain}`)).to.match(offered ? /^235 2\.7\.0 / : /^538 5\.7\.11 /)
      expect(await client.ask('AUTH LOGIN')).to.match(offered ? /^503 5\.5\.1 / : /^538 5\.7\.11 .*requireTls/)
      expect(running.desk.attempts).to.have.length(offered ? 1 : 0)
    }
  })

  it('in clear from elsewhere, though the proxy is on this machine', async () => {
    await using running = await serveSmtp({ proxiesFrom: ['127.0.0.1'] })
    for (const [from, reply] of [
      ['127.0.0.5', /^235 /],
      ['192.0.2.7', /^538 5\.7\.11 /],
    ] as const) {
      using client = await Client.connect(running.port, { header: `PROXY TCP4 ${from} 198.51.100.1 40000 25\r\n` })
      await client.reply()
      await client.command('EHLO client.test')
      await client.reply()
      expect(await client.ask(`AUTH PLAIN ${plain}`), from).to.match(reply)
    }
    expect(running.desk.attempts).to.have.length(1)
  })

  it('while the address is blocked, saying for how long', async () => {
    const desk = fakeDesk()
    desk.block(8.5 * 60_000)
    await using running = await serveSmtp({ desk })
    using client = await Client.connect(running.port)
    await client.reply()
    await client.ask('HELO client.test')
    expect(await client.ask(`AUTH PLAIN ${plain}`)).to.match(/^454 4\.7\.0 .* 9 minutes$/)
    desk.block(59_000)
    expect(await client.ask(`AUTH PLAIN ${plain}`)).to.match(/^454 4\.7\.0 .* 1 minute$/)
    desk.block(null)
    expect(await client.ask(`AUTH PLAIN ${plain}`)).to.match(/^235 /)
  })

  it('while the desk cannot be asked: temporarily', async () => {
    const desk = fakeDesk()
    desk.fail(true)
    await using running = await serveSmtp({ desk })
    using client = await Client.connect(running.port)
    await client.reply()
    await client.ask('HELO client.test')
    expect(await client.ask(`AUTH PLAIN ${plain}`)).to.match(/^454 4\.7\.0 /)
    expect(await client.ask('AUTH LOGIN')).to.equal('334 VXNlcm5hbWU6')
    expect(await client.ask(base64('alice'))).to.match(/^334 /)
    expect(await client.ask(base64(password))).to.match(/^454 4\.7\.0 /)
    desk.fail(false)
    expect(await client.ask(`AUTH PLAIN ${plain}`)).to.match(/^235 /)
    expect(running.journal.of('smtp.desk.silent')).to.have.length(2)
  })
})

describe('SMTP: secrets in the journal', () => {
  it('has nothing of a password, wherever a client puts it', async () => {
    const secret = 'Tr0ub4dor'
    const clear = [secret, base64(secret), base64(`\0alice\0${secret}`), secret.toLowerCase()]
    await using running = await serveSmtp({ options: { badCommands: 1_000 } })
    using client = await Client.connect(running.port)
    await client.reply()
    await client.ask('HELO client.test')
    for (const line of [
      `AUTH PLAIN ${base64(`\0alice\0${secret}`)}`,
      `auth plain ${base64(`\0alice\0${secret}`)}`,
      `AUTH LOGIN ${base64('alice')}`,
      base64(secret),
      `AUTH ${secret}`,
      `AUTH UNKNOWN ${secret}`,
      // The response of PLAIN in the place of LOGIN's name.
      `AUTH LOGIN ${base64(`\0alice\0${secret}`)}`,
      // The rest of a login that was not begun.
      base64('alice'),
      base64(secret),
      secret,
      'troubador',
      `PASS ${secret}`,
      `XPASS ${secret}`,
      `AUTH PLAIN ${secret} ${secret}`,
      `AUTH PLAIN\u0000${secret}`,
      `AUTH PLAIN ${'x'.repeat(20_000)}${secret}`,
    ]) {
      expect(await client.ask(line), line).to.match(/^[345]\d\d[ -]/)
    }
    await client.ask('NOOP')
    await client.ask(`AUTH LOGIN`)
    await client.ask(`${secret}`)
    const text = running.journal.text()
    for (const found of [...clear, 'troubador']) expect(text.includes(found), found).to.equal(false)
  })

  smtpDialogue(
    'unknown commands are told by their names only',
    'C: XFOO some words\nS: 500 5.5.2 …\nC: Zm9vYmFy x\nS: 500 5.5.2 …',
    {
      after: (running) => void expect(toldLines(running)).to.deep.equal(['XFOO …', '… (no command)']),
    },
  )
})

describe('SMTP: AUTH SCRAM-SHA-256 (RFC 7677)', () => {
  const heard = (line: string) => Buffer.from(line.replace(/^334 /, ''), 'base64').toString()
  const ready = async (port: number) => {
    const client = await Client.connect(port)
    await client.reply()
    await client.command('EHLO test')
    await client.reply()
    return client
  }
  const prove = async (client: Client, scram: ScramClient, initial = true) => {
    if (!initial) expect(await client.ask('AUTH SCRAM-SHA-256')).to.equal('334 ')
    const challenge = await client.ask(`${initial ? 'AUTH SCRAM-SHA-256 ' : ''}${base64(scram.first)}`)
    expect(challenge).to.match(/^334 [A-Za-z0-9+/]+=*$/)
    return client.ask(base64(scram.final(heard(challenge))))
  }

  it('lets in who shows the password, and shows that the server has its keys', async () => {
    for (const initial of [true, false]) {
      await using running = await serveSmtp()
      using client = await ready(running.port)
      const scram = new ScramClient('alice', password)
      expect(scram.trusts(heard(await prove(client, scram, initial)))).to.equal(true)
      expect(await client.ask('')).to.match(/^235 2\.7\.0 /)
      expect(running.journal.of('smtp.login.accepted')[0]?.fields).to.include({ method: 'SCRAM-SHA-256', account: 'alice' })
      expect(running.journal.text()).to.not.include(base64(scram.first))
    }
  })

  it('refuses wrong ones, and what is none of its messages; another login may follow', async () => {
    await using running = await serveSmtp()
    using client = await ready(running.port)
    for (const scram of [new ScramClient('alice', 'wrong'), new ScramClient('nobody', password)]) {
      expect(await prove(client, scram)).to.match(/^535 5\.7\.8 /)
    }
    const { first } = new ScramClient('alice', password)
    expect(await client.ask(`AUTH SCRAM-SHA-256 ${base64(first.replace('n,,', 'n,a=bob,'))}`)).to.match(/^535 5\.7\.8 /)
    for (const text of ['=', '!', base64('nonsense'), base64(first.replace('n,,', 'p=tls-unique,,'))]) {
      expect(await client.ask(`AUTH SCRAM-SHA-256 ${text}`), text).to.match(/^501 5\.5\.2 /)
    }
    expect(await client.ask(`AUTH SCRAM-SHA-256 ${base64(first)}`)).to.match(/^334 /)
    expect(await client.ask('*')).to.match(/^501 5\.7\.0 /)
    await prove(client, new ScramClient('alice', password))
    expect(await client.ask('*')).to.match(/^501 5\.7\.0 /)
    running.desk.fail(true)
    expect(await client.ask(`AUTH SCRAM-SHA-256 ${base64(first)}`)).to.match(/^454 4\.7\.0 /)
    running.desk.fail(false)
    expect(await client.ask(`AUTH PLAIN ${plain}`)).to.match(/^235 /)
  })

  it('is not there where the setting says so', async () => {
    await using running = await serveSmtp({ settings: { logins: { scram: false } } })
    using client = await ready(running.port)
    expect(await client.ask('AUTH SCRAM-SHA-256')).to.match(/^504 5\.5\.4 /)
  })
})
