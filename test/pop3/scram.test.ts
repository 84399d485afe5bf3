import { expect } from 'chai'
import { Client } from '../kit/client.ts'
import { testAccounts } from '../kit/fake-desk.ts'
import { ScramClient } from '../kit/scram-client.ts'
import { memoryDialogue, serveInMemory, storeOf } from './memory-dialogue.ts'

const password = testAccounts['alice'] ?? ''
const alice = Buffer.from(`\0alice\0${password}`).toString('base64')

/** The lines of a reply of several lines, without its first and its last. */
const listing = async (client: Client, command: string): Promise<string[]> => {
  expect(await client.ask(command)).to.match(/^\+OK/)
  const lines: string[] = []
  for (let line = await client.line(); line !== '.'; line = await client.line()) lines.push(line)
  return lines
}

describe('POP3: AUTH SCRAM-SHA-256', () => {
  const say = (text: string) => Buffer.from(text).toString('base64')
  const heard = (line: string) => Buffer.from(line.replace(/^\+ /, ''), 'base64').toString()

  /** Logs in up to our signature. @returns what came after the proof, and whether it is to be trusted */
  const prove = async (client: Client, scram: ScramClient, initial = true) => {
    const first = initial ? await client.ask(`AUTH SCRAM-SHA-256 ${say(scram.first)}`) : await client.ask('AUTH scram-sha-256')
    if (!initial) expect(first).to.equal('+ ')
    const challenge = initial ? first : await client.ask(say(scram.first))
    expect(challenge).to.match(/^\+ [A-Za-z0-9+/]+=*$/)
    return client.ask(say(scram.final(heard(challenge))))
  }
  const greeted = async (port: number) => {
    const client = await Client.connect(port)
    await client.line()
    return client
  }

  it('lets in who shows the password, and shows that the server has its keys (RFC 5034 §4, RFC 5802 §5)', async () => {
    for (const initial of [true, false]) {
      await using running = await serveInMemory({ mailbox: ['one'] })
      using client = await greeted(running.port)
      const scram = new ScramClient('alice', password)
      const last = await prove(client, scram, initial)
      expect(scram.trusts(heard(last))).to.equal(true)
      expect(await client.ask('')).to.equal('+OK Logged in: 1 message (5 octets)')
      expect(await client.ask('STAT')).to.equal('+OK 1 5')
      expect(running.journal.of('pop3.login.accepted')[0]?.fields).to.include({ method: 'SCRAM-SHA-256', account: 'alice' })
      expect(running.journal.text()).to.not.include(say(scram.first))
    }
  })

  it('refuses a wrong password and a wrong name in the same words, and another login may follow', async () => {
    await using running = await serveInMemory()
    using client = await greeted(running.port)
    for (const scram of [new ScramClient('alice', 'wrong'), new ScramClient('nobody', password)]) {
      expect(await prove(client, scram)).to.equal('-ERR [AUTH] Name or password is wrong')
    }
    expect(
      running.journal.of('pop3.login.refused').map(({ fields }) => [fields['method'], fields['name'], fields['reason']]),
    ).to.deep.equal([
      ['SCRAM-SHA-256', 'alice', 'credentials'],
      ['SCRAM-SHA-256', 'nobody', 'credentials'],
    ])
    expect(await client.ask(`AUTH PLAIN ${alice}`)).to.match(/^\+OK/)
  })

  it('is over with *, at each of its steps: nobody is logged in', async () => {
    await using running = await serveInMemory()
    using client = await greeted(running.port)
    const cancelled = async () => {
      expect(await client.ask('*')).to.equal('-ERR Login cancelled')
      expect(await client.ask('STAT')).to.match(/^-ERR Log in first/)
    }
    await client.ask('AUTH SCRAM-SHA-256')
    await cancelled()
    await client.ask(`AUTH SCRAM-SHA-256 ${say(new ScramClient('alice', password).first)}`)
    await cancelled()
    await prove(client, new ScramClient('alice', password))
    await cancelled()
    expect(storeOf(running).holds('alice')).to.equal(false)
  })

  it('refuses what is none of its messages, and channel binding, which is not offered', async () => {
    await using running = await serveInMemory()
    using client = await greeted(running.port)
    const first = new ScramClient('alice', password).first
    for (const text of ['=', '!', say('nonsense'), say(first.replace('n,,', 'p=tls-exporter,,')), `${say(first)}=`]) {
      expect(await client.ask(`AUTH SCRAM-SHA-256 ${text}`), text).to.match(/^-ERR That is no response of this mechanism/)
    }
    for (const answer of ['', '=', 'x', say('c=biws,r=other,p=AAAA')]) {
      await client.ask(`AUTH SCRAM-SHA-256 ${say(first)}`)
      expect(await client.ask(answer), answer).to.match(/^-ERR That is no response of this mechanism/)
    }
    await prove(client, new ScramClient('alice', password))
    expect(await client.ask(say('more'))).to.match(/^-ERR That is no response of this mechanism/)
    expect(await client.ask(`AUTH SCRAM-SHA-256 ${say(first.replace('n,,', 'n,a=bob,'))}`)).to.match(
      /^-ERR \[AUTH\] This login may not act/,
    )
    expect(await client.ask('AUTH SCRAM-SHA-256-PLUS')).to.equal('-ERR The mechanisms are: PLAIN SCRAM-SHA-256')
    expect(await client.ask('STAT')).to.match(/^-ERR Log in first/)
  })

  it('says [SYS/TEMP] while the desk cannot be asked, or the address is blocked', async () => {
    await using running = await serveInMemory()
    using client = await greeted(running.port)
    const first = `AUTH SCRAM-SHA-256 ${say(new ScramClient('alice', password).first)}`
    running.desk.fail(true)
    expect(await client.ask(first)).to.match(/^-ERR \[SYS\/TEMP\] Logins cannot be checked/)
    running.desk.fail(false)
    running.desk.block(1_000)
    expect(await client.ask(first)).to.match(/^-ERR \[SYS\/TEMP\] Too many bad logins/)
  })

  memoryDialogue('is not there where the setting says so', {
    settings: { logins: { scram: false } },
    lines: `
      C: AUTH
      S: +OK …
      S: PLAIN
      S: .
      C: AUTH SCRAM-SHA-256
      S: -ERR The mechanisms are: PLAIN
    `,
  })
})

describe('POP3: a delay between logins', () => {
  it('is told in CAPA, rounded up, and kept by the desk (RFC 2449 §6.5, §8.1.1)', async () => {
    await using running = await serveInMemory({ options: { loginDelay: '1500ms' } })
    const { login } = running.desk
    let soon = false
    running.desk.login = async (attempt) => {
      const answer = await login(attempt)
      return soon ? { outcome: 'blocked', retryAfterMs: 900, tooSoon: true } : answer
    }
    using client = await Client.connect(running.port)
    await client.line()
    expect(await listing(client, 'CAPA')).to.include('LOGIN-DELAY 2')
    soon = true
    expect(await client.ask(`AUTH PLAIN ${alice}`)).to.match(
      /^-ERR \[LOGIN-DELAY\] The last login was only a while ago: please come again in 1 s/,
    )
    soon = false
    expect(await client.ask(`AUTH PLAIN ${alice}`)).to.match(/^\+OK/)
    expect(running.desk.attempts.map(({ gapMs }) => gapMs)).to.deep.equal([1_500, 1_500])
    expect(await listing(client, 'CAPA')).to.include('LOGIN-DELAY 2')
  })
})
