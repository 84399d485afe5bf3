/** Clients that send and read mail while the whole family is killed again and again, and books of all that they were told. */
import { mkdir } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { createPasswords } from '../../shared/accounts/password.ts'
import { openAccountStore } from '../../shared/accounts/sqlite-account-store.ts'
import { openMailStore } from '../../shared/mail/sqlite-mail-store.ts'
import { Client } from '../kit/client.ts'
import { havre } from '../kit/family.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'
import { type Seeded, seeded } from '../kit/seeded.ts'
import { integrity } from '../mail/inspect.ts'
import { isBroken, stuffed, unstuffed } from './conversations.ts'
import { KilledFamily } from './killed-family.ts'
import { type Figures, MailLedger } from './mail-ledger.ts'

const password = 'durable secret'

/** How a client sends. */
type Way = 'kept' | 'new' | 'bdat' | 'submission' | 'lmtp'

/** Twenty clients; the ports lead to the services of these names. */
const ways: readonly Way[] = [
  ...Array<Way>(7).fill('kept'),
  ...Array<Way>(4).fill('new'),
  ...Array<Way>(3).fill('bdat'),
  ...Array<Way>(3).fill('submission'),
  ...Array<Way>(3).fill('lmtp'),
]

/** Clients that fetch and delete meanwhile. */
const readers = 3

/** The services, and what each is set to. */
const services = {
  smtp: [],
  submission: ['protocol=smtp', 'mode=submission', 'enabled=true'],
  lmtp: ['protocol=smtp', 'mode=lmtp', 'enabled=true'],
  pop3: [],
} as const

/** A run. */
export interface CrashOptions {
  readonly kills: number
  readonly seed: number
  /** Mailboxes: a dead session's is in use for a while, so that there must be others. */
  readonly mailboxes: number
  /** Copies that are acknowledged before a kill, at most. */
  readonly mostBeforeKill: number
}

/** What became of it. */
export interface CrashOutcome extends Figures {
  readonly kills: number
  /** Kills before the family was ready. */
  readonly whileStarting: number
  readonly sessions: number
  readonly seconds: number
}

/** No octets, around a chunk of the store, a mebibyte, and all between; small ones are many, as in life. */
const sizeOf = (random: Seeded): number => {
  const kind = random.next()
  if (kind < 0.03) return 0
  if (kind < 0.6) return random.between(1, 5_000)
  if (kind < 0.65) return random.pick([65_535, 65_536, 65_537, 131_072])
  if (kind < 0.93) return random.between(5_000, 60_000)
  return kind < 0.985 ? random.between(60_000, 300_000) : 1_048_576 - random.between(0, 1)
}

const from = 'From: <alice@havre.test>\r\nDate: Sat, 21 Nov 2026 10:00:00 +0000\r\nMessage-ID: '

/** What DATA can carry: lines that end in CRLF, some of dots, most long. BDAT may leave the last CRLF away. */
const bodyOf = (random: Seeded, id: string, way: Way): Buffer => {
  const octets = sizeOf(random)
  if (octets === 0 && way !== 'submission') return Buffer.alloc(0)
  const header = `${from}<${id}@havre.test>\r\nSubject: ${id}\r\n\r\n.\r\n..\r\n.dot\r\n`
  const line = `${random.text(random.between(40, 900))} ${id}\r\n`
  const body = Buffer.concat([Buffer.from(header), Buffer.alloc(Math.max(0, octets - header.length - 2), line)])
  if (body.at(-1) === 0x0d) body[body.length - 1] = 0x78
  return way === 'bdat' && random.chance(0.5) ? body : Buffer.concat([body, Buffer.from('\r\n')])
}

/** "Try again", as a child says in the moment in which its supervisor was killed and itself not yet. */
class Refusal extends Error {
  override readonly name = 'Refusal'
}

const expectReply = async (client: Client, code: string): Promise<string[]> => {
  const lines = await client.reply()
  if (/^4/.test(lines[0] ?? '')) throw new Refusal(client.transcript.slice(-30).join('\n'))
  if (!lines[0]?.startsWith(code)) throw new Error(`expected ${code}:\n${client.transcript.slice(-30).join('\n')}`)
  return lines
}

class Crash {
  readonly #options: CrashOptions
  readonly #family: KilledFamily
  readonly #random: Seeded
  readonly ledger = new MailLedger()
  readonly #accounts: readonly string[]
  #over = false
  /** How often it was killed, or is just being. */
  #killed = 0
  #sent = 0
  #acknowledged = 0
  sessions = 0

  constructor(options: CrashOptions, family: KilledFamily, accounts: readonly string[]) {
    this.#options = options
    this.#family = family
    this.#random = seeded(options.seed)
    this.#accounts = accounts
  }

  /** Kills the family so many times under all clients. @returns how many kills came before it was ready */
  async run(): Promise<number> {
    const clients = [
      ...ways.map((way, nth) => this.#send(way, seeded(this.#options.seed + nth))),
      ...Array.from({ length: readers }, (_, nth) => this.#read(seeded(this.#options.seed ^ (nth + 1)))),
    ]
    let failure: unknown = null
    for (const client of clients)
      client.catch((error: unknown) => {
        failure ??= error
        this.#over = true
      })
    let whileStarting = 0
    try {
      for (let kill = 1; kill <= this.#options.kills && !this.#over; kill += 1) if (!(await this.#killOnce())) whileStarting += 1
    } finally {
      this.#over = true
      await Promise.allSettled(clients)
    }
    if (failure !== null) throw failure
    return whileStarting
  }

  /** @returns whether it was ready before */
  async #killOnce(): Promise<boolean> {
    const random = this.#random
    const { ready } = this.#family.start()
    let isReady = false
    if (random.chance(0.1)) {
      isReady = await Promise.race([ready, sleep(random.between(50, 700)).then(() => false)])
    } else {
      isReady = await ready
      if (!isReady) throw new Error(`the family does not start:\n${this.#family.output}`)
      const until = this.#acknowledged + random.between(0, this.#options.mostBeforeKill)
      const deadline = performance.now() + 120_000
      while (this.#acknowledged < until && !this.#over) {
        if (performance.now() > deadline) throw new Error('nothing more is acknowledged')
        await sleep(1)
      }
      await sleep(random.next() * 30)
    }
    this.#killed += 1
    await this.#family.killAll(random)
    return isReady
  }

  /** Whether the kill explains it: a session that ended, or was refused by what was being killed then. @param life that it began in */
  #isByKill(error: unknown, life: number): boolean {
    return isBroken(error) || (error instanceof Refusal && life !== this.#killed)
  }

  async #send(way: Way, random: Seeded): Promise<void> {
    let session: Client | null = null
    let life = this.#killed
    try {
      while (!this.#over) {
        try {
          if (session === null) life = this.#killed
          session ??= await this.#opened(way)
          await this.#sendOne(session, way, random)
          if (way === 'new' || random.chance(0.02)) {
            await session.command('QUIT')
            session[Symbol.dispose]()
            session = null
          }
        } catch (error) {
          if (!this.#isByKill(error, life)) throw error
          session?.[Symbol.dispose]()
          session = null
          await sleep(100) // until it is there again, without taking the time that its start needs
        }
      }
    } finally {
      session?.[Symbol.dispose]()
    }
  }

  async #opened(way: Way): Promise<Client> {
    const service = way === 'submission' || way === 'lmtp' ? way : 'smtp'
    const client = await Client.connect(this.#family.port(service), { deadlineMs: 60_000 })
    try {
      await expectReply(client, '220')
      await client.command(`${way === 'lmtp' ? 'LHLO' : 'EHLO'} client.test`)
      await expectReply(client, '250')
      if (way === 'submission') {
        const plain = Buffer.from(`\0${this.#accounts[0]}\0${password}`).toString('base64')
        await client.command(`AUTH PLAIN ${plain}`)
        await expectReply(client, '235')
      }
      return client
    } catch (error) {
      client[Symbol.dispose]()
      throw error
    }
  }

  async #sendOne(client: Client, way: Way, random: Seeded): Promise<void> {
    this.#sent += 1
    const id = `m${this.#sent}`
    const body = bodyOf(random, id, way)
    const accounts = random.shuffle(this.#accounts).slice(0, random.chance(0.75) ? 1 : random.between(2, 4))
    const sender = way === 'submission' ? `${this.#accounts[0]}+${id}@havre.test` : `${id}@example.org`
    this.ledger.begin(id, body, accounts)
    await client.command(`MAIL FROM:<${sender}>`)
    await expectReply(client, '250')
    for (const account of accounts) {
      await client.command(`RCPT TO:<${account}@havre.test>`)
      await expectReply(client, '250')
    }
    if (way === 'bdat') await sendChunks(client, body, random)
    else {
      await client.command('DATA')
      await expectReply(client, '354')
      await client.send(stuffed(body))
    }
    if (way === 'lmtp')
      for (const account of accounts) {
        await expectReply(client, '250')
        this.#acknowledge(id, [account])
      }
    else {
      await expectReply(client, '250')
      this.#acknowledge(id, accounts)
    }
  }

  #acknowledge(id: string, accounts: readonly string[]): void {
    this.ledger.acknowledge(id, accounts)
    this.#acknowledged += accounts.length
  }

  async #read(random: Seeded): Promise<void> {
    while (!this.#over) {
      const life = this.#killed
      try {
        await this.#readOne(random.pick(this.#accounts), random)
        await sleep(random.between(1, 40))
      } catch (error) {
        if (!this.#isByKill(error, life)) throw error
        await sleep(100)
      }
    }
  }

  /** A session that fetches some, deletes some, and mostly says QUIT. */
  async #readOne(account: string, random: Seeded): Promise<void> {
    using client = await Client.connect(this.#family.port('pop3'), { deadlineMs: 60_000 })
    const uidls = await this.#loggedIn(client, account)
    if (uidls === null) return
    this.sessions += 1
    this.ledger.listed(account, new Set(uidls))
    const marked = new Set<string>()
    for (const [index, uidl] of uidls.entries()) {
      if (!random.chance(Math.min(0.5, 8 / uidls.length))) continue
      this.ledger.fetched(account, uidl, await retrieved(client, index + 1), 'retrieved')
      if (random.chance(0.3)) continue
      await ok(client, `DELE ${index + 1}`)
      marked.add(uidl)
    }
    if (random.chance(0.2)) return
    this.ledger.asked(account, marked)
    await ok(client, 'QUIT')
    this.ledger.answered(account, marked)
  }

  /** @returns the unique ids in order, or null where a session that was killed still has the mailbox */
  async #loggedIn(client: Client, account: string): Promise<string[] | null> {
    await client.line()
    await ok(client, `USER ${account}`)
    const answer = await client.ask(`PASS ${password}`)
    if (answer.startsWith('-ERR [SYS/TEMP]')) throw new Refusal(client.transcript.join('\n'))
    if (answer.startsWith('-ERR [IN-USE]')) return null
    if (!answer.startsWith('+OK')) throw new Error(`cannot log in:\n${client.transcript.join('\n')}`)
    await ok(client, 'UIDL')
    const lines = (await multiline(client)).toString('latin1').split('\r\n').slice(0, -1)
    return lines.map((line) => line.split(' ')[1] ?? '')
  }
}

/** In chunks of any size, the last of which may be empty (RFC 3030 §2). */
const sendChunks = async (client: Client, body: Buffer, random: Seeded): Promise<void> => {
  let at = 0
  while (random.chance(0.6) && at < body.length) {
    const end = random.between(at, body.length)
    await client.send(Buffer.concat([Buffer.from(`BDAT ${end - at}\r\n`), body.subarray(at, end)]))
    await expectReply(client, '250')
    at = end
  }
  await client.send(Buffer.concat([Buffer.from(`BDAT ${body.length - at} LAST\r\n`), body.subarray(at)]))
}

const ok = async (client: Client, command: string): Promise<void> => {
  const line = await client.ask(command)
  if (line.startsWith('-ERR [SYS/TEMP]')) throw new Refusal(client.transcript.slice(-30).join('\n'))
  if (!line.startsWith('+OK')) throw new Error(`expected +OK:\n${client.transcript.slice(-30).join('\n')}`)
}

/** The lines of an answer up to its dot, unstuffed. */
const multiline = async (client: Client): Promise<Buffer> => {
  const lines: Buffer[] = []
  for (;;) {
    const line = await client.lineOctets()
    if (line.length === 1 && line[0] === 0x2e) return unstuffed(lines)
    lines.push(line)
  }
}

const retrieved = async (client: Client, number: number): Promise<Buffer> => {
  await ok(client, `RETR ${number}`)
  return multiline(client)
}

/** All that is there in the end, read as it lies in the store, and told to the books. */
const foundIn = async (
  folder: TemporaryFolder,
  accounts: readonly string[],
  ledger: MailLedger,
): Promise<Map<string, Set<string>>> => {
  const found = new Map<string, Set<string>>()
  const store = await openMailStore({ file: folder.at('data', 'mail.db') })
  try {
    for (const account of accounts) {
      const messages = await store.list(account)
      ledger.listed(account, new Set(messages.map(({ uidl }) => uidl)))
      found.set(account, new Set(messages.map(({ uidl }) => uidl)))
      for (const { id, uidl } of messages)
        ledger.fetched(account, uidl, Buffer.concat(await Array.fromAsync(store.read(account, id))), 'stored')
    }
  } finally {
    await store.close()
  }
  return found
}

/** Each message against its sums, and what mailboxes count against what they hold, as an operator would look. */
const expectNoDamage = async ({ args }: KilledFamily): Promise<void> => {
  const { code, stdout, stderr } = await havre(['doctor', '--mail', '--json', ...args], { deadlineMs: 120_000 })
  expect(code, `${stdout}${stderr}`).to.equal(0)
  expect(stdout.toString()).to.match(/[1-9]\d* messages looked at \([^)]+\): each is what was stored/)
}

/** With one password, hashed once: the command would take half a second for each. */
export const makeAccounts = async (folder: TemporaryFolder, count: number): Promise<string[]> => {
  const accounts = Array.from({ length: count }, (_, nth) => `box${nth}`)
  const passwordHash = await createPasswords().hash(password)
  await mkdir(folder.at('data'), { mode: 0o700, recursive: true })
  const store = await openAccountStore(folder.at('data', 'accounts.db'))
  await store.add(...accounts.map((name) => ({ name, passwordHash })))
  await store.close()
  return accounts
}

/** Kills the family as often as it is asked to, under 20 senders and 3 readers. @throws AssertionError when the books do not agree */
export const crash = async (options: CrashOptions): Promise<CrashOutcome> => {
  const startedAt = performance.now()
  await using folder = await temporaryFolder()
  await using family = await KilledFamily.of(folder, services, seeded(options.seed))
  const accounts = await makeAccounts(folder, options.mailboxes)
  const run = new Crash(options, family, accounts)
  const whileStarting = await run.run()
  // What a user would do: it starts as ever, and ends well.
  const started = family.start()
  expect(await started.ready, family.output).to.equal(true)
  expect(await family.stop(), family.output).to.equal(0)
  const found = await foundIn(folder, accounts, run.ledger)
  const figures = run.ledger.close(found)
  expect(run.ledger.wrong.slice(0, 20), `seed ${options.seed}`).to.deep.equal([])
  expect(integrity(folder.at('data', 'mail.db'))).to.equal('ok')
  await expectNoDamage(family)
  const seconds = (performance.now() - startedAt) / 1000
  return { ...figures, kills: options.kills, whileStarting, sessions: run.sessions, seconds: Math.round(seconds) }
}
