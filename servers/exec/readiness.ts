/** How it is known that a program serves. */
import { stat } from 'node:fs/promises'
import { connect, type NetConnectOpts } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Plan } from './launch.ts'
import type { OutputLine } from './output.ts'

/** Tries are so far apart: close enough that nobody waits for them, seldom enough that a slow start is not disturbed. */
const againMs = 50
/** A connection that is neither taken nor refused by then is tried anew. */
const connectMs = 1_000

const answers = (options: NetConnectOpts): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(options)
    socket.setTimeout(connectMs, () => {
      socket.destroy()
      resolve(false)
    })
    socket.once('connect', () => {
      resolve(true)
      // Ended in order, its greeting read: a reset is more than some servers take.
      socket.end()
      socket.resume()
    })
    // Whatever it is: it does not answer yet.
    socket.on('error', () => resolve(false))
  })

/** Where one connects to what listens on all addresses. */
const reachable = (host: string): string => {
  if (host === '0.0.0.0') return '127.0.0.1'
  return host === '::' ? '::1' : host
}

/** A socket answers; any other file was made or written after the start, so that one left from an earlier run does not count. */
const isMade = async (path: string, sinceMs: number): Promise<boolean> => {
  try {
    const found = await stat(path)
    return found.isSocket() ? await answers({ path }) : found.ctimeMs >= sinceMs
  } catch (error) {
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return false
    throw error
  }
}

/** Waits until a program serves. */
export class Readiness {
  readonly #ready: Plan['ready']
  readonly #place: { readonly host: string; readonly port: number }
  /** The clock of files is coarser than ours. */
  readonly #sinceMs = Date.now() - 20
  #seen = false
  #onSeen: () => void = () => undefined

  /** Made before the program starts: its first line may be the one. */
  constructor(ready: Plan['ready'], place: { readonly host: string; readonly port: number }) {
    this.#ready = ready
    this.#place = place
  }

  /** A line of its output. */
  take({ text }: OutputLine): void {
    if (this.#ready.kind !== 'output' || this.#seen || !this.#ready.pattern.test(text)) return
    this.#seen = true
    this.#onSeen()
  }

  /** Resolves when it serves, or when the signal aborts; the caller tells them apart by the signal. */
  async wait(signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !(await this.#holds(signal))) {
      // Aborted: the loop ends.
      await sleep(againMs, undefined, { signal }).catch(() => undefined)
    }
  }

  async #holds(signal: AbortSignal): Promise<boolean> {
    switch (this.#ready.kind) {
      case 'port':
        return answers({ host: reachable(this.#place.host), port: this.#place.port })
      case 'file':
        return isMade(this.#ready.path, this.#sinceMs)
      case 'output':
        if (!this.#seen) await this.#line(signal)
        return this.#seen
    }
  }

  #line(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#onSeen = resolve
      signal.addEventListener('abort', () => resolve(), { once: true })
    })
  }
}
