import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { storeChild } from './child.ts'
import { held, put, rejects, to } from './contract.ts'
import { count, until } from './inspect.ts'
import { type SqlitePlace, sqlitePlace } from './place.ts'

describe('the lease of a mailbox in SQLite', () => {
  const leaseMs = 2400
  let place: SqlitePlace
  beforeEach(async () => {
    place = await sqlitePlace()
  })
  afterEach(() => place.remove())

  it('lasts as long as the process lives, and is free soon after it was killed', async () => {
    const store = await place.open({ leaseMs })
    const child = storeChild(place.file, 'hold', leaseMs)
    try {
      expect(await child.line()).to.equal('held')
      for (let turn = 0; turn < 6; turn += 1) {
        expect(await store.open('alice')).to.equal(null)
        await sleep(leaseMs / 4)
      }
      await child.end()
      await until('the mailbox is free', async () => (await store.open('alice')) !== null)
    } finally {
      await child.end()
    }
  })

  it('that ran out while its process was suspended and was taken by another does not remove', async () => {
    const store = await place.open({ leaseMs })
    await put(store, to('alice'), 'one')
    const child = storeChild(place.file, 'hold', leaseMs)
    try {
      expect(await child.line()).to.equal('held')
      child.process.kill('SIGSTOP')
      await until('the mailbox is free', async () => {
        const maildrop = await store.open('alice')
        await maildrop?.release()
        return maildrop !== null
      })
      child.process.kill('SIGCONT')
      child.go()
      expect(await child.line()).to.equal('locked')
      expect(await store.list('alice')).to.have.length(1)
    } finally {
      await child.end()
    }
  })

  it('that nobody took while its process was suspended goes on', async () => {
    const store = await place.open({ leaseMs: 45_000 })
    await put(store, to('alice'), 'one')
    const child = storeChild(place.file, 'hold', leaseMs)
    try {
      expect(await child.line()).to.equal('held')
      child.process.kill('SIGSTOP')
      await sleep(leaseMs * 1.5)
      child.process.kill('SIGCONT')
      child.go()
      expect(await child.line()).to.equal('removed')
      expect(await store.list('alice')).to.have.length(0)
    } finally {
      await child.end()
    }
  })

  it('of a time further off than any lease, as after the machine was started anew, counts as over', async () => {
    const store = await place.open()
    await put(store, to('alice'), 'one')
    const maildrop = await held(store, 'alice')
    count(place.file, 'UPDATE holder SET until = until + 3600000 RETURNING 1')
    const other = await place.open()
    await (await held(other, 'alice')).release()
    await rejects('locked', maildrop.remove(maildrop.messages))
  })
})
