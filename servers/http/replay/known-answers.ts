/**
 * Answers that the same head of a request would get again, octet for octet, but for the time and the name of the request. A head is known
 * once it was read, checked and answered in the usual way; nothing is concluded from it but that the very same octets ask for the very same
 * thing. What is in a file is kept by whoever keeps files, and asked each time whether it holds.
 */
import type { Connection } from '../../../shared/service.ts'
import { type Exchange, saysClose } from '../exchange.ts'
import { type Asked, askedBy } from '../journal.ts'
import type { Reply } from '../replies.ts'

/** Octets of a head that is remembered. */
export const longestHead = 2_048

/** Heads that are remembered: some 4 KiB each, at most 12. */
const mostHeads = 1_000

/** Content up to so many octets is remembered with its head, and goes out in one piece with it. */
const longestCopied = 4_096

/** What is said in answer to a head. */
export interface KnownAnswer {
  readonly asked: Asked
  readonly status: number
  /** Whether the connection ends with it. */
  readonly last: boolean
  /** Whether it ends because its client wants so, who then sends nothing more (RFC 9112 §9.6). */
  readonly lastByWish: boolean
  /** Octets of the content that are sent. */
  readonly octets: number
  /** The content, see `Reply.again`: asked for even where none is sent. */
  readonly again: () => Buffer | null
  /** The answer's head as it was, up to the name of the request, from there to the date, and from there to its end. */
  readonly parts: readonly [string, string, string]
  /** The content in Latin-1 where it is short, else null. */
  readonly copied: string | null
}

/** What differs between connections and is in no head: whether, and by which certificate, one is for a host. */
export const scopeOf = ({ tls }: Pick<Connection, 'tls'>): string => (tls === null ? '' : `${tls.names.join(' ')}\n`)

/** Whether these octets end with the first head that ends in them. */
export const isHeadAlone = (octets: string): boolean => octets.length >= 4 && octets.indexOf('\r\n\r\n') === octets.length - 4

/** Where the name of the request stands, and the date: behind all other fields of ours, where nothing of them can be taken for it. */
const partsOf = (head: string, { fields }: Reply, id: string): KnownAnswer['parts'] | null => {
  const idField = `\r\nX-Request-Id: ${id}\r\n`
  const dateField = '\r\nDate: '
  const idAt = head.lastIndexOf(idField)
  const dateAt = head.indexOf(dateField, idAt + idField.length - 2)
  const dateEnd = head.indexOf('\r\n', dateAt + dateField.length)
  if (idAt === -1 || dateAt === -1 || dateEnd === -1 || fields.some((name, at) => at % 2 === 0 && /^date$/i.test(name))) return null
  const idEnd = idAt + idField.length - 2
  return [head.slice(0, idEnd - id.length), head.slice(idEnd, dateAt + dateField.length), head.slice(dateEnd)]
}

/** Whether its client has nothing more to say: HTTP/1.0 that does not speak of its connection, or `close`. */
const wishesEnd = (exchange: Exchange): boolean => {
  const connection = exchange.field('connection')
  return connection === undefined ? exchange.version === '1.0' : saysClose(connection)
}

/** All that a service knows. */
export class KnownAnswers {
  /** The one learnt last is the last. */
  readonly #answers = new Map<string, KnownAnswer>()

  /** @param key scope and head */
  find(key: string): KnownAnswer | undefined {
    return this.#answers.get(key)
  }

  /**
   * Remembers what was answered, if it can be said again.
   * @param id the name of the request @param last whether the connection ended with it
   */
  learn(key: string, exchange: Exchange, reply: Reply, { id, last }: { readonly id: string; readonly last: boolean }): void {
    if (reply.again === undefined) return
    const parts = partsOf(exchange.sentHead ?? '', reply, id)
    if (parts === null) return
    const content = reply.body.kind === 'octets' && exchange.method !== 'HEAD' ? reply.body.octets : null
    // Where it stood it would be thrown away as one of the oldest.
    this.#answers.delete(key)
    this.#answers.set(key, {
      asked: askedBy(exchange),
      status: reply.status,
      last,
      lastByWish: last && wishesEnd(exchange),
      octets: content?.length ?? 0,
      again: reply.again,
      parts,
      copied: content === null ? '' : content.length <= longestCopied ? content.toString('latin1') : null,
    })
    const [oldest] = this.#answers.keys()
    if (this.#answers.size > mostHeads && oldest !== undefined) this.#answers.delete(oldest)
  }
}
