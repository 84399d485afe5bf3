/** Takes one guard out and looks whether the tests see it. */
import { stripTypeScriptTypes } from 'node:module'
import { type Guard, withoutGuard } from './guard.ts'
import type { Outcome } from './outcome-reporter.ts'
import type { Run, Tree } from './tree.ts'

/** What came of a trial. `skipped`: the tests cannot run here (no root, a program missing). */
export type Verdict =
  | { readonly kind: 'caught'; readonly by: readonly string[] }
  | { readonly kind: 'missed' | 'skipped'; readonly why: string }

/** Errors of code that is wrong in itself: the tests then fail whatever the guard does. */
const broken = /^(?:SyntaxError|ReferenceError)\b|ERR_MODULE_NOT_FOUND|is not defined/

const of = (run: Run, state: Outcome['state']) => run.outcomes.filter((outcome) => outcome.state === state)

const titles = (outcomes: readonly Outcome[]): string[] => outcomes.map(({ title }) => title)

const short = (text: string): string => (text.length > 600 ? `…${text.slice(-600)}` : text).trim()

/** Why tests that should pass on the project as it is do not count, or null. */
const problemBefore = (run: Run): Verdict | null => {
  const failed = [...of(run, 'failed'), ...of(run, 'hook-failed')]
  if (failed.length > 0)
    return { kind: 'missed', why: `with the guard in place they fail already: ${failed[0]?.title} (${failed[0]?.error})` }
  if (of(run, 'passed').length > 0) return null
  if (of(run, 'skipped').length > 0) return { kind: 'skipped', why: 'its tests cannot run here' }
  return { kind: 'missed', why: `no test ran: ${short(run.output) || 'none is of that name'}` }
}

/** The tests that passed with the guard and do not without it; a crash of all of them is no answer. */
const judge = (before: Run, after: Run): Verdict => {
  const passed = new Set(titles(of(before, 'passed')))
  const failed = of(after, 'failed').filter(({ title }) => passed.has(title))
  const wrong = failed.find(({ error }) => broken.test(error))
  if (wrong !== undefined) return { kind: 'missed', why: `without the guard the code itself is broken: ${wrong.error}` }
  if (failed.length > 0) return { kind: 'caught', by: titles(failed) }
  const [hook] = of(after, 'hook-failed')
  if (hook !== undefined) return { kind: 'missed', why: `no test failed, only ${hook.title} (${hook.error})` }
  if (after.outcomes.length < before.outcomes.length) {
    const told = `${after.outcomes.length} of ${before.outcomes.length} tests told what came of them, and none failed`
    return { kind: 'missed', why: `${told}: ${short(after.output)}` }
  }
  return { kind: 'missed', why: 'all its tests pass without it' }
}

/** Tries guards in one tree, one after the other. */
export class Trials {
  readonly #tree: Tree
  /** Runs on the project as it is: several guards may have the same tests. */
  readonly #before: Map<string, Promise<Run>>

  /** @param before shared by those that have a tree each */
  constructor(tree: Tree, before: Map<string, Promise<Run>>) {
    this.#tree = tree
    this.#before = before
  }

  async try(guard: Guard): Promise<Verdict> {
    const text = await this.#tree.read(guard.file)
    const changed = withoutGuard(guard, text)
    if ('problem' in changed) return { kind: 'missed', why: changed.problem }
    const unreadable = whyUnreadable(changed.text)
    if (unreadable !== null) return { kind: 'missed', why: `without the guard the code cannot be read: ${unreadable}` }
    const before = await this.#runBefore(guard)
    const problem = problemBefore(before)
    if (problem !== null) return problem
    try {
      await this.#tree.write(guard.file, changed.text)
      return judge(before, await this.#tree.test(guard.tests, guard.grep, true))
    } finally {
      await this.#tree.write(guard.file, text)
    }
  }

  #runBefore({ tests, grep }: Guard): Promise<Run> {
    const key = JSON.stringify([tests, grep])
    const known = this.#before.get(key)
    if (known !== undefined) return known
    const run = this.#tree.test(tests, grep)
    this.#before.set(key, run)
    return run
  }
}

/** Why TypeScript cannot be read, or null. */
export const whyUnreadable = (text: string): string | null => {
  try {
    stripTypeScriptTypes(text)
    return null
  } catch (error) {
    if (error instanceof SyntaxError) return error.message
    throw error
  }
}
