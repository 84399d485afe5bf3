import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import type { Running } from '../kit/serving.ts'
import { type Answer, methodsOf, readAnswers, said } from './raw.ts'
import { serveSite, type Tree } from './site.ts'

/** One conversation, byte for byte, and what must come of it. */
export interface Row {
  /** What must hold. */
  readonly name: string
  readonly raw: string
  /** The statuses of the answers, in their order. */
  readonly expect: readonly number[]
  /** Fields of the last answer: a text it must equal, a pattern it must match, null where it must be absent. */
  readonly fields?: Readonly<Record<string, string | RegExp | null>>
  /** The body of the last answer. */
  readonly body?: string | RegExp
  readonly source?: string
  /** What is answered depends on the packets here. */
  readonly onlyAtOnce?: true
  /** What is sent behind an answer that ends the connection may have been read by then, and is journalled as cut off (499). */
  readonly mayCut?: true
  /** What is made anew for each answer. */
  readonly differs?: RegExp
}

export const row = (
  name: string,
  raw: string,
  expect: readonly number[],
  more: Omit<Row, 'name' | 'raw' | 'expect'> = {},
): Row => ({ name, raw, expect, ...more })

export const host = 'Host: localhost\r\n'
/** A further request, to see that the connection goes on. */
export const further = `GET /a.txt HTTP/1.1\r\n${host}\r\n`
export const get = (target: string, fields = ''): string => `GET ${target} HTTP/1.1\r\n${host}${fields}\r\n`
export const head = (target: string, fields = ''): string => `HEAD ${target} HTTP/1.1\r\n${host}${fields}\r\n`
export const post = (fields: string, content = ''): string => `POST /a.txt HTTP/1.1\r\n${host}${fields}\r\n${content}`
export const chunked = 'Transfer-Encoding: chunked\r\n'
export const allow = 'GET, HEAD, OPTIONS'
export const closes = { connection: 'close' }
export const stays = { connection: 'keep-alive' }

/** What the rows ask for: files that are served, and secrets around them. */
export const tree: Tree = {
  secret: 'secret',
  'www/a.txt': 'hello\n',
  'www/b.html': '<p>b',
  'www/empty.txt': '',
  'www/grüße.txt': 'Grüße',
  'www/with blank.txt': 'blank',
  'www/folder/b.txt': 'b',
  'www/"<b>/x': 'x',
  'www/indexed/index.html': 'index',
  'www/.secret': 'secret',
  'www/.git/config': 'secret',
  'www/.well-known/security.txt': 'Contact',
  'www/.well-known/.secret': 'secret',
  'www/folder/.well-known/x': 'secret',
  'www/inside.txt': { link: 'a.txt' },
  'www/outside.txt': { link: '../secret' },
  'www/elsewhere': { link: '..' },
  'www/circle': { link: 'circle' },
  'files/alice/public_html/index.html': 'alice',
  'files/alice/private.txt': 'secret',
  'files/bob/public_html/b.txt': 'bob',
  'files/carol': null,
  'files/mallory/public_html': { link: '../bob/public_html' },
}

/** What differs from one connection to the next. */
const timeless = (answers: readonly Answer[], differs: RegExp = /(?!)/g): string =>
  answers
    .map(({ octets }) => octets.toString('latin1'))
    .join('')
    .replaceAll(/Date: [^\r]*/g, 'Date')
    .replaceAll(/(?<=Connection: )\w+-\w+ |(?<=X-Request-Id: |Request: {4})[\w-]+/g, '')
    .replaceAll(differs, '…')
    // Ids of connections have no fixed length, and explanations name them.
    .replaceAll(/Content-Length: \d{3}\b/g, 'Content-Length')

const check = async (port: number, row: Row): Promise<void> => {
  const octets = await said(port, row.raw)
  const answers = readAnswers(octets, methodsOf(row.raw))
  expect(answers.map((answer) => answer.status)).to.deep.equal(row.expect)
  expect(octets.toString('latin1'), 'what is not for the web').not.to.contain('\r\n\r\nsecret')
  const last = answers.at(-1)
  for (const [name, value] of Object.entries(row.fields ?? {})) {
    const found = last?.fields[name]
    if (value instanceof RegExp) expect(found, name).to.match(value)
    else expect(found, name).to.equal(value ?? undefined)
  }
  if (row.body instanceof RegExp) expect(last?.body.toString()).to.match(row.body)
  else if (row.body !== undefined) expect(last?.body.toString()).to.equal(row.body)
  if (row.onlyAtOnce) return
  const trickled = readAnswers(await said(port, row.raw, 'octet by octet'), methodsOf(row.raw))
  expect(timeless(trickled, row.differs), 'sent octet by octet').to.equal(timeless(answers, row.differs))
}

/** Defines a test for each row: sent at once, then octet by octet, with the same answer. Every request must be journalled. */
export const describeRows = (name: string, rows: readonly Row[]): void => {
  describe(name, () => {
    let site: Running
    before(async () => {
      site = await serveSite(tree)
    })
    after(() => site.close())

    for (const each of rows) {
      const source = each.source === undefined ? '' : ` (${each.source})`
      it(`${each.name} → ${each.expect.join(', ')}${source}`, async () => {
        const before = site.journal.written.access.length
        await check(site.port, each)
        // The record comes when the answer is out, which the client may know a moment before us.
        while (site.open > 0) await sleep(1)
        const logged = site.journal.written.access.slice(before).map((line) => Number(/" (\d{3}) \d+ "/.exec(line)?.[1]))
        const statuses = each.mayCut ? logged.filter((status) => status !== 499) : logged
        expect(statuses, 'the access log').to.deep.equal(each.onlyAtOnce ? each.expect : [...each.expect, ...each.expect])
        expect(site.journal.records.filter((record) => record.level === 'error')).to.deep.equal([])
      })
    }
  })
}
