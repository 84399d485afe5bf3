import { mkdir, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { commands, notOffered } from '../../servers/ftp/commands.ts'
import { protocol } from '../../servers/ftp/options.ts'
import { render } from '../../servers/ftp/replies.ts'
import { initialParameters } from '../../servers/ftp/session-state.ts'
import type { Settings } from '../../shared/config/settings.ts'
import { toldLines } from '../kit/conversation.ts'
import { dialogue } from '../kit/dialogue.ts'
import { examples } from './command-examples.ts'
import { RawSession, serveFtp } from './raw-session.ts'

/** Alice's home for these dialogues. */
const prepare = async ({ data }: Settings): Promise<void> => {
  const home = join(data, 'files', 'alice')
  await mkdir(join(home, 'folder', 'empty'), { recursive: true })
  await writeFile(join(home, 'a.txt'), 'twelve bytes')
  await writeFile(join(home, 'folder', 'b "quoted".txt'), '')
  const time = Date.UTC(2024, 1, 29, 12, 34, 56) / 1000
  await utimes(join(home, 'a.txt'), time, time)
}

const anonymous = ['USER', 'PASS', 'HOST']

describe('ftp: replies', () => {
  it('are lines that a client tells apart, whatever is in them (RFC 959 §4.2)', () => {
    expect(render({ code: 200, lines: ['a\r\n200 b\0\x7f'] })).to.equal('200 a??200 b??')
    expect(render({ code: 211, lines: ['begin', '211 middle', 'end'] })).to.equal('211-begin\r\n 211 middle\r\n211 end')
    expect(render({ code: 213, lines: ['begin'], part: true })).to.equal('213-begin')
    expect(render({ code: 213, lines: ['-rw', 'drwx'], part: true, bare: true })).to.equal('-rw\r\ndrwx')
  })
})

/** All rows, those of the words of SITE and OPTS too. */
const rows = commands.flatMap((row) => [row, ...row.words])

describe('ftp: commands', () => {
  for (const row of rows) {
    const example = examples[row.name]
    if (example === undefined) continue
    const as = anonymous.includes(row.name) ? {} : { as: 'alice' }
    dialogue(`${row.name} does what it is for`, { service: 'ftp', prepare, ...as, source: row.source, lines: example.good })
    if (example.misplaced !== null) {
      const { lines, ...whose } = example.misplaced
      dialogue(`${row.name} is refused where it does not belong`, { service: 'ftp', prepare, ...whose, source: row.source, lines })
    }
    if (example.malformed !== null) {
      dialogue(`${row.name} is refused with a bad argument`, {
        service: 'ftp',
        prepare,
        ...as,
        source: row.source,
        lines: example.malformed,
      })
    }
  }

  it('all have their dialogues', () => {
    expect(Object.keys(examples).sort()).to.deep.equal(rows.map(({ name }) => name).sort())
  })

  it('cite standards that the protocol names, and each of those is cited or about the whole', () => {
    const cited = new Set(rows.map(({ source }) => source.split(' §')[0]))
    const named = protocol.standards.map((standard) => standard.split(' §')[0])
    for (const standard of cited) expect(named).to.include(standard)
    const whole = ['RFC 1123', 'RFC 2228', 'RFC 1579', 'RFC 2577', 'RFC 2640']
    expect(named.filter((standard) => !cited.has(standard) && !whole.includes(standard ?? ''))).to.deep.equal([])
  })

  dialogue('known ones that are not offered get 502, before and after the login', {
    service: 'ftp',
    source: 'RFC 959 §4.2.1',
    lines: ['AUTH TLS', 'SMNT x', 'USER alice', 'PASS wonder land:1', 'smnt x', 'ADAT x', 'XSEM']
      .map(
        (line) =>
          `C: ${line}\nS: ${line.startsWith('USER') ? 331 : line.startsWith('PASS') ? 230 : `502 ${line.split(' ')[0]?.toUpperCase()} is not offered`} …`,
      )
      .join('\n'),
  })

  it('are either offered or not', () => {
    const offered = commands.flatMap(({ name, also }) => [name, ...also])
    expect(notOffered.filter((name) => offered.includes(name))).to.deep.equal([])
    expect(new Set([...offered, ...notOffered]).size).to.equal(offered.length + notOffered.length)
  })

  dialogue('unknown ones get 500, and nothing of them is said or written', {
    service: 'ftp',
    source: 'RFC 959 §4.2.1',
    lines: `
      C: XYZZY secret-word
      S: 500 Unknown command
      C:
      S: 500 Unknown command
      C:  NOOP
      S: 500 Unknown command
      C: \\x80\\x81
      S: 500 Unknown command
      C: NOOP\\tx
      S: 500 Unknown command
      C: constructor
      S: 500 Unknown command
      C: a-name-that-is-longer-than-sixteen
      S: 500 Unknown command
      C: NOOP
      S: 200 OK
    `,
    after: (running) => {
      expect(running.journal.text()).to.not.include('secret-word').and.not.include('longer')
      expect(toldLines(running)).to.include('XYZZY …').and.include('… (no command)')
    },
  })

  it('FEAT and HELP tell what the rows say, and there is help on each (RFC 2389 §3.2, RFC 959 §4.1.3)', async () => {
    await using running = await serveFtp()
    using session = await RawSession.open(running)
    const features = (await session.ask('FEAT')).split('\n').slice(1, -1)
    const now = initialParameters({ tls: 'off', names: 'utf-8' })
    const offered = rows
      .flatMap((row) => row.features)
      .map((feature) => (typeof feature === 'string' ? feature : feature(now)))
      .filter((feature) => !/^(?:AUTH|PBSZ|PROT)/.test(feature))
    expect(features).to.deep.equal([...new Set([...offered, 'TVFS'])].sort().map((feature) => ` ${feature}`))
    const help = (await session.ask('HELP')).split('\n').slice(1, -1)
    expect(help.join(' ').trim().split(/ +/)).to.deep.equal(commands.flatMap(({ name, also }) => [name, ...also]).sort())
    for (const { name, also, syntax } of rows) {
      for (const each of [name, ...also]) expect(await session.ask(`HELP ${each}`)).to.equal(`214 Syntax: ${syntax}`)
    }
    for (const name of notOffered) expect(await session.ask(`HELP ${name}`)).to.equal(`502 ${name} is not offered`)
  })
})
