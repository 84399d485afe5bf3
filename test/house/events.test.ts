import { basename } from 'node:path'
import { expect } from 'chai'
import { programFiles, textOf } from './sources.ts'

/** A record that is written: level, event's name. */
interface Call {
  readonly file: string
  readonly level: string
  readonly event: string
}

const call = /\.write\(\s*(?<level>'(?:error|warn|info|debug)'|[a-zA-Z]\w*),\s*(?<event>'[^']*'|[^,)\s]+)/g
const levels = ["'error'", "'warn'", "'info'", "'debug'"]

/** Calls that write a record: the level as a literal, or a name as its event. */
const callsIn = (file: string, text: string): readonly Call[] =>
  [...text.matchAll(call)]
    .map(({ groups }) => ({ file, level: groups?.['level'] ?? '', event: groups?.['event'] ?? '' }))
    .filter(({ level, event }) => levels.includes(level) || /^'[a-z0-9-]+\.[a-z.-]+'$/.test(event))

const calls = programFiles.flatMap((file) => callsIn(file, textOf(file)))

describe('the house: events', () => {
  it('are seen by this test at all', () => {
    const text = `log.write('info', 'a.b', {})\nlog.write(\n  level,\n  'c.d')\nstream.write(octets, done)\nlog.write('warn', name)`
    expect(callsIn('x', text).map(({ event }) => event)).to.deep.equal(["'a.b'", "'c.d'", 'name'])
    expect(calls.length).to.be.greaterThan(10)
  })

  it('are written at exactly one call each, so that a name in a log leads to one place', () => {
    const byName = Map.groupBy(calls, ({ event }) => event)
    const twice = [...byName]
      .filter(([, all]) => all.length > 1)
      .map(([event, all]) => `${event}: ${all.map(({ file }) => file).join(', ')}`)
    expect(twice).to.deep.equal([])
  })

  it('stand in the journal.ts of their part, name and all', () => {
    const elsewhere = calls.filter(({ file }) => !/(?:^|-)journal\.ts$/.test(basename(file)))
    expect(elsewhere.map(({ file, event }) => `${file}: ${event}`)).to.deep.equal([])
  })

  it('are called by words with dots between them', () => {
    expect(
      calls.map(({ event }) => event).filter((event) => !/^'[a-z]+\d?(?:-[a-z]+)*(?:\.[a-z]+(?:-[a-z]+)*)+'$/.test(event)),
    ).to.deep.equal([])
  })
})
