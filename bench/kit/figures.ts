/** How figures are told. */
import { availableParallelism, loadavg } from 'node:os'
import process from 'node:process'

export const percentile = (values: readonly number[], part: number): number =>
  values.toSorted((a, b) => a - b)[Math.floor((values.length - 1) * part)] ?? Number.NaN

export const rate = (count: number, seconds: number): string => `${Math.round(count / seconds).toLocaleString('en')}/s`

export const ms = (value: number): string => `${value.toFixed(value < 10 ? 1 : 0)} ms`

/** Half of them took less than the first, one of a hundred more than the second. */
export const times = (values: readonly number[]): string =>
  `p50 ${ms(percentile(values, 0.5))}, p99 ${ms(percentile(values, 0.99))}, longest ${ms(Math.max(...values.slice(0, 100_000)))}`

/** What else goes on here: figures of a busy machine are no figures. */
export const conditions = (): string =>
  `${availableParallelism()} cores, load average ${loadavg()
    .map((load) => load.toFixed(1))
    .join(' ')} as it begins; Node ${process.versions.node}`
