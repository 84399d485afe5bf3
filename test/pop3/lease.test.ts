import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect } from 'chai'
import { Client } from '../kit/client.ts'
import { eventually } from '../kit/eventually.ts'
import { testAccounts } from '../kit/fake-desk.ts'
import { mailboxWith } from '../kit/mailbox.ts'
import { type Running, serve } from '../kit/serving.ts'
import { storeChild } from '../mail/child.ts'

const password = testAccounts['alice'] ?? ''
const logIn = `AUTH PLAIN ${Buffer.from(`\0alice\0${password}`).toString('base64')}`
const inUse = '-ERR [IN-USE] Another session has this mailbox open'

const serving = (tls: 'off' | 'implicit' = 'off') =>
  serve({ service: 'pop3', tls, prepare: (settings) => mailboxWith(settings, 'alice', ['one', 'two']) })

/** The answer to a login on a connection of its own, which ends with it. */
const tried = async ({ port }: Running): Promise<string> => {
  using client = await Client.connect(port)
  await client.line()
  const answer = await client.ask(logIn)
  if (answer.startsWith('+OK')) await client.ask('QUIT')
  return answer
}

const entered = async (client: Client): Promise<Client> => {
  await client.line()
  expect(await client.ask(logIn)).to.match(/^\+OK/)
  return client
}

describe('POP3: the mailbox, held by a session (RFC 1939 §3)', () => {
  const endings: readonly [name: string, end: (client: Client) => unknown][] = [
    ['QUIT', (client) => client.ask('QUIT')],
    ['the end of what the client sends (FIN)', (client) => client.end()],
    ['a connection that breaks (RST)', (client) => client.reset()],
  ]
  for (const [name, end] of endings) {
    it(`is nobody else’s until ${name}, and then at once`, async () => {
      await using running = await serving()
      using client = await entered(await Client.connect(running.port))
      expect(await tried(running)).to.equal(inUse)
      await end(client)
      // The next login waits a moment for a session that is about to end: it is not told [IN-USE] at all.
      expect(await tried(running)).to.match(/^\+OK/)
    })
  }

  it('is free at once when the client is killed', async () => {
    await using running = await serving()
    const script = `
      const socket = require('node:net').connect(${running.port}, '127.0.0.1')
      socket.on('data', (said) => { if (/ready/.test(said)) socket.write(${JSON.stringify(`${logIn}\r\n`)}); else console.log('in') })`
    const child = spawn(process.execPath, ['-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
    const ended = once(child, 'close')
    try {
      await once(child.stdout, 'data')
      expect(await tried(running)).to.equal(inUse)
    } finally {
      child.kill('SIGKILL')
      await ended
    }
    expect(await tried(running)).to.match(/^\+OK/)
  })

  it('is free at once when TLS ends', async () => {
    await using running = await serving('implicit')
    const secure = () => Client.connectTls(running.port, { tls: { rejectUnauthorized: false } })
    const client = await entered(await secure())
    using second = await secure()
    await second.line()
    expect(await second.ask(logIn)).to.equal(inUse)
    client[Symbol.dispose]()
    expect(await second.ask(logIn)).to.match(/^\+OK/)
  })

  it('takes deliveries all the while, which the session does not see', async () => {
    await using running = await serving()
    using client = await entered(await Client.connect(running.port))
    await mailboxWith(running.settings, 'alice', ['three', 'four'])
    expect(await client.ask('STAT')).to.match(/^\+OK 2 /)
    await client.ask('DELE 1')
    await client.ask('QUIT')
    expect(await tried(running)).to.match(/^\+OK Logged in: 3 messages/)
  })

  it('is free again when the process that held it was killed, once its lease is over', async () => {
    await using running = await serving()
    const child = storeChild(`${running.settings.data}/mail.db`, 'hold', 4_000)
    try {
      expect(await child.line()).to.equal('held')
      expect(await tried(running)).to.equal(inUse)
    } finally {
      await child.end()
    }
    await eventually(async () => expect(await tried(running)).to.match(/^\+OK/))
  })
})
