/**
 * The beginning of an upstream server's answer, before undici (8.12.4) reads it, where that reads it wrongly:
 * - A 100 that nobody asked for ends the connection there, and a client has to bear it (RFC 9110 §15.2): it is taken out.
 * - Of a reason phrase in two packets the first part is lost there: a status line is waited for.
 */
import type { Readable } from 'node:stream'
import { UpstreamError } from './upstream-error.ts'

/** The longest status line, and head of an interim answer, that is waited for. */
const maxOctets = 64 * 1024

const begin = 'HTTP/1.1 1'
const nothing = Buffer.alloc(0)

/** What octets begin with, where an answer is to come: the head of an interim one, of which there may be more to come, or another. */
type Begin =
  | { readonly kind: 'interim'; readonly status: number; readonly octets: number }
  | { readonly kind: 'more' }
  | { readonly kind: 'final' }

const beginOf = (octets: Buffer): Begin => {
  // What speaks another language is told so at once.
  if (!octets.toString('latin1', 0, 5).startsWith('HTTP/'.slice(0, octets.length))) return { kind: 'final' }
  if (octets.indexOf('\n') === -1) return { kind: 'more' }
  if (octets.toString('latin1', 0, begin.length) !== begin) return { kind: 'final' }
  const status = /^HTTP\/1\.1 (1\d\d)(?=[ \r])/.exec(octets.toString('latin1', 0, 16))?.[1] ?? '101'
  // Behind 101 there is another protocol.
  if (status === '101') return { kind: 'final' }
  const end = octets.indexOf('\r\n\r\n')
  return end === -1 ? { kind: 'more' } : { kind: 'interim', status: Number(status), octets: end + 4 }
}

/** What stands before the `read` of a connection. */
class InterimGate {
  readonly #read: Readable['read']
  readonly #socket: Readable
  /** Waits for an answer; null: none is to come, or it has begun. */
  #continued: (() => void) | null = null
  #held: Buffer = nothing

  constructor(socket: Readable) {
    this.#socket = socket
    this.#read = socket.read
  }

  expect(continued: () => void): void {
    this.#continued = continued
  }

  read(size?: number): unknown {
    const octets: unknown = this.#read.call(this.#socket, size)
    if (this.#continued === null) return octets
    if (Buffer.isBuffer(octets)) this.#held = this.#held.length === 0 ? octets : Buffer.concat([this.#held, octets])
    return this.#next(this.#continued)
  }

  /** What may be read now of what is held; null: nothing yet. */
  #next(continued: () => void): Buffer | null {
    while (this.#held.length > 0) {
      const first = beginOf(this.#held)
      if (first.kind === 'more') {
        if (this.#held.length > maxOctets) this.#socket.destroy(new UpstreamError('malformed', 'a head that does not end'))
        return null
      }
      if (first.kind === 'final') {
        this.#continued = null
        return this.#take(this.#held.length)
      }
      const head = this.#take(first.octets)
      if (first.status !== 100) return head
      continued()
    }
    return null
  }

  #take(octets: number): Buffer {
    const taken = this.#held.subarray(0, octets)
    this.#held = octets === this.#held.length ? nothing : this.#held.subarray(octets)
    return taken
  }
}

const gates = new WeakMap<Readable, InterimGate>()

/** An answer is to come on a connection. @param continued is told of each 100 before it; undici never sees one */
export const awaitAnswer = (socket: Readable, continued: () => void): void => {
  let gate = gates.get(socket)
  if (gate === undefined) {
    const made = new InterimGate(socket)
    gate = made
    gates.set(socket, made)
    Object.defineProperty(socket, 'read', { value: (size?: number) => made.read(size) })
  }
  gate.expect(continued)
}
