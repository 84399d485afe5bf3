/**
 * The kinds of values that settings have, as zod builders: sizes, durations, ports, port ranges, addresses, domains, paths.
 * A protocol's `options.ts` puts its settings together from them; `.prefault()` gives the default as a person writes it:
 * `size({ min: 512 }).prefault('4KiB').meta({ description: … })`.
 *
 * Loaded by the supervisor and the command line only: children get the checked values.
 */
import { isIP } from 'node:net'
import { domainToASCII } from 'node:url'
import { z } from 'zod'

/** What a setting's `.meta()` may say; the JSON Schema, the comments of `default.yaml` and the documentation come from it. */
export interface SettingMeta {
  /** What it does, in a sentence or two. */
  description?: string | undefined
  unit?: string
  /** What happens at the limit: `500 5.5.2`, `refused`. */
  over?: string
  /** The standard that binds it: `RFC 5321 §4.5.3.1.4`. */
  source?: string
  /** Nothing reads it yet: all of it, or these values of it. Said at the start when it is set to other than its default. */
  pending?: true | readonly string[]
  /**
   * `path`: relative to the file that holds it; the loader makes it absolute. `template-path`: the same, but what begins with a
   * brace is left as it is.
   */
  kind?: 'path' | 'template-path'
}

declare module 'zod' {
  interface GlobalMeta extends SettingMeta {}
}

const sizeUnits: Readonly<Record<string, number>> = {
  b: 1,
  kb: 1e3,
  mb: 1e6,
  gb: 1e9,
  tb: 1e12,
  kib: 2 ** 10,
  mib: 2 ** 20,
  gib: 2 ** 30,
  tib: 2 ** 40,
}

const durationUnits: Readonly<Record<string, number>> = { ms: 1, s: 1e3, m: 60e3, h: 3600e3, d: 86_400e3 }

// Without flags: JSON Schema has none.
const sizePattern = /^(\d+(?:\.\d+)?) ?([KMGTkmgt][Ii]?[Bb]|[Bb])?$/
const durationPattern = /^(\d+(?:\.\d+)?) ?(ms|s|m|h|d)$/

/** Timers of Node hold 31 bits of milliseconds: one that is longer ends at once. */
const longestTimerMs = 24 * 86_400e3

const sizeWrong = 'must be a size such as 64KiB, 25MB or 1GiB'
const durationWrong = 'must be a time with its unit, such as 300ms, 10s, 5m, 2h or 7d'

const measure = (text: string, pattern: RegExp, units: Readonly<Record<string, number>>): number | null => {
  const [, amount, unit] = pattern.exec(text) ?? []
  const value = amount === undefined ? Number.NaN : Number(amount) * (units[(unit ?? 'b').toLowerCase()] ?? Number.NaN)
  return Number.isSafeInteger(value) ? value : null
}

/** Octets of `64KiB` (1024), `25MB` (1000), `512`; null when it is none of these or no whole number of octets. */
export const octetsOf = (text: string): number | null => measure(text, sizePattern, sizeUnits)

/** Milliseconds of `300ms`, `10s`, `5m`, `2h`, `7d`; null when it is none of these or no whole number of milliseconds. */
export const millisecondsOf = (text: string): number | null => measure(text, durationPattern, durationUnits)

const written = (value: number, units: readonly (readonly [string, number])[]): string => {
  const [name, factor] = units.find(([, size]) => value !== 0 && value % size === 0) ?? units.at(-1) ?? ['', 1]
  return `${value / factor}${name}`
}

/** `65536` → `64KiB`: the largest unit that leaves a whole number. */
export const sizeText = (octets: number): string =>
  written(
    octets,
    (['TiB', 'TB', 'GiB', 'GB', 'MiB', 'MB', 'KiB', 'KB', 'B'] as const).map((unit) => [unit, sizeUnits[unit.toLowerCase()] ?? 1]),
  )

/** `300000` → `5m`: the largest unit that leaves a whole number. */
export const durationText = (ms: number): string =>
  written(
    ms,
    (['d', 'h', 'm', 's', 'ms'] as const).map((unit) => [unit, durationUnits[unit] ?? 1]),
  )

interface Range {
  readonly min?: number
  readonly max?: number
}

const withinRange = (
  text: (value: number) => string,
  { min = 0, max = Number.MAX_SAFE_INTEGER }: Range,
  value: number,
): string | null => {
  if (value < min) return `must be at least ${text(min)}`
  return value > max ? `must be at most ${text(max)}` : null
}

/**
 * A number of octets: `64KiB`, `25MB`, `1GiB`, or a plain number.
 * @param range in octets
 */
export const size = (range: Range = {}) =>
  z
    .union([z.int().min(0, { error: sizeWrong }), z.string().regex(sizePattern, { error: sizeWrong })], { error: sizeWrong })
    .transform((value, context) => {
      const octets = typeof value === 'number' ? value : octetsOf(value)
      const wrong = octets === null ? 'must be a whole number of octets' : withinRange(sizeText, range, octets)
      if (octets !== null && wrong === null) return octets
      context.addIssue({ code: 'custom', message: wrong ?? '', input: value })
      return z.NEVER
    })

/**
 * A time in milliseconds: `300ms`, `10s`, `5m`, `2h`, `7d`.
 * @param range in milliseconds; without `max` at most 24 days, the longest that a timer holds
 */
export const duration = (range: Range = {}) =>
  z
    .string({ error: durationWrong })
    .regex(durationPattern, { error: durationWrong })
    .transform((value, context) => measuredTime(value, range, context))

const autoWrong = 'must be auto, or a time with its unit, such as 300ms, 10s, 5m, 2h or 7d'

/** The same, or `auto`. */
export const durationOrAuto = (range: Range = {}) =>
  z
    .string({ error: autoWrong })
    .regex(/^(?:auto|\d+(?:\.\d+)? ?(?:ms|s|m|h|d))$/, { error: autoWrong })
    .transform((value, context) => (value === 'auto' ? value : measuredTime(value, range, context)))

const measuredTime = (value: string, range: Range, context: z.core.$RefinementCtx): number => {
  const ms = millisecondsOf(value)
  const wrong =
    ms === null ? 'must be a whole number of milliseconds' : withinRange(durationText, { max: longestTimerMs, ...range }, ms)
  if (ms !== null && wrong === null) return ms
  context.addIssue({ code: 'custom', message: wrong ?? '', input: value })
  return z.NEVER
}

const portWrong = 'must be a port from 0 to 65535 (0: the system chooses)'

/** A port to listen on; 0: the system chooses. */
export const port = () => z.int({ error: portWrong }).min(0, { error: portWrong }).max(65_535, { error: portWrong })

/** Ports, both ends included. */
export interface PortRange {
  readonly from: number
  readonly to: number
}

const rangeWrong = 'must be a range of ports such as 49152-65535'

/** A range of unprivileged ports, `49152-65535`, or a single one. */
export const portRange = () =>
  z
    .union([z.int(), z.string().regex(/^\d{1,5}( ?- ?\d{1,5})?$/, { error: rangeWrong })], { error: rangeWrong })
    .transform((value, context): PortRange => {
      const [from = 0, to = from] = String(value).split('-').map(Number)
      const wrong =
        from < 1024 || to > 65_535
          ? 'must be between 1024 and 65535'
          : from > to
            ? 'must be written with the lower end first'
            : null
      if (wrong === null) return { from, to }
      context.addIssue({ code: 'custom', message: wrong, input: value })
      return z.NEVER
    })

const addressWrong = 'must be a numeric address such as 127.0.0.1, 0.0.0.0 or "::"'

/** A numeric address, IPv4 or IPv6: what can be bound and what clients can be told without asking a name server. */
export const address = () => z.string({ error: addressWrong }).refine((text) => isIP(text) !== 0, { error: addressWrong })

const networkWrong = 'must be a numeric address such as 10.0.0.7 or fd00::7, or a network such as 10.0.0.0/8 or fd00::/8'

const isNetwork = (text: string): boolean => {
  const [, base = '', prefix = '0'] = /^([^/%]+)(?:\/(0|[1-9]\d{0,2}))?$/.exec(text) ?? []
  const version = isIP(base)
  return version !== 0 && Number(prefix) <= (version === 4 ? 32 : 128)
}

/** A numeric address, or all whose first bits are those of this one: `10.0.0.0/8` (RFC 4632 §3.1). */
export const network = () => z.string({ error: networkWrong }).refine(isNetwork, { error: networkWrong })

const label = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/i
const isDomain = (text: string): boolean => text.length <= 253 && text.split('.').every((part) => label.test(part))

/** A domain as it is compared: A-labels for what is not ASCII (RFC 5890 §2.3.2.1), lower case; what is ASCII is left, else `1.2` were an address. */
export const canonicalDomain = (text: string): string => (/^[\x00-\x7f]*$/.test(text) ? text : domainToASCII(text)).toLowerCase()

const domainWrong = 'must be a domain name such as example.org'

/** A host's or domain's name (RFC 1123 §2.1), `bücher.test` as well; lower case and ASCII once loaded. */
export const domain = () =>
  z
    .string({ error: domainWrong })
    .refine((text) => isDomain(canonicalDomain(text)), { error: domainWrong })
    .transform(canonicalDomain)

/** Atoms with dots between them (RFC 5321 §4.1.2, RFC 6531 §3.3). */
const atoms = /^[^\s@"(),:;<>[\]\\.\x00-\x1f\x7f]+(?:\.[^\s@"(),:;<>[\]\\.\x00-\x1f\x7f]+)*$/u

const isMailbox = (text: string): boolean => {
  const [local = '', domainName, ...rest] = text.split('@')
  return atoms.test(local) && rest.length === 0 && (domainName === undefined || isDomain(canonicalDomain(domainName)))
}

const mailboxWrong = 'must be a mailbox such as sales, or its address at a local domain'

/** The name of a mailbox, `sales`, or its address, `sales@havre.test`. */
export const mailbox = () => z.string({ error: mailboxWrong }).refine(isMailbox, { error: mailboxWrong })

/** A file or folder; relative to the file that holds the setting, absolute once loaded. */
export const path = () =>
  z
    .string({ error: 'must be a path' })
    .min(1, { error: 'must be a path' })
    .meta({ kind: 'path' } satisfies SettingMeta)

/** The same, or a path that begins with a word in braces, `{data}/mysql`, which stands for a folder. */
export const templatePath = () =>
  z
    .string({ error: 'must be a path' })
    .min(1, { error: 'must be a path' })
    .meta({ kind: 'template-path' } satisfies SettingMeta)
