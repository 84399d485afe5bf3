import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { Client } from '../kit/client.ts'
import { type Family, useFamily } from '../kit/family.ts'
import { runSeed } from '../kit/seeded.ts'
import { withAccounts } from './accounts.ts'
import { asSent, count, dele, greet, idOf, isBroken, logIn, quit, retrieve, send, testMessage } from './conversations.ts'
import { crash } from './crash.ts'
import { emptyMailbox } from './mailboxes.ts'

const messages = 1_000
const senders = 20
const kills = 5
const password = 'durable secret'

/** What the senders were promised. */
interface Promised {
  /** Ids of messages whose 250 came. */
  readonly acknowledged: Set<string>
  /** Ids of messages that were sent and whose reply never came: they may be there or not. */
  readonly open: Set<string>
}

/** Sends its share; a message whose connection broke is sent again, as another one. */
const sendShare = async (family: Family, share: readonly number[], { acknowledged, open }: Promised): Promise<void> => {
  let client: Client | null = null
  try {
    for (const n of share) {
      for (let attempt = 1; ; attempt++) {
        const id = `${n}.${attempt}`
        // Each fourth to both, sizes from small to several chunks.
        const to = n % 4 === 0 ? ['alice@havre.test', 'bob@havre.test'] : [n % 2 === 0 ? 'alice@havre.test' : 'bob@havre.test']
        try {
          client ??= await connected(family)
          open.add(id)
          await send(client, to, testMessage(id, n % 50 === 0 ? 300_000 : 2_000 + n))
          acknowledged.add(id)
          open.delete(id)
          break
        } catch (error) {
          if (!isBroken(error)) throw error
          client?.[Symbol.dispose]()
          client = null
        }
      }
    }
  } finally {
    client?.[Symbol.dispose]()
  }
}

const connected = async (family: Family): Promise<Client> => {
  const client = await Client.connect(family.port('smtp'), { deadlineMs: 60_000 })
  try {
    await greet(client)
    return client
  } catch (error) {
    client[Symbol.dispose]()
    throw error
  }
}

/** Fetches and deletes all that comes, until told that no more will come and nothing is left. @returns id and octets, as fetched */
const fetchAll = async (family: Family, account: string, isOver: () => boolean): Promise<[string, Buffer][]> => {
  const fetched: [string, Buffer][] = []
  for (;;) {
    const over = isOver()
    using client = await Client.connect(family.port('pop3'), { deadlineMs: 60_000 })
    if (!(await logIn(client, account, password))) throw new Error('the mailbox is in use, and nobody else uses it')
    const there = await count(client)
    const batch: [string, Buffer][] = []
    for (let number = 1; number <= there; number++) {
      const message = await retrieve(client, number)
      batch.push([idOf(message), asSent(message)])
      await dele(client, number)
    }
    await quit(client)
    fetched.push(...batch)
    if (over && there === 0) return fetched
    if (there === 0) await sleep(20)
  }
}

/** Kills the SMTP child, waiting for one that is not the last one killed. @returns its pid */
const killSmtp = async (family: Family, last: number | null): Promise<number> => {
  for (;;) {
    const { services } = await family.status()
    const pid = services.find(({ name }) => name === 'smtp')?.pid ?? null
    if (pid !== null && pid !== last) {
      process.kill(pid, 'SIGKILL')
      return pid
    }
    await sleep(20)
  }
}

describe('the whole: what was acknowledged', () => {
  const family = useFamily({ services: ['smtp', 'pop3'] })
  withAccounts(family, { alice: password, bob: password })
  before('empty the mailboxes', async () => {
    for (const user of ['alice', 'bob']) await emptyMailbox(family(), { user, password })
  })

  it(`is there, exactly as sent and once: ${messages} messages by ${senders} clients, fetched and deleted meanwhile, the SMTP child killed ${kills} times`, async () => {
    const promised: Promised = { acknowledged: new Set(), open: new Set() }
    let over = false
    const shares = Array.from({ length: senders }, (_, sender) =>
      Array.from({ length: messages / senders }, (_, n) => sender + n * senders),
    )
    const readers = ['alice', 'bob'].map((account) => fetchAll(family(), account, () => over))
    const sending = Promise.all(shares.map((share) => sendShare(family(), share, promised)))
    const killing = (async () => {
      let last: number | null = null
      for (let kill = 1; kill <= kills; kill++) {
        // Spread over the sending by what has been sent, not by time: machines differ.
        while (!over && promised.acknowledged.size < (kill * messages) / (kills + 1)) await sleep(5)
        if (!over) last = await killSmtp(family(), last)
      }
    })()
    try {
      await Promise.all([sending, killing])
    } finally {
      over = true
    }
    const [alice = [], bob = []] = await Promise.all(readers)

    expect(promised.acknowledged.size).to.equal(messages)
    const wrong: string[] = []
    for (const [account, fetched] of [
      ['alice', alice],
      ['bob', bob],
    ] as const) {
      const ids = fetched.map(([id]) => id)
      for (const [id, octets] of fetched) {
        const n = Number(id.split('.')[0])
        if (!octets.equals(testMessage(id, n % 50 === 0 ? 300_000 : 2_000 + n))) wrong.push(`${account} got ${id} changed`)
        if (!promised.acknowledged.has(id) && !promised.open.has(id)) wrong.push(`${account} got ${id}, which nobody sent`)
      }
      if (new Set(ids).size !== ids.length) wrong.push(`${account} got a message twice`)
      for (const id of promised.acknowledged) {
        const n = Number(id.split('.')[0])
        const isFor = n % 4 === 0 || (n % 2 === 0) === (account === 'alice')
        if (isFor !== ids.includes(id)) wrong.push(`${account} ${isFor ? 'never got' : 'should not have got'} ${id}`)
      }
    }
    expect(wrong.slice(0, 20)).to.deep.equal([])
    const { services } = await family().status()
    expect(services.find(({ name }) => name === 'smtp')?.restarts).to.equal(kills)
  }).timeout(120_000)
})

describe('the whole: what was acknowledged, when every process is killed', () => {
  it('3 times under 20 senders of all kinds and 3 readers: it is there once and exact, what was deleted is gone', async () => {
    const outcome = await crash({ kills: 3, seed: runSeed(), mailboxes: 12, mostBeforeKill: 200 })
    expect(outcome.acknowledged).to.be.above(50)
  }).timeout(180_000)
})
