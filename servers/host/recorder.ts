import type { Log } from '../../shared/log/log.ts'
import type { Telling, Transcript } from '../../shared/log/transcript.ts'
import type { Line } from '../../shared/net/line-splitter.ts'
import * as journal from './journal.ts'
import { toldLine } from './told-line.ts'

/** Lines of one answer that are written down; of more, as in the list of a large mailbox, only the octets are told. */
const longestAnswer = 500

/** Tellings after which what comes may be the rest of a login that went wrong. */
const nearLogin: ReadonlySet<Telling> = new Set(['account', 'credentials', 'secret'])

/**
 * Takes down one conversation in the journal: each line is a record, numbered, with the time since the conversation began. Made where
 * the journal keeps `debug`, and only there. `end` writes what is left.
 */
export class Recorder implements Transcript {
  readonly #of: { readonly log: Log }
  readonly #startedAt = performance.now()
  #number = 0
  #nearLogin = false
  /** Lines of the server since the client's last. */
  #answer = 0
  /** Content that goes on. */
  #content: { from: 'client' | 'server'; octets: number } | null = null

  /** @param of whose log carries the connection's id; who the client is, a proxy may tell later */
  constructor(of: { readonly log: Log }) {
    this.#of = of
  }

  client(line: Line, telling: Telling): void {
    this.#endContent()
    this.#answer = 0
    const { text, octets } = toldLine(line, telling, this.#nearLogin)
    if (telling !== 'unknown') this.#nearLogin = nearLogin.has(telling)
    const lineBreak = line.kind === 'line' && line.bare ? 'LF' : undefined
    journal.clientSaid(this.#of.log, { ...this.#place(), text, octets, lineBreak })
  }

  server(text: string): void {
    // Ends with CRLF, so that the last part is empty.
    for (const line of text.split('\r\n').slice(0, -1)) {
      this.#answer += 1
      if (this.#answer > longestAnswer && line !== '.') {
        this.content('server', Buffer.byteLength(line) + 2)
        continue
      }
      this.#endContent()
      journal.serverSaid(this.#of.log, { ...this.#place(), text: line })
    }
  }

  content(from: 'client' | 'server', octets: number): void {
    if (this.#content?.from !== from) this.#endContent()
    this.#content = { from, octets: (this.#content?.octets ?? 0) + octets }
  }

  /** Writes what was begun. */
  end(): void {
    this.#endContent()
  }

  #endContent(): void {
    const content = this.#content
    this.#content = null
    if (content !== null && content.octets > 0) journal.contentSent(this.#of.log, { ...this.#place(), ...content })
  }

  #place(): { n: number; ms: number } {
    this.#number += 1
    return { n: this.#number, ms: Math.round(performance.now() - this.#startedAt) }
  }
}
