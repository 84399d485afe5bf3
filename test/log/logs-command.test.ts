import { appendFile, mkdir, rename, writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { havre, havreProgram } from '../kit/family.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'
import { run } from '../kit/run.ts'
import { followLogs } from './followed-logs.ts'

const line = (second: number, level: string, service: string, fields: Record<string, unknown> = {}): string =>
  `${JSON.stringify({ time: new Date(Date.UTC(2026, 0, 1, 12, 0, second)).toISOString(), level, service, event: `${service}.said`, ...fields })}\n`

describe('havre logs', () => {
  let folder: TemporaryFolder
  let args: string[]
  beforeEach(async () => {
    folder = await temporaryFolder()
    args = ['--set', `logs=${folder.at('logs')}`, '--set', `data=${folder.at('data')}`]
    await mkdir(folder.at('logs'))
    await writeFile(
      folder.at('logs', 'http.log'),
      line(1, 'info', 'http', { n: 1 }) + line(4, 'warn', 'http', { n: 4, account: 'alice' }) + line(6, 'debug', 'http', { n: 6 }),
    )
    await writeFile(
      folder.at('logs', 'smtp.log'),
      line(2, 'info', 'smtp', { n: 2 }) +
        line(3, 'error', 'smtp', { n: 3 }) +
        line(5, 'info', 'smtp', { n: 5, text: 'a b\u001b[2J' }),
    )
    await writeFile(folder.at('logs', 'http.access.log'), '127.0.0.1 - - no journal\n')
  })
  afterEach(() => folder.remove())

  const logs = async (...more: string[]) => {
    const ended = await havre(['logs', ...args, ...more])
    expect(ended.code, ended.stderr).to.equal(0)
    return ended.stdout.toString()
  }
  const numbers = (text: string) => [...text.matchAll(/n=(\d+)/g)].map(([, n]) => Number(n))

  it('shows the records of all services in the order of time, readable and harmless', async () => {
    const text = await logs()
    expect(numbers(text)).to.deep.equal([1, 2, 3, 4, 5, 6])
    expect(text.split('\n')[3]).to.match(/^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:Z|[+-]\d\d:\d\d) warn {2}http +http\.said +alice n=4$/)
    expect(text).to.include('text="a b\\\\u001b[2J"').and.not.include('\u001b')
  })

  it('begins with the last so many', async () => {
    expect(numbers(await logs('-n', '2'))).to.deep.equal([5, 6])
    expect(numbers(await logs('-n', '0'))).to.deep.equal([])
    expect(numbers(await logs('-n', 'all'))).to.deep.equal([1, 2, 3, 4, 5, 6])
  })

  it('shows one service, and a level with the more serious ones', async () => {
    expect(numbers(await logs('--service', 'smtp'))).to.deep.equal([2, 3, 5])
    expect(numbers(await logs('--level', 'warn'))).to.deep.equal([3, 4])
    // So many of those that are wanted, not of all.
    expect(numbers(await logs('--level', 'warn', '-n', '1', '--service', 'smtp'))).to.deep.equal([3])
    expect(numbers(await logs('--service', 'smtp', '--service', 'http'))).to.have.length(6)
  })

  it('gives the lines as they are with --json', async () => {
    const text = await logs('--json', '-n', '1', '--service', 'http')
    expect(text).to.equal(line(6, 'debug', 'http', { n: 6 }))
  })

  it('finds its way through files larger than what it reads at once, and through torn lines', async () => {
    const many = Array.from({ length: 5_000 }, (_, n) => line(n, 'info', 'pop3', { n, text: 'ü'.repeat(n % 100) }))
    await writeFile(
      folder.at('logs', 'pop3.log'),
      `${many.slice(0, 4_998).join('')}{"torn":\n${many.slice(4_998).join('')}{"not finished`,
    )
    expect(numbers(await logs('--service', 'pop3', '-n', '3'))).to.deep.equal([4_997, 4_998, 4_999])
    expect(numbers(await logs('--service', 'pop3', '-n', 'all'))).to.have.length(5_000)
    const json = await logs('--service', 'pop3', '-n', '3', '--json')
    expect(
      json
        .trim()
        .split('\n')
        .map((text) => JSON.parse(text).n),
    ).to.deep.equal([4_997, 4_998, 4_999])
  })

  it('says what there is when asked for what there is not', async () => {
    const unknown = await havre(['logs', ...args, '--service', 'gopher'])
    expect(unknown.code).to.equal(100)
    expect(unknown.stderr).to.include('no service "gopher"').and.include('smtp')
    expect((await havre(['logs', ...args, '-n', 'few'])).code).to.equal(100)
    expect((await havre(['logs', ...args, '--level', 'loud'])).stderr).to.include('debug')
    expect(await logs('--service', 'ftp')).to.equal('')
  })

  it('ends in peace when nobody reads on', async () => {
    await writeFile(folder.at('logs', 'ftp.log'), Array.from({ length: 50_000 }, (_, n) => line(n, 'info', 'ftp', { n })).join(''))
    const ended = await run('sh', [
      '-c',
      '{ "$@"; echo "code $?" >&2; } | head -n 1',
      'sh',
      process.execPath,
      ...havreProgram,
      'logs',
      ...args,
      '-n',
      'all',
    ])
    expect(ended.stderr).to.equal('code 0\n')
  })

  it('follows: what is added, new files, and files that were moved away', async () => {
    using logs = followLogs(['-n', '1', ...args])
    const seen = (n: number) => logs.seen((text) => numbers(text).includes(n))
    await seen(6)
    await appendFile(folder.at('logs', 'smtp.log'), line(10, 'info', 'smtp', { n: 10 }))
    await seen(10)
    await appendFile(folder.at('logs', 'smtp.log'), line(11, 'info', 'smtp', { n: 11 }).slice(0, 40))
    await writeFile(folder.at('logs', 'ftp.log'), line(12, 'info', 'ftp', { n: 12 }))
    await seen(12)
    await appendFile(folder.at('logs', 'smtp.log'), line(11, 'info', 'smtp', { n: 11 }).slice(40))
    await seen(11)
    await appendFile(folder.at('logs', 'http.log'), line(13, 'info', 'http', { n: 13 }))
    await rename(folder.at('logs', 'http.log'), folder.at('logs', 'http.1.log'))
    await writeFile(folder.at('logs', 'http.log'), line(14, 'info', 'http', { n: 14 }))
    await seen(14)
    expect(numbers(logs.text())).to.deep.equal([6, 10, 12, 11, 13, 14])
  })
})
