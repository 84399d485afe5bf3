/**
 * How much the files of one home hold, known without looking at all of them for each upload: counted once, kept up by what this and
 * other processes do since, counted again before anybody is refused.
 */
import { refusal } from './file-failure.ts'
import { Tally } from './tally.ts'

/** An upload takes room in pieces of so many octets: what of a piece is not written yet counts as taken. */
export const claimStepOctets = 1024 * 1024

/** A count that took longer than this is good for so many times as long: at a quota's end a tenth of the time goes into counting. */
const cheapMs = 100
const goodFor = 10

/** Counts in a row while others change the home. */
const mostCounts = 3

/** Counts the octets of all files, except those that are under way in this process, or in any. */
export type Count = (except: 'own' | 'all') => Promise<number>

/** What an account's home holds. */
export class Usage {
  readonly #quota: number | null
  readonly #count: Count
  readonly #tally: Tally
  /** The total is this and the tally's sum; null: not counted, or counted by another tally. */
  #base: { readonly octets: number; readonly epoch: number } | null = null
  #counting: Promise<void> | null = null
  /** Whether others changed the home during the last count. */
  #moved = false
  #goodUntil = Number.NEGATIVE_INFINITY

  /**
   * @param quota  octets; null: no limit, and nothing is kept up
   * @param ledger the file that all processes share; null: there is only this one
   */
  constructor(quota: number | null, ledger: string | null, count: Count) {
    this.#quota = quota
    this.#count = count
    this.#tally = new Tally(quota === null ? null : ledger)
  }

  /** Octets of all files, partials and what is under way included. */
  async octets(): Promise<number> {
    if (this.#quota === null) return (await this.#count('own')) + this.#tally.ownClaimed
    await this.#known()
    return this.#total
  }

  /** What may be added; null: no limit. */
  async room(): Promise<number | null> {
    return this.#quota === null ? null : Math.max(0, this.#quota - (await this.octets()))
  }

  /** Something is gone. */
  freed(octets: number): void {
    if (octets !== 0) this.#add(-octets, 0)
  }

  /** What is known is counted anew at the next question. */
  forget(): void {
    this.#base = null
  }

  /** Room for one upload. Exactly one of its `settle` and `drop` ends it. */
  claim(): Claim {
    return new Claim({
      isLimited: this.#quota !== null,
      take: (least, credit) => this.#take(least, credit),
      ended: (claimed, change) => this.#add(change, -claimed),
    })
  }

  /** @returns how much was taken: a piece where there is room enough, else what is needed @throws {FileError} over-quota */
  async #take(least: number, credit: number): Promise<number> {
    if (this.#quota === null) {
      this.#tally.add(least, least)
      return least
    }
    await this.#known()
    const room = this.#quota - this.#total + credit
    // Where little is left, what one upload has taken in advance would be missing for another.
    const piece = Math.max(least, Math.min(claimStepOctets, Math.floor(room / 16)))
    if (least > 0 && this.#tryTake(piece, credit)) return piece
    if (this.#tryTake(least, credit)) return least
    for (let counts = 0; counts < mostCounts && performance.now() >= this.#goodUntil; counts += 1) {
      await this.#recount()
      if (this.#tryTake(least, credit)) return least
      if (!this.#moved) break
    }
    throw refusal('over-quota')
  }

  /** Taken first, judged behind it, as somebody else may take at the same time; but not where it does not fit anyway. */
  #tryTake(octets: number, credit: number): boolean {
    if (!this.#fits(octets, credit)) return false
    if (octets === 0) return true
    this.#tally.add(octets, octets)
    if (this.#fits(0, credit)) return true
    this.#tally.add(-octets, -octets)
    return false
  }

  #fits(octets: number, credit: number): boolean {
    const isKnown = this.#base !== null && this.#base.epoch === this.#tally.epoch
    return isKnown && this.#total + octets - credit <= (this.#quota ?? Number.POSITIVE_INFINITY)
  }

  /** Where the shared file cannot be written, the next question counts. */
  #add(change: number, claimed: number): void {
    try {
      this.#tally.add(change, claimed)
    } catch {
      this.forget()
    }
  }

  get #total(): number {
    return Math.max(0, (this.#base?.octets ?? 0) + this.#tally.sum)
  }

  async #known(): Promise<void> {
    this.#tally.read()
    while (this.#base?.epoch !== this.#tally.epoch) await this.#recount()
  }

  /** Who comes while it is counted waits for that, as what goes on meanwhile is in the tally. */
  #recount(): Promise<void> {
    this.#counting ??= this.#countOnce().finally(() => {
      this.#counting = null
    })
    return this.#counting
  }

  async #countOnce(): Promise<void> {
    this.#tally.read()
    const { epoch } = this.#tally
    // What is under way is not counted: what is claimed for it is exact.
    const before = this.#tally.sum - this.#tally.claimed
    const startedAt = performance.now()
    const octets = await this.#count('all')
    const endedAt = performance.now()
    this.#base = { octets: octets - before, epoch }
    this.#tally.read()
    this.#moved = this.#tally.sum - this.#tally.claimed !== before
    const tookMs = endedAt - startedAt
    this.#goodUntil = this.#moved || tookMs < cheapMs ? Number.NEGATIVE_INFINITY : endedAt + goodFor * tookMs
  }
}

/** What a claim asks of its home. */
interface ClaimSource {
  readonly isLimited: boolean
  take(least: number, credit: number): Promise<number>
  /** @param claimed what it gives back of its claim @param change how the home changes by that */
  ended(claimed: number, change: number): void
}

/** The room of one upload. */
export class Claim {
  readonly #source: ClaimSource
  #octets = 0
  #ended = false

  constructor(source: ClaimSource) {
    this.#source = source
  }

  /** Whether anything is limited at all. */
  get isLimited(): boolean {
    return this.#source.isLimited
  }

  /** What is taken. */
  get octets(): number {
    return this.#octets
  }

  /**
   * Sees to it that so many octets are taken, in all.
   * @param credit octets of the file that goes when this upload is whole: they do not count
   * @throws {FileError} over-quota
   */
  async reach(octets: number, credit: number): Promise<void> {
    if (octets > this.#octets) this.#octets += await this.#source.take(octets - this.#octets, credit)
  }

  /** Asks whether it still fits, with another credit. @throws {FileError} over-quota */
  async confirm(credit: number): Promise<void> {
    if (this.isLimited) await this.#source.take(0, credit)
  }

  /** Takes up what is there already, of which only so many octets stay. */
  adopt(octets: number, staying: number): void {
    this.#source.ended(-staying, staying - octets)
    this.#octets += staying
  }

  /** The upload stays, with so many octets, and as many others went for it. */
  settle(octets: number, replaced: number): void {
    if (this.#ended) return
    this.#ended = true
    this.#source.ended(this.#octets, octets - this.#octets - replaced)
  }

  /** Nothing of the upload stays. */
  drop(): void {
    this.settle(0, 0)
  }
}
