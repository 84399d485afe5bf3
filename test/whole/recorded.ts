/** A family under strace, and its mail as it would be found if power were lost at any moment of the recording. */
import { createHash } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { openMailStore } from '../../shared/mail/sqlite-mail-store.ts'
import type { Client } from '../kit/client.ts'
import { type DiskEvent, traceDisk } from '../kit/disk-trace.ts'
import type { Family } from '../kit/family.ts'
import { temporaryFolder } from '../kit/folder.ts'
import { ReplayedDisk } from '../kit/lost-power.ts'
import type { Seeded } from '../kit/seeded.ts'
import { integrity } from '../mail/inspect.ts'
import { stuffed } from './conversations.ts'

/** What a mailbox holds: hashes of the messages' own octets, without the trace, by their envelope sender. */
export type Mailbox = ReadonlyMap<string, string>

const hashOf = (octets: Buffer): string => createHash('sha256').update(octets).digest('hex')

/** Behind the trace that the server put before it (RFC 5321 §4.4). */
const withoutTrace = (octets: Buffer): Buffer => {
  const [trace = ''] =
    /^Return-Path: [^\r]*\r\nReceived: [^\r]*\r\n(?:[ \t][^\r]*\r\n)*/.exec(octets.toString('latin1', 0, 4_000)) ?? []
  return octets.subarray(trace.length)
}

/** A message whose reply was read: what it says must be on disk before it goes out. */
export interface Promise250 {
  readonly sender: string
  readonly to: readonly string[]
  readonly hash: string
  /** The reply's line, which names the transaction. */
  readonly line: string
  /** The client's port. */
  readonly port: number
}

const bodyOf = (id: string, octets: number): Buffer =>
  Buffer.from(`Subject: ${id}\r\n\r\n${`${id} `.repeat(Math.ceil(octets / (id.length + 1))).replace(/.{700}/g, '$&\r\n')}\r\n`)

/** How the body goes over the wire; resolves with the last line of the reply. */
export type Carry = (client: Client, body: Buffer, recipients: number) => Promise<string>

/** Reads a reply. @returns its last line. @throws Error for another code */
export const expectCode = async (client: Client, code: string): Promise<string> => {
  const line = (await client.reply()).at(-1) ?? ''
  if (!line.startsWith(code)) throw new Error(`expected ${code}:\n${client.transcript.join('\n')}`)
  return line
}

/** RFC 5321 §4.1.1.4. */
export const byData: Carry = async (client, body) => {
  await client.command('DATA')
  await expectCode(client, '354')
  await client.send(stuffed(body))
  return expectCode(client, '250')
}

/** Sends a message of about so many octets. @returns what was promised of it */
export const deliver = async (
  client: Client,
  id: string,
  to: readonly string[],
  octets: number,
  carry: Carry,
): Promise<Promise250> => {
  const sender = `${id}@example.org`
  const body = bodyOf(id, octets)
  await client.command(`MAIL FROM:<${sender}>`)
  await expectCode(client, '250')
  for (const account of to) {
    await client.command(`RCPT TO:<${account}@havre.test>`)
    await expectCode(client, '250')
  }
  const line = await carry(client, body, to.length)
  return { sender, to, hash: hashOf(body), line, port: client.localPort }
}

/** Where a client is told this. */
export const saidAt = ({ events }: Replay, port: number, text: string): number => {
  const at = events.findIndex((event) => event.kind === 'said' && event.port === port && event.text.includes(text))
  if (at === -1) throw new Error(`nobody at port ${port} was told "${text}"`)
  return at
}

/** The replay of a recording; `await using` removes what it wrote. */
export class Replay implements AsyncDisposable {
  readonly events: readonly DiskEvent[]
  readonly #disk: ReplayedDisk
  readonly #folder: string
  #next = 0

  constructor(events: readonly DiskEvent[], disk: ReplayedDisk, folder: string) {
    this.events = events
    this.#disk = disk
    this.#folder = folder
  }

  /** The event up to which it is replayed. */
  get at(): number {
    return this.#next
  }

  /** Replays up to this event, without it; never back. */
  goTo(index: number): void {
    if (index < this.#next) throw new RangeError(`event ${index} is past: ${this.#next}`)
    for (; this.#next < index; this.#next += 1) {
      const event = this.events[this.#next]
      if (event !== undefined) this.#disk.take(event)
    }
  }

  /**
   * The mailboxes as they are after loss of power at this moment, opened as ever.
   * @param random which of what was not synced is there nevertheless; null: nothing
   * @throws Error where the file is not whole
   */
  async mailboxes(accounts: readonly string[], random: Seeded | null): Promise<ReadonlyMap<string, Mailbox>> {
    const folder = await mkdtemp(join(this.#folder, 'found-'))
    try {
      await this.#disk.write(folder, random)
      const file = join(folder, 'mail.db')
      const store = await openMailStore({ file })
      const found = new Map<string, Mailbox>()
      for (const account of accounts) {
        const messages = new Map<string, string>()
        for (const { id, sender } of await store.list(account))
          messages.set(sender, hashOf(withoutTrace(Buffer.concat(await Array.fromAsync(store.read(account, id))))))
        found.set(account, messages)
      }
      await store.close()
      const answer = integrity(file)
      if (answer !== 'ok') throw new Error(`integrity: ${answer}`)
      return found
    } finally {
      await rm(folder, { recursive: true, force: true })
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true })
  }
}

/** Records what all processes of a family do to its mail while `work` runs. */
export const record = async (family: Family, work: () => Promise<void>): Promise<Replay> => {
  const folder = await temporaryFolder()
  const data = family.folder.at('data')
  const { supervisor, services } = await family.status()
  const pids = [supervisor.pid, ...services.flatMap(({ workers }) => workers.map(({ pid }) => pid))]
  const trace = await traceDisk(
    pids.filter((pid) => pid !== null),
    folder.at('trace'),
  )
  const files = ['mail.db', 'mail.db-wal'].map((name) => join(data, name))
  const disk = new ReplayedDisk(files)
  let events: DiskEvent[] = []
  try {
    await work()
  } finally {
    events = await Array.fromAsync(trace.stop(data))
  }
  await rm(folder.at('trace'))
  return new Replay(events, disk, folder.path)
}
