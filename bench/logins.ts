/**
 * Logins: `npm run bench -- logins`. 20 POP3 clients log in and QUIT, each anew: first with passwords that were right a moment ago,
 * then while others guess passwords, each guess at the full price of argon2id. Tells what a login takes, and how late the
 * supervisor's event loop is: its desk checks all passwords.
 */
import { crowd, password, startCrowd } from './kit/crowd.ts'
import { conditions, rate, times } from './kit/figures.ts'
import { generate } from './kit/generator.ts'
import { members, probeEnvironment, showTold, tellAll } from './kit/probe.ts'
import type { LoginResult, LoginTask } from './load/logins.ts'

const seconds = 6

console.log(conditions())
await using family = await startCrowd(probeEnvironment)
const pids = await members(family)
const port = family.port('pop3')

const measure = async (what: string, part: Partial<LoginTask>): Promise<void> => {
  await tellAll(family, pids)
  const result = await generate<LoginTask, LoginResult>('logins.ts', {
    seconds,
    port,
    clients: crowd,
    password,
    guessers: 0,
    ...part,
  })
  const told = await tellAll(family, pids)
  console.log(`${what}:`)
  console.log(`  sessions ${rate(result.loginMs.length, result.seconds)}, ${times(result.loginMs)}`)
  if (result.guessMs.length > 0) console.log(`  guesses ${rate(result.guessMs.length, result.seconds)}, ${times(result.guessMs)}`)
  console.log(showTold(told, result.seconds))
}

await measure('warm-up: each password is hashed once', { seconds: 1 })
await measure(`${crowd} clients log in and QUIT`, {})
await measure(`the same, while ${crowd} guess passwords`, { guessers: crowd })
