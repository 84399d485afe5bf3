/** A family with FTP or HTTP under strace, and its homes as they would be found if power were lost at any moment of the recording. */
import { expect } from 'chai'
import { type DiskEvent, traceDisk } from '../kit/disk-trace.ts'
import { temporaryFolder } from '../kit/folder.ts'
import { type FoundTree, ReplayedTree } from '../kit/lost-tree.ts'
import type { Seeded } from '../kit/seeded.ts'
import type { FtpFamily } from './ftp-family.ts'

/** What all processes of a family did to its homes, in their order, and what clients were told. */
export class Recording {
  readonly events: readonly DiskEvent[]
  readonly #before: () => ReplayedTree

  constructor(events: readonly DiskEvent[], before: () => ReplayedTree) {
    this.events = events
    this.#before = before
  }

  /** Where a client is told this. @param from events before it do not count */
  saidAt(port: number, text: string, from = 0): number {
    const at = this.events.findIndex(
      (event, index) => index >= from && event.kind === 'said' && event.port === port && event.text.startsWith(text),
    )
    if (at === -1) throw new Error(`nobody at port ${port} was told "${text}" behind event ${from}`)
    return at
  }

  /**
   * The homes after loss of power right before this event, for certain.
   * @param failing syncs that this is true of bring nothing to the disk
   */
  surely(at: number, failing: (synced: string, at: number) => boolean = () => false): FoundTree {
    const tree = this.#before()
    for (const [index, event] of this.events.slice(0, at).entries())
      tree.take(event.kind === 'sync-over' && failing(event.file, index) ? { ...event, ok: false } : event)
    return tree.found(null)
  }

  /** The homes after loss of power at these moments, in their order, each with nothing and with any part of what was not synced. */
  *at(moments: readonly number[], random: Seeded): Generator<{ readonly at: number; readonly found: FoundTree }> {
    const tree = this.#before()
    let next = 0
    for (const at of moments) {
      for (; next < at; next += 1) {
        const event = this.events[next]
        if (event !== undefined) tree.take(event)
      }
      for (const survives of [null, random]) yield { at, found: tree.found(survives) }
    }
  }
}

/** A change, and what is promised of the disk by its answer. */
export interface Promised {
  readonly name: string
  /** Of how many files and folders the sync is needed for it. */
  readonly syncs: number
  holds(found: FoundTree): boolean
}

/** Files and folders that were synced between two events. */
const syncedIn = ({ events }: Recording, from: number, to: number): string[] => [
  ...new Set(events.slice(from, to).flatMap((event) => (event.kind === 'sync-over' ? [event.file] : []))),
]

/**
 * Holds each promise against the disk in the moment in which its answer goes out: it is kept for certain, and each sync was needed for it.
 * @param answers to the changes, in their order, as the client at this port was told them
 * @param from events before it do not count
 */
export const expectPromisesKept = (
  recording: Recording,
  promises: readonly Promised[],
  { answers, port, from }: { readonly answers: readonly string[]; readonly port: number; readonly from: number },
): void => {
  let begin = from
  for (const [nth, { name, syncs, holds }] of promises.entries()) {
    const at = recording.saidAt(port, answers[nth] ?? '', begin)
    expect(holds(recording.surely(at)), `${name}, when the answer goes out`).to.equal(true)
    const needed = syncedIn(recording, begin, at).filter(
      (file) => !holds(recording.surely(at, (one, when) => one === file && when >= begin)),
    )
    expect(needed.length, `${name}: lost without the sync of ${needed.join(', ')}`).to.equal(syncs)
    begin = at + 1
  }
}

/** Records what the family does to the homes while `work` runs. They must be there. */
export const record = async (
  { family, folder }: Pick<FtpFamily, 'family' | 'folder'>,
  work: () => Promise<void>,
): Promise<Recording> => {
  await using traces = await temporaryFolder()
  const { supervisor, services } = await family.status()
  const pids = [supervisor.pid, ...services.flatMap(({ workers }) => workers.map(({ pid }) => pid))]
  const homes = folder.at('data', 'files')
  const trace = await traceDisk(
    pids.filter((pid) => pid !== null),
    traces.at('trace'),
  )
  const before = ReplayedTree.of(homes)
  let events: DiskEvent[] = []
  try {
    await work()
  } finally {
    events = await Array.fromAsync(trace.stop(homes))
  }
  return new Recording(events, before)
}
