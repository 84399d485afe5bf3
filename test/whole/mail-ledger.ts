/** What senders and readers were promised, and what is found in the end: the books of a crash test. */
import { createHash } from 'node:crypto'

const hashOf = (octets: Buffer): string => createHash('sha256').update(octets).digest('hex')

/** The sender's address tells the message, even one of no octets at all: Return-Path has it (RFC 5321 §4.4). */
const trace = /^Return-Path: <(?:[^>+]*\+)?(?<id>[^>@]+)@[^>]*>\r\nReceived: [^\r]*\r\n(?:[ \t][^\r]*\r\n)*/

/** A message as it was fetched, apart: whose it is, and the octets that the client sent. */
const apart = (fetched: Buffer): { readonly id: string; readonly body: Buffer } => {
  const found = trace.exec(fetched.subarray(0, 4_000).toString('latin1'))
  return { id: found?.groups?.['id'] ?? 'none', body: fetched.subarray(found?.[0].length ?? 0) }
}

/** RETR ends the last line of a message where the message does not (RFC 1939 §3). */
const asFetched = (body: Buffer): Buffer =>
  body.length === 0 || body.subarray(-2).toString() === '\r\n' ? body : Buffer.concat([body, Buffer.from('\r\n')])

interface Sent {
  /** Hashes of what it must be as it lies in the store, and as RETR gives it. */
  readonly stored: string
  readonly retrieved: string
  readonly octets: number
  /** By recipient: whether its 250 was read. */
  readonly acknowledged: Map<string, boolean>
}

/** The figures of a run. */
export interface Figures {
  /** Copies (one a recipient) whose 250 was read, and those of which no reply was. */
  readonly acknowledged: number
  readonly unacknowledged: number
  readonly acknowledgedOctets: number
  /** Copies that are gone for good, and sessions whose QUIT was not answered. */
  readonly deleted: number
  readonly quitsUnanswered: number
  /** Copies found in the end, and those of them that nobody had been promised. */
  readonly found: number
  readonly foundUnpromised: number
}

/** One session's deletions whose QUIT was not answered: all of them or none. */
interface Asked {
  readonly account: string
  readonly uidls: ReadonlySet<string>
}

/** Keeps the books; `wrong` says what does not agree with them. */
export class MailLedger {
  readonly wrong: string[] = []
  readonly #sent = new Map<string, Sent>()
  /** By account: unique ids of messages that are gone for good. */
  readonly #gone = new Map<string, Set<string>>()
  /** By account and message: what is gone. */
  readonly #deleted = new Set<string>()
  #unanswered = 0
  /** By unique id of a message: its id; both never change. */
  readonly #known = new Map<string, string>()
  #asked: Asked[] = []

  /** A message is about to be sent. */
  begin(id: string, body: Buffer, accounts: readonly string[]): void {
    const acknowledged = new Map(accounts.map((account) => [account, false]))
    this.#sent.set(id, { stored: hashOf(body), retrieved: hashOf(asFetched(body)), octets: body.length, acknowledged })
  }

  /** The server took it over for these. */
  acknowledge(id: string, accounts: readonly string[]): void {
    for (const account of accounts) this.#sent.get(id)?.acknowledged.set(account, true)
  }

  /** How many copies were acknowledged. */
  get acknowledged(): number {
    return [...this.#sent.values()].reduce((sum, { acknowledged }) => sum + [...acknowledged.values()].filter(Boolean).length, 0)
  }

  /** A session has been told what is in the mailbox: what was asked of an earlier one was done wholly, or not at all. */
  listed(account: string, uidls: ReadonlySet<string>): void {
    for (const uidl of this.#gone.get(account) ?? [])
      if (uidls.has(uidl)) this.wrong.push(`${account}: ${uidl} is back, though QUIT was answered`)
    const open: Asked[] = []
    for (const asked of this.#asked) {
      if (asked.account !== account) {
        open.push(asked)
        continue
      }
      const left = [...asked.uidls].filter((uidl) => uidls.has(uidl))
      if (left.length !== 0 && left.length !== asked.uidls.size)
        this.wrong.push(`${account}: of ${asked.uidls.size} deletions ${left.length} were not done`)
      this.#unanswered += 1
      if (left.length === 0) for (const uidl of asked.uidls) this.#remove(account, uidl)
    }
    this.#asked = open
  }

  /** A message was fetched: it is one that was sent to this account, octet for octet. */
  fetched(account: string, uidl: string, octets: Buffer, how: 'stored' | 'retrieved'): void {
    const { id, body } = apart(octets)
    const sent = this.#sent.get(id)
    const known = this.#known.get(uidl)
    if (known !== undefined && known !== id) this.wrong.push(`${account}: ${uidl} was ${known} and is ${id}`)
    this.#known.set(uidl, id)
    if (sent?.acknowledged.has(account) !== true) this.wrong.push(`${account}: ${id}, which nobody sent here`)
    else if (sent[how] !== hashOf(body)) this.wrong.push(`${account}: ${id} of ${sent.octets} octets is changed (${body.length})`)
  }

  /** QUIT was sent with these marked. */
  asked(account: string, uidls: ReadonlySet<string>): void {
    this.#asked.push({ account, uidls })
  }

  /** QUIT was answered with +OK. */
  answered(account: string, uidls: ReadonlySet<string>): void {
    this.#asked = this.#asked.filter((asked) => asked.uidls !== uidls)
    for (const uidl of uidls) this.#remove(account, uidl)
  }

  /** The books are closed. @param found by account: the unique ids that are there in the end, each of them fetched */
  close(found: ReadonlyMap<string, ReadonlySet<string>>): Figures {
    let [there, unpromised] = [0, 0]
    const counted = new Map<string, number>()
    for (const [account, uidls] of found)
      for (const uidl of uidls) {
        const copy = this.#copy(account, uidl)
        counted.set(copy, (counted.get(copy) ?? 0) + 1)
        there += 1
      }
    for (const [id, { acknowledged }] of this.#sent)
      for (const [account, promised] of acknowledged) {
        const copy = `${account} ${id}`
        const times = counted.get(copy) ?? 0
        if (times > 1) this.wrong.push(`${account}: ${id} is there ${times} times`)
        if (times > 0 && this.#deleted.has(copy)) this.wrong.push(`${account}: ${id} was deleted and is there`)
        if (promised && times === 0 && !this.#deleted.has(copy))
          this.wrong.push(`${account}: ${id} was acknowledged and is not there`)
        if (!promised) unpromised += times
      }
    const all = [...this.#sent.values()].flatMap(({ acknowledged, octets }) =>
      [...acknowledged.values()].map((promised) => ({ promised, octets })),
    )
    const promised = all.filter((copy) => copy.promised)
    return {
      acknowledged: promised.length,
      unacknowledged: all.length - promised.length,
      acknowledgedOctets: promised.reduce((sum, { octets }) => sum + octets, 0),
      deleted: this.#deleted.size,
      quitsUnanswered: this.#unanswered,
      found: there,
      foundUnpromised: unpromised,
    }
  }

  #copy(account: string, uidl: string): string {
    return `${account} ${this.#known.get(uidl) ?? uidl}`
  }

  #remove(account: string, uidl: string): void {
    const gone = this.#gone.get(account) ?? new Set()
    this.#gone.set(account, gone.add(uidl))
    this.#deleted.add(this.#copy(account, uidl))
  }
}
