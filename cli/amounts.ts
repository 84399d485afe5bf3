/** Numbers as people read them. */

/** `1,234,567`. */
export const count = (value: number): string => value.toLocaleString('en-US')

/** `1 message`, `1,234 messages`. */
export const counted = (value: number, what: string): string => `${count(value)} ${what}${value === 1 ? '' : 's'}`

const units = ['B', 'kB', 'MB', 'GB', 'TB']

/** `512 B`, `4.1 kB`, `48 MB`: at most three digits. */
export const amount = (octets: number): string => {
  let [value, unit] = [octets, 0]
  for (; value >= 999.5 && unit < units.length - 1; unit += 1) value /= 1000
  return `${unit > 0 && value < 9.95 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`
}
