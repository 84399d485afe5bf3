/** Which records `havre logs` shows, and how many lines it met that are none. */
import type { Level } from '../shared/log/log.ts'
import type { ReadRecord, TimeRange, Wish } from '../shared/log/read-record.ts'

/** What the records have to be like. */
export interface Sought {
  readonly range: TimeRange
  /** This level and more serious ones; all unless given. */
  readonly level?: Level | undefined
  readonly account?: string | undefined
}

/** From the most serious to the least. */
const levels: readonly unknown[] = ['error', 'warn', 'info', 'debug'] satisfies Level[]

/** How a whole record begins; another line has to be parsed to know what it is. */
const head = /^{"time":"[^"]*","level":"(\w+)"/

/** One search. */
export class Search implements Wish {
  readonly range: TimeRange
  readonly #least: number | null
  readonly #account: string | undefined
  readonly #accountText: string | null
  #broken = 0

  constructor({ range, level, account }: Sought) {
    this.range = range
    this.#least = level === undefined ? null : levels.indexOf(level)
    this.#account = account
    this.#accountText = account === undefined ? null : `"account":${JSON.stringify(account)}`
  }

  /** Parsing is what costs: most lines of a large file are told by their begin. */
  mayBe(line: string): boolean {
    const level = head.exec(line)?.[1]
    if (level === undefined || !line.endsWith('}')) return true
    return this.#isSerious(level) && (this.#accountText === null || line.includes(this.#accountText))
  }

  wants({ record, timeMs, behindTorn }: ReadRecord): boolean {
    if (record === null || behindTorn) this.#broken += 1
    if (record === null) return false
    const { fromMs, toMs } = this.range
    if (timeMs < fromMs || timeMs > toMs || !this.#isSerious(record['level'])) return false
    return this.#account === undefined || record['account'] === this.#account
  }

  /** How many lines were no records since it was asked before. */
  takeBroken(): number {
    const broken = this.#broken
    this.#broken = 0
    return broken
  }

  #isSerious(level: unknown): boolean {
    if (this.#least === null) return true
    const at = levels.indexOf(level)
    return at !== -1 && at <= this.#least
  }
}
