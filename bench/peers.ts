/**
 * Beside Postfix and Dovecot on the same machine in the same minute: `HAVRE_TEST_LAB=FOLDER npm run bench -- peers`. The folder holds
 * scripts that start the peers and load any server: `peers.sh`, `load-smtp.sh`, `load-pop3.py`. They are loaded one
 * after the other by the same tools (`node bench/peers.ts ROUNDS` for more than one round, then medians are told); only the ratios of
 * one run mean anything. Without the variable nothing is measured.
 */
import { execFileSync, spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { crowd, startCrowd } from './kit/crowd.ts'
import { conditions, percentile } from './kit/figures.ts'
import { greet, messageOf, quit, send } from './kit/mail-clients.ts'

const seconds = 1.5
const rounds = Number(process.argv[2] ?? 1)
/** What the mailboxes of the peers are filled with. */
const messages = 100
const peers = ['postfix', 'dovecot', 'dovecot-fast']

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

const fill = async (port: number): Promise<void> => {
  const message = messageOf(4096)
  const one = async (_: unknown, index: number) => {
    const client = await greet(port)
    for (let sent = 0; sent < messages; sent++) await send(client, `u${index + 1}@havre.test`, message)
    await quit(client)
  }
  await Promise.all(Array.from({ length: crowd }, one))
}

const compare = async (lab: string): Promise<void> => {
  const run = (script: string, ...args: string[]) => execFileSync(join(lab, script), args, { encoding: 'utf8', timeout: 60_000 })
  const field = (text: string, name: string, column: number) =>
    text
      .split('\n')
      .map((line) => line.split(/\s+/))
      .find(([first]) => first === name)?.[column]
  await using family = await startCrowd({}, ['--set', 'domains=[havre.test, lab.test]'])
  await fill(family.port('smtp'))
  const wanted = peers.filter((name) => field(run('peers.sh', 'status'), name, 2) !== 'running')
  const out = family.folder.at('figures')
  try {
    if (wanted.length > 0) run('peers.sh', 'start', ...wanted)
    const ports = run('peers.sh', 'ports')
    const at = (name: string) => `${name}=127.0.0.1:${field(ports, name, 2)}`
    const load = (script: string, ...args: string[]) => {
      const { status } = spawnSync(join(lab, script), args, {
        stdio: ['ignore', 'ignore', 'inherit'],
        timeout: 60_000,
        env: { ...process.env, LAB_OUT: out },
      })
      if (status !== 0) throw new Error(`${script} ended with ${status}`)
    }
    const maildirs = join(run('peers.sh', 'home').trim(), 'postfix', 'mail')
    const smtp = ['-d', '2', '-l', '4096']
    for (let round = 0; round < rounds; round++) {
      load(
        'load-pop3.py',
        '--duration',
        String(seconds),
        '--cases',
        'session,pipe,login',
        `havre=127.0.0.1:${family.port('pop3')}`,
        at('dovecot'),
        at('dovecot-fast'),
      )
      // To another account than those whose mailboxes are read.
      load('load-smtp.sh', ...smtp, '-t', `u${crowd}@lab.test`, `havre=127.0.0.1:${family.port('smtp')}`)
      load('load-smtp.sh', ...smtp, '-D', maildirs, at('postfix'))
    }
  } finally {
    if (wanted.length > 0) run('peers.sh', 'stop', ...wanted)
  }
  const rows: Row[] = readFileSync(out, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  show(rows)
}

/** A message of Havre's is in the mailbox when it is accepted; Postfix delivers later, so that is what counts. */
const perSecond = ({ op_s, msg_s, dlv_s }: Row): number => op_s ?? (dlv_s !== undefined && dlv_s > 0 ? dlv_s : (msg_s ?? 0))

const show = (rows: readonly Row[]): void => {
  console.log('                            a second   of Havre    errors    CPU µs each')
  for (const what of new Set(rows.map((row) => row.case))) {
    const labels = new Set(rows.filter((row) => row.case === what).map(({ label }) => label))
    const best = (label: string) => rows.filter((row) => row.case === what && row.label === label)
    const rate = (label: string) => percentile(best(label).map(perSecond), 0.5)
    for (const label of labels) {
      const sum = (of: (row: Row) => number) => best(label).reduce((total, row) => total + of(row), 0)
      const share = (rate(label) / rate('havre')).toFixed(2)
      const cpu = (sum((row) => row.srv_cpu) / sum((row) => row.count)) * 1e6
      console.log(
        `${what.padEnd(12)}${label.padEnd(14)}${rate(label).toFixed(0).padStart(10)}${share.padStart(11)}${String(sum((row) => row.err)).padStart(10)}${cpu.toFixed(0).padStart(15)}`,
      )
    }
  }
}

console.log(conditions())
const lab = process.env['HAVRE_TEST_LAB']
if (lab === undefined) console.log('HAVRE_TEST_LAB is not set: no peers to measure beside')
else await compare(lab)
