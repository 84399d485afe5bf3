/**
 * Other servers on the same machine in the same minute: `HAVRE_TEST_LAB` names a folder whose scripts start them and load any server
 * (`peers.sh`, `load-smtp.sh`, `load-pop3.py`, `load-ftp.py`). All are loaded one after the other by the same tools, ours too; only the ratios of one
 * run mean anything.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import type { Family } from '../../test/kit/family.ts'
import { percentile } from './figures.ts'

/** The longest that a script may take. */
const patienceMs = 180_000

/** What the lab's tools note of each figure. */
interface Row {
  readonly label: string
  readonly case: string
  readonly err: number
  readonly count: number
  readonly srv_cpu: number
  readonly op_s?: number
  readonly msg_s?: number
  readonly dlv_s?: number
}

/** Peers that run. `await using` ends those that were started for it. */
export interface Lab extends AsyncDisposable {
  /** `name=127.0.0.1:PORT`, as the tools take it. */
  at(peer: string): string
  /** Where Postfix delivers. */
  readonly maildirs: string
  /** Runs a tool to its end. What it notes is shown by `show`, unless it only warms up. */
  load(script: 'load-smtp.sh' | 'load-pop3.py' | 'load-ftp.py', args: readonly string[], purpose?: 'warm-up'): void
  /** Prints the medians of all rounds. */
  show(): void
}

const fieldOf = (text: string, name: string, column: number): string | undefined =>
  text
    .split('\n')
    .map((line) => line.split(/\s+/))
    .find(([first]) => first === name)?.[column]

/**
 * Starts these peers, but for those that run already.
 * @param family ours: its folder takes the figures
 * @returns null where no lab is named, which is said
 */
export const openLab = (family: Family, peers: readonly string[]): Lab | null => {
  const folder = process.env['HAVRE_TEST_LAB']
  if (folder === undefined) {
    console.log('HAVRE_TEST_LAB is not set: no peers to measure beside')
    return null
  }
  const run = (script: string, ...args: string[]) =>
    execFileSync(join(folder, script), args, { encoding: 'utf8', timeout: patienceMs })
  const wanted = peers.filter((name) => fieldOf(run('peers.sh', 'status'), name, 2) !== 'running')
  const figures = family.folder.at('figures')
  if (wanted.length > 0) run('peers.sh', 'start', ...wanted)
  const ports = run('peers.sh', 'ports')
  return {
    at: (peer) => `${peer}=127.0.0.1:${fieldOf(ports, peer, 2)}`,
    maildirs: join(run('peers.sh', 'home').trim(), 'postfix', 'mail'),
    load: (script, args, purpose) => {
      const { status } = spawnSync(join(folder, script), args, {
        stdio: ['ignore', 'ignore', 'inherit'],
        timeout: patienceMs,
        env: purpose === 'warm-up' ? process.env : { ...process.env, LAB_OUT: figures },
      })
      if (status !== 0) throw new Error(`${script} ended with ${status}`)
    },
    show: () => {
      if (existsSync(figures)) show(rowsOf(readFileSync(figures, 'utf8')))
    },
    [Symbol.asyncDispose]: async () => {
      if (wanted.length > 0) run('peers.sh', 'stop', ...wanted)
    },
  }
}

const rowsOf = (text: string): Row[] =>
  text
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))

/** A message of ours is in the mailbox when it is accepted; Postfix delivers later, so that is what counts. */
const perSecond = ({ op_s, msg_s, dlv_s }: Row): number => op_s ?? (dlv_s !== undefined && dlv_s > 0 ? dlv_s : (msg_s ?? 0))

const show = (rows: readonly Row[]): void => {
  console.log('case        server             a second   Havre is    errors    CPU µs each')
  for (const what of new Set(rows.map((row) => row.case))) {
    const of = (label: string) => rows.filter((row) => row.case === what && row.label === label)
    const rate = (label: string) => percentile(of(label).map(perSecond), 0.5)
    for (const label of new Set(rows.filter((row) => row.case === what).map(({ label }) => label))) {
      const sum = (field: (row: Row) => number) => of(label).reduce((total, row) => total + field(row), 0)
      const share = `${(rate('havre') / rate(label)).toFixed(2)} ×`
      const cpu = (sum((row) => row.srv_cpu) / sum((row) => row.count)) * 1e6
      console.log(
        `${what.padEnd(12)}${label.padEnd(15)}${rate(label).toFixed(0).padStart(12)}${share.padStart(11)}${String(sum((row) => row.err)).padStart(10)}${cpu.toFixed(0).padStart(15)}`,
      )
    }
  }
}
