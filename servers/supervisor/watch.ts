/** Whether a child is well, asked again and again: one that is stopped or stuck is found so. */
import type { Cancel, Clock } from '../../shared/clock.ts'

/**
 * While all is well a child is asked every `everyMs`, while an answer is missing every `againMs`; without any answer for
 * `patienceMs`, four questions, it is stuck. So one that stops answering is found within 12 s of the supervisor's own time, and a
 * machine that is busy, or that slept, costs nobody his child.
 */
export const watching = { everyMs: 4_000, againMs: 2_000, patienceMs: 8_000 } as const

/** What came of a question: why it was not answered well, or null where it was, or could not even be asked. */
export type Trouble = string | null

/** Asks one child until `close`. */
export class Watch {
  readonly #ask: (signal: AbortSignal) => Promise<Trouble>
  readonly #stuck: (trouble: string) => void
  readonly #clock: Clock
  readonly #closing = new AbortController()
  #cancelNext: Cancel
  /** Runs from the first question that found no answer. */
  #cancelPatience: Cancel | null = null
  #trouble: string = 'did not answer'

  /**
   * @param ask   rejects only when aborted; several may be under way at once, and an answer to any of them is a sign of life
   * @param stuck called once, with what was wrong at last
   */
  constructor(ask: (signal: AbortSignal) => Promise<Trouble>, stuck: (trouble: string) => void, clock: Clock) {
    this.#ask = ask
    this.#stuck = stuck
    this.#clock = clock
    this.#cancelNext = clock.after(watching.everyMs, () => this.#round())
  }

  close(): void {
    this.#closing.abort()
    this.#cancelNext()
    this.#cancelPatience?.()
  }

  #round(): void {
    this.#cancelPatience ??= this.#clock.after(watching.patienceMs, () => {
      this.close()
      this.#stuck(this.#trouble)
    })
    this.#cancelNext = this.#clock.after(watching.againMs, () => this.#round())
    void this.#ask(this.#closing.signal).then((trouble) => this.#answered(trouble))
  }

  #answered(trouble: Trouble): void {
    if (this.#closing.signal.aborted) return
    if (trouble !== null) {
      this.#trouble = trouble
      return
    }
    this.#trouble = 'did not answer'
    this.#cancelPatience?.()
    this.#cancelPatience = null
    this.#cancelNext()
    this.#cancelNext = this.#clock.after(watching.everyMs, () => this.#round())
  }
}
