/** How far a long piece of work is: one line on a terminal's stderr that is drawn over, and nothing anywhere else. */
import process from 'node:process'
import { amount, count } from './amounts.ts'

/** Short work shows nothing. */
const silentMs = 1_000
const everyMs = 200
const barCharacters = 24

/** What there is to do, as far as that is known. */
export interface Work {
  /** What is done, as one word: `export`. */
  readonly label: string
  readonly messages: number | null
  readonly octets: number | null
}

/** Where it is drawn. */
export interface Screen {
  readonly isTTY?: boolean
  readonly columns?: number
  write(text: string): unknown
}

/** Whoever makes it ends it. */
export class Progress {
  readonly #work: Work
  readonly #screen: Screen | null
  readonly #now: () => number
  readonly #startedAt: number
  #drawnAt: number | null = null
  #messages = 0
  #octets = 0

  /** @param quiet draws nothing */
  constructor(work: Work, { quiet, screen = process.stderr, now = () => performance.now() }: ProgressOptions) {
    this.#work = work
    this.#screen = quiet || screen.isTTY !== true ? null : screen
    this.#now = now
    this.#startedAt = now()
  }

  /** So much more is done. */
  add(messages: number, octets: number): void {
    this.#messages += messages
    this.#octets += octets
    const now = this.#now()
    if (this.#screen === null || now - this.#startedAt < silentMs || now - (this.#drawnAt ?? 0) < everyMs) return
    this.#drawnAt = now
    this.#screen.write(`\r${this.#line(now).slice(0, (this.#screen.columns ?? 80) - 1)}\u001b[K`)
  }

  /** Takes the line away. */
  end(): void {
    if (this.#drawnAt !== null) this.#screen?.write('\r\u001b[K')
    this.#drawnAt = null
  }

  #line(now: number): string {
    const { label, messages, octets } = this.#work
    const seconds = (now - this.#startedAt) / 1_000
    const done =
      octets !== null && octets > 0 ? this.#octets / octets : messages !== null && messages > 0 ? this.#messages / messages : null
    const share = done === null ? null : Math.min(1, done)
    const parts = [
      label,
      ...(share === null ? [] : [bar(share)]),
      `${count(this.#messages)}${messages === null ? '' : ` of ${count(messages)}`}`,
      `${amount(this.#octets)}${octets === null ? '' : ` of ${amount(octets)}`}`,
      `${amount(this.#octets / seconds)}/s`,
      ...(share === null || share === 0 ? [] : [`${clock((seconds * (1 - share)) / share)} left`]),
    ]
    return parts.join('  ')
  }
}

/** How it is drawn; the last two are for tests. */
export interface ProgressOptions {
  readonly quiet: boolean
  readonly screen?: Screen
  readonly now?: () => number
}

const bar = (share: number): string => {
  const full = Math.floor(share * barCharacters)
  return `[${'#'.repeat(full)}${'.'.repeat(barCharacters - full)}]`
}

/** `0:07`, `12:30`, `3:00:05`. */
const clock = (seconds: number): string => {
  const whole = Math.ceil(seconds)
  const [hours, minutes, rest] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, String(whole % 60).padStart(2, '0')]
  return hours === 0 ? `${minutes}:${rest}` : `${hours}:${String(minutes).padStart(2, '0')}:${rest}`
}
