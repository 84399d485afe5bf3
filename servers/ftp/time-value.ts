/** Times as FTP writes them: `20261121100203`, in UTC (RFC 3659 §2.3). */

const pad = (value: number, digits = 2): string => String(value).padStart(digits, '0')

/**
 * In whole seconds, the fraction cut off: it is allowed, but clients that parse with `%Y%m%d%H%M%S`, as many scripts do, fail on it.
 */
export const timeValue = (ms: number): string => {
  const date = new Date(ms)
  const day = pad(date.getUTCFullYear(), 4) + pad(date.getUTCMonth() + 1) + pad(date.getUTCDate())
  return day + pad(date.getUTCHours()) + pad(date.getUTCMinutes()) + pad(date.getUTCSeconds())
}

/**
 * Reads a time: its seconds may have a fraction, and may be left out where a command's old forms allow that. A leap second, 60, is
 * the next one.
 * @returns ms since 1970; null for what is no time: a thirteenth month, the 30th of February
 */
export const readTimeValue = (text: string): number | null => {
  const [whole, year, month, day, hour, minute, second = '00', fraction = ''] =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(?:(\d\d)(\.\d+)?)?$/.exec(text) ?? []
  if (whole === undefined || Number(hour) > 23 || Number(minute) > 59 || Number(second) > 60) return null
  const midnight = Date.UTC(Number(year), Number(month) - 1, Number(day))
  // Years before 100 would be taken for 1900 and more; no file is that old.
  if (timeValue(midnight).slice(0, 8) !== `${year}${month}${day}`) return null
  const seconds = Number(hour) * 3600 + Number(minute) * 60 + Number(second)
  return midnight + seconds * 1000 + Math.floor(Number(`0${fraction}`) * 1000)
}
