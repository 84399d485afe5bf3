/**
 * The whole family under mail: `npm run bench -- mail`. 20 clients send 4 KiB messages over kept sessions, each committed to disk
 * before its 250, while 20 others fetch and delete them. Tells what the clients saw, and how late the event loop of each process was.
 */
import { crowd, password, startCrowd } from './kit/crowd.ts'
import { conditions, rate, times } from './kit/figures.ts'
import { generate } from './kit/generator.ts'
import { members, probeEnvironment, showTold, tellAll } from './kit/probe.ts'
import type { MailResult, MailTask } from './load/mail.ts'

const seconds = 10

console.log(conditions())
await using family = await startCrowd(probeEnvironment)
const pids = await members(family)
const ports = { smtp: family.port('smtp'), pop3: family.port('pop3') }

const measure = async (what: string, part: Partial<MailTask>): Promise<void> => {
  const task = {
    seconds,
    ...ports,
    clients: crowd,
    domain: 'havre.test',
    password,
    octets: 4096,
    sessions: 'kept' as const,
    ...part,
  }
  await tellAll(family, pids)
  const result = await generate<MailTask, MailResult>('mail.ts', task)
  const told = await tellAll(family, pids)
  console.log(`${what}:`)
  if (result.accepted > 0) console.log(`  accepted ${rate(result.accepted, result.seconds)}, ${times(result.acceptMs)}`)
  if (result.fetched > 0)
    console.log(`  fetched and deleted ${rate(result.fetched, result.seconds)}, a session ${times(result.sessionMs)}`)
  console.log(showTold(told, result.seconds))
}

await measure('warm-up', { seconds: 2 })
await measure(`${crowd} clients send, ${crowd} fetch and delete, 4 KiB`, {})
await measure(`${crowd} clients send only, 4 KiB`, { seconds: 5, pop3: null })
await measure(`${crowd} clients fetch and delete only`, { seconds: 5, smtp: null })
