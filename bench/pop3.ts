/**
 * POP3 of the whole family, as a user starts it: `npm run bench -- pop3`. 20 clients, each with a mailbox of 100 messages of 4 KiB: all of
 * it fetched one message after the other, then with all RETRs in one write; logins; then a mailbox of 100,000 messages. Where a lab is
 * named (`kit/lab.ts`), Dovecot beside it, as it comes and tuned. `node bench/pop3.ts ROUNDS` for more than one round; medians then.
 */
import process from 'node:process'
import { openMailStore } from '../shared/mail/sqlite-mail-store.ts'
import type { Family } from '../test/kit/family.ts'
import { crowd, password, startCrowd } from './kit/crowd.ts'
import { conditions, ms, rate, times } from './kit/figures.ts'
import { generate } from './kit/generator.ts'
import { openLab } from './kit/lab.ts'
import { greet, logIn, messageOf, quit, send } from './kit/mail-clients.ts'
import { memoryOf, showMiB } from './kit/processes.ts'
import type { LoginResult, LoginTask } from './load/logins.ts'
import type { SessionResult, SessionTask } from './load/sessions.ts'

const seconds = 3
/** Of each mailbox, as the lab fills those of its peers. */
const messages = 100
const rounds = Number(process.argv[2] ?? 1)

console.log(conditions())
await using family = await startCrowd({}, ['--set', 'domains=[havre.test, lab.test]'])
const port = family.port('pop3')

const fill = async (port: number): Promise<void> => {
  const message = messageOf(4096)
  const one = async (_: unknown, index: number) => {
    const client = await greet(port)
    for (let sent = 0; sent < messages; sent++) await send(client, `u${index + 1}@havre.test`, message)
    await quit(client)
  }
  await Promise.all(Array.from({ length: crowd }, one))
}

const fetching = async (what: string, task: Pick<SessionTask, 'retr'> & { readonly seconds?: number }): Promise<void> => {
  const result = await generate<SessionTask, SessionResult>('sessions.ts', { seconds, port, clients: crowd, password, ...task })
  const { sessionMs, fetched } = result
  console.log(
    `${what.padEnd(46)}${rate(sessionMs.length, result.seconds)}, ${rate(fetched, result.seconds)} messages; ${times(sessionMs)}`,
  )
}

const loggingIn = async (): Promise<void> => {
  const task = { seconds, port, clients: crowd, password, guessers: 0 }
  const { loginMs, seconds: took } = await generate<LoginTask, LoginResult>('logins.ts', task)
  console.log(`${'USER, PASS, QUIT on a connection each'.padEnd(46)}${rate(loginMs.length, took)}, ${times(loginMs)}`)
}

/** The mailbox of u1, filled past the protocol. */
const fillStore = async ({ folder }: Family, count: number): Promise<void> => {
  const store = await openMailStore({ file: folder.at('data', 'mail.db') })
  const message = messageOf(1024)
  const envelope = { sender: 'bench@example.org', recipients: [{ address: 'u1@havre.test', account: 'u1' }] }
  for (let left = count; left > 0; left -= 500) {
    const one = async () => {
      const delivery = store.deliver(envelope)
      await delivery.write(Buffer.from(message))
      await delivery.commit()
    }
    await Promise.all(Array.from({ length: Math.min(500, left) }, one))
  }
  await store.close()
}

const largeMailbox = async (): Promise<void> => {
  const count = 100_000 - messages
  await fillStore(family, count)
  const pid = (await family.status()).services.find(({ name }) => name === 'pop3')?.pid
  const rss = () => (pid === undefined || pid === null ? 'unknown' : showMiB(memoryOf(pid).rssKiB))
  const before = rss()
  for (let turn = 0; turn < 3; turn++) {
    const began = performance.now()
    const client = await logIn(port, 'u1', password)
    const loggedIn = performance.now()
    await client.ask('STAT')
    for (const list of ['UIDL', 'LIST']) {
      await client.ask(list)
      await client.text()
    }
    const listed = performance.now()
    await quit(client)
    console.log(
      `${'100,000 messages: to the reply to PASS'.padEnd(46)}${ms(loggedIn - began)}; STAT, UIDL and LIST ${ms(listed - loggedIn)} more`,
    )
  }
  console.log(`${'its process, MiB RSS'.padEnd(46)}${before} before, ${rss()} after`)
}

await fill(family.port('smtp'))
await fetching('warm-up', { seconds: 1, retr: 'one-by-one' })
await fetching(`${messages} messages, one RETR after the other`, { retr: 'one-by-one' })
await fetching(`${messages} messages, all RETRs at once`, { retr: 'at-once' })
await loggingIn()

await using lab = openLab(family, ['dovecot', 'dovecot-fast'])
if (lab !== null) {
  const targets = [`havre=127.0.0.1:${port}`, lab.at('dovecot'), lab.at('dovecot-fast')]
  const cases = ['--cases', 'session,pipe,login']
  lab.load('load-pop3.py', ['--duration', '1', ...cases, ...targets], 'warm-up')
  for (let round = 0; round < rounds; round++) lab.load('load-pop3.py', ['--duration', String(seconds), ...cases, ...targets])
  lab.show()
}
await largeMailbox()
