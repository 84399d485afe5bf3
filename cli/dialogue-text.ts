/** A conversation as people read it: who said what, when, and what else the journal has of it. */
import type { Fields } from '../shared/log/log.ts'
import type { ReadRecord } from '../shared/log/log-reader.ts'
import { clockText, dateText, escapeControls, painted, plainField } from '../shared/log/render.ts'

type Values = Readonly<Record<string, unknown>>

/** What the first lines say of a conversation. */
export interface ConversationFacts {
  readonly id: string
  readonly service: string
  readonly client: string
  readonly account: string | null
  readonly startedAtMs: number
  /** Null while it goes on, or where its end is not in the journal. */
  readonly durationMs: number | null
  /** Lines of both sides that were taken down. */
  readonly lines: number
}

const textOf = (value: unknown): string => (typeof value === 'string' || typeof value === 'number' ? String(value) : '')
const numberOf = (value: unknown): number => (typeof value === 'number' ? value : 0)

/** What the records of one conversation say of it as a whole; at least one is given. */
export const factsOf = (id: string, records: readonly ReadRecord[]): ConversationFacts => {
  const all = records.flatMap(({ record }) => (record === null ? [] : [record]))
  const closed = all.find(({ event }) => event === 'connection.closed')
  return {
    id,
    service: textOf(all[0]?.['service']),
    // Behind a proxy the client is known a little later.
    client: textOf(all.at(-1)?.['remote']),
    account: all.map((record) => textOf(record['account'])).find((account) => account !== '') ?? null,
    startedAtMs: records[0]?.timeMs ?? Number.NaN,
    durationMs: closed === undefined ? null : numberOf(closed['durationMs']),
    lines: all.filter(({ event }) => event === 'conversation.client' || event === 'conversation.server').length,
  }
}

/** `1.5 s`, `2 min 5 s`. */
export const durationText = (ms: number): string => {
  if (ms < 60_000) return `${(ms / 1_000).toFixed(ms < 10_000 ? 2 : 1)} s`
  return `${Math.floor(ms / 60_000)} min ${Math.round((ms % 60_000) / 1_000)} s`
}

const octetsText = (octets: unknown): string => {
  const count = numberOf(octets)
  return `${count.toLocaleString('en')} ${count === 1 ? 'octet' : 'octets'}`
}

/** `2026-11-21 14:03:07`, local time. */
export const momentText = (ms: number): string => `${dateText(new Date(ms))} ${clockText(new Date(ms))}`

/** The first lines. */
export const headLines = (facts: ConversationFacts, colourful: boolean): readonly string[] => {
  const { id, service, client, account, startedAtMs, durationMs } = facts
  const whose = account === null ? '' : `, account ${escapeControls(account)}`
  const howLong = durationMs === null ? 'no end in the journal yet' : `took ${durationText(durationMs)}`
  return [
    painted('1', `${escapeControls(service)}, conversation ${escapeControls(id)}`, colourful),
    `client ${escapeControls(client)}${whose}, ${momentText(startedAtMs)}, ${howLong}`,
    '',
  ]
}

const colours = { C: '36', S: '32', '-': '90' } as const

/** Said in a line of its own, for the events that everybody meets. */
const remarks: Readonly<Record<string, (record: Values) => string>> = {
  'connection.opened': ({ remote, local, via }) =>
    `connected from ${textOf(remote)} to ${textOf(local)}${via === undefined ? '' : ` through the proxy ${textOf(via)}`}`,
  'connection.closed': ({ by, why, octetsIn, octetsOut, durationMs }) =>
    `closed by the ${textOf(by)}${why === undefined ? '' : ` (${textOf(why)})`}: ${octetsText(octetsIn)} in, ${octetsText(octetsOut)} out, ${durationText(numberOf(durationMs))}`,
  'tls.started': ({ version, cipher, resumed }) =>
    `encrypted from here: ${textOf(version)}, ${textOf(cipher)}${resumed === true ? ', a session of before' : ''}`,
  'data.closed': ({ mode, address, direction, octets, complete, secure }) =>
    `data connection ${textOf(mode)} ${textOf(address)}, ${octetsText(octets)} ${direction === 'upload' ? 'in' : 'out'}, ${complete === true ? 'complete' : 'broken off'}${secure === true ? ', encrypted' : ''}`,
}

/** They are said by the first lines, or by every line. */
const shownElsewhere: ReadonlySet<string> = new Set(['time', 'level', 'service', 'event', 'connection', 'remote'])

const isValue = (value: unknown): value is Fields[string] =>
  value === null || ['string', 'number', 'boolean'].includes(typeof value) || Array.isArray(value)

const plainRemark = (record: Values, colourful: boolean): string => {
  const { level, event } = record
  const fields = Object.entries(record)
    .filter(([name, value]) => !shownElsewhere.has(name) && value !== null)
    .map(([name, value]) => plainField(name, isValue(value) ? value : JSON.stringify(value), colourful))
  return [...(level === 'warn' || level === 'error' ? [`${level}:`] : []), escapeControls(textOf(event)), ...fields].join(' ')
}

const spoken = (record: Values): { who: 'C' | 'S'; text: string } | null => {
  const { event, from, text, octets, lineBreak } = record
  if (event === 'conversation.server') return { who: 'S', text: textOf(text) }
  if (event === 'conversation.content') return { who: from === 'client' ? 'C' : 'S', text: `… ${octetsText(octets)} of message …` }
  if (event !== 'conversation.client') return null
  const facts = [
    ...(octets === undefined ? [] : [octetsText(octets)]),
    ...(lineBreak === undefined ? [] : [`ends with ${textOf(lineBreak)} alone`]),
  ]
  return { who: 'C', text: `${textOf(text)}${facts.length === 0 ? '' : `  [${facts.join(', ')}]`}` }
}

/** One record as a line: `   0.012  C:  EHLO client.test`. Nothing in it moves the cursor. */
export const dialogueLine = ({ line, record, timeMs }: ReadRecord, startedAtMs: number, colourful: boolean): string => {
  if (record === null) return escapeControls(line)
  const at = typeof record['ms'] === 'number' ? record['ms'] : Math.max(0, timeMs - startedAtMs)
  const gutter = painted('90', (at / 1_000).toFixed(3).padStart(8), colourful)
  const said = spoken(record)
  if (said !== null) return `${gutter}  ${painted(colours[said.who], `${said.who}:`, colourful)} ${escapeControls(said.text)}`
  const remark = Object.hasOwn(remarks, textOf(record['event'])) ? remarks[textOf(record['event'])] : undefined
  if (remark === undefined) return `${gutter}  ${painted(colours['-'], '--', colourful)} ${plainRemark(record, colourful)}`
  return `${gutter}  ${painted(colours['-'], `--- ${escapeControls(remark(record))} ---`, colourful)}`
}
