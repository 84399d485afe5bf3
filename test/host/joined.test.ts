import { expect } from 'chai'
import { Joined } from '../../servers/host/joined.ts'

describe('host: messages of one turn of the event loop', () => {
  const turn = () => new Promise<void>((resolve) => setImmediate(resolve))

  it('go together, in their order; those of the next turn go with the next ones', async () => {
    const sent: string[][] = []
    const joined = new Joined<string>((first, more) => sent.push([first, ...more]))
    joined.add('a')
    joined.add('b')
    await Promise.resolve()
    joined.add('c')
    expect(sent).to.deep.equal([])
    await turn()
    expect(sent).to.deep.equal([['a', 'b', 'c']])
    joined.add('d')
    await turn()
    expect(sent).to.deep.equal([['a', 'b', 'c'], ['d']])
  })

  it('go at once where something else is to be sent behind them, and only once', async () => {
    const sent: string[][] = []
    const joined = new Joined<string>((first, more) => sent.push([first, ...more]))
    joined.add('a')
    joined.flush()
    expect(sent).to.deep.equal([['a']])
    joined.add('b')
    await turn()
    joined.flush()
    await turn()
    expect(sent).to.deep.equal([['a'], ['b']])
  })
})
