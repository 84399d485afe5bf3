import { appendFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'
import { expect } from 'chai'
import { havre } from '../kit/family.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'
import { followLogs } from './followed-logs.ts'

const startedAtMs = Date.UTC(2026, 0, 1, 12, 0, 0)

/** A line of smtp's journal, so long after the begin. */
const line = (ms: number, event: string, fields: Record<string, unknown> = {}, connection = 'abc-1'): string => {
  const level = event.startsWith('con') ? 'debug' : 'info'
  const time = new Date(startedAtMs + ms).toISOString()
  return `${JSON.stringify({ time, level, service: 'smtp', event, connection, remote: '127.0.0.1:40000', ...fields })}\n`
}

const opened = line(0, 'connection.opened', { local: '127.0.0.1:2525' })
const beginning = [
  opened,
  line(1, 'conversation.server', { n: 1, ms: 1, text: '220 here' }),
  line(1, 'connection.opened', { local: '127.0.0.1:2525' }, 'abc-11'),
  line(2, 'conversation.client', { n: 2, ms: 2, text: 'EHLO \u001b[2Jme' }),
]
const middle = [
  line(3, 'conversation.server', { n: 3, ms: 3, text: '250 hello' }),
  line(4, 'smtp.login.accepted', { account: 'alice', method: 'PLAIN' }),
  line(5, 'conversation.content', { n: 4, ms: 5, from: 'client', octets: 12_345 }),
]
const end = [
  line(6, 'conversation.client', { n: 5, ms: 6, text: 'QUIT', lineBreak: 'LF' }),
  line(1_500, 'connection.closed', { by: 'client', octetsIn: 12_400, octetsOut: 1, durationMs: 1_500 }),
]

const dialogue = `
   0.000  --- connected from 127.0.0.1:40000 to 127.0.0.1:2525 ---
   0.001  S: 220 here
   0.002  C: EHLO \\u001b[2Jme
   0.003  S: 250 hello
   0.004  -- smtp.login.accepted account=alice method=PLAIN
   0.005  C: … 12,345 octets of message …
   0.006  C: QUIT  [ends with LF alone]
   1.500  --- closed by the client: 12,400 octets in, 1 octet out, 1.50 s ---
`

describe('havre logs --conversation', () => {
  let folder: TemporaryFolder
  let args: string[]
  beforeEach(async () => {
    folder = await temporaryFolder()
    args = ['--set', `logs=${folder.at('logs')}`, '--set', `data=${folder.at('data')}`]
    await mkdir(folder.at('logs'))
    await writeFile(folder.at('logs', 'http.log'), line(3, 'conversation.client', { n: 1, ms: 0, text: 'not this' }, 'http-1'))
  })
  afterEach(() => folder.remove())

  const smtpLog = () => folder.at('logs', 'smtp.log')
  const shown = async (...more: string[]) => {
    const { code, stdout, stderr } = await havre(['logs', '--conversation', 'abc-1', ...args, ...more])
    expect(code, stderr).to.equal(0)
    return stdout.toString()
  }

  it('shows a conversation as a dialogue, with what else the journal has of it, and harmless', async () => {
    await writeFile(smtpLog(), [...beginning, ...middle, ...end].join(''))
    const text = await shown()
    const [first, second, ...rest] = text.split('\n')
    expect(first).to.equal('smtp, conversation abc-1')
    expect(second).to.match(/^client 127\.0\.0\.1:40000, account alice, \d{4}-\d\d-\d\d \d\d:\d\d:\d\d, took 1\.50 s$/)
    expect(rest.join('\n')).to.equal(dialogue)
  })

  it('finds it in logs that were put away, compressed or not, in their order', async () => {
    await writeFile(folder.at('logs', 'smtp.log.20260101T120000.002Z.gz'), gzipSync(beginning.join('')))
    await writeFile(folder.at('logs', 'smtp.log.20260101T120000.005Z'), middle.join(''))
    await writeFile(smtpLog(), end.join(''))
    expect(await shown()).to.include(dialogue)
    const { stdout } = await havre(['logs', '--conversations', '--json', ...args])
    const listed = stdout
      .toString()
      .trim()
      .split('\n')
      .map((text) => JSON.parse(text))
    expect(listed.find(({ id }) => id === 'abc-1')).to.deep.include({
      service: 'smtp',
      account: 'alice',
      lines: 4,
      durationMs: 1_500,
    })
  })

  it('gives its records as they are with --json', async () => {
    await writeFile(smtpLog(), [...beginning, ...middle, ...end].join(''))
    expect(await shown('--json')).to.equal([...beginning, ...middle, ...end].filter((text) => !text.includes('abc-11')).join(''))
  })

  it('follows one that goes on, and ends with it', async () => {
    await writeFile(smtpLog(), beginning.join(''))
    using logs = followLogs(['--conversation', 'abc-1', ...args])
    await logs.seen((text) => text.includes('EHLO'))
    expect(logs.text()).to.include('no end in the journal yet')
    await appendFile(smtpLog(), middle.join(''))
    await logs.seen((text) => text.includes('12,345'))
    await appendFile(smtpLog(), end.join(''))
    expect(await logs.exit).to.equal(0)
    expect(logs.text()).to.include(dialogue)
  })

  it('says how conversations come to be recorded where there is none', async () => {
    const unknown = await havre(['logs', '--conversation', '\u001b[2J', ...args])
    expect(unknown.code).to.equal(1)
    expect(unknown.stderr).to.include('no conversation \\u001b[2J').and.include('log.level: debug').and.include('it is info')
    expect(unknown.stderr).to.include('havre reload').and.not.include('\u001b')
    const debug = await havre(['logs', '--conversation', 'x', '--set', 'log.level=debug', ...args])
    expect(debug.code).to.equal(1)
    expect(debug.stderr).to.include('as it is now')
    // Known, but nothing was taken down.
    await writeFile(smtpLog(), line(4, 'smtp.login.accepted', { account: 'alice' }))
    const silent = await havre(['logs', '--conversation', 'abc-1', ...args])
    expect(silent.code).to.equal(0)
    expect(silent.stdout.toString()).to.include('-- smtp.login.accepted account=alice')
    expect(silent.stderr).to.include('What was said is not in the journal')
    await rm(folder.at('logs'), { recursive: true })
    expect((await havre(['logs', '--conversation', 'abc-1', ...args])).code).to.equal(1)
  })

  it('lists the conversations, the newest last, and as many as wanted', async () => {
    await writeFile(smtpLog(), [...beginning, ...middle, ...end].join(''))
    const { stdout } = await havre(['logs', '--conversations', '--service', 'smtp', ...args])
    const rows = stdout
      .toString()
      .trim()
      .split('\n')
      .map((text) => text.trim().split(/ {2,}/))
    expect(rows.map((row) => row.slice(0, 5))).to.deep.equal([
      ['CONVERSATION', 'SERVICE', 'CLIENT', 'ACCOUNT', 'LINES'],
      ['abc-1', 'smtp', '127.0.0.1:40000', 'alice', '4'],
      ['abc-11', 'smtp', '127.0.0.1:40000', '-', '0'],
    ])
    const one = await havre(['logs', '--conversations', '-n', '1', '--json', ...args])
    expect(one.stdout.toString().trim().split('\n')).to.have.length(1)
    // The newest of all services, wherever they are; one log after the other is read back as far as that may be.
    await writeFile(folder.at('logs', 'ftp.log.20260101T130000.000Z.gz'), gzipSync(line(9_000, 'ftp.said', {}, 'ftp-2')))
    await writeFile(folder.at('logs', 'ftp.log'), line(0, 'ftp.said', {}, 'ftp-1'))
    const newest = await havre(['logs', '--conversations', '-n', '1', '--json', ...args])
    expect(JSON.parse(newest.stdout.toString())).to.include({ id: 'ftp-2', startedAt: '2026-01-01T12:00:09.000Z' })
    expect(await readFile(smtpLog(), 'utf8')).to.include('abc-11')
  })
})
