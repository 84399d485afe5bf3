/** How often it is tried, at most; once where failures are expected (test/guards). */
const tries = process.env['HAVRE_TEST_PATIENCE_MS'] === undefined ? 10 : 1
/** No new one later than this: a test is given up by mocha after twice as long (.mocharc.json). */
const mostTriesMs = 60_000

/**
 * Tries what must come in time for a short deadline of a server in this very process, and again where the process stood still
 * meanwhile for so long that the deadline may have passed before anything could: such a failure says nothing. One without it counts.
 * @param mostMs  for how long it may stand still: well below the deadline
 * @param attempt makes what it needs, and takes it away
 * @throws what the last try threw
 */
export const undisturbed = async (mostMs: number, attempt: () => Promise<void>): Promise<void> => {
  const begun = performance.now()
  for (let left = tries - 1; ; left -= 1) {
    let longestMs = 0
    let lastMs = performance.now()
    const look = () => {
      const nowMs = performance.now()
      longestMs = Math.max(longestMs, nowMs - lastMs)
      lastMs = nowMs
    }
    const looking = setInterval(look, 10)
    try {
      return await attempt()
    } catch (error) {
      look()
      if (left === 0 || longestMs < mostMs || performance.now() - begun > mostTriesMs) throw error
      const what = error instanceof Error ? error.message.split('\n', 1)[0] : String(error)
      console.log(`      the machine stood still for ${Math.round(longestMs)} ms; tried again: ${what}`)
    } finally {
      clearInterval(looking)
    }
  }
}
