import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import type { MailStore } from '../../shared/mail/mail-store.ts'
import { bodyOf } from './bodies.ts'
import { storeChild } from './child.ts'
import { held, octetsOf, put, to } from './contract.ts'
import { count, integrity, until } from './inspect.ts'
import { type SqlitePlace, sqlitePlace } from './place.ts'

describe('the SQLite store after kill -9', () => {
  let place: SqlitePlace
  beforeEach(async () => {
    place = await sqlitePlace()
  })
  afterEach(() => place.remove())

  /** What a writer had acknowledged that was killed once it had acknowledged so many: token → octets. */
  const acknowledged = async (count: number): Promise<Map<string, { octets: number; ids: string[] }>> => {
    const child = storeChild(place.file, 'write')
    expect(await child.line()).to.equal('ready')
    const first: string[] = []
    while (first.length < count) first.push(await child.line())
    const ended = child.end()
    const lines = [...first, ...(await child.lines())].filter((line) => /^\S+ \d+ \d+ \d+$/.test(line)) // the last may be cut
    await ended
    return new Map(
      lines.map((line) => line.split(' ')).map(([token = '', octets, ...ids]) => [token, { octets: Number(octets), ids }]),
    )
  }

  const check = async (store: MailStore, wanted: Map<string, { octets: number; ids: string[] }>): Promise<void> => {
    for (const [which, account] of ['alice', 'bob'].entries()) {
      const found = new Map((await store.list(account)).map((message) => [message.sender, message]))
      expect(found.size, 'a token is there once').to.equal((await store.list(account)).length)
      for (const [token, { octets, ids }] of wanted) {
        const message = found.get(token)
        expect(message?.id, token).to.equal(ids[which])
        expect(message?.octets).to.equal(octets)
        if (message !== undefined)
          expect((await octetsOf(store.read(account, message.id))).equals(bodyOf(token, octets)), token).to.equal(true)
      }
    }
  }

  it('has every acknowledged message once and exact, with another process reading and removing all along', async function () {
    this.timeout(120_000)
    const store = await place.open()
    const wanted = new Map<string, { octets: number; ids: string[] }>()
    let stop = false
    let removed = 0
    const reader = async () => {
      for (let turn = 0; !stop; turn += 1) {
        await put(store, to('carol'), `turn ${turn}`)
        const maildrop = await held(store, 'carol')
        for (const message of maildrop.messages) removed += (await octetsOf(maildrop.read(message))).length > 0 ? 1 : 0
        await maildrop.remove(maildrop.messages)
        await maildrop.release()
        for (const { id } of (await store.list('alice')).slice(-3)) await octetsOf(store.read('alice', id))
      }
    }
    const reading = reader()
    for (const count of [7, 100, 200, 1]) for (const [token, what] of await acknowledged(count)) wanted.set(token, what)
    stop = true
    await reading
    expect(wanted.size).to.be.at.least(308)
    expect(removed).to.be.above(5)
    await store.close()
    expect(integrity(place.file)).to.equal('ok')
    await check(await place.open(), wanted)
  })

  it('sweeps what the dead writer had begun, and nothing of a living one in another process', async () => {
    const leaseMs = 2000
    const [dead, living] = [storeChild(place.file, 'stream', leaseMs), storeChild(place.file, 'stream', leaseMs)]
    try {
      expect(await dead.line()).to.equal('streaming')
      expect(await living.line()).to.equal('streaming')
      const deliveries = () => count(place.file, 'SELECT count(DISTINCT id >> 20) FROM chunk')
      expect(deliveries()).to.equal(2)
      await dead.end()
      const store = await place.open({ leaseMs })
      await until('the chunks of the dead writer are gone', () => deliveries() === 1)
      await sleep(leaseMs * 1.2)
      expect(deliveries()).to.equal(1)
      living.go()
      const id = await living.line()
      expect((await octetsOf(store.read('alice', id))).equals(Buffer.alloc(655_360, 'x'))).to.equal(true)
    } finally {
      await dead.end()
      await living.end()
    }
  })
})
