import { expect } from 'chai'
import { Client } from '../kit/client.ts'
import { type Family, useFamily } from '../kit/family.ts'
import { describeWith } from '../kit/programs.ts'
import { runSeed, type Seeded, seeded } from '../kit/seeded.ts'
import { withAccounts } from './accounts.ts'
import { count, dele, greet, logIn } from './conversations.ts'
import { byData, deliver, type Mailbox, type Promise250, type Replay, record, saidAt } from './recorded.ts'

const password = 'durable secret'
const accounts = ['alice', 'bob', 'carol'] as const
const senders = 8
const messagesEach = 45
const crashes = 100

/** A session's deletions: done for all of them when it is told so. */
interface Deleted {
  readonly account: string
  readonly port: number
  readonly senders: ReadonlySet<string>
  readonly line: string
}

const send = async (family: Family, nth: number, random: Seeded, promises: Promise250[]): Promise<void> => {
  using client = await Client.connect(family.port('smtp'), { deadlineMs: 60_000 })
  await greet(client)
  for (let turn = 0; turn < messagesEach; turn += 1) {
    const octets = random.chance(0.7) ? random.between(10, 8_000) : random.between(30_000, 300_000)
    const to = random.shuffle(accounts).slice(0, random.pick([1, 1, 1, 2, 3]))
    promises.push(await deliver(client, `p${nth}-${turn}`, to, octets, byData))
  }
}

/** The envelope's sender, as Return-Path has it. */
const senderOf = async (client: Client, number: number): Promise<string> => {
  await client.command(`TOP ${number} 0`)
  await client.line()
  let sender = ''
  for (let line = await client.line(); line !== '.'; line = await client.line())
    sender = /^Return-Path: <(.*)>/.exec(line)?.[1] ?? sender
  return sender
}

const deleteSome = async (family: Family, account: string, random: Seeded, isOver: () => boolean): Promise<Deleted[]> => {
  const deleted: Deleted[] = []
  while (!isOver()) {
    using client = await Client.connect(family.port('pop3'), { deadlineMs: 60_000 })
    expect(await logIn(client, account, password)).to.equal(true)
    const chosen = new Set<string>()
    for (let number = await count(client); number > 0; number -= 1) {
      if (!random.chance(0.3)) continue
      chosen.add(await senderOf(client, number))
      await dele(client, number)
    }
    deleted.push({ account, port: client.localPort, senders: chosen, line: await client.ask('QUIT') })
  }
  return deleted
}

interface Told {
  readonly at: number
  readonly promise?: Promise250
  readonly deleted?: Deleted
}

/** What is wrong with these mailboxes, found after all that was told before `at`. */
const wrongOf = (found: ReadonlyMap<string, Mailbox>, told: readonly Told[], at: number): string[] => {
  const wrong: string[] = []
  const sent = new Map<string, Promise250>()
  const must = new Set<string>()
  const mustNot = new Set<string>()
  const may = new Set<string>()
  for (const { at: when, promise, deleted } of told) {
    if (promise !== undefined) sent.set(promise.sender, promise)
    if (promise !== undefined && when < at) for (const account of promise.to) must.add(`${account} ${promise.sender}`)
    const copies = [...(deleted?.senders ?? [])].map((sender) => `${deleted?.account} ${sender}`)
    for (const copy of copies) (when < at ? mustNot : may).add(copy)
  }
  for (const copy of must) {
    const [account = '', sender = ''] = copy.split(' ')
    if (!mustNot.has(copy) && !may.has(copy) && found.get(account)?.has(sender) !== true) wrong.push(`${copy} is lost`)
  }
  for (const [account, messages] of found)
    for (const [sender, hash] of messages) {
      if (mustNot.has(`${account} ${sender}`)) wrong.push(`${account} ${sender} is back`)
      if (sent.get(sender)?.to.includes(account) !== true) wrong.push(`${account} ${sender} was not sent`)
      else if (sent.get(sender)?.hash !== hash) wrong.push(`${account} ${sender} is changed`)
    }
  return wrong
}

/** Moments to lose power at: of all syncs some, right after them and right before, and any others. */
const moments = ({ events }: Replay, random: Seeded): number[] => {
  const syncs = [...events.keys()].filter((index) => events[index]?.kind === 'sync-over')
  // Syncs of the database itself are checkpoints: the dangerous moments, and few.
  const checkpoints = syncs.filter((index) => {
    const event = events[index]
    return event !== undefined && 'file' in event && event.file.endsWith('/mail.db')
  })
  const chosen = new Set(checkpoints.flatMap((index) => [index - 3, index, index + 1, index + 4]))
  while (chosen.size < crashes)
    chosen.add(random.chance(0.4) ? random.pick(syncs) + random.between(0, 1) : random.between(0, events.length))
  return [...chosen].filter((index) => index >= 0).sort((one, other) => one - other)
}

describeWith(['strace'], 'the whole: power is lost', function () {
  this.timeout(1_500_000)
  const family = useFamily({ services: ['smtp', 'pop3'] })
  withAccounts(family, Object.fromEntries(accounts.map((name) => [name, password])))

  it(`at ${crashes} moments, each with any part of what was not synced on disk: what was acknowledged is there, and exact`, async () => {
    const random = seeded()
    const promises: Promise250[] = []
    let deletions: Deleted[] = []
    await using replay = await record(family(), async () => {
      let over = false
      const deleting = Promise.all(
        ['alice', 'bob'].map((account, nth) => deleteSome(family(), account, seeded(runSeed() + nth), () => over)),
      )
      try {
        await Promise.all(Array.from({ length: senders }, (_, nth) => send(family(), nth, seeded(runSeed() + nth), promises)))
      } finally {
        over = true
        deletions = (await deleting).flat()
      }
    })
    const told: Told[] = [
      ...promises.map((promise) => ({ at: saidAt(replay, promise.port, promise.line), promise })),
      ...deletions.map((deleted) => ({ at: saidAt(replay, deleted.port, deleted.line), deleted })),
    ]
    const wrong: string[] = []
    const chosen = moments(replay, random)
    for (const at of chosen) {
      replay.goTo(at)
      for (const survives of [null, random])
        for (const what of wrongOf(await replay.mailboxes(accounts, survives), told, at)) wrong.push(`event ${at}: ${what}`)
    }
    const syncs = (ending: string) =>
      replay.events.filter((event) => event.kind === 'sync-over' && event.file.endsWith(ending)).length
    console.log(
      `    ${promises.length} messages and ${deletions.reduce((sum, { senders: { size } }) => sum + size, 0)} deletions, ` +
        `${syncs('/mail.db-wal')} syncs of the log, ${syncs('/mail.db')} of the database, ${chosen.length} moments, each twice`,
    )
    expect(wrong.slice(0, 20), `seed ${random.seed}`).to.deep.equal([])
    expect(syncs('/mail.db'), 'the log went into the database meanwhile').to.be.above(0)
  })
})
