/** `havre logs --conversation ID` and `--conversations`. */
import { once } from 'node:events'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Settings } from '../shared/config/settings.ts'
import { keptFiles, recordsWith } from '../shared/log/kept-records.ts'
import { JournalFollower, type ReadRecord } from '../shared/log/log-reader.ts'
import { escapeControls } from '../shared/log/render.ts'
import { type ConversationFacts, dialogueLine, durationText, factsOf, headLines, momentText } from './dialogue-text.ts'

/** How often `-f` looks for what is new. */
const followMs = 200

/** What is to be shown, and how. */
export interface ConversationOptions {
  readonly settings: Settings
  readonly isWanted: (service: string) => boolean
  readonly json: boolean
  readonly follow: boolean
}

const isColourful = (): boolean => process.stdout.isTTY === true && process.env['NO_COLOR'] === undefined

const write = async (lines: readonly string[]): Promise<void> => {
  if (lines.length > 0 && !process.stdout.write(lines.map((line) => `${line}\n`).join(''))) await once(process.stdout, 'drain')
}

const howToRecord = ({ log }: Settings): string =>
  log.level === 'debug'
    ? 'What is said over FTP, SMTP and POP3 is taken down as long as log.level is debug, as it is now'
    : `What is said over FTP, SMTP and POP3 is taken down at log.level: debug only, and it is ${log.level}: set it in the configuration, then \`havre reload\``

/** The records of one connection that are there already, oldest first. */
const recordsOf = async (id: string, follower: JournalFollower, { settings, isWanted }: ConversationOptions) => {
  const mark = `"connection":${JSON.stringify(id)}`
  const sizes = new Map(follower.files.map(({ path, octets }) => [path, octets]))
  const found: ReadRecord[][] = []
  for (const { path, putAwayMs } of await keptFiles(settings.logs, isWanted)) {
    const octets = putAwayMs !== null ? undefined : (sizes.get(path) ?? 0)
    const here = (await Array.fromAsync(recordsWith(path, mark, octets))).filter(({ record }) => record?.['connection'] === id)
    found.unshift(here)
    // Older files have nothing of what began here.
    if (here.some(({ record }) => record?.['event'] === 'connection.opened')) break
  }
  return found.flat()
}

const isOver = (records: readonly ReadRecord[]): boolean => records.some(({ record }) => record?.['event'] === 'connection.closed')

/**
 * Shows one conversation, also one that goes on; with `follow` until it is over.
 * @returns the exit code: 1 where there is nothing of it
 */
export const showConversation = async (id: string, options: ConversationOptions): Promise<number> => {
  const { settings, isWanted, json, follow } = options
  const follower = new JournalFollower(settings.logs, isWanted)
  try {
    await follower.begin()
    let records = await recordsOf(id, follower, options)
    if (records.length === 0) {
      process.stderr.write(
        `havre: there is no conversation ${escapeControls(id)} in ${settings.logs}. \`havre logs --conversations\` lists those that are there.\n${howToRecord(settings)}.\n`,
      )
      return 1
    }
    const facts = factsOf(id, records)
    const colourful = isColourful()
    const lineOf = (record: ReadRecord) => (json ? record.line : dialogueLine(record, facts.startedAtMs, colourful))
    if (!json) await write(headLines(facts, colourful))
    await write(records.map(lineOf))
    while (follow && !isOver(records)) {
      await sleep(followMs)
      records = (await follower.added()).filter(({ record }) => record?.['connection'] === id)
      await write(records.map(lineOf))
    }
    if (facts.lines === 0 && !follow) process.stderr.write(`What was said is not in the journal. ${howToRecord(settings)}.\n`)
    return 0
  } finally {
    await follower.close()
  }
}

const columns: readonly (readonly [string, (facts: ConversationFacts) => string])[] = [
  ['CONVERSATION', ({ id }) => id],
  ['SERVICE', ({ service }) => service],
  ['CLIENT', ({ client }) => client],
  ['ACCOUNT', ({ account }) => account ?? '-'],
  ['LINES', ({ lines }) => String(lines)],
  ['BEGAN', ({ startedAtMs }) => momentText(startedAtMs)],
  ['TOOK', ({ durationMs }) => (durationMs === null ? '-' : durationText(durationMs))],
]

/** Lists the last conversations, the newest last. @returns the exit code */
export const listConversations = async (count: number, options: ConversationOptions): Promise<number> => {
  const { settings, json } = options
  const rows = await lastConversations(count, options)
  if (json) await write(rows.map((facts) => JSON.stringify({ ...facts, startedAt: new Date(facts.startedAtMs).toISOString() })))
  else {
    const cells = [columns.map(([title]) => title), ...rows.map((facts) => columns.map(([, text]) => escapeControls(text(facts))))]
    const widths = columns.map((_, at) => Math.max(...cells.map((row) => row[at]?.length ?? 0)))
    await write(
      cells.map((row) =>
        row
          .map((cell, at) => cell.padEnd(widths[at] ?? 0))
          .join('  ')
          .trimEnd(),
      ),
    )
  }
  if (rows.every(({ lines }) => lines === 0)) process.stderr.write(`${howToRecord(settings)}.\n`)
  return 0
}

const lastConversations = async (count: number, { settings, isWanted }: ConversationOptions): Promise<ConversationFacts[]> => {
  const found = new Map<string, ConversationFacts>()
  for (const { path, putAwayMs } of await keptFiles(settings.logs, isWanted)) {
    // There are as many as are wanted, and what is in this file and older ones is before all of them.
    const last = [...found.values()].map(({ startedAtMs }) => startedAtMs).sort((one, other) => other - one)
    if (putAwayMs !== null && putAwayMs < (last[count - 1] ?? Number.NEGATIVE_INFINITY)) break
    // Those of an older file that go on in this one are whole only with both.
    const here = new Map<string, ConversationFacts>()
    for await (const read of recordsWith(path, '"connection":')) take(here, read, count)
    for (const [id, facts] of here) found.set(id, merged(facts, found.get(id)))
  }
  return [...found.values()].sort((one, other) => one.startedAtMs - other.startedAtMs).slice(-count)
}

/** Adds a record to the facts of its conversation; of too many, those are forgotten that nothing was heard of for the longest time. */
const take = (facts: Map<string, ConversationFacts>, read: ReadRecord, count: number): void => {
  const id = read.record?.['connection']
  if (typeof id !== 'string') return
  const before = facts.get(id)
  facts.delete(id)
  facts.set(id, merged(before, factsOf(id, [read])))
  if (facts.size <= count) return
  const [oldest] = facts.keys()
  if (oldest !== undefined) facts.delete(oldest)
}

const merged = (one: ConversationFacts | undefined, other: ConversationFacts | undefined): ConversationFacts => {
  if (one === undefined || other === undefined) {
    const only = one ?? other
    if (only === undefined) throw new Error('nothing to merge')
    return only
  }
  return {
    ...one,
    client: other.client,
    account: one.account ?? other.account,
    durationMs: one.durationMs ?? other.durationMs,
    lines: one.lines + other.lines,
  }
}
