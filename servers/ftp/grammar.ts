/** The arguments of commands, each parsed once, by its grammar, into what handlers use. */
import { isIPv4, isIPv6 } from 'node:net'
import type { Endpoint } from '../../shared/net/endpoint.ts'
import type { Structure, TransferType } from './representation.ts'

/** A value, or why the argument is not one. */
export type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly why: string }

/** How an argument is written, and what reads it. */
export interface Grammar<T> {
  /** For HELP, without the command's name. Empty: it takes no argument. */
  readonly syntax: string
  /** @param text what stands behind the command and one blank; null when nothing does */
  parse(text: string | null): Parsed<T>
}

export const found = <T>(value: T): Parsed<T> => ({ ok: true, value })
export const wrong = (why: string): Parsed<never> => ({ ok: false, why })

/** Words other than names and passwords may have blanks behind them: some devices send them. */
export const trimmed = (text: string | null): string => (text ?? '').trim()

export const nothing: Grammar<null> = {
  syntax: '',
  parse: (text) => (trimmed(text) === '' ? found(null) : wrong('No argument is taken')),
}

/** A word or more that must be there. */
const needed = (syntax: string, why: string): Grammar<string> => ({
  syntax,
  parse: (text) => (trimmed(text) === '' ? wrong(why) : found(trimmed(text))),
})

/** What a client calls itself. */
export const client = needed('name', 'A name is needed')

/** A name or a password, exactly as sent. */
export const secret: Grammar<string> = { syntax: 'password', parse: (text) => found(text ?? '') }

/** Account information, which may be a secret. */
export const account = needed('account', 'An account is needed')

export const userName = needed('name', 'A name is needed')

/** A name with control characters would break the lines that it stands in. */
export const checkedPath = (text: string): Parsed<string> =>
  /[\0-\x1f\x7f]/.test(text) ? wrong('A name with control characters is not taken') : found(text)

/** Blanks belong to it, wherever they are. */
export const path: Grammar<string> = {
  syntax: 'path',
  parse: (text) => (text === null || text === '' ? wrong('A path is needed') : checkedPath(text)),
}

/** A path, or nothing. */
export const optionalPath: Grammar<string | null> = {
  syntax: '[path]',
  parse: (text) => (text === null || text === '' ? found(null) : checkedPath(text)),
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

/** How data connections are protected unless PROT says otherwise. */
export type Protection = 'clear' | 'private'

const mechanisms: Readonly<Record<string, Protection>> = { TLS: 'clear', 'TLS-C': 'clear', 'TLS-P': 'private', SSL: 'private' }

/**
 * `TLS`, and the older names `TLS-C`, `TLS-P` and `SSL` with what they say of data connections (RFC 4217 Appendix A): the protocol is TLS
 * under each of them. Kerberos and others are known, and not offered.
 */
export const security: Grammar<Offered<Protection>> = {
  syntax: 'TLS',
  parse: (text) => {
    const name = trimmed(text).toUpperCase()
    if (!/^[A-Z0-9_-]{1,20}$/.test(name)) return wrong('The name of a mechanism is needed')
    return found({ value: (Object.hasOwn(mechanisms, name) ? mechanisms[name] : null) ?? null, name })
  },
}

const mostBufferOctets = 2 ** 32 - 1

/** Octets of a protection buffer (RFC 2228 §3): at most 32 bits. */
export const bufferSize: Grammar<number> = {
  syntax: 'octets',
  parse: (text) => {
    const size = integer(trimmed(text))
    return size.ok && size.value > mostBufferOctets ? wrong('A number of 32 bits is needed') : size
  },
}

/** Clear or Private; not Safe, Confidential, which TLS has not (RFC 4217 §9). */
export const protection: Grammar<Offered<Protection>> = {
  syntax: 'C | P',
  parse: (text) => {
    const name = trimmed(text).toUpperCase()
    if (!/^[A-Z]$/.test(name)) return wrong('A letter is needed')
    return found({ value: name === 'P' ? 'private' : name === 'C' ? 'clear' : null, name })
  },
}

/** Stream; not Block, Compressed, deflated. */
export const mode = letter('SBCZ')

/** File and Record; not Page. */
export const structure: Grammar<Offered<Structure>> = {
  syntax: 'F | R',
  parse: (text) => {
    const name = trimmed(text).toUpperCase()
    if (!/^[FRP]$/.test(name)) return wrong('No such letter')
    return found({ value: name === 'F' ? 'file' : name === 'R' ? 'record' : null, name })
  },
}

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

/** `ON` (nothing means it too: draft of RFC 2640's authors, sent by nearly all graphical clients) or `OFF`. */
export const onOrOff: Grammar<boolean> = {
  syntax: 'ON | OFF',
  parse: (text) => {
    const word = trimmed(text).toUpperCase()
    if (word !== '' && word !== 'ON' && word !== 'OFF') return wrong('ON or OFF is needed')
    return found(word !== 'OFF')
  },
}

/** A word, in upper case, and what stands behind it and one blank; null when nothing does. */
export const wordAndRest = (syntax: string): Grammar<{ readonly word: string; readonly rest: string | null }> => ({
  syntax,
  parse: (text) => {
    const [, word = '', rest] = /^ *([^ ]+)(?: (.*))?$/s.exec(text ?? '') ?? []
    return word === '' ? wrong('A word is needed') : found({ word: word.toUpperCase(), rest: rest ?? null })
  },
})

/** A host as HOST names it (RFC 7151 §3): by a domain name, an IPv4 address, or an IPv6 address in brackets; lower case. */
export type NamedHost = { readonly kind: 'name' | 'address'; readonly host: string }

/** What a domain name's labels consist of; one beyond ASCII is written with A-labels. */
const label = /^(?!-)[a-z\d_-]{1,63}(?<!-)$/

export const namedHost: Grammar<NamedHost> = {
  syntax: 'name | IPv4 address | [IPv6 address]',
  parse: (text) => {
    const host = trimmed(text).toLowerCase()
    const literal = /^\[([\da-f:.]+)\]$/.exec(host)?.[1]
    if (literal !== undefined) return isIPv6(literal) ? found({ kind: 'address', host: literal }) : wrong('Not an IPv6 address')
    if (isIPv4(host)) return found({ kind: 'address', host })
    const name = host.replace(/\.$/, '')
    // What looks like an address and is none names nothing.
    if (name.length > 253 || !name.split('.').every((each) => label.test(each)) || /(?:^|\.)\d+$/.test(name))
      return wrong('The name of a host is needed')
    return found({ kind: 'name', host: name })
  },
}

/** A tag of a language (RFC 5646 §2.1), upper case, or nothing: the default. */
export const language: Grammar<string | null> = {
  syntax: '[language]',
  parse: (text) => {
    const tag = trimmed(text).toUpperCase()
    if (tag === '') return found(null)
    return /^[A-Z]{1,8}(?:-[A-Z\d]{1,8})*$/.test(tag) && tag.length <= 40 ? found(tag) : wrong('The tag of a language is needed')
  },
}

/** A command's name, or nothing. */
export const commandName: Grammar<string | null> = {
  syntax: '[command]',
  parse: (text) => found(trimmed(text) === '' ? null : trimmed(text).toUpperCase()),
}
