import type { AdmissionLimit } from './limits.ts'

/** What decides who may come in. */
export interface AdmissionLimits {
  /** Open at once. */
  readonly connections: number
  /** Open at once from one address. */
  readonly connectionsPerAddress: number
  /** New ones a second from one address; null: no limit. */
  readonly connectionsPerSecond: number | null
}

/** What is said to who asks: null: come in, else the limit that stands in the way. */
export type Verdict = AdmissionLimit | null

/**
 * Who may come in. Where a service has one process it is a table of its own; where it has several they ask the supervisor's, and
 * get a promise.
 */
export interface Admission {
  /** @param group as `addressGroup` tells it, or `manyClients`. @returns null: it is counted from now on, until `release` */
  admit(group: string): Verdict | Promise<Verdict>
  /** One that was admitted is gone. */
  release(group: string): void
}

/** The group of those behind whom there are many clients: what one address may have is not asked of them. */
export const manyClients = 'many'

/** What one address has left of its connections a second. */
interface Allowance {
  left: number
  atMs: number
}

/** Allowances kept; beyond it the address that came longest ago begins anew. */
const maxAllowances = 10_000

/** Counts the open connections of one service, by address too, and how many come in a second. Its memory is bounded. */
export class AdmissionTable implements Admission {
  #limits: AdmissionLimits
  readonly #now: () => number
  #open = 0
  readonly #byGroup = new Map<string, number>()
  /** In the order in which the addresses came last. */
  readonly #allowances = new Map<string, Allowance>()

  /** @param now milliseconds of a clock that never goes back. For tests */
  constructor(limits: AdmissionLimits, now: () => number = () => performance.now()) {
    this.#limits = limits
    this.#now = now
  }

  /** Who is in stays in, whatever the new limits. */
  set limits(limits: AdmissionLimits) {
    this.#limits = limits
  }

  /** Connections that are in. */
  get open(): number {
    return this.#open
  }

  /** Addresses in memory. */
  get addresses(): number {
    return Math.max(this.#byGroup.size, this.#allowances.size)
  }

  admit(group: string): Verdict {
    const { connections, connectionsPerAddress, connectionsPerSecond } = this.#limits
    const ofGroup = this.#byGroup.get(group) ?? 0
    // The address's own limits first: who floods is to learn that it is about them.
    const isOne = group !== manyClients
    if (isOne && ofGroup >= connectionsPerAddress) return 'connectionsPerAddress'
    if (this.#open >= connections) return 'connections'
    if (isOne && connectionsPerSecond !== null && !this.#allows(group, connectionsPerSecond)) return 'connectionsPerSecond'
    this.#open += 1
    this.#byGroup.set(group, ofGroup + 1)
    return null
  }

  release(group: string): void {
    const left = (this.#byGroup.get(group) ?? 0) - 1
    if (left < 0) throw new Error(`no connection of ${group} is in`)
    this.#open -= 1
    if (left === 0) this.#byGroup.delete(group)
    else this.#byGroup.set(group, left)
  }

  /** A bucket that holds a second's worth, at least one, and fills as time goes. */
  #allows(group: string, perSecond: number): boolean {
    const nowMs = this.#now()
    const most = Math.max(1, perSecond)
    const before = this.#allowances.get(group)
    const left = before === undefined ? most : Math.min(most, before.left + ((nowMs - before.atMs) / 1_000) * perSecond)
    const allowed = left >= 1
    this.#allowances.delete(group)
    this.#allowances.set(group, { left: allowed ? left - 1 : left, atMs: nowMs })
    this.#dropOldest(nowMs - (most / perSecond) * 1_000)
    return allowed
  }

  /** What is full again by now need not be remembered. */
  #dropOldest(fullSinceMs: number): void {
    for (const [group, { atMs }] of this.#allowances) {
      if (this.#allowances.size <= maxAllowances && atMs > fullSinceMs) return
      this.#allowances.delete(group)
    }
  }
}

/** The part of one process in a table that several share. `end` gives free what it held when it died. */
export class AdmissionShare {
  readonly #table: AdmissionTable
  readonly #held = new Map<string, number>()

  constructor(table: AdmissionTable) {
    this.#table = table
  }

  admit(group: string): Verdict {
    const verdict = this.#table.admit(group)
    if (verdict === null) this.#held.set(group, (this.#held.get(group) ?? 0) + 1)
    return verdict
  }

  release(group: string): void {
    const left = (this.#held.get(group) ?? 0) - 1
    // Said by a process that has miscounted; the others are not to suffer.
    if (left < 0) return
    if (left === 0) this.#held.delete(group)
    else this.#held.set(group, left)
    this.#table.release(group)
  }

  end(): void {
    for (const [group, count] of this.#held) for (let n = 0; n < count; n++) this.#table.release(group)
    this.#held.clear()
  }
}
