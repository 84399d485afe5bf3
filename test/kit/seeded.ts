/** Random values that a seed repeats: a fuzz test that fails names its seed, and the same seed fails again. */
export interface Seeded {
  readonly seed: number
  /** At least 0, below 1. */
  next(): number
  /** A whole number from `least` to `most`, both included. */
  between(least: number, most: number): number
  /** One of these, at least one given. */
  pick<T>(values: readonly T[]): T
  /** True with this probability. */
  chance(probability: number): boolean
  /** So many octets of any value. */
  octets(count: number): Buffer
  /** So many characters of an alphabet; letters and digits unless given. */
  text(count: number, alphabet?: string): string
  /** A copy in another order. */
  shuffle<T>(values: readonly T[]): T[]
  /** A changed copy: octets flipped, dropped, doubled, cut off, inserted. */
  mutate(octets: Buffer): Buffer
}

const lettersAndDigits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'

/** Mulberry32: small, fast, good enough to find bugs with; not for secrets. */
const mulberry32 = (seed: number) => {
  let state = seed >>> 0
  return (): number => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
  }
}

/** The seed for this run: `HAVRE_TEST_SEED`, to repeat one, else a fixed one, so that a run on one commit tells the same twice. */
export const runSeed = (): number => Number(process.env['HAVRE_TEST_SEED'] ?? 20_260_101)

/** How many rounds a fuzz test runs: `HAVRE_TEST_ROUNDS` where given, else fewer in CI than on a desk. */
export const fuzzRounds = (onDesk: number, inCi: number = Math.ceil(onDesk / 10)): number =>
  Number(process.env['HAVRE_TEST_ROUNDS'] ?? (process.env['CI'] === 'true' ? inCi : onDesk))

/** Random values from a seed. */
export const seeded = (seed: number = runSeed()): Seeded => {
  const next = mulberry32(seed)
  const between = (least: number, most: number) => least + Math.floor(next() * (most - least + 1))
  const pick = <T>(values: readonly T[]): T => {
    const value = values[between(0, values.length - 1)]
    if (value === undefined && values.length === 0) throw new RangeError('nothing to pick from')
    return value as T
  }
  const octets = (count: number) => Buffer.from(Array.from({ length: count }, () => between(0, 255)))
  const mutations: readonly ((from: Buffer, at: number) => Buffer)[] = [
    (from, at) => Buffer.concat([from.subarray(0, at), octets(1), from.subarray(at + 1)]),
    (from, at) => Buffer.concat([from.subarray(0, at), from.subarray(at + between(1, 8))]),
    (from, at) => Buffer.concat([from.subarray(0, at), octets(between(1, 16)), from.subarray(at)]),
    (from, at) => Buffer.concat([from.subarray(0, at), from.subarray(Math.max(0, at - between(1, 64)))]),
    (from, at) => from.subarray(0, at),
    (from, at) => Buffer.concat([from.subarray(0, at), Buffer.alloc(between(1, 2_000), octets(1)), from.subarray(at)]),
    (from, at) =>
      Buffer.concat([
        from.subarray(0, at),
        Buffer.from(pick(['\0', '\r', '\n', '\r\n', ' ', '"', '\\', '..', '%', ':', '\xff'])),
        from.subarray(at),
      ]),
  ]
  return {
    seed,
    next,
    between,
    pick,
    octets,
    chance: (probability) => next() < probability,
    text: (count, alphabet = lettersAndDigits) =>
      Array.from({ length: count }, () => alphabet[between(0, alphabet.length - 1)] ?? '').join(''),
    shuffle: (values) => {
      const left = [...values]
      return values.flatMap(() => left.splice(between(0, left.length - 1), 1))
    },
    mutate: (from) => {
      let changed = from
      for (let times = between(1, 4); times > 0; times--) changed = pick(mutations)(changed, between(0, changed.length))
      return changed
    },
  }
}
