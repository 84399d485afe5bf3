import { writeFileSync } from 'node:fs'
import Mocha from 'mocha'

/** After the last test, what still keeps the process alive is a leak of some test: said, and not waited for. */
const lingerMs = 10_000

const firstLine = (text: string | undefined): string => (text ?? '').split('\n', 1)[0] ?? ''

/** Shows tests as mocha's `spec` does and writes what came of them, and which failed, as JSON, to the file that `HAVRE_TEST_COUNTS` names. */
export default class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options)
    const file = process.env['HAVRE_TEST_COUNTS']
    runner.once(Mocha.Runner.constants.EVENT_RUN_END, () => {
      const { passes, failures, pending } = this.stats
      const failing = this.failures.map((test) => `${test.fullTitle()}: ${firstLine(test.err?.message)}`)
      if (file !== undefined) writeFileSync(file, JSON.stringify({ passed: passes, failed: failures, skipped: pending, failing }))
      setTimeout(() => {
        console.error(
          `The tests are over, but something they left open keeps the process: ${process.getActiveResourcesInfo().join(', ')}`,
        )
        // After mocha's own handler, which sets the code by the failures alone.
        process.once('exit', () => {
          process.exitCode = 1
        })
        process.exit()
      }, lingerMs).unref()
    })
  }
}
