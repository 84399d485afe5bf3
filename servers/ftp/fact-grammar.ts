/** The arguments of commands that tell or change facts of files. */
import { type FactName, factNames } from './facts.ts'
import { checkedPath, found, type Grammar, type Parsed, path, trimmed, wrong } from './grammar.ts'
import { readTimeValue } from './time-value.ts'

/** A time and what it is of. */
export interface TimedPath {
  readonly ms: number
  /** The time as the client wrote it. */
  readonly time: string
  readonly path: string
}

const timed = (time: string, words: string): Parsed<TimedPath> => {
  const ms = readTimeValue(time)
  if (ms === null) return wrong('A time and a path are needed')
  const checked = checkedPath(words)
  return checked.ok ? found({ ms, time, path: checked.value }) : checked
}

/** `20261121100203 path` (draft-somers-ftp-mfxx-04). */
export const timeAndPath: Grammar<TimedPath> = {
  syntax: 'YYYYMMDDHHMMSS[.sss] path',
  parse: (text) => {
    const [, time = '', words = ''] = /^(\d{14}(?:\.\d+)?) (.+)$/s.exec(text ?? '') ?? []
    return timed(time, words)
  },
}

/** What MDTM takes: a path, which may also be read as a time and a path. */
export interface MaybeTimed {
  readonly path: string
  readonly timed: TimedPath | null
}

/** `path`; or, as vsftpd and others had it before there was MFMT, a time and a path. */
export const maybeTimedPath: Grammar<MaybeTimed> = {
  syntax: '[YYYYMMDDHHMMSS] path',
  parse: (text) => {
    const whole = path.parse(text)
    if (!whole.ok) return whole
    const timed = timeAndPath.parse(text)
    return found({ path: whole.value, timed: timed.ok ? timed.value : null })
  },
}

/** `type;size;`: facts that MLST and MLSD shall tell; others than ours are left out (RFC 3659 §7.9). */
export const factList: Grammar<readonly FactName[]> = {
  syntax: '[fact;]…',
  parse: (text) => {
    const words = trimmed(text).toLowerCase()
    if (!/^(?:[!-:<-~]+;)*[!-:<-~]*$/.test(words)) return wrong('Names of facts are needed, each with a semicolon behind it')
    const wanted = words.split(';')
    return found(factNames.filter((name) => wanted.includes(name)))
  },
}

/** Facts that a client may change, with the values they shall have. */
export interface FactChanges {
  readonly modifiedMs: number | null
  readonly mode: number | null
  /** Each as the client wrote it, `Modify=20261121100203`. */
  readonly written: readonly string[]
  /** One that cannot be changed, or that nobody knows. */
  readonly refused: string | null
  readonly path: string
}

/** Three or four octal digits; setuid and its like are not given. */
const readMode = (text: string): number | null => (/^0?[0-7]{3}$/.test(text) ? Number.parseInt(text, 8) : null)

/** `modify=20261121100203;unix.mode=0644; path` (draft-somers-ftp-mfxx-04). */
export const factChanges: Grammar<FactChanges> = {
  syntax: 'fact=value;… path',
  parse: (text) => {
    const [, facts = '', words = ''] = /^((?:[^=; ]+=[^=; ]*;)+) (.+)$/s.exec(text ?? '') ?? []
    if (facts === '') return wrong('Facts with their values, and a path, are needed')
    const checked = checkedPath(words)
    if (!checked.ok) return checked
    const written = facts.slice(0, -1).split(';')
    let changes: FactChanges = { modifiedMs: null, mode: null, written, refused: null, path: checked.value }
    for (const each of written) {
      const [name = '', value = ''] = each.split('=')
      if (name.toLowerCase() === 'modify') changes = { ...changes, modifiedMs: readTimeValue(value) }
      else if (name.toLowerCase() === 'unix.mode') changes = { ...changes, mode: readMode(value) }
      else changes = { ...changes, refused: name }
    }
    const misread = written.some((each) => /^modify=/i.test(each)) && changes.modifiedMs === null
    const noMode = written.some((each) => /^unix\.mode=/i.test(each)) && changes.mode === null
    return misread || noMode ? wrong('A value is not one') : found(changes)
  },
}

/** `644 path`. */
export const modeAndPath: Grammar<{ readonly mode: number; readonly path: string }> = {
  syntax: 'mode path',
  parse: (text) => {
    const [, digits = '', words = ''] = /^ *([0-7]+) (.+)$/s.exec(text ?? '') ?? []
    const mode = readMode(digits)
    if (mode === null) return wrong('Three octal digits and a path are needed')
    const checked = checkedPath(words)
    return checked.ok ? found({ mode, path: checked.value }) : checked
  },
}

/** Clients send `time path` (lftp), or `path access-time modification-time creation-time UTC` (ncftp, lftp): of those, one can be set. */
export const siteTimes: Grammar<TimedPath> = {
  syntax: 'YYYYMMDDhhmm[ss] path | path access-time modification-time creation-time UTC',
  parse: (text) => {
    const [, words, time] = /^ *(.+) (?:\d{12}|\d{14}) (\d{12}|\d{14}) (?:\d{12}|\d{14}) UTC *$/is.exec(text ?? '') ?? []
    if (words !== undefined && time !== undefined) return timed(time, words)
    const [, first = '', rest = ''] = /^ *(\d{12}|\d{14}) (.+)$/s.exec(text ?? '') ?? []
    return timed(first, rest)
  },
}

/** A file, or octets of it, to be hashed. */
export interface HashedPath {
  readonly path: string
  readonly from: number
  /** Not included; null: up to the end. */
  readonly to: number | null
}

/** A path; within quotes, octets may follow at which to begin and before which to end: `"name" 0 1024`. */
export const hashedPath: Grammar<HashedPath> = {
  syntax: 'path | "path" [from [to]]',
  parse: (text) => {
    const [, quoted, from = '0', to] = /^"([^"]+)"(?: +(\d{1,15})(?: +(\d{1,15}))?)? *$/.exec(text ?? '') ?? []
    const checked = path.parse(quoted ?? text)
    if (!checked.ok) return checked
    return found({ path: checked.value, from: quoted === undefined ? 0 : Number(from), to: to === undefined ? null : Number(to) })
  },
}

/** A hash's name in upper case, or nothing. */
export const hashName: Grammar<string | null> = {
  syntax: '[hash]',
  parse: (text) => found(trimmed(text) === '' ? null : trimmed(text).toUpperCase()),
}
