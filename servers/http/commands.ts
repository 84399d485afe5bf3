/**
 * The methods of HTTP, one a row. What is in no row is answered 501; a row that this server does not carry out 405 with `Allow`
 * (RFC 9110 §15.5.6, §15.6.2).
 */

/** A method as a row of the table. */
export interface MethodRow {
  readonly name: string
  /** Whether this server carries it out; else it only knows it. */
  readonly answered: boolean
  /** Whether it only reads (RFC 9110 §9.2.1). */
  readonly safe: boolean
  readonly source: string
}

const answered = (name: string, source: string): MethodRow => ({ name, answered: true, safe: true, source })
const known = (name: string, safe: boolean, source: string): MethodRow => ({ name, answered: false, safe, source })

export const commands: readonly MethodRow[] = [
  answered('GET', 'RFC 9110 §9.3.1'),
  answered('HEAD', 'RFC 9110 §9.3.2'),
  answered('OPTIONS', 'RFC 9110 §9.3.7'),
  known('POST', false, 'RFC 9110 §9.3.3'),
  known('PUT', false, 'RFC 9110 §9.3.4'),
  known('DELETE', false, 'RFC 9110 §9.3.5'),
  known('CONNECT', false, 'RFC 9110 §9.3.6'),
  known('TRACE', true, 'RFC 9110 §9.3.8'),
  known('PATCH', false, 'RFC 5789 §2'),
  known('QUERY', true, 'draft-ietf-httpbis-safe-method-w-body'),
  known('PROPFIND', true, 'RFC 4918 §9.1'),
  known('PROPPATCH', false, 'RFC 4918 §9.2'),
  known('MKCOL', false, 'RFC 4918 §9.3'),
  known('COPY', false, 'RFC 4918 §9.8'),
  known('MOVE', false, 'RFC 4918 §9.9'),
  known('LOCK', false, 'RFC 4918 §9.10'),
  known('UNLOCK', false, 'RFC 4918 §9.11'),
  known('REPORT', true, 'RFC 3253 §3.6'),
  known('MKACTIVITY', false, 'RFC 3253 §13.5'),
  known('CHECKOUT', false, 'RFC 3253 §4.3'),
  known('MERGE', false, 'RFC 3253 §11.2'),
  known('SEARCH', true, 'RFC 5323 §2'),
  known('ACL', false, 'RFC 3744 §8.1'),
  known('BIND', false, 'RFC 5842 §4'),
  known('REBIND', false, 'RFC 5842 §6'),
  known('UNBIND', false, 'RFC 5842 §5'),
  known('LINK', false, 'RFC 2068 §19.6.1.2'),
  known('UNLINK', false, 'RFC 2068 §19.6.1.3'),
  known('MKCALENDAR', false, 'RFC 4791 §5.3.1'),
]

const rows: ReadonlyMap<string, MethodRow> = new Map(commands.map((row) => [row.name, row]))

/** The row of a method. Names are compared as they are: `get` is another method than `GET` (RFC 9110 §9.1). */
export const methodRow = (name: string): MethodRow | null => rows.get(name) ?? null

/** The value of `Allow`: what this server carries out. */
export const allow: string = commands
  .filter((row) => row.answered)
  .map((row) => row.name)
  .join(', ')
