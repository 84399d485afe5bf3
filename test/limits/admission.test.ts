import { expect } from 'chai'
import { AdmissionTable, manyClients } from '../../shared/limits/admission.ts'

const roomy = { connections: 100, connectionsPerAddress: 100, connectionsPerSecond: null }

/** A table with a clock of its own. */
const tableWith = (limits: Partial<ConstructorParameters<typeof AdmissionTable>[0]>) => {
  const clock = { ms: 1_000 }
  return { clock, table: new AdmissionTable({ ...roomy, ...limits }, () => clock.ms) }
}

/** How many of these are let in. */
const admitted = (table: AdmissionTable, group: string, tries: number): number =>
  Array.from({ length: tries }, () => table.admit(group)).filter((verdict) => verdict === null).length

describe('who may come in', () => {
  it('is everybody up to the limit of the service, and the next one when somebody left', () => {
    const { table } = tableWith({ connections: 2 })
    expect([table.admit('a'), table.admit('b'), table.admit('c')]).to.deep.equal([null, null, 'connections'])
    table.release('a')
    expect([table.open, table.admit('c'), table.open]).to.deep.equal([1, null, 2])
  })

  it('is counted by address, and told so before the limit of the service', () => {
    const { table } = tableWith({ connections: 3, connectionsPerAddress: 2 })
    expect([table.admit('a'), table.admit('a'), table.admit('a')]).to.deep.equal([null, null, 'connectionsPerAddress'])
    expect([table.admit('b'), table.admit('b'), table.admit('a')]).to.deep.equal([null, 'connections', 'connectionsPerAddress'])
  })

  it('is not counted by address where one carries many clients, but for the service all the same', () => {
    const { table } = tableWith({ connections: 4, connectionsPerAddress: 1, connectionsPerSecond: 1 })
    expect(admitted(table, manyClients, 3)).to.equal(3)
    expect([table.admit('a'), table.admit('a'), table.admit(manyClients)]).to.deep.equal([
      null,
      'connectionsPerAddress',
      'connections',
    ])
    table.release(manyClients)
    expect([table.open, table.admit(manyClients)]).to.deep.equal([3, null])
  })

  it('is so many a second of an address, and no more, however they are spread', () => {
    const { table, clock } = tableWith({ connectionsPerSecond: 5 })
    expect(admitted(table, 'a', 50)).to.equal(5)
    expect(table.admit('a')).to.equal('connectionsPerSecond')
    expect(admitted(table, 'b', 1)).to.equal(1)
    let inTenSeconds = 0
    for (let step = 0; step < 1_000; step++) {
      clock.ms += 10
      inTenSeconds += admitted(table, 'a', 1)
      if (table.open > 50) table.release('a')
    }
    expect(inTenSeconds).to.equal(50)
  })

  it('is one every two seconds where half a connection a second is allowed', () => {
    const { table, clock } = tableWith({ connectionsPerSecond: 0.5 })
    expect(admitted(table, 'a', 3)).to.equal(1)
    clock.ms += 1_999
    expect(admitted(table, 'a', 1)).to.equal(0)
    clock.ms += 1
    expect(admitted(table, 'a', 3)).to.equal(1)
  })

  it('is not counted against the connections a second where another limit stands in the way', () => {
    const { table } = tableWith({ connectionsPerAddress: 1, connectionsPerSecond: 2 })
    expect(admitted(table, 'a', 10)).to.equal(1)
    table.release('a')
    expect(admitted(table, 'a', 1)).to.equal(1)
  })

  it('is remembered in bounded memory, however many addresses come', () => {
    const { table, clock } = tableWith({ connections: 10, connectionsPerSecond: 1 })
    for (let n = 0; n < 50_000; n++) {
      clock.ms += 0.001
      if (table.admit(`${n}`) === null) table.release(`${n}`)
    }
    expect(table.addresses).to.be.within(9_000, 10_001)
    clock.ms += 1_000
    table.admit('z')
    expect(table.addresses).to.equal(1)
  })

  it('leaves nothing behind of those who left, and nobody leaves twice', () => {
    const { table } = tableWith({})
    for (const group of ['a', 'a', 'b']) table.admit(group)
    for (const group of ['a', 'b', 'a']) table.release(group)
    expect([table.open, table.addresses]).to.deep.equal([0, 0])
    expect(() => table.release('a')).to.throw('no connection of a is in')
  })
})
