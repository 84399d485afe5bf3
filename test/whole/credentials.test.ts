import { Client as BasicFtp } from 'basic-ftp'
import { expect } from 'chai'
import { Client } from '../kit/client.ts'
import { type Family, useFamily } from '../kit/family.ts'
import { findProgram } from '../kit/programs.ts'
import { run } from '../kit/run.ts'
import { type Said, secretForms, secretPlaces } from '../kit/secret-places.ts'
import { withAccounts } from './accounts.ts'
import { testMessage } from './conversations.ts'
import { mailReaders } from './mail-readers.ts'
import { routeTo } from './mail-route.ts'
import { mailSenders } from './mail-senders.ts'

const user = 'alice'
/** Words that are nowhere else; the wrong one is a slip of the right one, as people make them. */
const right = 'Xq7#vogelfrei+Zz'
const wrong = 'Xq7#vogelfrei+Z'
/** In the message, which is nobody's business either. */
const body = 'kryptonite-in-the-body'

/** All forms in which a password travels. */
const forms = (password: string): string[] => [
  ...secretForms(user, password),
  // Also cut: nobody needs half of one.
  'vogelfrei',
  encoded('vogelfrei').slice(0, 8),
]

const encoded = (text: string) => Buffer.from(text).toString('base64')

/** Conversations in which a password is said, at the right place and at wrong ones. One connection each. */
const conversations = (password: string): Readonly<Record<'smtp' | 'pop3' | 'ftp' | 'http', readonly (readonly Said[])[]>> => ({
  ...secretPlaces(user, password),
  http: [
    [`GET / HTTP/1.1\r\nHost: localhost\r\nAuthorization: Basic ${encoded(`${user}:${password}`)}\r\nConnection: close\r\n`],
    [`GET / HTTP/1.1\r\nHost: localhost\r\nProxy-Authorization: Basic ${encoded(`${user}:${password}`)}\r\nConnection: close\r\n`],
    [`GET / HTTP/1.1\r\nHost: localhost\r\nCookie: session=${encodeURIComponent(password)}\r\nConnection: close\r\n`],
    [`GET http://${user}:${encodeURIComponent(password)}@localhost/ HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n`],
    [
      `GET / HTTP/1.1\r\nHost: localhost\r\nReferer: http://${user}:${encodeURIComponent(password)}@localhost/\r\nConnection: close\r\n`,
    ],
    [`GET / HTTP/1.1\r\nHost: ${user}:${encodeURIComponent(password)}@localhost\r\nConnection: close\r\n`],
    [
      `POST /login HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${encodeURIComponent(password).length}\r\n\r\n${encodeURIComponent(password)}`,
    ],
  ],
})

/** How a protocol begins TLS, where it can in a conversation. */
const beginTls: Readonly<Record<string, readonly string[]>> = {
  smtp: ['EHLO client.test', 'STARTTLS'],
  pop3: ['STLS'],
  ftp: ['AUTH TLS'],
}

/** Says the lines one after the other, each after an answer came to the last; whatever the server makes of them. */
const say = async (family: Family, service: string, lines: readonly Said[], how: 'in clear' | 'encrypted'): Promise<void> => {
  using client = await Client.connect(family.port(service), { deadlineMs: 60_000 })
  const heard = (mayBeSilent = false) =>
    new Promise<void>((resolve) => {
      for (const event of ['data', 'close', 'end']) client.socket.once(event, () => resolve())
      // In the middle of a message nothing is answered.
      if (mayBeSilent) setTimeout(resolve, 100)
    })
  if (service !== 'http' && how !== 'encrypted') await heard()
  if (how === 'encrypted') {
    await client.reply()
    for (const line of beginTls[service] ?? []) {
      await client.command(line)
      await client.reply()
    }
    await client.startTls()
  }
  const withBreak = (line: Said) => Buffer.concat([Buffer.from(line as string), Buffer.from('\r\n')])
  for (const line of lines) {
    if (client.ended) return
    const answer = heard(service !== 'http')
    await client.send(withBreak(line))
    await answer
  }
}

describe('the whole: passwords', () => {
  // Bad logins are answered at once here, and never block: hundreds of them are meant.
  const settings = ['log.level=debug', 'logins.delay=1ms', 'logins.maxDelay=1ms', 'logins.blockAfter=100000']
  const family = useFamily({ args: settings.flatMap((setting) => ['--set', setting]) })
  withAccounts(family, { alice: right })

  it('are in no log of any service, however they were said, right or wrong', async () => {
    for (const password of [right, wrong]) {
      for (const [service, all] of Object.entries(conversations(password))) {
        for (const lines of all) {
          await say(family(), service, lines, 'in clear')
          if (service !== 'http' && password === right) await say(family(), service, lines, 'encrypted')
        }
      }
    }
    await programsLogIn(family())
    // A child that ends writes all it has.
    await family().stop()
    const text = await family().everythingLogged()
    // It has looked: the logins are there.
    for (const service of ['smtp', 'pop3', 'ftp']) {
      const records = await family().records(service)
      expect(records.filter(({ event }) => event === 'conversation.client').length, service).to.be.greaterThan(100)
      expect(records.filter(({ event }) => event === 'tls.started').length, service).to.be.greaterThan(10)
      expect(
        records.filter(({ event, account }) => /login/.test(String(event)) && account === user).length,
        service,
      ).to.be.greaterThan(1)
    }
    expect(text).to.include('"GET / HTTP/1.1" 200')

    const found = [right, wrong].flatMap(forms).filter((form) => text.includes(form))
    const lines = text.split('\n').filter((line) => found.some((form) => line.includes(form)))
    expect(lines.slice(0, 20)).to.deep.equal([])
    // Nor does what a message says.
    expect(text.split('\n').filter((line) => line.includes(body) || line.includes(encoded(body).slice(0, 20)))).to.deep.equal([])
  }).timeout(240_000)
})

const programsLogIn = async (family: Family): Promise<void> => {
  const message = Buffer.concat([testMessage('secret', 500), Buffer.from(`${body}\r\n`)])
  const login = { user, password: right }
  for (const { needs, send } of Object.values(mailSenders)) {
    if (needs.every((program) => findProgram(program) !== null)) {
      for (const method of ['PLAIN', 'LOGIN'] as const) await send(routeTo(family, 'smtp', { login, method }), message)
    }
  }
  for (const { needs, fetch } of Object.values(mailReaders)) {
    if (needs.every((program) => findProgram(program) !== null)) await fetch({ ...routeTo(family, 'pop3'), login })
  }
  const ftp = new BasicFtp(10_000)
  await ftp.access({ host: family.host, port: family.port('ftp'), user, password: right })
  ftp.close()
  if (findProgram('curl') === null) return
  const credentials = `${user}:${encodeURIComponent(right)}`
  const at = (service: string) => `${credentials}@${family.host}:${family.port(service)}`
  for (const url of [`ftp://${at('ftp')}/`, `pop3://${at('pop3')}/`, `http://${at('http')}/`]) await run('curl', ['-sS', url])
}
