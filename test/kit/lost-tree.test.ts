import { mkdir, writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import type { DiskEvent } from './disk-trace.ts'
import { temporaryFolder } from './folder.ts'
import { ReplayedTree } from './lost-tree.ts'
import { seeded } from './seeded.ts'

describe('a tree that loses power', () => {
  /** What is found for certain after these events: `name=content`, folders with a slash. */
  const found = async (events: (at: (name: string) => string) => readonly DiskEvent[], random = false): Promise<string[]> => {
    await using folder = await temporaryFolder()
    await mkdir(folder.at('root', 'sub'), { recursive: true })
    await writeFile(folder.at('root', 'old'), 'old')
    const tree = ReplayedTree.of(folder.at('root'))()
    for (const event of events((name) => folder.at('root', name))) tree.take(event)
    const told = (survives: ReturnType<typeof seeded> | null) =>
      [...tree.found(survives)].map(([name, octets]) => (octets === null ? `${name}/` : `${name}=${octets}`)).sort()
    if (!random) return told(null)
    return [...new Set(Array.from({ length: 60 }, (_, n) => told(seeded(n)).join(' ')))].sort()
  }
  const sync = (file: string): DiskEvent[] => [
    { kind: 'sync-begins', file, thread: '1' },
    { kind: 'sync-over', file, thread: '1', ok: true },
  ]
  const made = (file: string, text: string): DiskEvent[] => [
    { kind: 'made', file, emptied: false },
    { kind: 'write', file, offset: 0, octets: Buffer.from(text) },
  ]

  it('has a new file only when both it and its folder were synced', async () => {
    expect(await found((at) => made(at('a'), 'x'))).to.deep.equal(['old=old', 'sub/'])
    expect(await found((at) => [...made(at('a'), 'x'), ...sync(at('a'))])).to.deep.equal(['old=old', 'sub/'])
    expect(await found((at) => [...made(at('a'), 'x'), ...sync(at(''))])).to.deep.equal(['a=', 'old=old', 'sub/'])
    expect(await found((at) => [...made(at('a'), 'x'), ...sync(at('a')), ...sync(at(''))])).to.deep.equal([
      'a=x',
      'old=old',
      'sub/',
    ])
  })

  it('has the old file or the new one where one replaced the other, and nothing between', async () => {
    const replaced = (at: (name: string) => string): DiskEvent[] => [
      ...made(at('h'), 'new'),
      ...sync(at('h')),
      { kind: 'renamed', file: at('h'), to: at('old') },
    ]
    expect(await found(replaced)).to.deep.equal(['old=old', 'sub/'])
    expect(await found((at) => [...replaced(at), ...sync(at(''))])).to.deep.equal(['old=new', 'sub/'])
    expect(await found(replaced, true)).to.deep.equal(['h=new old=old sub/', 'old=new sub/', 'old=old sub/'])
  })

  it('loses what moved to another folder unless the new one was synced first', async () => {
    const moved = (at: (name: string) => string): DiskEvent[] => [{ kind: 'renamed', file: at('old'), to: at('sub/new') }]
    expect(await found((at) => [...moved(at), ...sync(at(''))])).to.deep.equal(['sub/'])
    expect(await found((at) => [...moved(at), ...sync(at('sub'))])).to.deep.equal(['old=old', 'sub/', 'sub/new=old'])
    expect(await found((at) => [...moved(at), ...sync(at('sub')), ...sync(at(''))])).to.deep.equal(['sub/', 'sub/new=old'])
  })

  it('copies what a file holds, synced or not', async () => {
    const copied = await found((at) => [
      { kind: 'write', file: at('old'), offset: 3, octets: Buffer.from('er') },
      { kind: 'made', file: at('b'), emptied: false },
      { kind: 'copied', file: at('old'), to: at('b'), offset: 0, octets: Number.POSITIVE_INFINITY },
      ...sync(at('b')),
      ...sync(at('')),
    ])
    expect(copied).to.deep.equal(['b=older', 'old=old', 'sub/'])
  })
})
