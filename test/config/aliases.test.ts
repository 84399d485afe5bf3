import { expect } from 'chai'
import { loops } from '../../shared/config/aliases.ts'

describe('loops among aliases', () => {
  const cases: readonly [
    name: string,
    aliases: Readonly<Record<string, readonly string[]>>,
    found: readonly (readonly string[])[],
  ][] = [
    ['none where all lead to accounts', { sales: ['alice', 'bob'], office: ['sales'] }, []],
    ['none where ways meet again', { all: ['a', 'b'], a: ['c'], b: ['c'], c: ['alice'] }, []],
    ['none where a name is in its own list', { alice: ['alice', 'bob'] }, []],
    ['none where an alias has a name that objects have', { a: ['constructor', '__proto__'] }, []],
    ['of two', { a: ['b'], b: ['a'] }, [['a', 'b', 'a']]],
    [
      'of three, behind an alias that only leads to it',
      { x: ['a'], a: ['b'], b: ['alice', 'c'], c: ['a'] },
      [['a', 'b', 'c', 'a']],
    ],
    [
      'two, each once',
      { a: ['b', 'c'], b: ['a'], c: ['a'] },
      [
        ['a', 'b', 'a'],
        ['a', 'c', 'a'],
      ],
    ],
  ]
  for (const [name, aliases, found] of cases) it(name, () => expect(loops(aliases)).to.deep.equal(found))

  it('are found however long they are', () => {
    const names = Array.from({ length: 30_000 }, (_, i) => `a${i}`)
    const aliases = Object.fromEntries(names.map((name, i) => [name, [names[i + 1] ?? 'a0']]))
    expect(loops(aliases)[0]).to.have.length(30_001)
  })
})
