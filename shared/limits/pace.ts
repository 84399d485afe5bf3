import type { Clock } from '../clock.ts'

/** Time that may be made up for: a wait that lasted a little longer than asked for costs nothing then. */
const creditMs = 100

/** Pieces a second: so many that octets flow, so few that waiting for them costs nothing. */
const piecesPerSecond = 16

const largestPieceOctets = 256 * 1024

/**
 * A rate in octets a second that several transfers share. Each pays for what it has moved by waiting, behind all that was paid for before:
 * who asks more often gets no more. One timer for each that waits, none for anybody else.
 */
export class Pace {
  /** What is best moved and paid for at once, so that it goes smoothly, and everybody has a turn soon. */
  readonly pieceOctets: number
  readonly #octetsPerMs: number
  readonly #clock: Clock
  /** When all that was counted is paid for. */
  #paidAtMs = Number.NEGATIVE_INFINITY

  constructor(octetsPerSecond: number, clock: Clock) {
    this.pieceOctets = Math.min(largestPieceOctets, Math.ceil(octetsPerSecond / piecesPerSecond))
    this.#octetsPerMs = octetsPerSecond / 1000
    this.#clock = clock
  }

  /**
   * Counts octets that were moved, and resolves when they are paid for; at once when the signal aborts.
   * @param onTurn called behind each piece that was paid for: the wait may be long
   */
  async pay(octets: number, signal: AbortSignal, onTurn: () => void): Promise<void> {
    for (let left = octets; left > 0 && !signal.aborted; left -= this.pieceOctets) {
      await this.#turn(Math.min(left, this.pieceOctets), signal)
      onTurn()
    }
  }

  #turn(octets: number, signal: AbortSignal): Promise<void> | undefined {
    const nowMs = this.#clock.nowMs()
    this.#paidAtMs = Math.max(this.#paidAtMs, nowMs - creditMs) + octets / this.#octetsPerMs
    const waitMs = this.#paidAtMs - nowMs
    if (waitMs <= 0) return undefined
    return new Promise((resolve) => {
      const done = () => {
        cancel()
        signal.removeEventListener('abort', done)
        resolve()
      }
      const cancel = this.#clock.after(waitMs, done)
      signal.addEventListener('abort', done)
    })
  }
}
