import { isAscii } from 'node:buffer'
import { expect } from 'chai'
import { fieldOf, headerFields } from '../../shared/mail/header.ts'
import type { MailStore, StoredMessage } from '../../shared/mail/mail-store.ts'
import { type MessageParts, readParts } from '../../shared/mail/message-parts.ts'
import { openMailStore } from '../../shared/mail/sqlite-mail-store.ts'
import { Client } from '../kit/client.ts'
import { testAccounts } from '../kit/fake-desk.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'
import { type Running, serve } from '../kit/serving.ts'
import { quit, stuffed, unstuffed } from '../whole/conversations.ts'
import { corpus } from './corpus/corpus.ts'
import type { CorpusMessage, Expected } from './corpus/message.ts'

const CRLF = Buffer.from('\r\n')

/** How many lines of the body TOP is asked for. */
const tops = [0, 1, 3, 100_000]

/** What POP3 gave for one message. */
interface Fetched {
  /** As LIST tells them. */
  readonly octets: number
  readonly whole: Buffer
  readonly tops: readonly Buffer[]
}

/** What came, up to the dot, dots taken away (RFC 1939 §3). */
const multiline = async (client: Client, command: string): Promise<Buffer> => {
  expect(await client.ask(command), command).to.match(/^\+OK/)
  const lines: Buffer[] = []
  for (let line = await client.lineOctets(); !line.equals(Buffer.from('.')); line = await client.lineOctets()) lines.push(line)
  return unstuffed(lines)
}

/** Sends them all in one conversation, as a client would: 8-bit, and with SMTPUTF8 where the header needs it. */
const sendAll = async (
  port: number,
  account: string,
  messages: readonly CorpusMessage[],
  body: (client: Client, message: CorpusMessage) => Promise<void>,
): Promise<void> => {
  using client = await Client.connect(port)
  await client.reply()
  await client.command('EHLO client.test')
  expect(await client.reply())
    .to.include('250-8BITMIME')
    .and.to.include('250-SMTPUTF8')
    .and.to.include('250-CHUNKING')
  for (const message of messages) {
    await client.command(`MAIL FROM:<sender@example.org> BODY=8BITMIME${message.utf8 ? ' SMTPUTF8' : ''}`)
    expect(await client.line(), message.name).to.match(/^250 /)
    expect(await client.ask(`RCPT TO:<${account}@havre.test>`), message.name).to.match(/^250 /)
    await body(client, message)
    expect(await client.line(), message.name).to.match(/^250 /)
  }
}

const byData = async (client: Client, { name, octets }: CorpusMessage): Promise<void> => {
  expect(await client.ask('DATA'), name).to.match(/^354 /)
  await client.send(stuffed(octets))
}

/** In three chunks, the first of which cuts the first line, and all at once. */
const byBdat = async (client: Client, { name, octets }: CorpusMessage): Promise<void> => {
  const cut = octets.length >> 1
  const chunks = [octets.subarray(0, Math.min(3, cut)), octets.subarray(Math.min(3, cut), cut)]
  const last = octets.subarray(cut)
  const commands = chunks.flatMap((chunk) => [Buffer.from(`BDAT ${chunk.length}\r\n`), chunk])
  await client.send(Buffer.concat([...commands, Buffer.from(`BDAT ${last.length} LAST\r\n`), last]))
  for (const _ of chunks) expect(await client.line(), name).to.match(/^250 /)
}

/** @param before UTF8: what needs it comes as it is (RFC 6856 §2) */
const fetchAll = async (port: number, ...before: readonly 'UTF8'[]): Promise<readonly Fetched[]> => {
  using client = await Client.connect(port)
  expect(await client.line()).to.match(/^\+OK/)
  for (const command of [...before, 'USER alice', `PASS ${testAccounts['alice']}`])
    expect(await client.ask(command)).to.match(/^\+OK/)
  const sizes = (await multiline(client, 'LIST')).toString().trimEnd().split('\r\n')
  const fetched: Fetched[] = []
  for (const [at, size] of sizes.entries()) {
    const whole = await multiline(client, `RETR ${at + 1}`)
    const parts: Buffer[] = []
    for (const lines of tops) parts.push(await multiline(client, `TOP ${at + 1} ${lines}`))
    fetched.push({ octets: Number(size.split(' ')[1]), whole, tops: parts })
  }
  await quit(client)
  return fetched
}

/** RFC 1939 §7: the header, the blank line, and so many lines. */
const topOf = (message: Buffer, lines: number): Buffer => {
  let end = message.indexOf('\r\n\r\n')
  if (end === -1) return message
  end += 4
  for (let left = lines; left > 0 && end < message.length; left--) end = message.indexOf(CRLF, end) + 2
  return message.subarray(0, end)
}

const trace =
  /^Return-Path: <sender@example\.org>\r\nReceived: from client\.test \(\[127\.0\.0\.1\]\)\r\n\tby localhost with (?:UTF8SMTP|ESMTP) id \S+\r\n\tfor <(?:alice|bob)@havre\.test>;\r\n\t[^\r\n]+\r\n$/

const expectShown = (shown: MessageParts, expected: Expected): void => {
  if (expected.subject !== undefined) expect(shown.subject).to.equal(expected.subject)
  if (expected.from !== undefined) expect(shown.from).to.include(expected.from)
  const text = (shown.text ?? '').replaceAll('\r\n', '\n')
  for (const piece of expected.text ?? []) expect(text).to.include(piece)
  for (const piece of expected.not ?? []) expect(text).to.not.include(piece)
  if (expected.attachments !== undefined)
    expect(shown.attachments.map(({ filename, contentType, octets }) => [filename, contentType, octets])).to.deep.equal(
      expected.attachments,
    )
}

describe('mail of all kinds, through SMTP into the store and out again', () => {
  const messages = corpus.filter(({ unended }) => !unended)
  let folder: TemporaryFolder
  let smtp: Running
  let pop3: Running
  let fetched: readonly Fetched[]
  let fetchedPlain: readonly Fetched[]
  before('send and fetch it', async function () {
    this.timeout(120_000)
    folder = await temporaryFolder()
    const settings = { data: folder.at('data') }
    smtp = await serve({ service: 'smtp', settings })
    pop3 = await serve({ service: 'pop3', settings })
    await sendAll(smtp.port, 'alice', messages, byData)
    await sendAll(smtp.port, 'bob', corpus, byBdat)
    fetched = await fetchAll(pop3.port, 'UTF8')
    fetchedPlain = await fetchAll(pop3.port)
  })
  after(async () => {
    await smtp?.close()
    await pop3?.close()
    await folder?.remove()
  })

  it('is of at least 60 kinds, each with a name of its own', () => {
    expect(corpus.length).to.be.greaterThan(100)
    expect(new Set(corpus.map(({ name }) => name)).size).to.equal(corpus.length)
    expect(corpus.filter(({ shows }) => shows !== null).length).to.be.greaterThan(60)
  })

  describe('comes back octet for octet, behind the trace', () => {
    for (const [at, { name, octets }] of messages.entries()) {
      it(name, () => {
        const { whole, tops: parts, octets: told } = fetched[at] ?? { whole: Buffer.alloc(0), octets: 0, tops: [] }
        expect(told).to.equal(whole.length)
        expect(whole.subarray(whole.length - octets.length).equals(octets)).to.equal(true)
        expect(whole.subarray(0, whole.length - octets.length).toString()).to.match(trace)
        for (const [index, lines] of tops.entries())
          expect(parts[index]?.equals(topOf(whole, lines)), `TOP ${lines}`).to.equal(true)
      })
    }
  })

  describe('without UTF8 is the same where its header is ASCII, else its body and its header in words of ASCII (RFC 6857)', () => {
    for (const [at, { name, utf8 }] of messages.entries()) {
      it(name, () => {
        const [was, is] = [fetched[at], fetchedPlain[at]]
        if (was === undefined || is === undefined) throw new Error('was not fetched')
        expect(is.octets).to.equal(is.whole.length)
        for (const [index, lines] of tops.entries())
          expect(is.tops[index]?.equals(topOf(is.whole, lines)), `TOP ${lines}`).to.equal(true)
        const header = topOf(was.whole, 0)
        // What came without SMTPUTF8 is left as it is, whatever it is.
        if (isAscii(header) || !utf8) expect(is.whole.equals(was.whole)).to.equal(true)
        else {
          expect(isAscii(topOf(is.whole, 0))).to.equal(true)
          expect(is.whole.subarray(topOf(is.whole, 0).length).equals(was.whole.subarray(header.length))).to.equal(true)
          const [subject, told] = [header, is.whole].map((octets) => fieldOf(headerFields(octets), 'subject'))
          expect(told).to.equal(subject)
        }
      })
    }
  })

  it('has messages whose header is beyond ASCII', () => {
    expect(messages.filter(({ utf8 }, at) => utf8 && !isAscii(topOf(fetched[at]?.whole ?? CRLF, 0)))).to.not.have.length(0)
  })

  describe('is the same in chunks (BDAT), without a line break at its end too', () => {
    let store: MailStore
    let stored: readonly StoredMessage[]
    before(async () => {
      store = await openMailStore({ file: folder.at('data', 'mail.db') })
      stored = await store.list('bob')
    })
    after(() => store?.close())

    for (const [at, { name, octets }] of corpus.entries()) {
      it(name, async () => {
        const whole = Buffer.concat(await Array.fromAsync(store.read('bob', stored[at]?.id ?? '')))
        expect(whole.subarray(whole.length - octets.length).equals(octets)).to.equal(true)
        expect(whole.subarray(0, whole.length - octets.length).toString()).to.match(trace)
      })
    }
  })

  describe('is read for people', () => {
    let store: MailStore
    let stored: readonly StoredMessage[]
    before(async () => {
      store = await openMailStore({ file: folder.at('data', 'mail.db') })
      stored = await store.list('alice')
    })
    after(() => store?.close())

    for (const [at, { name, shows }] of messages.entries()) {
      it(name, async () => {
        const { id = '' } = stored[at] ?? {}
        const parts = await readParts(store.read('alice', id))
        if (shows !== null) expectShown(parts, shows)
      })
    }
  })
})
