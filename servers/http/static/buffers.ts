/** Buffers that are used again: making one of more than a few KiB for each answer costs more than reading the file into it. */

/** Buffers of one size; some are kept for the next one who needs one. */
export class Buffers {
  readonly octets: number
  readonly #kept: number
  readonly #free: Buffer[] = []

  /** @param kept how many are kept at most */
  constructor(octets: number, kept: number) {
    this.octets = octets
    this.#kept = kept
  }

  take(): Buffer {
    return this.#free.pop() ?? Buffer.allocUnsafeSlow(this.octets)
  }

  /** Nobody may use it any more, the system included. */
  give(buffer: Buffer): void {
    if (this.#free.length < this.#kept) this.#free.push(buffer)
  }
}

/** Buffers that are lent to downloads, counted: a client that stalls keeps what it has for as long as it likes. */
export class Lending {
  readonly #pool: Buffers
  readonly #most: number
  #lent = 0

  /** @param most how many may be out at once before others are to be lent */
  constructor(pool: Buffers, most: number) {
    this.#pool = pool
    this.#most = most
  }

  get exhausted(): boolean {
    return this.#lent >= this.#most
  }

  take(): Buffer {
    this.#lent += 1
    return this.#pool.take()
  }

  give(buffer: Buffer): void {
    this.#lent -= 1
    this.#pool.give(buffer)
  }

  /** One is not given back, since the system may still read from it: it is forgotten. */
  lose(): void {
    this.#lent -= 1
  }
}

const KiB = 1024

/** By size, the smallest first. */
export const pools = {
  tiny: new Buffers(16 * KiB, 64),
  small: new Buffers(64 * KiB, 32),
  middle: new Buffers(128 * KiB, 16),
  large: new Buffers(256 * KiB, 16),
} as const

const lending = {
  large: new Lending(pools.large, 64),
  small: new Lending(pools.small, 256),
  tiny: new Lending(pools.tiny, Number.POSITIVE_INFINITY),
} as const

/**
 * What a download reads its next octets into. A client that takes what it gets at once is given much at a time: a quarter of the work
 * for each octet. So is every one at first, when it is the system's own buffers that take it all; then those that stall hold what
 * they got. So large buffers are for some, small ones for more, and all others make do with tiny ones: a thousand downloads that
 * stall hold 80 MiB, not 500.
 */
export const lendingFor = (keepsUp: boolean): Lending => {
  if (keepsUp && !lending.large.exhausted) return lending.large
  return lending.small.exhausted ? lending.tiny : lending.small
}

/** Where a buffer comes from that holds so many octets; null for few, which Node's own pool serves, and for too many. */
export const poolFor = (octets: number): Buffers | null => {
  if (octets <= Buffer.poolSize >>> 1) return null
  return [pools.tiny, pools.small, pools.middle, pools.large].find((pool) => octets <= pool.octets) ?? null
}
