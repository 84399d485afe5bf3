/** What went wrong, or where it is instead: told to a person as a page or as text, to a program as JSON (RFC 9457). */
import { preferred } from '../accept.ts'
import type { Asker } from '../asker.ts'
import { escapeHtml, pageFields, renderPage } from './page.ts'

/** What is told. */
export interface Explanation {
  readonly status: number
  /** The reason phrase. */
  readonly reason: string
  /** What the status means to a person: a sentence or two. */
  readonly meaning: string
  /** What is special about this case, in plain text. */
  readonly detail: string | undefined
  /** Where to go instead, as a path or URL. */
  readonly link: string | undefined
  readonly asker: Asker
}

/** An explanation in one of its forms. */
export interface Told {
  /** `Content-Type` and what belongs to the form: names and values in turn. */
  readonly fields: readonly string[]
  readonly octets: Buffer
}

/** The explanation in the form that the client likes best. */
export const explain = (explanation: Explanation): Told => {
  // Text comes first for those who take anything: programs on a terminal. Browsers name HTML.
  const form = preferred(explanation.asker.accept, ['text/plain', 'text/html', 'application/json', 'application/problem+json'])
  if (form === 'text/html') return { fields: pageFields, octets: Buffer.from(asHtml(explanation)) }
  if (form === 'text/plain') {
    return { fields: ['Content-Type', 'text/plain; charset=utf-8'], octets: Buffer.from(asText(explanation)) }
  }
  return { fields: ['Content-Type', form], octets: Buffer.from(asJson(explanation)) }
}

const shownOctets = 300

const askedText = ({ asked }: Asker): string | null => {
  if (asked === null) return null
  const text = `${asked.method} ${asked.target}`
  return text.length > shownOctets ? `${text.slice(0, shownOctets)}…` : text
}

const asText = ({ status, reason, meaning, detail, asker }: Explanation): string => {
  const asked = askedText(asker)
  const lines = [`${status} ${reason}`, '', meaning]
  if (detail !== undefined) lines.push(detail)
  lines.push('')
  if (asked !== null) lines.push(`Asked:      ${asked}`)
  if (asker.request !== null) lines.push(`Request:    ${asker.request}`)
  lines.push(`Connection: ${asker.connection} (under this id it is in the server's journal)`, '')
  return lines.join('\n')
}

/** A problem of RFC 9457, whichever of the two names of the form was asked for. */
const asJson = ({ status, reason, meaning, detail, asker }: Explanation): string => {
  const said = detail === undefined ? meaning : `${meaning} ${detail}`
  const { request, connection } = asker
  return `${JSON.stringify({ status, title: reason, detail: said, asked: askedText(asker), request, connection })}\n`
}

const style = `
main{max-width:44rem;padding-top:12vh}
.status{margin:0;color:var(--soft);font-size:.95rem;letter-spacing:.04em}
h1{font-size:1.9rem;margin:.1rem 0 1rem}
p{margin:.5rem 0}
dl{margin:2rem 0 0;padding:1rem 1.1rem;background:var(--card);border:1px solid var(--line);border-radius:10px;display:grid;grid-template-columns:max-content 1fr;gap:.35rem 1.1rem}
dt{color:var(--soft)}
dd{margin:0;min-width:0}
@media(max-width:30rem){main{padding-top:2rem}dl{display:block}dd+dt{margin-top:.6rem}}
`

const asHtml = ({ status, reason, meaning, detail, link, asker }: Explanation): string => {
  const asked = askedText(asker)
  const lines = [`<p class="status">${status}</p>`, `<h1>${escapeHtml(reason)}</h1>`, `<p>${escapeHtml(meaning)}</p>`]
  if (link !== undefined) lines.push(`<p>Go to <a href="${escapeHtml(link)}"><code>${escapeHtml(link)}</code></a></p>`)
  else if (detail !== undefined) lines.push(`<p>${escapeHtml(detail)}</p>`)
  lines.push('<dl>')
  if (asked !== null) lines.push(`<dt>Asked</dt><dd><code>${escapeHtml(asked)}</code></dd>`)
  if (asker.request !== null) lines.push(`<dt>Request</dt><dd><code>${escapeHtml(asker.request)}</code></dd>`)
  lines.push(`<dt>Connection</dt><dd><code>${escapeHtml(asker.connection)}</code></dd>`, '</dl>')
  lines.push('<footer>The server’s journal has this request under the connection’s id. <a href="/">To the start page</a></footer>')
  return renderPage({ title: `${status} ${reason}`, style }, lines.join('\n'))
}
