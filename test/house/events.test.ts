import { writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { expect } from 'chai'
import { eventCalls, eventCallsIn, eventsTable } from './journal-events.ts'
import { root, textOf } from './sources.ts'

describe('the house: events', () => {
  it('are seen by this test at all', () => {
    const text = `log.write('info', 'a.b', {})\nlog.write(\n  level,\n  'c.d')\nstream.write(octets, done)\nlog.write('warn', name)\n/** Why. */\nlog.write(a ? 'info' : 'warn', 'e.f')`
    expect(eventCallsIn('x', text).map(({ event }) => event)).to.deep.equal(["'a.b'", "'c.d'", 'name', "'e.f'"])
    expect(eventCallsIn('x', text).at(-1)).to.deep.equal({ file: 'x', levels: ['info', 'warn'], event: "'e.f'", meaning: 'Why.' })
    expect(eventCalls.length).to.be.greaterThan(10)
  })

  it('are written at exactly one call each, so that a name in a log leads to one place', () => {
    const byName = Map.groupBy(eventCalls, ({ event }) => event)
    const twice = [...byName]
      .filter(([, all]) => all.length > 1)
      .map(([event, all]) => `${event}: ${all.map(({ file }) => file).join(', ')}`)
    expect(twice).to.deep.equal([])
  })

  it('stand in the journal.ts of their part, name and all', () => {
    const elsewhere = eventCalls.filter(({ file }) => !/(?:^|-)journal\.ts$/.test(basename(file)))
    expect(elsewhere.map(({ file, event }) => `${file}: ${event}`)).to.deep.equal([])
  })

  it('are called by words with dots between them', () => {
    expect(
      eventCalls.map(({ event }) => event).filter((event) => !/^'[a-z]+\d?(?:-[a-z]+)*(?:\.[a-z]+(?:-[a-z]+)*)+'$/.test(event)),
    ).to.deep.equal([])
  })

  it('stand in docs/journal.md, with what the code says of them', () => {
    const page = textOf('docs/journal.md')
    const current = page.replace(/(?<=<!-- events -->\n)[\s\S]*(?=<!-- \/events -->)/, () => `${eventsTable()}\n`)
    if (process.env['HAVRE_TEST_UPDATE'] === '1') writeFileSync(join(root, 'docs/journal.md'), current)
    else expect(page).to.equal(current)
    expect(eventCalls.filter(({ meaning }) => meaning === '').map(({ event }) => event)).to.deep.equal([])
  })
})
