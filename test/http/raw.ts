import { Client } from '../kit/client.ts'

/** An answer as it came off the wire. */
export interface Answer {
  readonly status: number
  readonly reason: string
  /** By lower-case name; the values of several fields of one name are joined with commas. */
  readonly fields: Readonly<Record<string, string>>
  readonly body: Buffer
  /** All of it, as received. */
  readonly octets: Buffer
}

/** How the request's octets are cut into packets. */
export type Manner = 'at once' | 'octet by octet'

const headEnd = Buffer.from('\r\n\r\n')

/**
 * Cuts what a server said into answers, by the book: what it cannot read is an error of the server.
 * @param methods of the requests in their order: an answer to HEAD has no body
 */
export const readAnswers = (said: Buffer, methods: readonly string[] = []): Answer[] => {
  const answers: Answer[] = []
  for (let at = 0; at < said.length; ) {
    const end = said.indexOf(headEnd, at)
    if (end === -1) throw new Error(`a head without an end: ${JSON.stringify(said.subarray(at).toString('latin1'))}`)
    const { status, reason, fields } = readHead(said.subarray(at, end).toString('latin1'))
    const bodyless = status === 204 || status === 304 || status < 200 || methods[answers.length] === 'HEAD'
    const length = bodyless ? 0 : Number(fields['content-length'] ?? Number.NaN)
    if (Number.isNaN(length)) throw new Error(`an answer ${status} without a length`)
    const bodyAt = end + headEnd.length
    const body = said.subarray(bodyAt, bodyAt + length)
    answers.push({ status, reason, fields, body, octets: said.subarray(at, bodyAt + length) })
    at = bodyAt + length
  }
  return answers
}

const readHead = (text: string): Pick<Answer, 'status' | 'reason' | 'fields'> => {
  const [first = '', ...lines] = text.split('\r\n')
  const [, status = '', reason = ''] = /^HTTP\/1\.1 ([1-5][0-9][0-9]) ([\x20-\x7e]*)$/.exec(first) ?? []
  if (status === '') throw new Error(`no status line: ${JSON.stringify(first)}`)
  const fields: Record<string, string> = {}
  for (const line of lines) {
    const [, name = '', value = ''] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+): ([\x20-\x7e\x80-\xff]*)$/.exec(line) ?? []
    if (name === '') throw new Error(`no header field: ${JSON.stringify(line)}`)
    const key = name.toLowerCase()
    fields[key] = fields[key] === undefined ? value : `${fields[key]}, ${value}`
  }
  return { status: Number(status), reason, fields }
}

/** The methods of the requests in a text that holds nothing but requests without content. */
export const methodsOf = (raw: string): string[] =>
  [...raw.matchAll(/(?<=^|\r\n)([A-Z]+) \S+ HTTP\/1\.[01]\r\n/g)].map(([, name = '']) => name)

/** Sends octets (text: Latin-1), shuts our side, and reads all that the server says until it closes. */
export const said = async (port: number, raw: string | Buffer, manner: Manner = 'at once'): Promise<Buffer> => {
  using client = await Client.connect(port)
  const octets = typeof raw === 'string' ? Buffer.from(raw, 'latin1') : raw
  if (manner === 'octet by octet') await client.trickle(octets)
  else await client.send(octets)
  client.end()
  return await client.rest()
}

/** Sends requests in one connection and reads the answers to them. */
export const ask = async (port: number, raw: string, manner: Manner = 'at once'): Promise<Answer[]> =>
  readAnswers(await said(port, raw, manner), methodsOf(raw))

/** Sends one request, `GET /path` with these fields, and reads the answer. */
export const get = async (
  port: number,
  target: string,
  fields: Readonly<Record<string, string>> = {},
  method = 'GET',
): Promise<Answer> => {
  const lines = Object.entries({ Host: 'localhost', ...fields }).map(([name, value]) => `${name}: ${value}\r\n`)
  const answers = readAnswers(await said(port, `${method} ${target} HTTP/1.1\r\n${lines.join('')}\r\n`), [method])
  const [answer] = answers
  if (answer === undefined || answers.length > 1) throw new Error(`${answers.length} answers to one request`)
  return answer
}
