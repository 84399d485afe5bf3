import { expect } from 'chai'
import { Client } from '../kit/client.ts'
import { testAccounts } from '../kit/fake-desk.ts'
import { mailboxWith } from '../kit/mailbox.ts'
import { type Seeded, seeded } from '../kit/seeded.ts'
import { type Running, serve } from '../kit/serving.ts'
import { memoryDialogue, serveInMemory, storeOf } from './memory-dialogue.ts'
import type { MemoryMailStore } from './memory-mail-store.ts'

const logIn = `AUTH PLAIN ${Buffer.from(`\0alice\0${testAccounts['alice']}`).toString('base64')}`
const end = Buffer.from('\r\n.\r\n')

/** What a client that follows RFC 1939 §3 to the letter makes of a multi-line reply's octets, status line included. */
const strictly = (reply: Buffer): { status: string; text: Buffer } => {
  const begin = reply.indexOf('\r\n') + 2
  const status = reply.toString('latin1', 0, begin - 2)
  // The status line's own CRLF may be the one before the dot that ends an empty text.
  const stop = reply.indexOf(end, begin - 2)
  expect(stop, 'the end').to.equal(reply.length - end.length)
  const text = reply.toString('latin1', begin, Math.max(begin, stop + 2)).replace(/(^|\r\n)\./g, '$1')
  return { status, text: Buffer.from(text, 'latin1') }
}

/** What a client makes of it that ends lines at LF, as most do. */
const leniently = (reply: Buffer): Buffer => {
  const [, ...lines] = reply.toString('latin1').split(/(?<=\n)/)
  const stop = lines.indexOf('.\r\n')
  expect(stop, 'the end').to.equal(lines.length - 1)
  return Buffer.from(
    lines
      .slice(0, stop)
      .map((line) => line.replace(/^\./, ''))
      .join(''),
    'latin1',
  )
}

/** All that the server says to these lines after the login. */
const answers = async (running: Running, lines: readonly string[]): Promise<Buffer> => {
  using client = await Client.connect(running.port)
  await client.line()
  expect(await client.ask(logIn)).to.match(/^\+OK/)
  await client.send(lines.map((line) => `${line}\r\n`).join(''))
  client.end()
  return await client.rest()
}

/** Texts in which dots and line breaks are frequent. */
const soup = (random: Seeded, breaks: readonly string[]): Buffer => {
  const pieces = Array.from({ length: random.between(0, 60) }, () =>
    random.pick(['.', '..', 'a', 'text', '\0', '\xff', ' ', ...breaks, ...breaks]),
  )
  return Buffer.from(pieces.join(''), 'latin1')
}

const closed = (text: Buffer): Buffer =>
  text.length === 0 || text.subarray(-2).equals(end.subarray(0, 2)) ? text : Buffer.concat([text, end.subarray(0, 2)])

const addTo = (messages: readonly Buffer[]) => (store: MemoryMailStore) => {
  for (const message of messages) store.add('alice', message)
}

describe('POP3: RETR', () => {
  it('gives a strict client the message as it is stored, whatever it is, in chunks of any size', async () => {
    const random = seeded()
    const messages = Array.from({ length: 200 }, () => soup(random, ['\r\n', '\r\n.', '\r']))
    await using running = await serveInMemory({ store: addTo(messages) })
    for (const [index, message] of messages.entries()) {
      storeOf(running).chunkOctets = random.between(1, 9)
      storeOf(running).atHand = random.chance(0.5)
      const { status, text } = strictly(await answers(running, [`RETR ${index + 1}`]))
      expect(status).to.equal(`+OK ${message.length} octets`)
      expect(text.toString('latin1'), `message ${index + 1} of seed ${random.seed}`).to.equal(closed(message).toString('latin1'))
    }
  })

  it('cannot be ended early by a message, for clients that end lines at a bare LF', async () => {
    const random = seeded()
    const messages = Array.from({ length: 200 }, () => soup(random, ['\r\n', '\n', '\n.', '\n.\r\n', '\r', '\r\n.\n']))
    await using running = await serveInMemory({ store: addTo(messages) })
    for (const [index, message] of messages.entries()) {
      storeOf(running).chunkOctets = random.between(1, 9)
      storeOf(running).atHand = random.chance(0.5)
      const text = leniently(await answers(running, [`RETR ${index + 1}`]))
      expect(text.toString('latin1'), `message ${index + 1} of seed ${random.seed}`).to.equal(closed(message).toString('latin1'))
    }
  })

  it('gives what is stored on the disk, also a large message, and the same octets in STAT and LIST', async () => {
    const random = seeded()
    const line = Buffer.from(`.${'x'.repeat(75)}\r\n`)
    const messages = [
      Buffer.concat(Array(60_000).fill(line)),
      ...Array.from({ length: 30 }, () => closed(soup(random, ['\r\n', '\r\n.']))),
    ]
    await using running = await serve({ service: 'pop3', prepare: (settings) => mailboxWith(settings, 'alice', messages) })
    const octets = messages.reduce((sum, message) => sum + message.length, 0)
    const listing = messages.map((message, index) => `${index + 1} ${message.length}\r\n`).join('')
    const said = await answers(running, ['STAT', 'LIST'])
    expect(said.toString()).to.equal(
      `+OK ${messages.length} ${octets}\r\n+OK ${messages.length} messages (${octets} octets)\r\n${listing}.\r\n`,
    )
    for (const [index, message] of messages.entries()) {
      const { status, text } = strictly(await answers(running, [`RETR ${index + 1}`]))
      expect(status).to.equal(`+OK ${message.length} octets`)
      expect(text.equals(message), `message ${index + 1}`).to.equal(true)
    }
  })

  memoryDialogue('closes a last line that has no end; those two octets count nowhere', {
    as: 'alice',
    mailbox: [Buffer.from('no end'), Buffer.from('.'), Buffer.from('')],
    source: 'RFC 1939 §3',
    lines: `
      C: LIST
      S: +OK 3 messages (7 octets)
      S: 1 6
      S: 2 1
      S: 3 0
      S: .
      C: RETR 1
      S: +OK 6 octets
      S: no end
      S: .
      C: RETR 2
      S: +OK 1 octets
      S: ..
      S: .
      C: RETR 3
      S: +OK 0 octets
      S: .
      C: TOP 3 5
      S: +OK …
      S: .
      C: NOOP
      S: +OK …
    `,
  })

  it('of a hundred messages, pipelined, comes in order and whole', async () => {
    const messages = Array.from({ length: 100 }, (_, index) => `Subject: ${index}\n\n.${'x'.repeat(4_000)}`)
    await using running = await serveInMemory({ mailbox: messages })
    const said = await answers(
      running,
      messages.map((_, index) => `RETR ${index + 1}`),
    )
    const subjects = [...said.toString('latin1').matchAll(/^Subject: (\d+)\r\n\r\n\.\.x{4000}\r\n\.\r$/gm)].map(
      ([, subject]) => subject,
    )
    expect(subjects).to.deep.equal(messages.map((_, index) => String(index)))
  })

  it('answers when the message cannot be read, and goes on', async () => {
    await using running = await serveInMemory({ mailbox: ['one', 'two'] })
    for (const [code, reply] of [
      ['missing', '-ERR [SYS/PERM] That is no longer there'],
      ['damaged', '-ERR [SYS/TEMP] The mailbox cannot be read at the moment: the journal tells why'],
    ] as const) {
      storeOf(running).fails = { read: code }
      expect((await answers(running, ['RETR 1', 'TOP 1 0', 'STAT'])).toString()).to.equal(`${reply}\r\n${reply}\r\n+OK 2 10\r\n`)
    }
    expect(running.journal.of('pop3.store.failed').map(({ fields }) => fields['command'])).to.deep.equal([
      'RETR 1',
      'TOP 1 0',
      'RETR 1',
      'TOP 1 0',
    ])
    expect(running.journal.of('pop3.session.ended')[0]?.fields).to.include({ messages: 0, octets: 0 })
  })

  for (const failure of ['damaged', new TypeError('a mistake, on purpose')] as const) {
    it(`closes in the middle of a message that cannot be read on (${failure}): no client takes it for whole`, async () => {
      await using running = await serveInMemory({ mailbox: ['x'.repeat(1_000), 'two'] })
      storeOf(running).chunkOctets = 100
      storeOf(running).fails = { 'read-on': failure instanceof Error ? failure : 'damaged' }
      const said = await answers(running, ['RETR 1', 'DELE 2', 'QUIT'])
      expect(said.toString()).to.equal(`+OK 1002 octets\r\n${'x'.repeat(100)}`)
      expect(storeOf(running).holds('alice')).to.equal(false)
      expect(storeOf(running).contents('alice')).to.have.length(2)
      expect(running.journal.records.some(({ level }) => level === 'error')).to.equal(true)
    })
  }
})

describe('POP3: TOP', () => {
  it('reads of a large message only what it needs', async () => {
    await using running = await serveInMemory({ mailbox: [`Subject: large\n\n${'line\n'.repeat(100_000)}`] })
    storeOf(running).chunkOctets = 1_000
    const said = (await answers(running, ['TOP 1 2'])).toString()
    expect(said).to.equal('+OK Top of message follows\r\nSubject: large\r\n\r\nline\r\nline\r\n.\r\n')
    expect(storeOf(running).chunksRead).to.equal(1)
    expect(running.journal.of('pop3.session.ended')[0]?.fields).to.include({ messages: 0, octets: 30 })
  })
})
