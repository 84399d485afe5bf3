/** The arguments of commands: what follows the keyword and one blank, parsed once into a value. */
import { canBePassword } from '../../shared/accounts/password.ts'

/** How the arguments of a command are read. `parse` returns null where the text does not fit. */
export interface Grammar<Value> {
  /** The arguments as a client's author reads them. */
  readonly usage: string
  parse(text: string): { readonly value: Value } | null
}

/** Words between blanks: clients double blanks and leave some at the end. */
const words = (text: string): string[] => text.split(' ').filter((word) => word !== '')

// RFC 1939 §3 names no sign, point or exponent. Any number of digits is a number: which messages exist is no matter of grammar.
const digits = /^\d+$/
// C0, DEL, and the octet that stands for what is no UTF-8 are in no name.
const notInName = /[\u0000-\u001f\u007f\ufffd]/

const count = (usage: string): Grammar<number> => ({
  usage,
  parse: (text) => (digits.test(text) ? { value: Number(text) } : null),
})

/** A message number (RFC 1939 §3). */
export const messageNumber = count('number')

/** A number of lines, none included (RFC 1939 §7 TOP). */
export const lineCount = count('lines')

/** No arguments. */
export const none: Grammar<null> = {
  usage: '',
  parse: (text) => (words(text).length === 0 ? { value: null } : null),
}

/** Whatever comes, and it is not looked at. */
export const anything: Grammar<null> = { usage: '…', parse: () => ({ value: null }) }

/** One argument. */
export const one = <Value>(argument: Grammar<Value>): Grammar<Value> => ({
  usage: argument.usage,
  parse: (text) => {
    const [first, ...more] = words(text)
    return first === undefined || more.length > 0 ? null : argument.parse(first)
  },
})

/** One argument or none: null. */
export const optional = <Value>(argument: Grammar<Value>): Grammar<Value | null> => ({
  usage: `[${argument.usage}]`,
  parse: (text) => none.parse(text) ?? one(argument).parse(text),
})

/** Two arguments. */
export const pair = <A, B>(a: Grammar<A>, b: Grammar<B>): Grammar<readonly [A, B]> => ({
  usage: `${a.usage} ${b.usage}`,
  parse: (text) => {
    const [first, second, ...more] = words(text)
    if (first === undefined || second === undefined || more.length > 0) return null
    const [left, right] = [a.parse(first), b.parse(second)]
    return left === null || right === null ? null : { value: [left.value, right.value] }
  },
})

/** The name of an account, as the client writes it. */
export const name: Grammar<string> = {
  usage: 'name',
  parse: (text) => (notInName.test(text) ? null : { value: text }),
}

/** A password: all that follows, blanks included (RFC 1939 §7 PASS: there is only one argument; RFC 6856 §2.2: none that cannot be one). */
export const password: Grammar<string> = {
  usage: 'password',
  parse: (text) => (text === '' || !canBePassword(text) ? null : { value: text }),
}

/** A language range (RFC 6856 §3.2, RFC 4647 §2.1). */
export const languageRange: Grammar<string> = {
  usage: 'language',
  parse: (text) => (text === '*' || /^[A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*$/.test(text) ? { value: text } : null),
}

/** What follows AUTH (RFC 5034 §4): a mechanism, and its initial response where the client sends one. */
export const authentication: Grammar<{ readonly mechanism: string | null; readonly response: string | null }> = {
  usage: '[mechanism [initial-response]]',
  parse: (text) => {
    const [mechanism = null, response = null, ...more] = words(text)
    return more.length > 0 ? null : { value: { mechanism, response } }
  },
}
