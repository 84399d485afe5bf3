import { setImmediate } from 'node:timers/promises'
import { expect } from 'chai'
import { Turns } from '../../../servers/http/writing/turns.ts'

describe('turns of changes to files', () => {
  it('begin when no other process changes the file, and are given back, also behind one that fails', async () => {
    const { promise: free, resolve } = Promise.withResolvers<void>()
    const seen: string[] = []
    const turns = new Turns(async (file) => {
      seen.push(`asks for ${file}`)
      await free
      return { [Symbol.dispose]: () => seen.push('gives back') }
    })
    const changing = async () => {
      using _turn = await turns.take('a')
      seen.push('changes')
      throw new RangeError('fails')
    }
    const change = changing()
    await setImmediate()
    expect(seen).to.deep.equal(['asks for a'])
    resolve()
    expect(await change.catch((error: unknown) => error)).to.be.instanceOf(RangeError)
    expect(seen).to.deep.equal(['asks for a', 'changes', 'gives back'])
  })

  it('come one after the other for one file, also behind one that fails, and at once for another', async () => {
    const turns = new Turns(async () => ({ [Symbol.dispose]: () => undefined }))
    const seen: string[] = []
    const change = async (name: string, file: string, fails = false) => {
      using _turn = await turns.take(file)
      seen.push(`${name} begins`)
      await setImmediate()
      seen.push(`${name} ends`)
      if (fails) throw new RangeError(name)
    }
    const all = await Promise.allSettled([change('1', 'a', true), change('2', 'a'), change('3', 'a'), change('4', 'b')])
    expect(all.map(({ status }) => status)).to.deep.equal(['rejected', 'fulfilled', 'fulfilled', 'fulfilled'])
    const ofA = seen.filter((line) => !line.startsWith('4'))
    expect(ofA).to.deep.equal(['1 begins', '1 ends', '2 begins', '2 ends', '3 begins', '3 ends'])
    expect(seen.indexOf('4 begins')).to.be.lessThan(seen.indexOf('1 ends'))
    expect(turns.size).to.equal(0)
  })

  it('come also behind one that no other process left its turn', async () => {
    let gone = true
    const turns = new Turns(async () => {
      if (gone) throw new RangeError('nobody there')
      return { [Symbol.dispose]: () => undefined }
    })
    expect(await turns.take('a').catch((error: unknown) => error)).to.be.instanceOf(RangeError)
    gone = false
    using _turn = await turns.take('a')
    expect(turns.size).to.equal(1)
  })
})
