import { fail } from 'node:assert'
import { Client, ClientError } from './client.ts'
import { type Wire, wrongInRecords } from './conversation.ts'
import { testAccounts } from './fake-desk.ts'
import { mailboxWith } from './mailbox.ts'
import { parseScript, type Step } from './script.ts'
import { loadCommands, type Running, type Setup, serve } from './serving.ts'

/** A dialogue with a service, after which nothing may stay open and no record of level `error` be in the journal. */
export interface Dialogue extends Setup {
  /** The account that logs in before the first line. */
  readonly as?: string
  /** Messages in the mailbox of `as` (alice unless given), oldest first: text gets CRLF line breaks, also at its end. */
  readonly mailbox?: readonly (string | Buffer)[]
  /** The standard that says so: `RFC 1939 §5`. */
  readonly source?: string
  /** `C:` and `S:` lines, see `parseScript`. The greeting is read by the kit unless the first line is the server's. */
  readonly lines: string
  /** The client lines that end a pipelined group, beside those whose row in the command table is `alone`. */
  readonly alone?: RegExp
  /** How it is played; all three unless the protocol's conversation does not allow it. */
  readonly played?: readonly Manner[]
  /** Records of level `error` are expected. */
  readonly errors?: boolean
  /** Further checks when the dialogue is over and the service still runs. */
  readonly after?: (running: Running) => void | Promise<void>
  /** Runs the service elsewhere. */
  readonly serve?: (setup: Setup) => Promise<Running>
}

/** How the client's octets are cut into packets. */
export type Manner = 'line by line' | 'octet by octet' | 'pipelined'
const manners: readonly Manner[] = ['line by line', 'octet by octet', 'pipelined']

/** How each protocol logs in, and what then is said. */
const logins: Readonly<Record<string, (name: string, password: string) => readonly string[]>> = {
  pop3: (name, password) => [`USER ${name}`, `PASS ${password}`],
  ftp: (name, password) => [`USER ${name}`, `PASS ${password}`],
  smtp: (name, password) => ['EHLO client.test', `AUTH PLAIN ${Buffer.from(`\0${name}\0${password}`).toString('base64')}`],
}
const welcomed = /^(?:\+OK|[23]\d\d)/

/**
 * Defines tests that play a dialogue line by line, octet by octet and pipelined (all lines of the client up to the next `alone`
 * command, or up to the answer to a continuation, in one write). The server must say the same each time, and its journal too.
 */
export const dialogue = (name: string, what: Dialogue): void => {
  parseScript(what.lines)
  /** What came of it when it was played first, to compare the others with. */
  let first: { manner: Manner; said: string; events: string } | null = null
  describe(what.source === undefined ? name : `${name} (${what.source})`, () => {
    for (const manner of what.played ?? manners) {
      it(`holds ${manner}`, async () => {
        const now = { manner, ...(await playDialogue(what, manner)) }
        if (first !== null) compare(first, now)
        first ??= now
      })
    }
  })
}

/**
 * Plays a dialogue once, with a service of its own that is ended after it.
 * @returns what the server said, and the events of the conversation in the journal
 * @throws {AssertionError} with the whole dialogue, when the server said something else, did not end or its journal is wrong
 */
export const playDialogue = async (what: Dialogue, manner: Manner): Promise<{ said: string; events: string }> => {
  const steps = parseScript(what.lines)
  const running = await start(what)
  let said: string
  let wire: Wire
  try {
    const played = await play(running, what, steps, manner)
    said = played.said
    wire = played.wire
    await what.after?.(running)
  } catch (error) {
    // A failed dialogue is the failure to show, not what the end of the service makes of it.
    await running.close().catch(() => undefined)
    throw error
  }
  await running.close('replace')
  checkJournal(running, what)
  const wrong = isRecorded(running, what) ? wrongInRecords(running, wire) : null
  if (wrong !== null) fail(`the conversation was written down wrong, ${manner}: ${wrong}`)
  return { said, events: eventsOf(running) }
}

const start = async (what: Dialogue): Promise<Running> => {
  const { mailbox = [], as = 'alice' } = what
  return (what.serve ?? serve)({
    ...what,
    prepare: async (settings) => {
      await what.prepare?.(settings)
      if (mailbox.length > 0) await mailboxWith(settings, as, mailbox)
    },
  })
}

/** Servers that tests make tell nobody what they say. */
const isRecorded = ({ journal }: Running, { service, create }: Dialogue): boolean =>
  Object.hasOwn(logins, service) && (create === undefined || journal.of('conversation.server').length > 0)

/** Plays it on one connection. @returns all that the server said from the first step on, and all that was said at all */
const play = async (
  running: Running,
  what: Dialogue,
  steps: readonly Step[],
  manner: Manner,
): Promise<{ said: string; wire: Wire }> => {
  using client = await Client.connect(running.port, { host: running.host })
  if (what.as !== undefined || steps[0]?.who === 'client') await client.reply()
  if (what.as !== undefined) await login(client, what.service, what.as)
  const from = client.transcript.length
  const alone = manner === 'pipelined' ? await aloneLines(what) : () => true
  const player = new Player(client, steps, alone, manner)
  await player.play()
  const said = client.transcript
    .slice(from)
    .filter((line) => line.startsWith('S: '))
    .join('\n')
  return { said, wire: { port: client.localPort, client: Buffer.concat(client.said), server: Buffer.concat(client.heard) } }
}

const login = async (client: Client, service: string, name: string): Promise<void> => {
  const password = testAccounts[name]
  const lines = logins[service]
  if (password === undefined || lines === undefined) throw new Error(`the kit cannot log in to ${service} as ${name}`)
  for (const line of lines(name, password)) {
    await client.command(line)
    const [first = ''] = await client.reply()
    if (!welcomed.test(first)) fail(`the login failed:\n  ${client.transcript.join('\n  ')}`)
  }
}

/** Which lines end a pipelined group: those of rows marked `alone`. */
const aloneLines = async (what: Dialogue): Promise<(line: string) => boolean> => {
  const rows = what.create ? [] : await loadCommands(what.service)
  const names = new Set(rows.filter(({ alone }) => alone).map(({ name }) => name.toUpperCase()))
  return (line) => names.has(line.split(/[ \r\n\\]/, 1)[0]?.toUpperCase() ?? '') || (what.alone?.test(line) ?? false)
}

/** Plays the steps in their order; sends ahead what may be sent ahead. */
class Player {
  readonly #client: Client
  readonly #steps: readonly Step[]
  readonly #alone: (line: string) => boolean
  readonly #manner: Manner
  #sentUpTo = 0

  constructor(client: Client, steps: readonly Step[], alone: (line: string) => boolean, manner: Manner) {
    this.#client = client
    this.#steps = steps
    this.#alone = alone
    this.#manner = manner
  }

  async play(): Promise<void> {
    for (const [at, step] of this.#steps.entries()) {
      try {
        await this.#do(step, at)
      } catch (error) {
        if (!(error instanceof ClientError || error instanceof Mismatch)) throw error
        fail(
          `${error.message.split('\n', 1)[0]}\n${this.#shown(at)}\nwhat was said, ${this.#manner}:\n  ${this.#client.transcript.join('\n  ')}`,
        )
      }
    }
  }

  async #do(step: Step, at: number): Promise<void> {
    if (step.who === 'client' && at >= this.#sentUpTo) await this.#send(at)
    else if (step.who === 'client-ends') this.#client.end()
    else if (step.who === 'server-closes') await this.#client.closed()
    else if (step.who === 'server' && step.many) await this.#many(step.pattern, at)
    else if (step.who === 'server') this.#match(await this.#line(), step.pattern)
  }

  #held: string | null = null

  async #line(): Promise<string> {
    const line = this.#held ?? (await this.#client.lineOctets()).toString('latin1')
    this.#held = null
    return line
  }

  /** Reads lines as long as they match and the next step's pattern does not. */
  async #many(pattern: RegExp, at: number): Promise<void> {
    const next = this.#steps[at + 1]
    if (next?.who !== 'server') throw new SyntaxError('after "S* …" comes a line of the server that ends it')
    for (;;) {
      const line = await this.#line()
      if (next.pattern.test(line) || !pattern.test(line)) {
        this.#held = line
        return
      }
    }
  }

  #match(line: string, pattern: RegExp): void {
    if (!pattern.test(line)) throw new Mismatch(`the server said "${Buffer.from(line, 'latin1')}"`)
  }

  /** Sends this line, and when pipelined all that may go with it. */
  async #send(at: number): Promise<void> {
    const group = [this.#steps[at]].filter((step) => step?.who === 'client')
    let last = at
    if (this.#manner === 'pipelined') {
      while (!this.#endsGroup(last)) {
        last += 1
        const step = this.#steps[last]
        if (step?.who === 'client') group.push(step)
      }
    }
    this.#sentUpTo = last + 1
    const octets = Buffer.concat(group.map((step) => step.octets))
    if (this.#manner === 'octet by octet') await this.#client.trickle(octets)
    else await this.#client.send(octets)
  }

  /** Whether what comes after this step has to wait for the server. */
  #endsGroup(at: number): boolean {
    const [step, next] = [this.#steps[at], this.#steps[at + 1]]
    if (next === undefined || next.who === 'client-ends' || next.who === 'server-closes') return true
    if (step?.who === 'client') return this.#alone(step.text) || (next.who === 'server' && this.#asksBack(at + 1))
    return false
  }

  /** Whether the server's answer asks the client to go on: what follows belongs to the same command. */
  #asksBack(at: number): boolean {
    const step = this.#steps[at]
    return step?.who === 'server' && /^(?:\+ |\+$|334|354)/.test(step.text)
  }

  #shown(at: number): string {
    const lines = this.#steps.map((step, index) => `${index === at ? '→' : ' '} ${describeStep(step)}`)
    return `at the line marked in:\n${lines.join('\n')}`
  }
}

/** The server said something else. */
class Mismatch extends Error {}

const describeStep = (step: Step): string => {
  if (step.who === 'client') return `C: ${step.text}`
  if (step.who === 'server') return `S${step.many ? '*' : ':'} ${step.text}`
  return step.who === 'server-closes' ? 'S closes' : 'C ends'
}

/** What may differ from one run to the next: ids, dates, counts of milliseconds. */
const masked = (text: string): string =>
  text.replace(
    /<[^>]*>|\b[a-f\d]{16}\.\d+\.[a-z\d]+|\S*\d{2}\S*|\b[a-z\d]+-[a-z\d]+-\d+\b|\b(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun|Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\b/g,
    (found, at: number) =>
      // Reply codes stay.
      /^\d{3}(?:[ -]|$)/.test(text.slice(at, at + 4)) && text.slice(at - 3, at) === 'S: ' ? found : '#',
  )

/** The protocol's own events, a line each, without what the host tells: that differs with the packets. */
const eventsOf = ({ journal }: Running): string =>
  journal.records
    .filter(({ event }) => !/^(?:connection|conversation|service)\./.test(event))
    .map(({ level, event }) => `${level} ${event}`)
    .join('\n')

/** What came of a dialogue. */
export interface Played {
  readonly manner: Manner
  readonly said: string
  readonly events: string
}

/** @throws {AssertionError} when two ways of playing one dialogue came out differently */
export const compare = (one: Played, other: Played): void => {
  if (masked(one.said) !== masked(other.said)) {
    fail(`the server says one thing ${one.manner}:\n${one.said}\nand another ${other.manner}:\n${other.said}`)
  }
  if (one.events !== other.events) {
    fail(`the journal tells one thing ${one.manner}:\n${one.events}\nand another ${other.manner}:\n${other.events}`)
  }
}

const checkJournal = ({ journal }: Running, what: Dialogue): void => {
  const errors = journal.records.filter(({ level }) => level === 'error')
  if (errors.length > 0 && what.errors !== true)
    fail(`the journal has errors:\n${errors.map((record) => JSON.stringify(record)).join('\n')}`)
  const text = journal.text()
  for (const [name, password] of Object.entries(testAccounts)) {
    for (const secret of [
      password,
      Buffer.from(password).toString('base64'),
      Buffer.from(`\0${name}\0${password}`).toString('base64'),
    ]) {
      if (text.includes(secret)) fail(`the journal holds the password of ${name}:\n${text}`)
    }
  }
}
