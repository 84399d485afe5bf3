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

const KiB = 1024

/** By size, the smallest first. */
export const pools = {
  tiny: new Buffers(16 * KiB, 64),
  small: new Buffers(64 * KiB, 32),
  middle: new Buffers(128 * KiB, 16),
  large: new Buffers(256 * KiB, 16),
} as const

/** Where a buffer comes from that holds so many octets; null for few, which Node's own pool serves, and for too many. */
export const poolFor = (octets: number): Buffers | null => {
  if (octets <= Buffer.poolSize >>> 1) return null
  return [pools.tiny, pools.small, pools.middle, pools.large].find((pool) => octets <= pool.octets) ?? null
}
