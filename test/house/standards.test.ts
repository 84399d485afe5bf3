import { expect } from 'chai'
import { loadProtocol } from '../kit/serving.ts'
import { fileText, tablesIn, wrongInRow } from './standards-page.ts'

/** Protocols whose standards the page has. */
const protocols = ['smtp', 'pop3', 'ftp', 'http']

const head = '| Section | What it asks | State | Shown by |\n| --- | --- | --- | --- |'
const tables = tablesIn(fileText('docs/standards.md') ?? '')

describe('the house: docs/standards.md', () => {
  it('is read by this test at all, and what is wrong is found', () => {
    const page = `### RFC 1: One\n\n${head}\n| §1 | a | done | test/a.test.ts: it's b |\n| §2 | a \\| b | n/a: why |  |\n| §3 | c |\n\n### RFC 2: Two\n\ntext`
    const [one, two] = tablesIn(page)
    expect(one?.standard).to.equal('RFC 1')
    expect(one?.rows.map(({ section, asks }) => [section, asks])).to.deep.equal([
      ['§1', 'a'],
      ['§2', 'a | b'],
    ])
    expect(one?.wrong).to.deep.equal(['line 7: 2 cells instead of 4'])
    expect(two?.wrong).to.deep.equal(['line 9: no table below it'])

    const read = (file: string) => (file === 'test/a.test.ts' ? "it(\"it's b\", () => {})\nit('it\\'s c')" : null)
    const judged = (state: string, ...shownBy: string[]) => wrongInRow({ line: 1, section: '§1', asks: 'a', state, shownBy }, read)
    expect(judged('done', "test/a.test.ts: it's b", "test/a.test.ts: it's c")).to.deep.equal([])
    expect(judged('done', 'test/a.test.ts: s b')).to.deep.equal(['line 1: test/a.test.ts has no test "s b"'])
    expect(judged('done', "test/a/rows/b.ts: it's b")).to.deep.equal(['line 1: test/a/rows/b.ts does not exist'])
    expect(judged('done', "test/a/b.ts: it's b")).to.deep.equal(['line 1: "test/a/b.ts: it\'s b" is no test'])
    expect(judged('done', 'test/b.test.ts: b')).to.deep.equal(['line 1: test/b.test.ts does not exist'])
    expect(judged('done', 'by hand')).to.deep.equal(['line 1: "by hand" is no test'])
    expect(judged('done')).to.deep.equal(['line 1: no test shows it'])
    expect(judged('n/a: clients')).to.deep.equal([])
    expect(judged('not done: later')).to.deep.equal([])
    for (const state of ['n/a', 'n/a:', 'departs', 'later', 'done: nearly', ''])
      expect(judged(state, "test/a.test.ts: it's b"), state).to.deep.equal([`line 1: "${state}" is no state`])
    expect(tables.length).to.be.greaterThan(20)
  })

  it('has rows of the right form only, and each names tests that exist', () => {
    expect(tables.flatMap(({ wrong, rows }) => [...wrong, ...rows.flatMap((row) => wrongInRow(row))])).to.deep.equal([])
  })

  it('has one table for each standard that a protocol names, and no other', async () => {
    const named = new Set((await Promise.all(protocols.map((name) => loadProtocol(name)))).flatMap(({ standards }) => standards))
    const there = tables.map(({ standard }) => standard)
    expect(there, 'once each').to.deep.equal([...new Set(there)])
    expect([...named].filter((standard) => !there.includes(standard))).to.deep.equal([])
    expect(there.filter((standard) => !named.has(standard))).to.deep.equal([])
    expect(tables.filter(({ rows }) => rows.length === 0).map(({ standard }) => standard)).to.deep.equal([])
  })
})
