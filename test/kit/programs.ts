import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** Where a program lies, or null where it is not installed. */
export const findProgram = (name: string): string | null => {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    const path = join(folder, name)
    try {
      accessSync(path, constants.X_OK)
      return path
    } catch {
      // Not here: the next folder.
    }
  }
  return null
}

/** Whether a missing program fails its tests: so in CI, where all of them are installed. */
const required = () => process.env['HAVRE_REQUIRE_CLIENTS'] === '1'

/**
 * A group of tests that need real programs. Where one is missing its tests are shown as skipped, with the program's name; with
 * `HAVRE_REQUIRE_CLIENTS=1` the group fails.
 */
export const describeWith = (programs: readonly string[], name: string, tests: (this: Mocha.Suite) => void): void => {
  const missing = programs.filter((program) => findProgram(program) === null)
  if (missing.length === 0) {
    describe(name, tests)
    return
  }
  const title = `${name} [not installed: ${missing.join(', ')}]`
  if (!required()) {
    describe.skip(title, tests)
    return
  }
  describe(title, () => {
    it('has the programs it needs', () => {
      throw new Error(`HAVRE_REQUIRE_CLIENTS=1, but ${missing.join(', ')} is not installed`)
    })
  })
}
