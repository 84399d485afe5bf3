/**
 * What the fields of a request say of the way that it came, in the one order that counts everywhere: `X-Forwarded-For`, `-Proto` and
 * `-Host`, and `Forwarded` (RFC 7239) only where none of them is there. nginx, Caddy, Apache, load balancers and Express know the first
 * ones, and such a proxy passes on whatever a client has put into `Forwarded`; which of both was written last nobody can tell (§7.4).
 * Nor is a scheme that `X-Forwarded-Proto` does not tell taken from `Forwarded`, not even from a last step whose `for` is the address in
 * `X-Forwarded-For`: a client knows its own address, and most proxies that write that field alone would pass its step on.
 * For listed proxies only: anybody can say anything.
 */
import { isIP, isIPv6 } from 'node:net'

/** The way of a request, as told. */
export interface ToldWay {
  /** The nodes that it came from, the last one first, at most 64: `192.0.2.1`, `[2001:db8::1]:4711`, `unknown`; empty: none is told. */
  readonly nodes: readonly string[]
  /** By which scheme it came to the closest proxy, lower case; null: not told. */
  readonly proto: string | null
  /** The host that it was sent to, as the closest proxy tells it; null: not told. */
  readonly host: string | null
}

/** So many steps are looked at, the last ones: no way is longer, and a client writes what it likes. */
const longestWay = 64

/** The values of a field, joined as one list; null where there is none. @param fields names and values in turn */
export const listedValue = (fields: readonly string[], name: string): string | null => {
  let joined: string | null = null
  for (let at = 0; at < fields.length; at += 2) {
    if (fields[at]?.length !== name.length || fields[at]?.toLowerCase() !== name) continue
    joined = joined === null ? (fields[at + 1] ?? '') : `${joined}, ${fields[at + 1] ?? ''}`
  }
  return joined
}

/** Whether an odd number of backslashes stands before (RFC 9110 §5.6.4). */
const isEscaped = (text: string, at: number): boolean => {
  let before = at
  while (text[before - 1] === '\\') before -= 1
  return (at - before) % 2 === 1
}

/** The parts between marks that stand outside of quotes, from the last one to the first: what a client wrote stands in front. */
const partsFromLast = (text: string, mark: string): readonly string[] => {
  const parts: string[] = []
  let quoted = false
  let end = text.length
  for (let at = end - 1; at >= 0; at -= 1) {
    if (text[at] === '"' && !isEscaped(text, at)) quoted = !quoted
    else if (text[at] === mark && !quoted) {
      parts.push(text.slice(at + 1, end))
      if (parts.length === longestWay) return parts
      end = at
    }
  }
  return [...parts, text.slice(0, end)]
}

/** A value of a step of `Forwarded`; null where it does not say it. */
const valueIn = (step: string, name: 'for' | 'proto' | 'host'): string | null => {
  const pair = partsFromLast(step, ';').find((each) => each.trimStart().toLowerCase().startsWith(`${name}=`))
  return pair === undefined
    ? null
    : pair
        .slice(pair.indexOf('=') + 1)
        .replaceAll(/["\\]/g, '')
        .trim()
}

/** The elements of a list, from the last one to the first; empty ones are none (RFC 9110 §5.6.1). */
const elementsFromLast = (list: string): readonly string[] =>
  partsFromLast(list, ',')
    .map((part) => part.trim())
    .filter((part) => part !== '')

const lastOf = (list: string | null): string | null => elementsFromLast(list ?? '')[0] ?? null

/** The way that a request came. @param fields names and values in turn */
export const toldWay = (fields: readonly string[]): ToldWay => {
  const nodes = listedValue(fields, 'x-forwarded-for')
  const proto = listedValue(fields, 'x-forwarded-proto')
  const host = listedValue(fields, 'x-forwarded-host')
  if (nodes !== null || proto !== null || host !== null)
    return { nodes: elementsFromLast(nodes ?? ''), proto: lastOf(proto)?.toLowerCase() ?? null, host: lastOf(host) }
  const steps = elementsFromLast(listedValue(fields, 'forwarded') ?? '')
  const [last = ''] = steps
  const from = steps.map((step) => valueIn(step, 'for'))
  return {
    nodes: from.some((node) => node !== null) ? from.map((node) => node ?? 'unknown') : [],
    proto: valueIn(last, 'proto')?.toLowerCase() ?? null,
    host: valueIn(last, 'host'),
  }
}

/** `192.0.2.1:4711`, `[2001:db8::1]`, `[2001:db8::1]:4711`; a name that hides one (RFC 7239 §6.3). */
const otherNode = /^(?:[\d.]{7,15}:\d{1,5}|\[[0-9A-Fa-f:.]{2,45}\](?::\d{1,5})?|_[A-Za-z0-9._-]+)$/

/** A node as it may be told further; what is none of sense is `unknown`. */
const knownNode = (node: string): string => ((isIP(node) !== 0 && !node.includes('%')) || otherNode.test(node) ? node : 'unknown')

/** A value of `Forwarded`: a token as it is, anything else in quotes (RFC 7239 §4). */
const quoted = (text: string): string => (/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(text) ? text : `"${text.replace(/["\\]/g, '\\$&')}"`)

/** One step of `Forwarded`; an IPv6 address stands in brackets (RFC 7239 §6). Empty where nothing is told. */
const stepOf = (node: string | null, proto: string | null, host: string | null): string =>
  [
    ...(node === null ? [] : [`for=${quoted(isIPv6(node) ? `[${node}]` : node)}`]),
    ...(proto === null ? [] : [`proto=${quoted(proto)}`]),
    ...(host === null ? [] : [`host=${quoted(host)}`]),
  ].join(';')

/** A further step: how a request came to us. */
export interface OwnStep {
  readonly address: string
  readonly proto: 'http' | 'https'
  readonly host: string | null
}

/**
 * The fields that tell an upstream server the way of a request, names and values in turn: both kinds say the same (RFC 7239 §7.4).
 * @param before as a listed proxy told it; null: the client is the first
 */
export const fieldsOfWay = (before: ToldWay | null, own: OwnStep): string[] => {
  const nodes = before?.nodes.map(knownNode) ?? []
  const [last = null, ...earlier] = nodes
  const told = [
    ...earlier.toReversed().map((node) => stepOf(node, null, null)),
    stepOf(last, before?.proto ?? null, before?.host ?? null),
  ]
  const steps = [...told.filter((step) => step !== ''), stepOf(own.address, own.proto, own.host)]
  const way = [...nodes.toReversed(), own.address].map((node) => node.replace(/^\[([^\]]*)\]$/, '$1'))
  const host = before?.host ?? own.host
  return [
    ...['Forwarded', steps.join(', ')],
    ...['X-Forwarded-For', way.join(', ')],
    ...['X-Forwarded-Proto', before?.proto ?? own.proto],
    ...(host === null ? [] : ['X-Forwarded-Host', host]),
  ]
}
