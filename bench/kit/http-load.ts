/** Loads on a web server by programs of the field: wrk (HTTP/1.1) and h2load (HTTP/2, and both at a rate that is set). */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { percentile } from './figures.ts'

/** What a load brought. */
export interface WebFigures {
  readonly perSecond: number
  /** Milliseconds; half of the requests, and all but one of a hundred, took no longer. */
  readonly p50Ms: number
  readonly p99Ms: number
  /** Of the answers' content. */
  readonly mibPerSecond: number
  /** Requests that failed, and answers of another status than 2xx. */
  readonly errors: number
}

const run = (program: string, args: readonly string[], seconds: number): string => {
  const { status, stdout, stderr, error } = spawnSync(program, args, { encoding: 'utf8', timeout: (seconds + 30) * 1_000 })
  if (error !== undefined) throw error
  if (status !== 0) throw new Error(`${program} ended with ${status}: ${stderr}`)
  return stdout
}

const first = (text: string, pattern: RegExp): string => pattern.exec(text)?.[1] ?? ''

/** `1.25ms`, `830.00us`, `2.1s`, `1.5m` as milliseconds. */
const msOf = (text: string): number => {
  const [, number = 'NaN', unit = ''] = /^([\d.]+)(us|ms|s|m)$/.exec(text) ?? []
  return Number(number) * ({ us: 0.001, ms: 1, s: 1_000, m: 60_000 }[unit] ?? Number.NaN)
}

/** `4.2MB`, in units of 1,024, as MiB. */
const mibOf = (text: string): number => {
  const [, number = 'NaN', unit = ''] = /^([\d.]+)([KMG]?)B?$/.exec(text) ?? []
  return Number(number) * ({ '': 1 / 1_048_576, K: 1 / 1_024, M: 1, G: 1_024 }[unit] ?? Number.NaN)
}

/** HTTP/1.1 as fast as it goes. @param options close: a connection for each request */
export const wrk = (url: string, clients: number, seconds: number, options: { readonly close?: true } = {}): WebFigures => {
  const close = options.close ? ['-H', 'Connection: close'] : []
  const threads = Math.min(2, clients)
  const args = ['-t', String(threads), '-c', String(clients), '-d', `${seconds}s`, '--timeout', '10s', '--latency', ...close, url]
  const said = run('wrk', args, seconds)
  // A connection that the server closes as it was asked to is no error.
  const [, connect = 0, read = 0, write = 0, timeout = 0] =
    /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(said)?.map(Number) ?? []
  return {
    perSecond: Number(first(said, /^Requests\/sec:\s+([\d.]+)/m)),
    p50Ms: msOf(first(said, /^\s+50%\s+(\S+)/m)),
    p99Ms: msOf(first(said, /^\s+99%\s+(\S+)/m)),
    mibPerSecond: mibOf(first(said, /^Transfer\/sec:\s+(\S+)/m)),
    errors: connect + (options.close ? 0 : read) + write + timeout + Number(first(said, /Non-2xx or 3xx responses: (\d+)/) || 0),
  }
}

/** How h2load loads. */
export interface H2Load {
  readonly clients: number
  /** Requests under way on each connection. */
  readonly streams: number
  readonly http1?: true
  /** Requests a second, of all clients together; as fast as it goes without. */
  readonly perSecond?: number | undefined
}

/** So many requests tell how many go into the time that a load is to take. */
const sample = 2_000

/**
 * HTTP/2 (or 1.1), as fast as it goes or at a rate, for about so long. The number of requests is set and not the time: h2load 1.52 that is
 * told a time sometimes goes on for ever.
 */
export const h2load = (url: string, seconds: number, load: H2Load): WebFigures => {
  const { perSecond = loaded(url, sample, { ...load, perSecond: undefined }, seconds).perSecond } = load
  return loaded(url, Math.max(sample, Math.round(perSecond * seconds)), load, seconds)
}

const loaded = (url: string, requests: number, { clients, streams, http1, perSecond }: H2Load, seconds: number): WebFigures => {
  const folder = mkdtempSync(join(tmpdir(), 'havre-h2load-'))
  try {
    const log = join(folder, 'log')
    const rate = perSecond === undefined ? [] : ['--rps', String(Math.max(1, Math.round(perSecond / clients)))]
    const version = http1 ? ['--h1'] : []
    const load = ['-t', '1', '-c', String(clients), '-m', String(streams), '-n', String(requests)]
    const said = run('h2load', [...load, `--log-file=${log}`, ...version, ...rate, url], seconds)
    // Start of the request, status, microseconds.
    const rows = readFileSync(log, 'utf8')
      .trim()
      .split('\n')
      .map((line) => line.split('\t'))
    const tookMs = rows.map(([, , us]) => Number(us) / 1_000)
    const [, failed = 0, errored = 0] = /succeeded, (\d+) failed, (\d+) errored/.exec(said)?.map(Number) ?? []
    return {
      perSecond: Number(first(said, /^finished in [^,]+, ([\d.]+) req\/s/m)),
      p50Ms: percentile(tookMs, 0.5),
      p99Ms: percentile(tookMs, 0.99),
      mibPerSecond: mibOf(first(said, /^finished in .*, ([\d.]+[KMG]?)B\/s/m)),
      errors: failed + errored,
    }
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}
