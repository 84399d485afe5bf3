/** What the journal says of a conversation, held against the octets that really went over the wire. */
import { isUtf8 } from 'node:buffer'
import type { CapturedRecord } from './captured-journal.ts'
import type { Running } from './serving.ts'

/** What the two sides' programs said, all of it. */
export interface Wire {
  /** The client's port. */
  readonly port: number
  readonly client: Buffer
  readonly server: Buffer
}

const LF = 0x0a
/** What stands for something that is not told. */
const untold = /\*{8}|…/

const lineText = (octets: Buffer): string =>
  isUtf8(octets)
    ? octets.toString()
    : octets.toString('latin1').replace(/[\x80-\xff]/g, (octet) => `\\x${octet.charCodeAt(0).toString(16)}`)

/** The records of one connection. */
const recordsFrom = ({ journal }: Running, port: number): readonly CapturedRecord[] => {
  const opened = journal.of('connection.opened').find(({ fields }) => String(fields['remote']).endsWith(`:${port}`))
  const id = opened?.fields['connection']
  return journal.records.filter(({ fields }) => id !== undefined && fields['connection'] === id)
}

/** @returns what is wrong with the server's lines as they were written down, or null */
const wrongServer = (records: readonly CapturedRecord[], wire: Buffer): string | null => {
  let at = 0
  for (const { event, fields } of records) {
    if (event === 'conversation.content' && fields['from'] === 'server') at += Number(fields['octets'])
    if (event !== 'conversation.server') continue
    const line = Buffer.from(`${fields['text']}\r\n`)
    const real = wire.subarray(at, at + line.length)
    // A client that is gone misses the end.
    if (!real.equals(line.subarray(0, real.length))) return `"${fields['text']}" was ${JSON.stringify(real.toString('latin1'))}`
    at += line.length
  }
  return at < wire.length
    ? `${wire.length - at} octets of the server were not written down, from ${JSON.stringify(wire.toString('latin1', at, at + 80))}`
    : null
}

/** The same of the client's. `cut`: what it still said was not read, since the server had ended the conversation. */
const wrongClient = (records: readonly CapturedRecord[], wire: Buffer, cut: boolean): string | null => {
  let at = 0
  for (const { event, fields } of records) {
    if (event === 'conversation.content' && fields['from'] === 'client') at += Number(fields['octets'])
    if (event !== 'conversation.client') continue
    const text = String(fields['text'])
    const end = wire.indexOf(LF, at)
    const whole = wire.subarray(at, end === -1 ? wire.length : end)
    const line = fields['lineBreak'] === 'LF' ? whole : whole.subarray(0, whole.at(-1) === 0x0d ? -1 : undefined)
    const told = text.split(untold, 1)[0] ?? ''
    const fits = untold.test(text) ? lineText(line).startsWith(told) : lineText(line) === told
    const length = fields['octets']
    if (!fits) return `"${text}" was ${JSON.stringify(line.toString('latin1').slice(0, 200))}`
    if (length !== undefined && Math.abs(Number(length) - line.length) > 2)
      return `"${text}" had ${line.length} octets, not ${length}`
    at += whole.length + 1
  }
  const left = wire.subarray(at)
  return cut || !left.includes(LF) ? null : `the client's ${JSON.stringify(left.toString('latin1', 0, 80))} was not written down`
}

/** The client's lines as they were written down, of all conversations. */
export const toldLines = ({ journal }: Running): readonly unknown[] =>
  journal.of('conversation.client').map(({ fields }) => fields['text'])

/**
 * Compares what was written down of a conversation with what was said, apart from what is not told.
 * @returns what is wrong, or null
 */
export const wrongInRecords = (running: Running, wire: Wire): string | null => {
  const records = recordsFrom(running, wire.port)
  if (records.length === 0) return 'there are no records of it'
  const numbers = records.filter(({ event }) => event.startsWith('conversation.')).map(({ fields }) => fields['n'])
  if (numbers.some((number, at) => number !== at + 1)) return `the numbers do not go up by one: ${numbers.join(' ')}`
  const wrong = wrongServer(records, wire.server)
  if (wrong !== null) return wrong
  // TELNET's octets are no part of a line, and octets before a handshake are dropped.
  if (wire.client.includes(0xff) || records.some(({ event }) => event === 'tls.clear-octets-dropped')) return null
  const cut = records.some(({ event, fields }) => event === 'connection.closed' && fields['by'] === 'server')
  return wrongClient(records, wire.client, cut)
}
