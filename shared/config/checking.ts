/** What the checks of a configuration share: the whole of it, and where they put what is wrong. */
import type { Protocol } from '../service.ts'
import { dotted } from './plain.ts'
import type { Origin, Problem } from './problem.ts'
import { find, type Mapping, originOf } from './tree.ts'

/** The protocols that services may name. */
export type Protocols = Readonly<Record<string, Protocol<unknown>>>

/** One checking of one configuration. */
export interface Checking {
  readonly protocols: Protocols
  /** The whole configuration. */
  readonly whole: Mapping
  /** Whether a source could not be read: what is missing may have been there. */
  readonly isPartial: boolean
  readonly problems: Problem[]
  /** When something was said: source, line and column; the first number that differs decides. */
  rank(origin: Origin): readonly [number, number, number]
}

/** Adds a problem with the value at a path, or with its absence. */
export const report = ({ whole, problems }: Checking, path: readonly string[], message: string): void => {
  problems.push({ origin: originOf(whole, path), setting: dotted(path), message })
}

/** Adds a problem with the name at the end of a path. */
export const reportName = ({ whole, problems }: Checking, path: readonly string[], message: string): void => {
  problems.push({ origin: find(whole, path)?.name ?? whole.origin, setting: dotted(path), message })
}
