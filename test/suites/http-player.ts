/** Sends the octets of a row to any HTTP server, and tells in one line what came of it. */
import { methodsOf } from '../http/raw.ts'
import type { Row } from '../http/rows.ts'
import { Client, ClientError } from '../kit/client.ts'

/** An answer as far as the table tells of it. */
interface Answer {
  readonly status: number
  readonly fields: ReadonlyMap<string, string>
  readonly body: string
}

/** Fields that are each server's own matter. */
const ownMatter = new Set([
  'server',
  'date',
  'etag',
  'cache-control',
  'content-type',
  'x-content-type-options',
  'connection',
  'last-modified',
])

const chunk = /^([0-9a-f]+)[^\r\n]*\r\n/i

/** A body in chunks that begins there, and where it ends. */
const unchunked = (text: string, from: number): { readonly body: string; readonly end: number } => {
  let body = ''
  for (let at = from; ; ) {
    const [line = '', size = '0'] = chunk.exec(text.slice(at, at + 100)) ?? []
    const octets = Number.parseInt(size, 16)
    if (octets === 0) return { body, end: at + line.length + 2 }
    body += text.slice(at + line.length, at + line.length + octets)
    at += line.length + octets + 2
  }
}

/** Cuts what a server said into answers; what is none ends them, as `other`. */
const read = (text: string, methods: readonly string[]): { readonly answers: readonly Answer[]; readonly other: string } => {
  const answers: Answer[] = []
  for (let at = 0; at < text.length; ) {
    const [head = '', code = ''] = /^HTTP\/1\.[01] ([0-9]{3})[^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n/.exec(text.slice(at)) ?? []
    if (head === '') return { answers, other: text.slice(at) }
    const fields = new Map(
      head
        .split('\r\n')
        .slice(1, -2)
        .map((line) => [line.slice(0, line.indexOf(':')).toLowerCase(), line.slice(line.indexOf(':') + 1).trim()] as const),
    )
    const status = Number(code)
    at += head.length
    if (status < 200) continue
    const length = fields.get('content-length')
    const bodyless = status === 204 || status === 304 || methods[answers.length] === 'HEAD'
    const whole = fields.get('transfer-encoding') === 'chunked' ? unchunked(text, at) : null
    const end = bodyless ? at : (whole?.end ?? (length === undefined ? text.length : at + Number(length)))
    answers.push({ status, fields, body: bodyless ? '' : (whole?.body ?? text.slice(at, end)) })
    at = end
  }
  return { answers, other: '' }
}

/** What a row looks at beside the status: values of fields, whether the connection ends, a short body. */
const details = ({ fields = {}, body }: Row, last: Answer): readonly string[] => {
  const told = Object.entries(fields).flatMap(([name, wanted]) => {
    const value = last.fields.get(name)
    if (name === 'connection') return value === 'close' ? ['closes'] : ['stays']
    if (ownMatter.has(name) || wanted instanceof RegExp) return []
    return [value === undefined ? `no ${name}` : `${name}: ${value}`]
  })
  if (typeof body !== 'string' || last.status >= 300) return told
  return [...told, last.body === body ? JSON.stringify(Buffer.from(body, 'latin1').toString()) : 'another body']
}

/** How long a server may be silent before the table says so: none of these is. */
const silenceMs = 30_000

/** @returns the statuses in their order; `closed` when it ended without a word, `silence` when neither came */
export const play = async (port: number, row: Row): Promise<string> => {
  using client = await Client.connect(port, { deadlineMs: silenceMs })
  await client.send(Buffer.from(row.raw, 'latin1'))
  client.end()
  let text = ''
  let silent = false
  try {
    text = (await client.rest()).toString('latin1')
  } catch (error) {
    if (!(error instanceof ClientError) || error.why !== 'deadline') throw error
    silent = true
    text = Buffer.concat(client.heard).toString('latin1')
  }
  const { answers, other } = read(text, methodsOf(row.raw))
  const last = answers.at(-1)
  const statuses = answers.map(({ status }) => String(status))
  if (other !== '') statuses.push('a body without a head')
  if (last === undefined) return statuses.join(' ') || (silent ? 'silence' : 'closed')
  return [statuses.join(' '), ...details(row, last)].join('; ')
}
