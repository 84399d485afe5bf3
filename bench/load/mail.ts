/** The load of `bench/mail.ts` and `bench/smtp.ts`: clients that send over kept sessions, while others fetch and delete what arrives. */
import { setTimeout as sleep } from 'node:timers/promises'
import { taskOf, tellResult } from '../kit/generator.ts'
import { count, deleteAll, fetchAll, greet, logIn, messageOf, quit, send } from '../kit/mail-clients.ts'

export interface MailTask {
  readonly seconds: number
  /** `null`: nobody sends, or nobody fetches. Where nobody sends, who finds an empty mailbox is done. */
  readonly smtp: number | null
  readonly pop3: number | null
  /** Of each kind; client n sends to, and fetches the mailbox of, u<n>. */
  readonly clients: number
  readonly domain: string
  readonly password: string
  readonly octets: number
  /** Whether a sender goes on in its session, or begins one for each message. */
  readonly sessions: 'kept' | 'each'
}

export interface MailResult {
  readonly seconds: number
  readonly accepted: number
  readonly fetched: number
  readonly octetsFetched: number
  /** Of each message: from its MAIL to the 250 behind its data. */
  readonly acceptMs: readonly number[]
  readonly sessionMs: readonly number[]
}

/** An empty mailbox is looked into again after this. */
const pollMs = 20

const task = taskOf<MailTask>()
const begin = performance.now()
const until = begin + task.seconds * 1000
const message = messageOf(task.octets)
const acceptMs: number[] = []
const sessionMs: number[] = []
let fetched = 0
let octetsFetched = 0

const sender = async (port: number, number: number): Promise<void> => {
  let client = await greet(port)
  for (let now = performance.now(); now < until; ) {
    await send(client, `u${number}@${task.domain}`, message)
    const after = performance.now()
    acceptMs.push(after - now)
    now = after
    if (task.sessions === 'kept') continue
    await quit(client)
    client = await greet(port)
  }
  await quit(client)
}

/** A session takes at most so many messages, as a mailbox that is fetched now and then holds. */
const perSession = 200

const fetcher = async (port: number, number: number): Promise<void> => {
  while (performance.now() < until) {
    const from = performance.now()
    const client = await logIn(port, `u${number}`, task.password)
    const messages = Math.min(await count(client), perSession)
    octetsFetched += await fetchAll(client, messages)
    await deleteAll(client, messages)
    await quit(client)
    fetched += messages
    if (messages > 0) sessionMs.push(performance.now() - from)
    else if (task.smtp === null) return
    else await sleep(pollMs)
  }
}

const numbers = Array.from({ length: task.clients }, (_, index) => index + 1)
const { smtp, pop3 } = task
await Promise.all([
  ...(smtp === null ? [] : numbers.map((number) => sender(smtp, number))),
  ...(pop3 === null ? [] : numbers.map((number) => fetcher(pop3, number))),
])
const seconds = (performance.now() - begin) / 1000
tellResult({ seconds, accepted: acceptMs.length, fetched, octetsFetched, acceptMs, sessionMs } satisfies MailResult)
