import { setImmediate } from 'node:timers/promises'
import { expect } from 'chai'
import { FileTurns } from '../../servers/supervisor/file-turns.ts'

describe('turns to change a file, among processes', () => {
  const [one, other] = [{ name: 'one' }, { name: 'other' }]
  let turns: FileTurns
  let begun: string[]
  beforeEach(() => {
    turns = new FileTurns()
    begun = []
  })
  const take = (owner: object, token: number, file = 'a') => {
    void turns.take(owner, token, file).then(() => begun.push(`${owner === one ? 'one' : 'other'} ${token}`))
    return setImmediate()
  }
  const over = (owner: object, token: number) => {
    turns.over(owner, token)
    return setImmediate()
  }

  it('come in the order in which they were asked for, one at a time for one file', async () => {
    await take(one, 1)
    await take(other, 1)
    await take(one, 2)
    await take(other, 2, 'b')
    expect(begun).to.deep.equal(['one 1', 'other 2'])
    await over(one, 1)
    expect(begun).to.deep.equal(['one 1', 'other 2', 'other 1'])
    await over(other, 1)
    expect(begun.at(-1)).to.equal('one 2')
    await over(one, 2)
    await over(other, 2)
    expect(turns.size).to.equal(0)
  })

  it('are given free when the process that has them, or waits for them, is gone', async () => {
    await take(one, 1)
    await take(one, 2)
    await take(other, 1)
    turns.left(one)
    await setImmediate()
    expect(begun.at(-1)).to.equal('other 1')
    await take(one, 3)
    turns.left(other)
    await setImmediate()
    expect(begun.at(-1)).to.equal('one 3')
    turns.left(one)
    expect(turns.size).to.equal(0)
  })

  it('may be given up before they come, and ended twice, or by somebody who has none', async () => {
    await take(one, 1)
    await take(other, 1)
    await take(one, 2)
    await over(other, 1)
    turns.over(other, 1)
    turns.over(other, 99)
    expect(begun).not.to.include('one 2')
    await over(one, 1)
    expect(begun.at(-1)).to.equal('one 2')
    turns.over(one, 1)
    expect(turns.size).to.equal(1)
  })
})
