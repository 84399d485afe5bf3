/** The arguments of commands, each parsed once, by its grammar, into what handlers use. */
import { isIPv4, isIPv6 } from 'node:net'
import type { Endpoint } from '../../shared/net/endpoint.ts'

/** A value, or why the argument is not one. */
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly why: string }

/** How an argument is written, and what reads it. */
export interface Grammar<T> {
  /** For HELP, without the command's name. Empty: it takes no argument. */
  readonly syntax: string
  /** @param text what stands behind the command and one blank; null when nothing does */
  parse(text: string | null): Parsed<T>
}

const found = <T>(value: T): Parsed<T> => ({ ok: true, value })
const wrong = (why: string): Parsed<never> => ({ ok: false, why })

/** Words other than names and passwords may have blanks behind them: some devices send them. */
const trimmed = (text: string | null): string => (text ?? '').trim()

export const nothing: Grammar<null> = {
  syntax: '',
  parse: (text) => (trimmed(text) === '' ? found(null) : wrong('No argument is taken')),
}

/** Whatever it is: it makes no difference. */
export const anything: Grammar<string> = { syntax: '[text]', parse: (text) => found(trimmed(text)) }

/** A name or a password, exactly as sent. */
export const secret: Grammar<string> = { syntax: 'password', parse: (text) => found(text ?? '') }

export const userName: Grammar<string> = {
  syntax: 'name',
  parse: (text) => (trimmed(text) === '' ? wrong('A name is needed') : found(trimmed(text))),
}

const checkedPath = (text: string): Parsed<string> =>
  /[\0-\x1f\x7f]/.test(text) ? wrong('A name with control characters is not taken') : found(text)

/** Blanks belong to it, wherever they are. */
export const path: Grammar<string> = {
  syntax: 'path',
  parse: (text) => (text === null || text === '' ? wrong('A path is needed') : checkedPath(text)),
}

/**
 * What LIST and NLST take. Options of ls that clients send (`-la`) are taken and have no effect; a name that begins with a dash is
 * written `./-name`.
 */
export const listPath: Grammar<string | null> = {
  syntax: '[-options] [path]',
  parse: (text) => {
    const rest = (text ?? '').replace(/^(?:-[A-Za-z0-9]*(?: +|$))+/, '')
    return rest === '' ? found(null) : checkedPath(rest)
  },
}

const integer = (text: string): Parsed<number> => {
  const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN
  return Number.isSafeInteger(value) ? found(value) : wrong('A number of octets is needed')
}

/** Octets to skip (RFC 3659 §5.3). */
export const restartPoint: Grammar<number> = { syntax: 'octets', parse: (text) => integer(trimmed(text)) }

/** `number` or `number R number` (RFC 959 §5.3.2). */
export const allocation: Grammar<number> = {
  syntax: 'octets [R octets]',
  parse: (text) => {
    const [, octets = ''] = /^(\d+)(?: +R +\d+)?$/i.exec(trimmed(text)) ?? []
    return integer(octets)
  },
}

/** How the octets of a file travel: as they are, or as lines of text. */
export type TransferType = 'ascii' | 'binary'

/** A parameter's value that is known: offered, with what it stands for, or not offered. */
export type Offered<T> = { readonly value: T; readonly name: string } | { readonly value: null; readonly name: string }

/** `A`, `A N`, `I`, `L 8` are offered; `A T`, `A C`, `E …` and other `L …` are known (RFC 959 §5.3.2). */
export const type: Grammar<Offered<TransferType>> = {
  syntax: 'A [N] | I | L 8',
  parse: (text) => {
    const name = trimmed(text).toUpperCase().replace(/ +/g, ' ')
    if (name === 'A' || name === 'A N') return found({ value: 'ascii', name: 'A' })
    if (name === 'I' || name === 'L 8' || name === 'L8') return found({ value: 'binary', name: 'I' })
    return /^(?:A [TC]|E(?: [NTC])?|L \d{1,3})$/.test(name) ? found({ value: null, name }) : wrong('No such type')
  },
}

/** One letter of those that the standard knows; the first is offered. */
const letter = (known: string): Grammar<Offered<string>> => ({
  syntax: known[0] ?? '',
  parse: (text) => {
    const name = trimmed(text).toUpperCase()
    if (name.length !== 1 || !known.includes(name)) return wrong('No such letter')
    return found({ value: name === known[0] ? name : null, name })
  },
})

/** `TLS`, and its older name `TLS-C` (RFC 4217 §17); SSL and Kerberos are known, and not offered. */
export const security: Grammar<Offered<'tls'>> = {
  syntax: 'TLS',
  parse: (text) => {
    const name = trimmed(text).toUpperCase()
    if (!/^[A-Z0-9_-]{1,20}$/.test(name)) return wrong('The name of a mechanism is needed')
    return found({ value: name === 'TLS' || name === 'TLS-C' ? 'tls' : null, name })
  },
}

/** Octets of a protection buffer (RFC 2228 §3). */
export const bufferSize: Grammar<number> = { syntax: 'octets', parse: (text) => integer(trimmed(text)) }

/** Clear or Private; not Safe, Confidential, which TLS has not (RFC 4217 §9). */
export const protection: Grammar<Offered<'clear' | 'private'>> = {
  syntax: 'C | P',
  parse: (text) => {
    const name = trimmed(text).toUpperCase()
    if (!/^[CSEP]$/.test(name)) return wrong('No such letter')
    return found({ value: name === 'P' ? 'private' : name === 'C' ? 'clear' : null, name })
  },
}

/** Stream; not Block, Compressed, deflated. */
export const mode = letter('SBCZ')

/** File; not Record, Page. */
export const structure = letter('FRP')

/** `h1,h2,h3,h4,p1,p2` (RFC 959 §5.3.2). */
export const hostPort: Grammar<Endpoint> = {
  syntax: 'h1,h2,h3,h4,p1,p2',
  parse: (text) => {
    const numbers = /^\d{1,3}(?:,\d{1,3}){5}$/.test(trimmed(text)) ? trimmed(text).split(',').map(Number) : []
    const [p1 = 0, p2 = 0] = numbers.slice(4)
    if (numbers.length !== 6 || numbers.some((number) => number > 255)) return wrong('An address and port of six numbers is needed')
    return found({ address: numbers.slice(0, 4).join('.'), port: p1 * 256 + p2 })
  },
}

/** A target of EPRT: which network protocol it is of, null when none that we know. */
export interface ExtendedTarget {
  readonly protocol: 1 | 2 | null
  readonly target: Endpoint
}

/** `|1|192.0.2.1|6275|`, any character from ! to ~ in the place of | (RFC 2428 §2). */
export const extendedHostPort: Grammar<ExtendedTarget> = {
  syntax: '|1 or 2|address|port|',
  parse: (text) => {
    const [, , protocol = '', address = '', digits = ''] = /^([!-~])(\d+)\1([^\s|]+)\1(\d{1,5})\1$/.exec(trimmed(text)) ?? []
    const port = Number(digits)
    if (digits === '' || port > 65_535) return wrong('A protocol, address and port are needed')
    if (protocol !== '1' && protocol !== '2') return found({ protocol: null, target: { address, port } })
    if (protocol === '1' ? !isIPv4(address) : !isIPv6(address)) return wrong('The address is not of that protocol')
    return found({ protocol: protocol === '1' ? 1 : 2, target: { address, port } })
  },
}

/** What EPSV may ask for: a network protocol by its number (RFC 2428 §3), or that no other way is used from now on (§4). */
export const extendedPassive: Grammar<number | 'all' | null> = {
  syntax: '[1 | 2 | ALL]',
  parse: (text) => {
    const word = trimmed(text).toUpperCase()
    if (word === '') return found(null)
    if (word === 'ALL') return found('all')
    return /^\d{1,5}$/.test(word) ? found(Number(word)) : wrong('A number, ALL or nothing is needed')
  },
}

/** `UTF8 ON` (draft of RFC 2640's authors, sent by nearly all graphical clients), `UTF8 OFF`, or something else. */
export const option: Grammar<'utf8-on' | 'utf8-off' | 'other'> = {
  syntax: 'UTF8 ON',
  parse: (text) => {
    const words = trimmed(text).toUpperCase().split(/ +/)
    if (words[0] === '') return wrong('An option is needed')
    if (words[0] !== 'UTF8' && words[0] !== 'UTF-8') return found('other')
    if (words.length === 1 || (words.length === 2 && words[1] === 'ON')) return found('utf8-on')
    return words.length === 2 && words[1] === 'OFF' ? found('utf8-off') : wrong('ON or OFF is needed')
  },
}

/** A command's name, or nothing. */
export const commandName: Grammar<string | null> = {
  syntax: '[command]',
  parse: (text) => found(trimmed(text) === '' ? null : trimmed(text).toUpperCase()),
}
