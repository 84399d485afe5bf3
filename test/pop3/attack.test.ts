import { expect } from 'chai'
import { Client } from '../kit/client.ts'
import { testAccounts } from '../kit/fake-desk.ts'
import { patienceMs } from '../kit/patience.ts'
import type { Running } from '../kit/serving.ts'
import { undisturbed } from '../kit/undisturbed.ts'
import { serveInMemory, storeOf } from './memory-dialogue.ts'

const logIn = `AUTH PLAIN ${Buffer.from(`\0alice\0${testAccounts['alice']}`).toString('base64')}`
const megabytes = 1_000_000

/** More than the system keeps for both ends of a connection on the loopback. */
const large = Buffer.alloc(64 * megabytes, `${'x'.repeat(78)}\r\n`)

const loggedIn = async (running: Running): Promise<Client> => {
  const client = await Client.connect(running.port)
  await client.line()
  expect(await client.ask(logIn)).to.match(/^\+OK/)
  return client
}

/** Resolves when this has not changed for a while. */
const still = async (value: () => number): Promise<void> => {
  for (let last = -1; last !== value(); ) {
    last = value()
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}

const until = async (holds: () => boolean): Promise<void> => {
  for (const endsAt = performance.now() + patienceMs; !holds(); ) {
    if (performance.now() > endsAt) throw new Error(`it does not hold: ${holds}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** Octets that the server took from its clients. */
const taken = (running: Running): number =>
  running.journal.of('connection.closed').reduce((sum, { fields }) => sum + Number(fields['octetsIn']), 0)

describe('POP3: clients that do harm', () => {
  it('a client that does not read what it asks for is not read either, and the message is not fetched', async () => {
    await using running = await serveInMemory({ store: (store) => store.add('alice', large) })
    using client = await loggedIn(running)
    client.pause()
    const flood = 'RETR 1\r\n'.repeat(1_000_000)
    const sending = client.send(flood)
    await still(() => storeOf(running).chunksRead)
    expect(storeOf(running).chunksRead * storeOf(running).chunkOctets).to.be.below(large.length / 2)
    client.reset()
    await sending
    await until(() => running.journal.of('connection.closed').length > 0)
    expect(taken(running)).to.be.below(megabytes)
    expect(storeOf(running).holds('alice')).to.equal(false)
  })

  it('nor is one that sends commands and does not read the replies', async () => {
    await using running = await serveInMemory()
    using client = await loggedIn(running)
    client.pause()
    const sending = client.send('NOOP\r\n'.repeat(8_000_000))
    await still(() => client.socket.bytesWritten - client.socket.writableLength)
    client.reset()
    await sending
    await until(() => running.journal.of('connection.closed').length > 0)
    expect(taken(running)).to.be.below(20 * megabytes)
  })

  it('one that does not read for too long is ended as idle, and its mailbox is free', () =>
    undisturbed(300, async () => {
      await using running = await serveInMemory({ store: (store) => store.add('alice', large), limits: { idleMs: 1_000 } })
      using client = await loggedIn(running)
      client.pause()
      await client.send('RETR 1\r\n')
      await until(() => running.journal.of('pop3.session.ended').length > 0)
      expect(running.journal.of('pop3.session.ended')[0]?.fields).to.include({ reason: 'idle', messages: 0 })
      expect(storeOf(running).holds('alice')).to.equal(false)
      await until(() => running.open === 0)
    }))

  it('a connection that breaks in the middle of a message frees the mailbox', async () => {
    await using running = await serveInMemory({ store: (store) => store.add('alice', large) })
    using client = await loggedIn(running)
    await client.send('RETR 1\r\nDELE 1\r\nQUIT\r\n')
    await client.line()
    client.pause()
    client.reset()
    await until(() => !storeOf(running).holds('alice'))
    expect(storeOf(running).contents('alice')).to.have.length(1)
    expect(running.journal.of('pop3.session.ended')[0]?.fields).to.include({ reason: 'closed', deleted: 0 })
  })

  it('a stop in the middle of a message puts no other words into it, and does not end it', async () => {
    const running = await serveInMemory({ store: (store) => store.add('alice', large), endMs: 600 })
    using client = await loggedIn(running)
    client.pause()
    await client.send('RETR 1\r\n')
    await still(() => storeOf(running).chunksRead)
    const closing = running.close('stop')
    await until(() => running.journal.of('pop3.session.ended').length > 0)
    client.resume()
    const said = (await client.rest()).toString('latin1')
    await closing
    expect(said).to.match(/^\+OK 64000000 octets\r\nxxx/)
    expect(said).to.not.include('-ERR')
    expect(said).to.not.include('\r\n.\r\n')
    expect(said.length).to.be.below(large.length)
  })

  it('a stalled client holds nobody up', async () => {
    await using running = await serveInMemory({
      store: (store) => {
        store.add('alice', large)
        store.add('bob', 'one\r\n')
      },
    })
    using stalled = await loggedIn(running)
    stalled.pause()
    await stalled.send('RETR 1\r\n')
    using half = await Client.connect(running.port)
    await half.send('USER bo')
    using other = await Client.connect(running.port)
    await other.line()
    expect(await other.ask(`AUTH PLAIN ${Buffer.from(`\0bob\0${testAccounts['bob']}`).toString('base64')}`)).to.match(/^\+OK/)
    expect(await other.ask('RETR 1')).to.equal('+OK 5 octets')
  })

  const floods: readonly [name: string, octets: Buffer, answer: RegExp][] = [
    ['a line of a megabyte', Buffer.from(`${'x'.repeat(megabytes)}\r\nQUIT\r\n`), /^-ERR A line may have[^\n]*\n\+OK Goodbye\r\n$/],
    [
      'a megabyte of NUL',
      Buffer.concat([Buffer.alloc(megabytes), Buffer.from('\nQUIT\n')]),
      /^-ERR A line may have[^\n]*\n\+OK Goodbye\r\n$/,
    ],
    [
      'a megabyte of CR',
      Buffer.concat([Buffer.alloc(megabytes, '\r'), Buffer.from('\nQUIT\n')]),
      /^-ERR A line may have[^\n]*\n\+OK Goodbye\r\n$/,
    ],
    ['a megabyte of LF', Buffer.alloc(megabytes, '\n'), /^(-ERR Unknown[^\n]*\n){20}-ERR Too many bad commands: goodbye\r\n$/],
    ['a line that never ends', Buffer.alloc(megabytes, 'x'), /^$/],
    ['a handshake of TLS', Buffer.from('16030100c8010000c40303000a000d0a16', 'hex'), /^(-ERR Unknown[^\n]*\n){2}$/],
  ]
  for (const [name, octets, answer] of floods) {
    it(`${name} gets its answer, and leaves little in the journal`, async () => {
      await using running = await serveInMemory()
      using client = await Client.connect(running.port)
      await client.line()
      await client.send(octets)
      client.end()
      expect((await client.rest()).toString('latin1')).to.match(answer)
      expect(running.journal.text().length).to.be.below(20_000)
    })
  }
})
