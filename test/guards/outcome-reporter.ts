import { appendFileSync } from 'node:fs'
import process from 'node:process'
import Mocha from 'mocha'

/** What came of one test, or of a hook (`before`, `after`, …) that failed. */
export interface Outcome {
  readonly title: string
  readonly state: 'passed' | 'failed' | 'skipped' | 'hook-failed'
  /** The error's name and the first line of its message; empty unless it failed. */
  readonly error: string
}

const lingerMs = 500

/** Writes each outcome as a line of JSON to the file that `HAVRE_TEST_OUTCOMES` names, at once: a run that is ended has told what it knew. */
export default class OutcomeReporter {
  constructor(runner: Mocha.Runner) {
    const file = process.env['HAVRE_TEST_OUTCOMES'] ?? ''
    const tell = (outcome: Outcome) => appendFileSync(file, `${JSON.stringify(outcome)}\n`)
    const { EVENT_RUN_END, EVENT_TEST_PASS, EVENT_TEST_FAIL, EVENT_TEST_PENDING } = Mocha.Runner.constants
    // What a test that failed leaves open is not waited for.
    runner.once(EVENT_RUN_END, () => setTimeout(() => process.exit(), lingerMs).unref())
    runner.on(EVENT_TEST_PASS, (test: Mocha.Test) => tell({ title: test.fullTitle(), state: 'passed', error: '' }))
    runner.on(EVENT_TEST_PENDING, (test: Mocha.Test) => tell({ title: test.fullTitle(), state: 'skipped', error: '' }))
    runner.on(EVENT_TEST_FAIL, (test: Mocha.Runnable, error: Error) => {
      const [line = ''] = error.message.split('\n')
      tell({
        title: test.fullTitle(),
        state: test instanceof Mocha.Hook ? 'hook-failed' : 'failed',
        error: `${error.name}: ${line}`,
      })
    })
  }
}
