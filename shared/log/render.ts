import type { Fields, Level } from './log.ts'

/** C0, DEL, C1 (they drive terminals), U+2028/9 (line breaks to some), and the marks that turn the direction of text around. */
const unsafe = /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/
const allUnsafe = new RegExp(unsafe, 'g')

const asCode = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`

/** Halves of surrogate pairs, which no UTF-8 can hold. */
const loneSurrogate = /\p{Surrogate}/gu

/** What is not printable ASCII: text that has none of it is as it should be. */
const unusual = /[^ -~]/

/** Text for a log line of any kind: each character that could break the line or drive a terminal as `\u001b`. */
export const escapeControls = (text: string): string => {
  if (!unusual.test(text)) return text
  const whole = text.isWellFormed() ? text : text.replace(loneSurrogate, asCode)
  return unsafe.test(whole) ? whole.replace(allUnsafe, asCode) : whole
}

/** Longer values are cut: a record is read by people. Longer than any line that a protocol takes unless told otherwise. */
const maxValueCharacters = 8 * 1024

type Value = Fields[string]

const cut = (text: string): string =>
  text.length <= maxValueCharacters ? text : `${text.slice(0, maxValueCharacters)}… (${text.length} characters)`

/** These names are the record's own: a field that has one of them gets an underscore behind it. */
const own: ReadonlySet<string> = new Set(['time', 'level', 'service', 'event'])

/** What JSON has to escape, and what we do: most values have none of it. */
const special = /["\\\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]/

/** Text as JSON, control characters escaped: JSON itself escapes C0 only. */
export const jsonText = (text: string): string => (special.test(text) ? escapeControls(JSON.stringify(text)) : `"${text}"`)

const jsonValue = (value: Value): string => {
  if (typeof value === 'string') return jsonText(cut(value))
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : 'null'
  if (Array.isArray(value)) return `[${value.map(jsonValue).join(',')}]`
  return String(value)
}

/** Names are few, and the same in every record. */
const names = new Map<string, string>()
const maxNames = 1_000
const jsonName = (name: string): string => {
  const known = names.get(name)
  if (known !== undefined) return known
  const text = `,${jsonText(own.has(name) ? `${name}_` : name)}:`
  if (names.size < maxNames) names.set(name, text)
  return text
}

/**
 * Fields as the middle of a JSON object: `,"remote":"127.0.0.1:4242","octets":12`; empty for none. What ties records together
 * comes first: connection, remote, account.
 */
export const jsonFields = (fields: Fields): string => {
  let connection = ''
  let remote = ''
  let account = ''
  let rest = ''
  // No list of the names is made, as `Object.keys` makes one: there is a record for each request.
  for (const name in fields) {
    const value = fields[name]
    if (value === undefined) continue
    const text = jsonName(name) + jsonValue(value)
    if (name === 'connection') connection = text
    else if (name === 'remote') remote = text
    else if (name === 'account') account = text
    else rest += text
  }
  return connection + remote + account + rest
}

let lastMs = Number.NaN
let lastText = ''
/** ISO 8601, UTC; busy services write many records in one millisecond. */
export const isoTime = (ms: number): string => {
  if (ms !== lastMs) {
    lastMs = ms
    lastText = new Date(ms).toISOString()
  }
  return lastText
}

/** Most events' names are shorter: what follows stands in columns. */
const eventWidth = 20

/** These come first where they are present. */
const leading = ['connection', 'remote', 'account']

/** A record as people read it, in colours or not. */
export interface PlainRecord {
  readonly timeMs: number
  readonly level: Level
  readonly service: string
  readonly event: string
  readonly fields: Fields
}

const colours: Readonly<Record<Level, string>> = { error: '31', warn: '33', info: '32', debug: '90' }
/** Text in a colour of the terminal (SGR), or as it is. */
export const painted = (colour: string, text: string, colourful: boolean) =>
  colourful ? `\u001b[${colour}m${text}\u001b[0m` : text

const plainValue = (value: Value): string => {
  if (Array.isArray(value)) return value.map(plainValue).join(',')
  const text = escapeControls(cut(String(value)))
  return text === '' || /[\s"=]/.test(text) ? JSON.stringify(text) : text
}

const twoDigits = (value: number) => String(value).padStart(2, '0')

/** `14:03:07`, local time. */
export const clockText = (at: Date): string => [at.getHours(), at.getMinutes(), at.getSeconds()].map(twoDigits).join(':')

/** `2026-11-21`, local time. */
export const dateText = (at: Date): string => [at.getFullYear(), at.getMonth() + 1, at.getDate()].map(twoDigits).join('-')

/** What a local time has to be moved by: `+01:00`; `Z` where it is UTC. */
const zoneText = (at: Date): string => {
  const minutes = -at.getTimezoneOffset()
  const [hours, rest] = [Math.floor(Math.abs(minutes) / 60), Math.abs(minutes) % 60]
  return minutes === 0 ? 'Z' : `${minutes < 0 ? '-' : '+'}${twoDigits(hours)}:${twoDigits(rest)}`
}

/** How a line tells the time: of day; or day, time and zone, local or UTC. */
export type Clock = 'time' | 'local' | 'utc'

const timeText = (timeMs: number, clock: Clock): string => {
  const at = new Date(timeMs)
  if (Number.isNaN(timeMs)) return '-'
  if (clock === 'utc') return `${at.toISOString().slice(0, 19).replace('T', ' ')}Z`
  return clock === 'time' ? clockText(at) : `${dateText(at)} ${clockText(at)}${zoneText(at)}`
}

/** A value as people read it, on one line: control characters are escaped, and what has blanks in it is quoted. */
export const plainField = (name: string, value: Value, colourful: boolean): string =>
  `${painted('90', `${escapeControls(name)}=`, colourful)}${plainValue(value)}`

/**
 * `14:03:07 warn  smtp  login.refused  127.0.0.1:4242  reason=…`: what ties records together without its name, the rest as
 * name=value. Control characters are escaped.
 */
export const plainLine = (record: PlainRecord, colourful: boolean, clock: Clock = 'time'): string => {
  const { timeMs, level, service, event, fields } = record
  const present = Object.entries(fields).filter(([name, value]) => value !== undefined && value !== null && name !== 'connection')
  const first = leading.flatMap((name) => present.filter(([other]) => other === name)).map(([, value]) => plainValue(value))
  const rest = present.filter(([name]) => !leading.includes(name)).map(([name, value]) => plainField(name, value, colourful))
  return [
    painted('90', timeText(timeMs, clock), colourful),
    painted(colours[level], level.padEnd(5), colourful),
    escapeControls(service).padEnd(10),
    painted('1', escapeControls(event).padEnd(first.length + rest.length === 0 ? 0 : eventWidth), colourful),
    ...first,
    ...rest,
  ].join(' ')
}
