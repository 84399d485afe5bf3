/** Time as the supervisor lived it: what passes while its own process is stopped, or the machine asleep, is nobody's fault. */
import type { Cancel, Clock } from '../../shared/clock.ts'

/** A wait is made of such parts … */
const partMs = 2_000
/** … and one that took longer by more than this counts for no more: the process did not run. */
const lateMs = 500

const after = (ms: number, done: () => void): Cancel => {
  let leftMs = ms
  let immediate: NodeJS.Immediate | null = null
  let timer: NodeJS.Timeout | null = null
  const wait = () => {
    const part = Math.min(leftMs, partMs)
    const from = performance.now()
    timer = setTimeout(() => {
      leftMs -= Math.min(performance.now() - from, part + lateMs)
      if (leftMs > 0) wait()
      // What came in meanwhile is heard first: it may be just what was waited for.
      else immediate = setImmediate(done)
    }, part)
  }
  wait()
  return () => {
    if (timer !== null) clearTimeout(timer)
    if (immediate !== null) clearImmediate(immediate)
  }
}

/** The time in which this process ran. */
export const runningTime: Clock = { nowMs: () => performance.now(), after }
