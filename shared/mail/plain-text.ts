/** Text for people out of what mailparser does not turn into text: crude, but in one pass over anything. */
import { decodedText, headerBlock } from './header.ts'
import { withoutEntities } from './html-entities.ts'

/** What stands between these is no text. */
const silent = new Set(['script', 'style', 'head', 'title', 'template'])

/** These begin a line of their own. */
const blocks =
  /^(?:address|article|aside|blockquote|br|center|dd|div|dl|dt|fieldset|figure|footer|form|h[1-6]|header|hr|li|main|nav|ol|p|pre|section|table|td|th|tr|ul)$/

/** The text of HTML, without its markup. */
export const plainText = (html: string): string => {
  const parts: string[] = []
  for (let at = 0; at < html.length; ) {
    const open = html.indexOf('<', at)
    parts.push(html.slice(at, open === -1 ? html.length : open))
    if (open === -1) break
    const comment = html.startsWith('<!--', open)
    const close = html.indexOf(comment ? '-->' : '>', open)
    if (close === -1) break
    const name = /^<\/?([a-z][a-z0-9]*)/i.exec(html.slice(open, open + 16))?.[1]?.toLowerCase() ?? ''
    if (blocks.test(name)) parts.push('\n')
    at = close + (comment ? 3 : 1)
    if (!silent.has(name) || html[open + 1] === '/') continue
    const end = closingTag(html, name, at)
    if (end === -1) break
    at = end
  }
  return withoutEntities(parts.join(''))
    .replace(/[ \t]+/g, ' ')
    .replace(/(?: ?\r?\n ?){3,}/g, '\n\n')
    .trim()
}

/** Where `</name` of the element that began before `from` begins; -1: nowhere, and what follows is no text. */
const closingTag = (html: string, name: string, from: number): number => {
  for (let at = html.indexOf('</', from); at !== -1; at = html.indexOf('</', at + 2))
    if (html.slice(at + 2, at + 2 + name.length).toLowerCase() === name) return at
  return -1
}

/** What stands behind the header of a message, as it came. @param beginning of the message */
export const bodyText = (beginning: Buffer): string =>
  decodedText(beginning.subarray(headerBlock(beginning).length)).replace(/^(?:\r?\n){1,2}/, '')
