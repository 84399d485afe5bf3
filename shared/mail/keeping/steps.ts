/**
 * The index goes on in steps. A step takes the messages behind the last one that is indexed, as few as keep it short; ids of messages
 * grow in the order of their commits, so nothing comes in before that place any more, and a delivery does nothing for its index.
 *
 * A step that never ended was ended by something, maybe by a message: it is written down before a step begins that it does, and the
 * messages of one that died are then taken one at a time. One that ends two threads is left out. A thread's end that its process saw
 * (`died`) counts for more than one that nobody saw, which may have been anything's: of these it takes six.
 */
import { crc32 } from 'node:zlib'
import { blob, integer, type MailDatabase, type Row, text } from '../sqlite/database.ts'
import { chunkOctets } from '../sqlite/schema.ts'
import { extract, type Letter } from './extract.ts'
import { folded } from './fold.ts'
import type { IndexDatabase } from './index-database.ts'
import type { Lease } from './lease.ts'
import { boxMark } from './query.ts'

/** What a step takes at most. */
const stepLetters = 64
const stepOctets = 2 ** 21

/** What a begun step counts, what a thread that died in it adds, and from where on its first message is left out. */
const tryCounts = { begun: 1, died: 2, leaveOut: 6 } as const

/** A delivery, with the messages that were made of it: they were made together, so their ids stand together. */
interface Group {
  readonly delivery: number
  readonly octets: number
  readonly received: number
  readonly sender: string
  /** JSON, as the store keeps it. */
  readonly recipients: string
  readonly messages: { readonly id: number; readonly mailbox: number }[]
}

/** Why a message is not in the index, or not all of it. */
export type LeftOut = 'ended its thread' | 'damaged'

/** What a step did. */
export interface Step {
  /** Messages that the index has passed. */
  readonly messages: number
  readonly leftOut: readonly { readonly message: number; readonly why: LeftOut }[]
}

/** Where the index is; null: it has all there is. */
interface Plan {
  readonly groups: readonly Group[]
  readonly reach: number
  readonly trying: number
}

/** How many messages are not in the index yet, at most. */
export const behind = (mail: MailDatabase, index: IndexDatabase): number => {
  const from = integer(index.get('SELECT message FROM progress')?.message)
  return Math.max(0, newestMessage(mail) - from)
}

/** The highest id that a message ever had. */
export const newestMessage = (mail: MailDatabase): number => {
  const sequence = mail.get(`SELECT seq FROM sqlite_sequence WHERE name = 'message'`)
  return sequence === undefined ? 0 : integer(sequence.seq)
}

/**
 * One step.
 * @param died the thread before this one ended in its step
 * @param goOn asked between two messages: false ends the step there
 * @returns null when there is nothing to do
 * @throws {LeaseLost} the step does not hold
 */
export const indexStep = async (
  mail: MailDatabase,
  index: IndexDatabase,
  lease: Lease,
  { died, goOn }: { readonly died: boolean; readonly goOn: () => boolean },
): Promise<Step | null> => {
  const plan = planStep(mail, index, died)
  if (plan === null) return null
  const [first] = plan.groups
  if (first !== undefined && plan.trying >= tryCounts.leaveOut) return leaveOut(index, lease, plan, first)
  lease.transaction(() => index.run('UPDATE progress SET trying = ?, reach = ?', plan.trying + tryCounts.begun, plan.reach))
  const done: { group: Group; letter: Letter | LeftOut | null }[] = []
  for (const group of plan.groups) {
    if (!goOn()) break
    done.push({ group, letter: await letterOf(mail, group) })
  }
  return lease.transaction(() => {
    for (const { group, letter } of done) add(index, group, letter)
    advance(index, done.at(-1)?.group ?? null, plan)
    const messages = done.reduce((sum, { group }) => sum + group.messages.length, 0)
    return { messages, leftOut: done.flatMap(({ group, letter }) => (letter === 'damaged' ? told(group, letter) : [])) }
  })
}

const told = ({ messages }: Group, why: LeftOut) => messages.slice(0, 1).map(({ id }) => ({ message: id, why }))

const planStep = (mail: MailDatabase, index: IndexDatabase, died: boolean): Plan | null => {
  const row = index.get('SELECT message, trying, reach FROM progress')
  const after = integer(row?.message)
  const tried = integer(row?.trying)
  const trying = tried > 0 && died ? tried + tryCounts.died : tried
  const groups = groupsAfter(mail, after, trying > 0 ? 1 : stepLetters)
  const last = groups.at(-1)?.messages.at(-1)
  if (last === undefined) return null
  return { groups, trying, reach: trying > 0 ? integer(row?.reach) : last.id }
}

const rowsSql = `
  SELECT message.id, mailbox, delivery, octets, received, sender, recipients
  FROM message JOIN delivery ON delivery.id = message.delivery WHERE message.id > ? ORDER BY message.id LIMIT 256`

/** The deliveries behind this message: whole ones, at most so many, and no more octets than a step takes. */
const groupsAfter = (mail: MailDatabase, after: number, most: number): Group[] => {
  const groups: Group[] = []
  let octets = 0
  let from = after
  for (;;) {
    const rows = mail.all(rowsSql, from)
    for (const row of rows) {
      from = integer(row.id)
      const last = groups.at(-1)
      if (last?.delivery === row.delivery) last?.messages.push(placeOf(row))
      else {
        if (groups.length >= most || octets > stepOctets) return groups
        octets += integer(row.octets)
        groups.push(groupOf(row))
      }
    }
    // The last one may go on in the rows that follow.
    if (rows.length < 256) return groups
  }
}

const placeOf = (row: Row) => ({ id: integer(row.id), mailbox: integer(row.mailbox) })

const groupOf = (row: Row): Group => ({
  delivery: integer(row.delivery),
  octets: integer(row.octets),
  received: integer(row.received),
  sender: text(row.sender),
  recipients: text(row.recipients),
  messages: [placeOf(row)],
})

/** Null: it is gone by now. */
const letterOf = async (mail: MailDatabase, group: Group): Promise<Letter | LeftOut | null> => {
  try {
    return await extract(octetsOf(mail, group), { sender: group.sender, recipients: knownRecipients(mail, group) })
  } catch (error) {
    if (!(error instanceof Unreadable)) throw error
    return error.why
  }
}

/**
 * Of a message that is in one mailbox, the addresses of that account that it was sent to. A letter of several says none: they might
 * tell one account what is another's (Bcc).
 */
const knownRecipients = (mail: MailDatabase, { recipients, messages }: Group): string[] => {
  const [only, another] = messages
  if (only === undefined || another !== undefined) return []
  const account = mail.get('SELECT account FROM mailbox WHERE id = ?', only.mailbox)?.account
  const list: unknown = JSON.parse(recipients)
  if (!Array.isArray(list)) return []
  return list.flatMap((entry: unknown) =>
    Array.isArray(entry) && typeof entry[0] === 'string' && entry[1] === account ? [entry[0]] : [],
  )
}

/** The octets of a message are not there, or not what was written. */
export class Unreadable extends Error {
  /** Null: the message is gone. */
  readonly why: 'damaged' | null
  constructor(why: 'damaged' | null) {
    super('the message cannot be read')
    this.why = why
  }
}

/** The octets of a delivery, chunk by chunk, each checked against its sum. @throws {Unreadable} */
export const octetsOf = async function* (
  mail: MailDatabase,
  { delivery, octets }: Pick<Group, 'delivery' | 'octets'>,
): AsyncGenerator<Buffer> {
  for (let chunk = 0; chunk * chunkOctets < octets; chunk += 1) {
    const row = mail.get('SELECT crc, data FROM chunk WHERE id = (?1 << 20) + ?2', delivery, chunk)
    if (row === undefined) throw new Unreadable(isThere(mail, delivery) ? 'damaged' : null)
    const data = blob(row.data)
    if (crc32(data) !== row.crc) throw new Unreadable('damaged')
    yield Buffer.from(data.buffer, data.byteOffset, data.byteLength)
  }
}

const isThere = (mail: MailDatabase, delivery: number): boolean =>
  mail.get('SELECT 1 FROM delivery WHERE id = ? AND links > 0', delivery) !== undefined

const insertLetter = `
  INSERT OR REPLACE INTO letter (rowid, box, sender, recipients, subject, text, attachments) VALUES (?, ?, ?, ?, ?, ?, ?)`

const add = (index: IndexDatabase, { delivery, messages }: Group, letter: Letter | LeftOut | null): void => {
  if (letter === null) return
  for (const { id, mailbox } of messages) index.run('INSERT OR REPLACE INTO place VALUES (?, ?, ?)', mailbox, id, delivery)
  if (typeof letter === 'string') {
    index.run('INSERT OR REPLACE INTO left_out VALUES (?, ?)', delivery, letter)
    return
  }
  const boxes = messages.map(({ mailbox }) => boxMark(mailbox)).join(' ')
  const { sender, recipients, subject, text, attachments } = letter
  index.run(insertLetter, delivery, boxes, ...[sender, recipients, subject, text, attachments].map(folded))
}

/** Notes how far the step came; within the reach of one that died the next is careful again. */
const advance = (index: IndexDatabase, last: Group | null, { trying, reach }: Plan): void => {
  const message = last?.messages.at(-1)?.id ?? null
  if (last === null || message === null) index.run('UPDATE progress SET trying = ?', trying)
  else {
    const careful = message < reach ? Math.min(trying, tryCounts.begun + tryCounts.died) : 0
    index.run('UPDATE progress SET message = ?, received = ?, trying = ?', message, last.received, careful)
  }
}

const leaveOut = (index: IndexDatabase, lease: Lease, plan: Plan, group: Group): Step =>
  lease.transaction(() => {
    add(index, group, 'ended its thread')
    advance(index, group, plan)
    return { messages: group.messages.length, leftOut: told(group, 'ended its thread') }
  })
