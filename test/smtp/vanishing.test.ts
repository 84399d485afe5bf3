import { setImmediate as nextTurn } from 'node:timers/promises'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect } from 'chai'
import { eventually } from '../kit/eventually.ts'
import { fakeDesk } from '../kit/fake-desk.ts'
import type { Running } from '../kit/serving.ts'
import { FakeStore } from './fake-store.ts'
import { inData, introduced, serveSmtp } from './setup.ts'

/** The server has seen that the client is gone. */
const noticed = async (running: Running): Promise<void> => {
  while (running.journal.of('connection.broken').length === 0) await nextTurn()
  // The socket's end comes a turn after its error.
  for (let turn = 0; turn < 5; turn++) await nextTurn()
}

describe('SMTP: clients that vanish', () => {
  it('in the middle of a message leave nothing behind', async () => {
    const store = new FakeStore()
    await using running = await serveSmtp({ store })
    for (const leave of ['reset', 'end', 'dispose'] as const) {
      const client = await inData(running)
      await client.send('Subject: half\r\n\r\nand then')
      if (leave === 'reset') client.reset()
      else if (leave === 'dispose') client[Symbol.dispose]()
      else {
        client.end()
        expect(await client.line()).to.match(/^421 4\.4\.2 The message did not come to its end/)
        await client.closed()
      }
    }
    await running.close('replace')
    expect(store.counts).to.include({ begun: 3, aborted: 3, committed: 0 })
    expect(running.journal.of('message.unfinished')).to.have.length(3)
    expect(running.journal.of('smtp.session.ended')).to.have.length(3)
  })

  it('and leave no memory taken: a hundred that went with a megabyte each', async () => {
    const store = new FakeStore()
    await using running = await serveSmtp({ store, limits: { idleMs: 60_000 } })
    const client = await inData(running)
    const held: WeakRef<object>[] = []
    const deliver = store.deliver.bind(store)
    store.deliver = (...args) => {
      const delivery = deliver(...args)
      held.push(new WeakRef(delivery))
      return delivery
    }
    for (let round = 0; round < 100; round++) {
      const one = await inData(running)
      await one.send(Buffer.alloc(1_000_000, 'x'))
      if (round % 2 === 0) one.reset()
      else one[Symbol.dispose]()
    }
    client[Symbol.dispose]()
    await eventually(() => expect(running.open).to.equal(0))
    expect(store.unended).to.equal(0)
    setFlagsFromString('--expose-gc')
    const collect: () => void = runInNewContext('gc')
    await eventually(() => {
      collect()
      expect(held.filter((reference) => reference.deref() !== undefined)).to.have.length(0)
    })
    expect(held).to.have.length(100)
  })

  it('while the store still writes leave nothing behind', async () => {
    const gate = Promise.withResolvers<void>()
    const store = new FakeStore({ duringWrite: () => gate.promise })
    await using running = await serveSmtp({ store })
    const client = await inData(running)
    await client.send('x\r\n')
    while (store.counts.writes === 0) await nextTurn()
    client.reset()
    await noticed(running)
    gate.resolve()
    await running.close('replace')
    expect(store.counts).to.include({ begun: 1, aborted: 1, committed: 0 })
  })

  it('while the store commits: the message is kept and its record says so', async () => {
    const gate = Promise.withResolvers<void>()
    const store = new FakeStore({ beforeCommit: () => gate.promise })
    await using running = await serveSmtp({ store })
    const client = await inData(running)
    await client.send('x\r\n.\r\n')
    while (store.counts.writes < 2) await nextTurn()
    client.reset()
    await noticed(running)
    gate.resolve()
    await running.close('replace')
    expect(store.kept).to.have.length(1)
    expect(
      running.journal.records.map(({ event }) => event).filter((event) => /^(?:message|smtp\.session)\./.test(event)),
    ).to.deep.equal(['message.accepted', 'smtp.session.ended'])
  })

  it('while the desk looks for a recipient: nothing happens', async () => {
    const desk = fakeDesk()
    const gate = Promise.withResolvers<void>()
    const slow = { ...desk, recipient: (address: string) => gate.promise.then(() => desk.recipient(address)) }
    await using running = await serveSmtp({ desk: slow })
    const client = await introduced(running)
    await client.ask('MAIL FROM:<a@example.org>')
    await client.command('RCPT TO:<alice@havre.test>')
    client.reset()
    await noticed(running)
    gate.resolve()
    await running.close('replace')
    expect(running.journal.records.filter(({ level }) => level === 'error')).to.have.length(0)
  })
})
