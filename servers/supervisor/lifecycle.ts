/** The life of a service: states × events. The keeper looks up and does; nothing else changes a state. */

/** As `status --json` tells them. */
export type State = 'starting' | 'ready' | 'waiting' | 'failed' | 'draining' | 'stopped'

/**
 * `ready`: the child serves, or one that was started to replace it; `died`: it ended, and trying again may help (crash, kill, exit
 * 111); `gave-up`: exit 100; `timer`: the pause is over; `stop`: the service is to end; `turn`: another child is to come, which cannot
 * be there beside this one; `ended`: the last child is gone.
 */
export type Event = 'ready' | 'died' | 'gave-up' | 'timer' | 'stop' | 'turn' | 'ended'

/** `spawn` a child; `pause` before the next one; `retire` the one that there is; `drain` what there is, the pause included (again: by a new deadline). */
export type Action = 'spawn' | 'pause' | 'retire' | 'drain'

type Cell = readonly [next: State, action?: Action]

/** Every cell is there: the compiler finds a missing one. */
export const lifecycle: Readonly<Record<State, Readonly<Record<Event, Cell>>>> = {
  starting: {
    ready: ['ready'],
    died: ['waiting', 'pause'],
    'gave-up': ['failed'],
    timer: ['starting'],
    stop: ['draining', 'drain'],
    turn: ['starting', 'retire'],
    ended: ['starting', 'spawn'],
  },
  ready: {
    ready: ['ready'],
    died: ['waiting', 'pause'],
    'gave-up': ['failed'],
    timer: ['ready'],
    stop: ['draining', 'drain'],
    turn: ['starting', 'retire'],
    ended: ['ready'],
  },
  waiting: {
    ready: ['ready'],
    died: ['waiting'],
    'gave-up': ['waiting'],
    timer: ['starting', 'spawn'],
    stop: ['draining', 'drain'],
    turn: ['starting', 'spawn'],
    ended: ['waiting'],
  },
  failed: {
    ready: ['ready'],
    died: ['failed'],
    'gave-up': ['failed'],
    timer: ['failed'],
    stop: ['draining', 'drain'],
    turn: ['starting', 'spawn'],
    ended: ['failed'],
  },
  draining: {
    ready: ['draining'],
    died: ['draining'],
    'gave-up': ['draining'],
    timer: ['draining'],
    stop: ['draining', 'drain'],
    turn: ['draining'],
    ended: ['stopped'],
  },
  stopped: {
    ready: ['stopped'],
    died: ['stopped'],
    'gave-up': ['stopped'],
    timer: ['stopped'],
    stop: ['stopped'],
    turn: ['stopped'],
    ended: ['stopped'],
  },
}

/** Pauses between restarts: doubled from the first to the longest, back to the first after so long of good service. */
export const backoff = { firstMs: 100, longestMs: 30_000, resetAfterMs: 60_000 } as const

/**
 * The pause before the next try.
 * @param failures tries that failed in a row, at least 1
 * @param random from 0 to 1: up to a quarter is taken off, so that services that died together do not come back together
 */
export const pauseMs = (failures: number, random: number): number =>
  Math.min(backoff.longestMs, backoff.firstMs * 2 ** (failures - 1)) * (1 - random / 4)

/**
 * The state of a service by those of its places, of which each has a child of its own.
 * @param begun whether all of them were ready once: until then a service is not, from then on it is as long as one of them serves
 */
export const serviceState = (places: readonly State[], begun: boolean): State => {
  const some = (state: State) => places.includes(state)
  if (some('draining')) return 'draining'
  if (places.every((state) => state === 'stopped')) return 'stopped'
  if (places.every((state) => state === 'ready')) return 'ready'
  if (begun && some('ready')) return 'ready'
  if (!begun && some('failed')) return 'failed'
  if (some('waiting') && !(begun && some('starting'))) return 'waiting'
  return some('starting') ? 'starting' : 'failed'
}
