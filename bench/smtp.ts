/**
 * SMTP of the whole family, as a user starts it: `npm run bench -- smtp`. 20 clients send 4 KiB messages, each committed to disk before
 * its 250: over kept sessions, then with a session each. Where a lab is named (`kit/lab.ts`), Postfix beside it, which counts what it has
 * delivered. `node bench/smtp.ts ROUNDS` for more than one round of that; medians are told then.
 */
import process from 'node:process'
import { crowd, password, startCrowd } from './kit/crowd.ts'
import { conditions, rate, times } from './kit/figures.ts'
import { generate } from './kit/generator.ts'
import { openLab } from './kit/lab.ts'
import type { MailResult, MailTask } from './load/mail.ts'

const seconds = 3
const octets = 4096
const rounds = Number(process.argv[2] ?? 1)

console.log(conditions())
await using family = await startCrowd({}, ['--set', 'domains=[havre.test, lab.test]'])
const port = family.port('smtp')

const measure = async (what: string, part: Partial<MailTask>): Promise<void> => {
  const task = {
    seconds,
    smtp: port,
    pop3: null,
    clients: crowd,
    domain: 'havre.test',
    password,
    octets,
    sessions: 'kept' as const,
  }
  const result = await generate<MailTask, MailResult>('mail.ts', { ...task, ...part })
  console.log(`${what.padEnd(46)}${rate(result.accepted, result.seconds)}, ${times(result.acceptMs)}`)
}

await measure('warm-up', { seconds: 1 })
await measure(`4 KiB, ${crowd} clients, sessions kept`, {})
await measure(`4 KiB, ${crowd} clients, a session each`, { sessions: 'each' })

await using lab = openLab(family, ['postfix'])
if (lab !== null) {
  const ours = `havre=127.0.0.1:${port}`
  const args = ['-l', String(octets), '-t', `u${crowd}@lab.test`]
  for (const target of [ours, lab.at('postfix')]) lab.load('load-smtp.sh', ['-d', '1', ...args, target], 'warm-up')
  for (let round = 0; round < rounds; round++) {
    lab.load('load-smtp.sh', ['-d', String(seconds), ...args, ours])
    lab.load('load-smtp.sh', ['-d', String(seconds), ...args, '-D', lab.maildirs, lab.at('postfix')])
  }
  lab.show()
}
