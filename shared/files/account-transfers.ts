import type { Clock } from '../clock.ts'
import { Pace } from '../limits/pace.ts'

/** What all transfers of one account in one process share; null: no limit. */
export interface TransferLimits {
  readonly bandwidth: { readonly uploadOctets: number | null; readonly downloadOctets: number | null }
  readonly transfers: number | null
}

/** The place of one transfer among those of its account. */
export interface TransferPlace {
  /** What it has to keep to; null: it may go as fast as it can. */
  readonly pace: Pace | null
  /** Gives the place back. Once. */
  leave(): void
}

interface Account {
  readonly upload: Pace | null
  readonly download: Pace | null
  /** Under way. */
  transfers: number
}

/** The transfers of all accounts in one process: counts them, and keeps those of one account to its bandwidth. */
export class AccountTransfers {
  readonly #limitsOf: (account: string) => TransferLimits
  readonly #clock: Clock
  /** Stays: who makes many small transfers pays for them as for one large one. */
  readonly #accounts = new Map<string, Account>()

  constructor(limitsOf: (account: string) => TransferLimits, clock: Clock) {
    this.#limitsOf = limitsOf
    this.#clock = clock
  }

  /** @returns how many there may be, when there are so many already */
  enter(account: string, direction: 'upload' | 'download'): TransferPlace | number {
    const limits = this.#limitsOf(account)
    const state = this.#stateOf(account, limits)
    if (limits.transfers !== null && state.transfers >= limits.transfers) return limits.transfers
    state.transfers += 1
    return {
      pace: state[direction],
      leave: () => {
        state.transfers -= 1
      },
    }
  }

  #stateOf(account: string, { bandwidth }: TransferLimits): Account {
    const known = this.#accounts.get(account)
    if (known !== undefined) return known
    const paceOf = (octets: number | null) => (octets === null ? null : new Pace(octets, this.#clock))
    const state = { upload: paceOf(bandwidth.uploadOctets), download: paceOf(bandwidth.downloadOctets), transfers: 0 }
    this.#accounts.set(account, state)
    return state
  }
}
