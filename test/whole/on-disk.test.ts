import { expect } from 'chai'
import { Client } from '../kit/client.ts'
import { type Family, useFamily } from '../kit/family.ts'
import { describeWith } from '../kit/programs.ts'
import { withAccounts } from './accounts.ts'
import { dele, greet, logIn, stuffed } from './conversations.ts'
import { byData, type Carry, deliver, expectCode, type Promise250, type Replay, record, saidAt } from './recorded.ts'

const password = 'durable secret'
const accounts = ['alice', 'bob', 'carol'] as const

const connected = async (family: Family): Promise<Client> => {
  const client = await Client.connect(family.port('smtp'), { deadlineMs: 60_000 })
  await greet(client)
  return client
}

/** Of the log of the mail: of the folder it tells only that the log is there, and the index for searches has a log of its own. */
const lastSyncBefore = ({ events }: Replay, at: number): number =>
  events.findLastIndex((event, index) => index < at && event.kind === 'sync-over' && event.file.endsWith('/mail.db-wal'))

/** All that is for sure on disk: `account sender hash`. */
const surely = async (replay: Replay): Promise<string[]> =>
  [...(await replay.mailboxes(accounts, null))].flatMap(([account, messages]) =>
    [...messages].map(([sender, hash]) => `${account} ${sender} ${hash}`),
  )

const copies = ({ sender, to, hash }: Promise250): string[] => to.map((account) => `${account} ${sender} ${hash}`)

/** It was not there before the last sync that came before its reply, and is there when the reply goes out. */
const brought = async (replay: Replay, promise: Promise250): Promise<void> => {
  const at = saidAt(replay, promise.port, promise.line)
  const sync = lastSyncBefore(replay, at)
  expect(sync, `${promise.sender}: synced since the message before`).to.be.at.least(replay.at)
  replay.goTo(sync)
  expect(await surely(replay), `${promise.sender} before the sync`).not.to.include.members(copies(promise).slice(0, 1))
  replay.goTo(at)
  expect(await surely(replay), `${promise.sender} when the reply goes out`).to.include.members(copies(promise))
}

/** RFC 3030 §2: in three chunks, the last of them without octets. */
const byChunks: Carry = async (client, body) => {
  const half = Math.floor(body.length / 2)
  for (const part of [body.subarray(0, half), body.subarray(half)]) {
    await client.send(Buffer.concat([Buffer.from(`BDAT ${part.length}\r\n`), part]))
    await expectCode(client, '250')
  }
  await client.command('BDAT 0 LAST')
  return expectCode(client, '250')
}

/** RFC 2033 §4.2: a reply for each recipient; the first already is a promise for all, since they are stored together. */
const byDataForEach: Carry = async (client, body, recipients) => {
  const first = await byData(client, body, recipients)
  for (let more = 1; more < recipients; more += 1) await expectCode(client, '250')
  return first
}

describeWith(['strace'], 'the whole: on disk before the reply', function () {
  this.timeout(180_000)
  const family = useFamily({
    services: ['smtp', 'pop3'],
    args: ['protocol=smtp', 'mode=lmtp'].flatMap((setting) => ['--set', `services.lmtp.${setting}`]),
  })
  withAccounts(family, Object.fromEntries(accounts.map((name) => [name, password])))

  it('is each message that is answered 250, whole and for all recipients, and not before its sync', async () => {
    const promises: Promise250[] = []
    await using replay = await record(family(), async () => {
      using client = await connected(family())
      const cases: readonly [string, number, readonly string[]][] = [
        ['small', 300, ['alice']],
        ['next', 300, ['bob']],
        ['all', 5_000, accounts],
        ['large', 400_000, ['carol']],
        ['large-all', 200_000, accounts],
      ]
      for (const [id, octets, to] of cases) promises.push(await deliver(client, id, to, octets, byData))
    })
    for (const promise of promises) await brought(replay, promise)
  })

  it('is each message that came in chunks or over LMTP', async () => {
    const promises: Promise250[] = []
    await using replay = await record(family(), async () => {
      using smtp = await connected(family())
      promises.push(await deliver(smtp, 'chunks', ['alice', 'bob'], 3_000, byChunks))
      promises.push(await deliver(smtp, 'large-chunks', ['carol'], 300_000, byChunks))
      using lmtp = await Client.connect(family().port('lmtp'), { deadlineMs: 60_000 })
      await expectCode(lmtp, '220')
      await lmtp.command('LHLO client.test')
      await expectCode(lmtp, '250')
      promises.push(await deliver(lmtp, 'lmtp', accounts, 3_000, byDataForEach))
    })
    for (const promise of promises) await brought(replay, promise)
  })

  it('are many messages with one sync, each before its own reply', async () => {
    const senders = 12
    const promises: Promise250[] = []
    await using replay = await record(family(), async () => {
      const clients = await Promise.all(Array.from({ length: senders }, () => connected(family())))
      try {
        // All have said all but the dot: the store gets them in one moment.
        const both = Promise.withResolvers<void>()
        let waiting = 0
        const together: Carry = async (client, body) => {
          await client.command('DATA')
          await expectCode(client, '354')
          await client.send(stuffed(body).subarray(0, -3))
          waiting += 1
          if (waiting === senders) both.resolve()
          await both.promise
          await client.send('.\r\n')
          return expectCode(client, '250')
        }
        promises.push(
          ...(await Promise.all(
            clients.map((client, nth) => deliver(client, `group${nth}`, ['alice'], 1_000 * nth + 100, together)),
          )),
        )
      } finally {
        for (const client of clients) client[Symbol.dispose]()
      }
    })
    const places = promises.map((promise) => ({ promise, at: saidAt(replay, promise.port, promise.line) }))
    for (const { promise, at } of places.toSorted((one, other) => one.at - other.at)) {
      replay.goTo(at)
      expect(await surely(replay), promise.sender).to.include.members(copies(promise))
    }
    const syncs = replay.events.filter((event) => event.kind === 'sync-over' && event.file.endsWith('/mail.db-wal')).length
    expect(syncs).to.be.below(senders)
  })

  it('is each deletion when QUIT is answered, and not before its sync', async () => {
    let port = 0
    let kept: string[] = []
    await using replay = await record(family(), async () => {
      using client = await Client.connect(family().port('pop3'), { deadlineMs: 60_000 })
      port = client.localPort
      expect(await logIn(client, 'alice', password)).to.equal(true)
      await dele(client, 1)
      await dele(client, 2)
      expect(await client.ask('QUIT')).to.match(/^\+OK .*2 messages/)
    })
    replay.goTo(0)
    const there = (await surely(replay)).filter((copy) => copy.startsWith('alice '))
    kept = there.slice(2)
    const at = saidAt(replay, port, '2 messages')
    const sync = lastSyncBefore(replay, at)
    replay.goTo(sync)
    expect((await surely(replay)).filter((copy) => copy.startsWith('alice '))).to.deep.equal(there)
    replay.goTo(at)
    expect((await surely(replay)).filter((copy) => copy.startsWith('alice '))).to.deep.equal(kept)
  })
})
