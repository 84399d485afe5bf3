/** The words of HTML, for the index alone: no layout, and in time that grows with the length only, whatever it holds. */
import { withoutEntities } from '../html-entities.ts'

/** Elements that a word may go through: `na<b>ï</b>ve`. */
const inline = new Set([
  'a',
  'abbr',
  'b',
  'bdi',
  'big',
  'em',
  'font',
  'i',
  'mark',
  's',
  'small',
  'span',
  'strong',
  'sub',
  'sup',
  'u',
  'wbr',
])

/** Elements whose content is not for readers. */
const unread = new Set(['script', 'style'])

/** The text between the tags; where a tag ends a word, a blank. */
export const htmlWords = (html: string): string => {
  const parts: string[] = []
  let at = 0
  while (at < html.length) {
    const open = html.indexOf('<', at)
    if (open === -1) break
    parts.push(html.slice(at, open))
    if (html.startsWith('<!--', open)) {
      at = endOf(html, '-->', open + 4)
      continue
    }
    const name = /^<\/?([a-z][a-z0-9]*)/i.exec(html.slice(open, open + 16))?.[1]?.toLowerCase() ?? ''
    if (!inline.has(name)) parts.push(' ')
    at = endOf(html, '>', open)
    if (unread.has(name) && html[open + 1] !== '/') at = endOfContent(html, at)
  }
  parts.push(html.slice(at))
  return withoutEntities(parts.join(''))
}

/** Behind the next one of these; the end where there is none. */
const endOf = (html: string, what: string, from: number): number => {
  const found = html.indexOf(what, from)
  return found === -1 ? html.length : found + what.length
}

const endOfContent = (html: string, from: number): number => {
  const closing = /<\/(?:script|style)/gi
  closing.lastIndex = from
  return closing.exec(html)?.index ?? html.length
}
