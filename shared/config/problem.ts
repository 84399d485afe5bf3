/** What can be wrong with a configuration, where, and how a terminal shows it. */
import { relative, sep } from 'node:path'
import { PermanentError } from '../service.ts'

/** Where a setting was said. Lines and columns count from 1. */
export type Origin =
  | { readonly source: 'file'; readonly file: string; readonly line: number; readonly column: number }
  | { readonly source: 'environment'; readonly variable: string }
  | { readonly source: 'set'; readonly argument: string }

/** One thing that is wrong. */
export interface Problem {
  readonly origin: Origin
  /** Dotted name: `services.http.port`; empty where the whole source is meant. */
  readonly setting: string
  /** What is wrong and what would be right; no full stop at its end. */
  readonly message: string
}

const fileText = (file: string, cwd: string): string => {
  const short = relative(cwd, file)
  return short === '' || short.startsWith(`..${sep}`) || short === '..' ? file : short
}

/** `office.yaml:3:5`, `environment variable HAVRE_HOST`, `--set host=x`; files below `cwd` are named from there. */
export const originText = (origin: Origin, cwd: string): string => {
  if (origin.source === 'environment') return `environment variable ${origin.variable}`
  if (origin.source === 'set') return `--set ${origin.argument}`
  const file = fileText(origin.file, cwd)
  return origin.line === 0 ? file : `${file}:${origin.line}:${origin.column}`
}

/** One line: `office.yaml:3:5: services.http.port: must be …`. */
export const problemText = (problem: Problem, cwd: string): string =>
  [originText(problem.origin, cwd), problem.setting, problem.message].filter((part) => part !== '').join(': ')

/** The configuration cannot be used: all that is wrong with it, in the order of its sources. The message has a line for each. */
export class ConfigurationError extends PermanentError {
  override readonly name = 'ConfigurationError'
  readonly problems: readonly Problem[]
  constructor(problems: readonly Problem[], cwd: string) {
    super(problems.map((problem) => problemText(problem, cwd)).join('\n'))
    this.problems = problems
  }
}
