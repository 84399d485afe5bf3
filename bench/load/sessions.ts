/** The load of `bench/pop3.ts`: sessions that look at the whole mailbox and fetch all of it, and delete nothing. */
import { taskOf, tellResult } from '../kit/generator.ts'
import { count, fetchAll, logIn, quit } from '../kit/mail-clients.ts'
import type { TextClient } from '../kit/text-client.ts'

export interface SessionTask {
  readonly seconds: number
  readonly port: number
  /** Client n reads the mailbox of u<n>. */
  readonly clients: number
  readonly password: string
  readonly retr: 'one-by-one' | 'at-once'
}

export interface SessionResult {
  readonly seconds: number
  readonly fetched: number
  readonly sessionMs: readonly number[]
}

const task = taskOf<SessionTask>()
const begin = performance.now()
const until = begin + task.seconds * 1000
const sessionMs: number[] = []
let fetched = 0

const fetchAtOnce = async (client: TextClient, messages: number): Promise<void> => {
  client.write(Array.from({ length: messages }, (_, index) => `RETR ${index + 1}\r\n`).join(''))
  for (let number = 1; number <= messages; number++) {
    await client.reply()
    await client.text()
  }
}

const reader = async (number: number): Promise<void> => {
  while (performance.now() < until) {
    const from = performance.now()
    const client = await logIn(task.port, `u${number}`, task.password)
    const messages = await count(client)
    for (const list of ['LIST', 'UIDL']) {
      await client.ask(list)
      await client.text()
    }
    if (task.retr === 'at-once') await fetchAtOnce(client, messages)
    else await fetchAll(client, messages)
    await quit(client)
    fetched += messages
    sessionMs.push(performance.now() - from)
  }
}

await Promise.all(Array.from({ length: task.clients }, (_, index) => reader(index + 1)))
tellResult({ seconds: (performance.now() - begin) / 1000, fetched, sessionMs } satisfies SessionResult)
