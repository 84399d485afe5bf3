import type { Admission, Verdict } from '../../shared/limits/admission.ts'
import type { ToSupervisor } from './messages.ts'

/** Connections that wait for the supervisor's word at the same time; more are turned away: it does not answer, or is flooded. */
const maxWaiting = 1_024

/** How long an address that was turned away on its own account is so without asking again: a flood asks a few times a second. */
const refusedMs = 100

/** Addresses for which that is remembered. */
const maxRefused = 1_000

/** Asks the supervisor, which counts for all workers of a service. `close` when it is gone. */
export class SharedAdmission implements Admission {
  readonly #send: (message: ToSupervisor) => void
  readonly #waiting = new Map<number, { readonly group: string; readonly resolve: (verdict: Verdict) => void }>()
  readonly #refused = new Map<string, { readonly verdict: Verdict; readonly untilMs: number }>()
  #lastId = 0
  #closed = false

  /** @param send puts a message on the channel, or nowhere when it is gone */
  constructor(send: (message: ToSupervisor) => void) {
    this.#send = send
  }

  admit(group: string): Verdict | Promise<Verdict> {
    const refused = this.#refused.get(group)
    if (refused !== undefined && refused.untilMs > performance.now()) return refused.verdict
    if (this.#closed || this.#waiting.size >= maxWaiting) return 'connections'
    const id = ++this.#lastId
    return new Promise((resolve) => {
      this.#waiting.set(id, { group, resolve })
      this.#send({ type: 'admit', id, group })
    })
  }

  release(group: string): void {
    this.#send({ type: 'release', group })
  }

  /** The supervisor answered. */
  answered(id: number, verdict: Verdict): void {
    const asked = this.#waiting.get(id)
    if (asked === undefined) return
    this.#waiting.delete(id)
    if (verdict !== null && verdict !== 'connections') this.#remember(asked.group, verdict)
    asked.resolve(verdict)
  }

  /** The supervisor is gone, and with it the count: nobody comes in any more. */
  close(): void {
    this.#closed = true
    for (const { resolve } of this.#waiting.values()) resolve('connections')
    this.#waiting.clear()
  }

  #remember(group: string, verdict: Verdict): void {
    if (this.#refused.size >= maxRefused) this.#refused.clear()
    this.#refused.set(group, { verdict, untilMs: performance.now() + refusedMs })
  }
}
