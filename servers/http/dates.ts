/** Dates as HTTP writes them (RFC 9110 §5.6.7): always IMF-fixdate when written, any of three forms when read. */

const monthNames = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
const month = `(?<month>${monthNames.join('|')})`
const time = '(?<hour>\\d{2}):(?<minute>\\d{2}):(?<second>\\d{2})'
const shortDay = '(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)'
const longDay = '(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday)'

const forms = [
  // IMF-fixdate: Sun, 06 Nov 1994 08:49:37 GMT
  new RegExp(`^${shortDay}, (?<day>\\d{2}) ${month} (?<year>\\d{4}) ${time} GMT$`),
  // rfc850-date: Sunday, 06-Nov-94 08:49:37 GMT
  new RegExp(`^${longDay}, (?<day>\\d{2})-${month}-(?<year>\\d{2}) ${time} GMT$`),
  // asctime-date: Sun Nov  6 08:49:37 1994
  new RegExp(`^${shortDay} ${month} (?<day>\\d{2}| \\d) ${time} (?<year>\\d{4})$`),
]

/** The one written last: a file that many want has one date. */
let written = { ms: Number.NaN, text: '' }

/** `Sun, 06 Nov 1994 08:49:37 GMT`. */
export const httpDate = (ms: number): string => {
  if (ms !== written.ms) written = { ms, text: new Date(ms).toUTCString() }
  return written.text
}

let present = { second: Number.NaN, text: '' }

/** The present, made once a second: beside `httpDate`, whose one memory is for the dates of files. */
export const dateNow = (): string => {
  const second = Math.floor(Date.now() / 1_000)
  if (second !== present.second) present = { second, text: new Date(second * 1_000).toUTCString() }
  return present.text
}

/** A year of two digits means the one that is at most 50 years ahead (RFC 9110 §5.6.7). */
const fullYear = (text: string, nowMs: number): number => {
  if (text.length === 4) return Number(text)
  const thisYear = new Date(nowMs).getUTCFullYear()
  const year = thisYear - (thisYear % 100) + Number(text)
  return year > thisYear + 50 ? year - 100 : year
}

/**
 * Reads a date.
 * @param nowMs what years of two digits are measured by
 * @returns milliseconds since 1970, a whole number of seconds; null for what is no date
 */
export const readHttpDate = (text: string, nowMs: number): number | null => {
  for (const form of forms) {
    const parts = form.exec(text)?.groups
    if (parts === undefined) continue
    const { day = '', month = '', year = '', hour = '', minute = '', second = '' } = parts
    const at = monthNames.indexOf(month)
    // 60: a leap second (RFC 9110 §5.6.7 takes the grammar of RFC 5322).
    if (Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return null
    const ms = Date.UTC(fullYear(year, nowMs), at, Number(day), Number(hour), Number(minute), Number(second))
    // A 30th of February would have become another day.
    const real = new Date(ms - (Number(second) === 60 ? 1_000 : 0))
    return real.getUTCDate() === Number(day) && real.getUTCMonth() === at ? ms : null
  }
  return null
}
