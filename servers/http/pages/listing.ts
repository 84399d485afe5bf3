/** A folder as a page: sortable by links, with a way back up, readable on a phone. */
import type { FileEntry } from '../../../shared/files/file-store.ts'
import { encodeSegment, pathOf } from '../target.ts'
import { escapeHtml, pageAround } from './page.ts'

export type SortKey = 'name' | 'size' | 'date'

/** By what a listing is sorted. */
export interface Sorting {
  readonly key: SortKey
  readonly descending: boolean
}

/** What a listing shows. */
export interface Listing {
  /** The path's names from the root of the site down, decoded; none for the root itself. */
  readonly segments: readonly string[]
  readonly entries: readonly FileEntry[]
  /** Whether the folder holds more than these. */
  readonly more: boolean
  readonly sorting: Sorting
}

/** The way each column is sorted first: names from A, large and new ones before others. */
const firstWay: Record<SortKey, 'asc' | 'desc'> = { name: 'asc', size: 'desc', date: 'desc' }
const titles: Record<SortKey, string> = { name: 'Name', size: 'Size', date: 'Modified' }
const keys: readonly SortKey[] = ['name', 'size', 'date']

/** Reads `sort=size&order=desc`; what is not understood is sorted by name. */
export const readSorting = (query: string | null): Sorting => {
  const parameters = new URLSearchParams(query ?? '')
  const key = keys.find((name) => name === parameters.get('sort')) ?? 'name'
  const order = parameters.get('order') ?? firstWay[key]
  return { key, descending: order === 'desc' }
}

// Made at the first listing: it costs memory, and many servers never show one.
let collator: Intl.Collator | null = null

/** From so many entries on names are compared by keys: the collator takes a microsecond for each comparison, and nobody is served then. */
const manyEntries = 1_000

/** Marks of letters, once they stand apart. */
const marks = /\p{Mn}+/gu

/** By it names stand nearly as the collator has them: without case and accents, numbers by their value. */
const keyOf = (name: string): string =>
  (/^[\0-\x7f]*$/.test(name) ? name : name.normalize('NFD').replace(marks, ''))
    .toLowerCase()
    .replace(/[0-9]+/g, (digits) => digits.replace(/^0+(?=.)/, '').padStart(16, '0'))

type Comparison = (a: FileEntry, b: FileEntry) => number

/** "file 10" after "file 9", and upper case beside lower case, as people expect. */
const nameComparison = (entries: readonly FileEntry[]): Comparison => {
  if (entries.length < manyEntries) {
    collator ??= new Intl.Collator('en', { numeric: true })
    const { compare } = collator
    return (a, b) => compare(a.name, b.name)
  }
  const keys = new Map(entries.map(({ name }) => [name, keyOf(name)]))
  const compare = (a: string, b: string): number => (a < b ? -1 : a > b ? 1 : 0)
  return (a, b) => compare(keys.get(a.name) ?? '', keys.get(b.name) ?? '') || compare(a.name, b.name)
}

/** Folders first, then by the column, equal ones by name. */
export const sorted = (entries: readonly FileEntry[], { key, descending }: Sorting): readonly FileEntry[] => {
  const way = descending ? -1 : 1
  const compareNames = nameComparison(entries)
  const column: Comparison = (a, b) => {
    if (key === 'name') return way * compareNames(a, b)
    const difference = key === 'date' ? a.modifiedMs - b.modifiedMs : a.kind === 'folder' ? 0 : a.octets - b.octets
    return difference === 0 ? compareNames(a, b) : way * difference
  }
  return entries.toSorted((a, b) => {
    if (a.kind !== b.kind) return a.kind === 'folder' ? -1 : 1
    return column(a, b)
  })
}

const units = ['KB', 'MB', 'GB', 'TB'] as const

/** `312 B`, `4.2 KB`, `1.3 GB`: powers of 1,000, as disks and browsers count. */
export const sizeForPeople = (octets: number): string => {
  if (octets < 1000) return `${octets} B`
  let value = octets
  let unit = ''
  for (const name of units) {
    if (value < 999.5) break
    value /= 1000
    unit = name
  }
  return `${value < 9.95 ? value.toFixed(1) : Math.round(value)} ${unit}`
}

const style = `
h1{margin-left:-.15rem}
h1 a{padding:.1rem .15rem}
h1 a:last-child{color:var(--text)}
h1 span{color:var(--soft);padding:0 .1rem}
table{width:100%;border-collapse:separate;border-spacing:0;background:var(--card);border:1px solid var(--line);border-radius:10px;overflow:hidden}
th,td{padding:.5rem 1rem;text-align:left;vertical-align:top}
th{font-size:.85rem;font-weight:600;border-bottom:1px solid var(--line);white-space:nowrap}
th a{color:var(--soft)}
th[aria-sort] a{color:var(--text)}
tbody tr+tr td{border-top:1px solid var(--line)}
tbody tr:hover{background:var(--hover)}
.name{width:100%;overflow-wrap:anywhere}
.name a{display:block;padding-left:1.75rem;position:relative}
.name svg{position:absolute;left:0;top:.17em;width:1.15em;height:1.15em;fill:none;stroke:var(--soft);stroke-width:1.6;stroke-linejoin:round}
.name .folder svg{stroke:var(--link);fill:var(--hover)}
.size,.date{white-space:nowrap;color:var(--soft);font-variant-numeric:tabular-nums}
.size{text-align:right}
.empty{color:var(--soft);padding:2rem 1rem;text-align:center}
@media(max-width:40rem){
main{padding:1.25rem .75rem 2rem}
table,thead,tbody{display:block}
tr{display:flex;flex-wrap:wrap;padding:.45rem .9rem;column-gap:1rem}
tbody tr+tr{border-top:1px solid var(--line)}
thead tr{border-bottom:1px solid var(--line)}
th,td,tbody tr+tr td{padding:.15rem 0;border:0}
th.name{width:auto}
td.name{flex:0 0 100%}
td.size,td.date{font-size:.85rem}
td.size{padding-left:1.75rem;text-align:left}
td.size:empty{display:none}
td.size:empty+td.date{padding-left:1.75rem}
}
`

const symbols =
  '<svg width="0" height="0" style="position:absolute" aria-hidden="true">' +
  '<symbol id="folder" viewBox="0 0 20 20"><path d="M2 5.5A1.5 1.5 0 0 1 3.5 4H8l2 2.5h6.5A1.5 1.5 0 0 1 18 8v7a1.5 1.5 0 0 1-1.5 1.5h-13A1.5 1.5 0 0 1 2 15z"/></symbol>' +
  '<symbol id="file" viewBox="0 0 20 20"><path d="M5.5 2H12l4 4v10.5a1.5 1.5 0 0 1-1.5 1.5h-9A1.5 1.5 0 0 1 4 16.5v-13A1.5 1.5 0 0 1 5.5 2zM12 2v4h4"/></symbol></svg>'

const breadcrumbs = (segments: readonly string[]): string => {
  const depth = segments.length
  const links = segments.map((name, at) => {
    const up = '../'.repeat(depth - 1 - at) || './'
    return `<a href="${up}"><bdi>${escapeHtml(name)}</bdi></a>`
  })
  const root = `<a href="${'../'.repeat(depth) || './'}">Home</a>`
  return [root, ...links].join('<span>/</span>')
}

const head = ({ key: current, descending }: Sorting): string =>
  keys
    .map((key) => {
      const active = key === current
      const way = active ? (descending ? 'asc' : 'desc') : firstWay[key]
      const sort = active ? ` aria-sort="${descending ? 'descending' : 'ascending'}"` : ''
      const mark = active ? (descending ? ' ↓' : ' ↑') : ''
      return `<th scope="col" class="${key}"${sort}><a href="?sort=${key}&amp;order=${way}">${titles[key]}${mark}</a></th>`
    })
    .join('')

/** Beyond it, either way, there are no dates (ECMA-262 §21.4.1.1), but some file systems have files from there. */
const latestMs = 8.64e15

const isoOf = (ms: number): string => new Date(Math.max(-latestMs, Math.min(ms, latestMs))).toISOString()

/** "./" first: a name with a colon would else read as another scheme. */
const hrefOf = ({ name, kind }: FileEntry): string => `./${encodeSegment(name)}${kind === 'folder' ? '/' : ''}`

const row = (entry: FileEntry): string => {
  const { name, kind, octets } = entry
  const slash = kind === 'folder' ? '/' : ''
  const icon = `<svg aria-hidden="true"><use href="#${kind}"/></svg>`
  const iso = isoOf(entry.modifiedMs)
  return (
    `<tr><td class="name"><a class="${kind}" href="${escapeHtml(hrefOf(entry))}">${icon}<bdi>${escapeHtml(name)}</bdi>${slash}</a></td>` +
    `<td class="size">${kind === 'file' ? `<span title="${octets} octets">${sizeForPeople(octets)}</span>` : ''}</td>` +
    `<td class="date"><time datetime="${iso}" title="${iso}">${iso.slice(0, 10)} ${iso.slice(11, 16)}</time></td></tr>`
  )
}

const count = (many: number, one: string, more: string): string => `${many} ${many === 1 ? one : more}`

const summary = ({ entries, more }: Listing): string => {
  if (entries.length === 0) return ''
  const folders = entries.filter((entry) => entry.kind === 'folder').length
  const files = entries.length - folders
  const octets = entries.reduce((sum, entry) => sum + (entry.kind === 'file' ? entry.octets : 0), 0)
  const parts = [
    ...(folders > 0 ? [count(folders, 'folder', 'folders')] : []),
    ...(files > 0 ? [count(files, 'file', 'files'), sizeForPeople(octets)] : []),
  ]
  return `${more ? 'The first ' : ''}${parts.join(', ')}${more ? '; the folder holds more' : ''}. Times are UTC.`
}

/** Names that no URL can spell are left out. */
const shownOf = (listing: Listing): Listing => {
  const entries = listing.entries.filter(({ name }) => name.isWellFormed())
  return { ...listing, entries: sorted(entries, listing.sorting) }
}

/** Rows of a piece: a millisecond or two of work. */
const rowsAtOnce = 250

function* inPieces(entries: readonly FileEntry[], render: (entry: FileEntry) => string, between: string): Generator<string> {
  for (let at = 0; at < entries.length; at += rowsAtOnce) {
    yield (at === 0 ? '' : between) +
      entries
        .slice(at, at + rowsAtOnce)
        .map(render)
        .join(between)
  }
}

/** The page of a folder, in pieces: between two of them others may have their turn. */
export function* renderListing(listing: Listing): Generator<string> {
  const shown = shownOf(listing)
  const { before, after } = pageAround({
    title: `/${shown.segments.map((name) => `${name}/`).join('')}`,
    style,
  })
  yield `${before}${symbols}
<h1>${breadcrumbs(shown.segments)}</h1>
<table>
<thead><tr>${head(shown.sorting)}</tr></thead>
<tbody>
`
  if (shown.entries.length === 0) yield '<tr><td class="empty" colspan="3">This folder is empty.</td></tr>'
  yield* inPieces(shown.entries, row, '\n')
  yield `
</tbody>
</table>
<footer>${summary(shown)}</footer>${after}`
}

const told = (entry: FileEntry): string =>
  JSON.stringify({
    name: entry.name,
    kind: entry.kind,
    ...(entry.kind === 'file' ? { octets: entry.octets } : {}),
    modified: isoOf(entry.modifiedMs),
    href: hrefOf(entry),
  })

/** The same for programs: `octets` for files only, times in UTC, `href` relative to the folder's own address. */
export function* listingAsJson(listing: Listing): Generator<string> {
  const { segments, entries, more } = shownOf(listing)
  yield `{"path":${JSON.stringify(pathOf(segments, true))},"more":${more},"entries":[`
  yield* inPieces(entries, told, ',')
  yield ']}\n'
}
