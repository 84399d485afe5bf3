import { mkdir } from 'node:fs/promises'
import { expect } from 'chai'
import type { FoundTree } from '../kit/lost-tree.ts'
import { describeWith } from '../kit/programs.ts'
import { runSeed, type Seeded, seeded } from '../kit/seeded.ts'
import { password, startFtpFamily } from './ftp-family.ts'
import { RawSession } from './raw-session.ts'
import { type Recording, record } from './recorded.ts'
import { type Acknowledged, Worker, wrongOf } from './worker.ts'

const workers = 6
const changesEach = 60
const crashes = 100

/** Moments to lose power at: right behind replies, right behind and before syncs, and any others. */
const momentsOf = ({ events }: Recording, random: Seeded): number[] => {
  const syncs = [...events.keys()].filter((index) => events[index]?.kind === 'sync-over')
  const names = [...events.keys()].filter((index) => events[index]?.kind === 'renamed')
  const chosen = new Set<number>()
  while (chosen.size < crashes) {
    const kind = random.next()
    if (kind < 0.4) chosen.add(random.pick(syncs) + random.between(0, 1))
    else if (kind < 0.6) chosen.add(random.pick(names) + random.between(0, 1))
    else chosen.add(random.between(0, events.length))
  }
  return [...chosen].sort((one, other) => one - other)
}

/** What lies in one worker's folder. */
const folderOf = (found: FoundTree, folder: string): FoundTree => {
  const prefix = `alice/${folder}/`
  return new Map(
    [...found].flatMap(([path, content]) => (path.startsWith(prefix) ? [[path.slice(prefix.length), content] as const] : [])),
  )
}

/** Of all that this worker was told, each with the moment at which the reply went out. */
const toldAt = (recording: Recording, { acknowledged }: Worker): readonly (Acknowledged & { readonly at: number })[] => {
  let from = 0
  return acknowledged.map((change) => {
    const at = recording.saidAt(change.port, change.reply, from)
    from = at + 1
    return { ...change, at }
  })
}

describeWith(['strace'], 'ftp: power is lost', function () {
  this.timeout(900_000)

  it(`at ${crashes} moments, each with any part of what was not synced on disk: what was acknowledged is there, and exact`, async () => {
    await using ftp = await startFtpFamily()
    const random = seeded()
    const all = Array.from({ length: workers }, (_, nth) => new Worker(`w${nth}`, seeded(runSeed() + nth), { sizes: [1, 150_000] }))
    for (const { folder } of all) await mkdir(ftp.home(folder), { recursive: true })
    const recording = await record(ftp, async () => {
      await Promise.all(
        all.map(async (worker) => {
          using session = await RawSession.open({ host: '127.0.0.1', port: ftp.port }, 'alice', { deadlineMs: 60_000 }, password)
          for (let turn = 0; turn < changesEach; turn += 1) await worker.work(session)
        }),
      )
    })
    const told = all.map((worker) => ({ worker, changes: toldAt(recording, worker) }))
    const wrong: string[] = []
    const moments = momentsOf(recording, random)
    for (const { at, found } of recording.at(moments, random))
      for (const { worker, changes } of told) {
        const next = changes.find((change) => change.at >= at) ?? null
        const before = next?.before ?? worker.holdings
        for (const what of wrongOf(folderOf(found, worker.folder), before, next))
          wrong.push(`event ${at}, ${worker.folder}: ${what}`)
      }
    const count = (kind: string) => recording.events.filter((event) => event.kind === kind).length
    console.log(
      `    ${workers * changesEach} changes, ${count('write')} writes, ${count('sync-over')} syncs, ${moments.length} moments, each twice`,
    )
    expect(wrong.slice(0, 20), `seed ${random.seed}`).to.deep.equal([])
    // The replay would find it, were it so.
    const unsynced = told.flatMap(({ worker, changes }) => {
      const last = changes.at(-1)
      const found = last === undefined ? new Map() : recording.surely(last.at, () => true)
      return wrongOf(folderOf(found, worker.folder), worker.holdings, null)
    })
    expect(unsynced.length, 'all of it is lost where no sync reaches the disk').to.be.above(workers)
  })
})
