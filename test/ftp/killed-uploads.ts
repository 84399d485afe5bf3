/** Clients that upload and rename while the server is killed again and again, and what lies on disk after each kill against what they were told. */
import { mkdir, readdir, readFile, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { AssertionError, expect } from 'chai'
import { commands } from '../../servers/ftp/commands.ts'
import { ClientError } from '../kit/client.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'
import type { FoundTree } from '../kit/lost-tree.ts'
import { type Seeded, seeded } from '../kit/seeded.ts'
import { KilledFamily } from '../whole/killed-family.ts'
import { makeFtpAccounts, password } from './ftp-family.ts'
import { RawSession } from './raw-session.ts'
import { isHidden, UnexpectedReplyError, Worker, wrongOf } from './worker.ts'

/** A run. */
export interface KillOptions {
  readonly clients: number
  /** Uploads to be broken off by kills, at least. */
  readonly uploads: number
  readonly seed: number
}

/** What became of it. */
export interface KillOutcome {
  readonly kills: number
  /** Those of the kills that were of the supervisor too. */
  readonly wholeKills: number
  readonly acknowledged: number
  /** Uploads under way at a kill: an old file of that name, or none. */
  readonly broken: number
  /** Of those without an old file: gone on with after the restart, and how many octets did not go twice. */
  readonly resumed: number
  readonly octetsSaved: number
  /** What was acknowledged by the disk though its reply never came. */
  readonly untold: number
  readonly seconds: number
}

const withStou = commands.some(({ name }) => name === 'STOU')

/** What lies below a folder of the disk. */
const treeOf = async (folder: string): Promise<FoundTree> => {
  const found = new Map<string, Buffer | null>()
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const at = join(entry.parentPath, entry.name)
    // What is hidden gets another name when the server is there again; only that it is there counts.
    const content = isHidden(at) ? () => Promise.resolve(Buffer.alloc(0)) : () => readFile(at)
    found.set(at.slice(folder.length + 1), entry.isDirectory() ? null : await content())
  }
  return found
}

/** Parts with pauses, so that a kill comes between them; some clients are fast. */
const pacedBy = (random: Seeded) => async (session: RawSession, command: string, octets: Buffer) => {
  if (random.chance(0.3)) return session.upload(command, octets)
  const data = await session.passive()
  session.opening = await session.ask(command)
  if (!session.opening.startsWith('150 ')) return session.opening
  const pauseMs = random.between(0, 40)
  for (let at = 0; at < octets.length; ) {
    const end = Math.min(octets.length, at + random.between(1, 300_000))
    await data.send(octets.subarray(at, end))
    at = end
    await sleep(pauseMs)
  }
  data.end()
  return session.reply()
}

/** The server was killed, or tells that it is about to go. */
const isBrokenOff = (error: unknown): boolean =>
  error instanceof ClientError || error instanceof AssertionError || error instanceof UnexpectedReplyError

class Kills {
  readonly #options: KillOptions
  readonly #family: KilledFamily
  readonly #folder: TemporaryFolder
  readonly #random: Seeded
  readonly #workers: readonly Worker[]
  /** Uploads of new names that were broken off, by the worker that goes on with them. */
  readonly #toResume = new Map<Worker, { readonly path: string; readonly whole: Buffer; readonly isNew: boolean }>()
  readonly #wrong: string[] = []
  #broken = 0
  #resumed = 0
  #octetsSaved = 0
  #untold = 0

  constructor(options: KillOptions, family: KilledFamily, folder: TemporaryFolder) {
    this.#options = options
    this.#family = family
    this.#folder = folder
    this.#random = seeded(options.seed)
    this.#workers = Array.from({ length: options.clients }, (_, nth) => {
      const random = seeded(options.seed + nth)
      return new Worker(`w${nth}`, random, { sizes: [1, 1_200_000], pace: pacedBy(seeded(options.seed ^ nth)), withStou })
    })
  }

  async run(): Promise<KillOutcome> {
    const from = performance.now()
    let kills = 0
    let wholeKills = 0
    for (const { folder } of this.#workers) await mkdir(this.#at(folder), { recursive: true })
    await this.#start()
    while (this.#broken < this.#options.uploads && this.#wrong.length === 0) {
      const over = { now: false, isKilled: false }
      const all = Promise.withResolvers<void>()
      let loggedIn = 0
      const enter = () => {
        loggedIn += 1
        if (loggedIn === this.#workers.length) all.resolve()
      }
      const working = Promise.all(this.#workers.map((worker) => this.#work(worker, over, enter)))
      await Promise.race([all.promise, working])
      await sleep(this.#random.between(150, 700))
      // A slow machine has acknowledged nothing so soon.
      let ended = false
      const noted = working.finally(() => {
        ended = true
      })
      while (this.#acknowledged === 0 && !ended) await Promise.race([sleep(20), noted])
      // A child that is killed often is started later and later: the whole family begins anew.
      const whole = kills % 5 === 4 || this.#random.chance(0.15)
      over.isKilled = true
      await (whole ? this.#family.killAll(this.#random) : this.#family.killChildren())
      kills += 1
      over.now = true
      await working
      await this.#judge()
      if (!whole) continue
      wholeKills += 1
      await this.#start()
    }
    await this.#end()
    expect(this.#wrong, `seed ${this.#options.seed}`).to.deep.equal([])
    return {
      kills,
      wholeKills,
      acknowledged: this.#acknowledged,
      broken: this.#broken,
      resumed: this.#resumed,
      octetsSaved: this.#octetsSaved,
      untold: this.#untold,
      seconds: Math.round((performance.now() - from) / 1000),
    }
  }

  get #acknowledged(): number {
    return this.#workers.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0)
  }

  async #start(): Promise<void> {
    if (!(await this.#family.start().ready)) throw new Error(`the family does not start:\n${this.#family.output}`)
  }

  /** Works until the server is killed under it. */
  async #work(worker: Worker, over: { readonly now: boolean; readonly isKilled: boolean }, enter: () => void): Promise<void> {
    const session = await this.#session()
    enter()
    try {
      const broken = this.#toResume.get(worker)
      if (broken !== undefined) {
        const octets = await worker.resume(session, broken)
        this.#toResume.delete(worker)
        if (octets !== null) this.#resumed += 1
        this.#octetsSaved += octets ?? 0
      }
      while (!over.now) await worker.work(session)
    } catch (error) {
      // Before the kill nothing may go wrong; whose supervisor is killed first still says that it cannot.
      if (!isBrokenOff(error) || (error instanceof UnexpectedReplyError && !over.isKilled)) throw error
    } finally {
      session[Symbol.dispose]()
    }
  }

  /** As soon as it is there again. */
  async #session(): Promise<RawSession> {
    const host = { host: '127.0.0.1', port: this.#family.port('ftp') }
    for (;;) {
      try {
        return await RawSession.open(host, 'alice', { deadlineMs: 60_000 }, password)
      } catch (error) {
        if (!isBrokenOff(error)) throw error
        await sleep(20)
      }
    }
  }

  /** Nobody works now. */
  async #judge(): Promise<void> {
    for (const worker of this.#workers) {
      const found = await treeOf(this.#at(worker.folder))
      for (const what of wrongOf(found, worker.holdings, worker.open)) this.#wrong.push(`${worker.folder}: ${what}`)
      const upload = worker.open?.upload ?? null
      if (upload !== null) {
        this.#broken += 1
        const isThere = upload.path === '' ? false : (found.get(upload.path)?.equals(upload.whole) ?? false)
        if (isThere) this.#untold += 1
        else if (upload.isNew && upload.path !== '') this.#toResume.set(worker, upload)
      }
      worker.settle(found)
    }
    const hidden = [...(await treeOf(this.#at())).keys()].filter(isHidden)
    // Each broken upload may leave one thing.
    if (hidden.length > this.#broken) this.#wrong.push(`${hidden.length} hidden files of ${this.#broken} broken uploads`)
  }

  /** What nobody goes on with is swept when it is old. */
  async #end(): Promise<void> {
    await this.#family.killAll(this.#random)
    const hidden = async () => [...(await treeOf(this.#at())).keys()].filter(isHidden)
    const longAgo = new Date(Date.now() - 40 * 24 * 60 * 60 * 1000)
    for (const path of await hidden()) await utimes(this.#at(path), longAgo, longAgo)
    await this.#start()
    const deadline = performance.now() + 60_000
    while ((await hidden()).length > 0 && performance.now() < deadline) await sleep(50)
    this.#wrong.push(...(await hidden()).map((path) => `${path} is never swept`))
    if ((await this.#family.stop()) !== 0) this.#wrong.push(`the family does not end well:\n${this.#family.output}`)
    for (const { folder, holdings } of this.#workers)
      for (const what of wrongOf(await treeOf(this.#at(folder)), holdings, null)) this.#wrong.push(`${folder}, at the end: ${what}`)
  }

  #at(...names: string[]): string {
    return this.#folder.at('data', 'files', 'alice', ...names)
  }
}

/** Kills the server, and now and then all of the family, until so many uploads were broken off. @throws AssertionError when anything is wrong */
export const killUploads = async (options: KillOptions): Promise<KillOutcome> => {
  await using folder = await temporaryFolder()
  await makeFtpAccounts(folder)
  await using family = await KilledFamily.of(folder, { ftp: [] }, seeded(options.seed))
  return await new Kills(options, family, folder).run()
}
