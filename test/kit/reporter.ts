import { writeFileSync } from 'node:fs'
import Mocha from 'mocha'

/** Shows tests as mocha's `spec` does and writes what came of them, as JSON, to the file that `HAVRE_TEST_COUNTS` names. */
export default class CountingReporter extends Mocha.reporters.Spec {
  constructor(runner: Mocha.Runner, options: Mocha.MochaOptions) {
    super(runner, options)
    const file = process.env['HAVRE_TEST_COUNTS']
    if (file === undefined) return
    runner.once(Mocha.Runner.constants.EVENT_RUN_END, () => {
      const { passes, failures, pending } = this.stats
      writeFileSync(file, JSON.stringify({ passed: passes, failed: failures, skipped: pending }))
    })
  }
}
