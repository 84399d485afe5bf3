/** Paths of settings, as people write them, and what they cover. */
import { extensions } from '../static/codings.ts'
import { readTarget, type Target } from '../target.ts'

/** The target that a client sends for it; null for what is no path, or one with a query. `/straße` and `/stra%C3%9Fe` are the same. */
export const targetOf = (path: string): Target | null => {
  if (!path.startsWith('/') || !path.isWellFormed() || /[?#\\]/.test(path)) return null
  const reading = readTarget(encodeURI(path).replaceAll(/%25([0-9a-f]{2})/gi, '%$1'))
  return reading.ok ? reading.target : null
}

/** Which targets a path covers. */
export interface PathPattern {
  /** Its names. */
  readonly segments: readonly string[]
  /** Whether it covers what is below it; else exactly itself. */
  readonly below: boolean
}

/** @throws {RangeError} for what is no path: the schema has checked it */
export const patternOf = (path: string): PathPattern => {
  const target = targetOf(path)
  if (target === null) throw new RangeError(`no path: ${path}`)
  return { segments: target.segments, below: target.folder }
}

const startsWith = (segments: readonly string[], start: readonly string[]): boolean => {
  if (segments.length < start.length) return false
  // From the end: where two routes differ, they differ there.
  for (let at = start.length - 1; at >= 0; at -= 1) if (segments[at] !== start[at]) return false
  return true
}

/** Whether the pattern covers the target. `/docs/` covers `/docs` too, which leads there. */
export const covers = ({ segments, below }: PathPattern, target: Target): boolean =>
  startsWith(target.segments, segments) && (below || (target.segments.length === segments.length && !target.folder))

const page = '.html'
const index = 'index.html'

/** The shortest of the addresses by which files answer with one file: without `index.html`, `.html` and the slash at the end. */
const shortest = (segments: readonly string[]): readonly string[] => {
  const last = segments.at(-1) ?? ''
  if (last === index) return segments.slice(0, -1)
  return last.endsWith(page) && last !== page ? [...segments.slice(0, -1), last.slice(0, -page.length)] : segments
}

const endings = Object.values(extensions)

/** The file whose compressed form has this name beside it. A file of its own that is named alike is taken for one. */
const uncompressed = (segments: readonly string[]): readonly string[] => {
  const last = segments.at(-1) ?? ''
  const endingOf = (end: number) => endings.find((ending) => end > ending.length && last.endsWith(ending, end))
  let end = last.length
  for (let ending = endingOf(end); ending !== undefined; ending = endingOf(end)) end -= ending.length
  return end === last.length ? segments : [...segments.slice(0, -1), last.slice(0, end)]
}

/** What somebody may take for another name than we do. */
const ambiguous = /[/\\;A-Z]/

/**
 * The names as somebody reads them who takes an encoded slash for a slash, drops what is behind a semicolon (RFC 3986 §3.3 leaves both to
 * applications), and knows no large letters, as homes of accounts (`/~Alice/`) and many frameworks do.
 */
const loosely = (segments: readonly string[]): readonly string[] => {
  if (!segments.some((name) => ambiguous.test(name))) return segments
  const parts = segments.flatMap((name) => name.split(/[/\\]/)).map((part) => part.replace(/;.*$/s, '').toLowerCase())
  return parts.filter((part) => part !== '' && part !== '.')
}

/**
 * Whether a guard of this path must be passed: also at the other addresses of what it guards, and at those which an upstream server or a
 * file system may take for them.
 */
export const guards = (pattern: PathPattern, target: Target): boolean => {
  const [guarded, asked] = [loosely(pattern.segments), loosely(target.segments)]
  if (pattern.below) return startsWith(asked, guarded)
  const [one, two] = [shortest(guarded), shortest(uncompressed(asked))]
  return one.length === two.length && startsWith(one, two)
}
