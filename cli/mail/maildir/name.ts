/**
 * Names of files in a Maildir: `seconds.unique.host,key=value,…:2,flags`.
 *
 * Ours have the sizes `S=` (of the file) and `W=` (with CRLF line ends), as Dovecot and Courier write them, and `H=`: the place of the
 * message in its mailbox, and letters for what the file alone does not tell. Programs keep all of it when they change the flags.
 * @see https://cr.yp.to/proto/maildir.html
 */
import { hostname } from 'node:os'
import process from 'node:process'

/** What `H=` tells of a file that Havre wrote. */
export interface OwnMark {
  /** Place in the mailbox. */
  readonly place: number
  /** Written octet for octet. */
  readonly asIs: boolean
  /** It came with SMTPUTF8. */
  readonly utf8: boolean
  /** The sender is not that of its Return-Path: it stands in the file beside. */
  readonly sender: boolean
}

/** What a name tells. */
export interface ParsedName {
  /** Without the flags: never changes. */
  readonly base: string
  /** Letters, sorted, each once. */
  readonly flags: string
  /** When it was delivered, as the name has it, in milliseconds since 1970; null when it has no time. */
  readonly timeMs: number | null
  readonly own: OwnMark | null
}

/** Slashes, colons and commas mean something else in a name. */
const host = (): string => hostname().replace(/[^\w.-]/g, '_') || 'localhost'

/** The name without flags. */
export const nameFor = (receivedAt: Date, sizes: { file: number; wire: number }, mark: OwnMark): string => {
  const ms = Math.max(0, receivedAt.getTime())
  const letters = `${mark.asIs ? 'v' : ''}${mark.utf8 ? 'u' : ''}${mark.sender ? 's' : ''}`
  const micros = String((ms % 1000) * 1000).padStart(6, '0')
  const unique = `M${micros}P${process.pid}Q${mark.place}`
  return `${Math.floor(ms / 1000)}.${unique}.${host()},S=${sizes.file},W=${sizes.wire},H=${mark.place}${letters}`
}

/** Systems that cannot have a colon in a name have one of the others. */
const info = /[:;!]2,([A-Za-z]*)$/
/** Seconds, and the microseconds that most programs have in the unique part. */
const time = /^(\d{1,10})(?:\.[^.]*?M(\d{1,6})(?=[A-Z.,]|$)|(?=\D|$))/
const ownMark = /,H=(\d{1,15})([vus]*)(?=,|$)/

/** @param name octets of the name as Latin-1 */
export const parseName = (name: string): ParsedName => {
  const flags = info.exec(name)
  const base = flags === null ? name : name.slice(0, flags.index)
  const own = ownMark.exec(base)
  const found = time.exec(base)
  return {
    base,
    flags: sortedLetters(flags?.[1] ?? '', own !== null),
    timeMs: found === null ? null : Number(found[1]) * 1000 + Math.floor(Number(found[2] ?? '0') / 1000),
    own:
      own === null
        ? null
        : {
            place: Number(own[1]),
            asIs: own[2]?.includes('v') === true,
            utf8: own[2]?.includes('u') === true,
            sender: own[2]?.includes('s') === true,
          },
  }
}

/** Small letters are keywords of the program that wrote them, by a list of its own: kept only of what Havre wrote. */
const sortedLetters = (letters: string, own: boolean): string =>
  [...new Set(own ? letters : letters.replace(/[a-z]/g, ''))].sort().join('')
