/** The load of `bench/soak.ts`: clients of all four services, good ones and bad ones, what each does next drawn from one seed. */
import { setTimeout as sleep } from 'node:timers/promises'
import { seeded } from '../../test/kit/seeded.ts'
import { taskOf, tellResult } from '../kit/generator.ts'
import { count, deleteAll, fetchAll, greet, logIn, messageOf, quit, send } from '../kit/mail-clients.ts'
import { RefusedError, TextClient } from '../kit/text-client.ts'
import { converseOverH2 } from './mixed-h2.ts'

export interface MixedTask {
  readonly seconds: number
  readonly seed: number
  readonly ports: Readonly<Record<'http' | 'https' | 'ftp' | 'smtp' | 'pop3', number>>
  /** Those that are used. */
  readonly services: readonly string[]
  /** Of each service. */
  readonly clients: number
  /** What a client rests at most between two conversations. */
  readonly pauseMs: number
  readonly password: string
}

export interface MixedResult {
  /** Conversations of each service that went as they should. */
  readonly done: Readonly<Record<string, number>>
  /** What went otherwise, and how often. */
  readonly errors: Readonly<Record<string, number>>
}

const task = taskOf<MixedTask>()
const { ports } = task
const until = performance.now() + task.seconds * 1000
const random = seeded(task.seed)
const done: Record<string, number> = {}
const errors: Record<string, number> = {}

const note = (counts: Record<string, number>, what: string): void => {
  counts[what] = (counts[what] ?? 0) + 1
}

/** Does what must be refused. @throws Error when it is not */
const refused = async (ask: Promise<unknown>): Promise<void> => {
  try {
    await ask
  } catch (error) {
    if (error instanceof RefusedError) return
    throw error
  }
  throw new Error('what must be refused was not')
}

/** Uses a client and ends its connection on every path. */
const withClient = async (client: TextClient, use: (client: TextClient) => Promise<void>): Promise<void> => {
  try {
    await use(client)
  } finally {
    client.destroy()
  }
}

/** What browsers, mirrors, resumed downloads and nobody in particular ask for. */
const askFields = [
  '',
  '',
  'Accept: text/html\r\n',
  'Accept: application/json\r\n',
  'Accept-Encoding: gzip, br, zstd\r\n',
  'Range: bytes=1000-70000\r\n',
  'Range: bytes=0-9,20-29,-10\r\n',
  'If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n',
  'If-None-Match: "nothing"\r\n',
]

const http = async (number: number): Promise<void> =>
  random.chance(0.3) ? converseOverH2({ ports, account: `u${number}`, password: task.password }, random) : converseOverHttp1(number)

const converseOverHttp1 = async (number: number): Promise<void> =>
  withClient(await TextClient.connect(ports.http), async (client) => {
    const any = random.text(12)
    const paths = ['/', '/', '/large.bin', '/none', `/none/${any}`, `/?${any}`, '/%2e%2e/x', '/~u1/', `/~${any.toLowerCase()}/`]
    paths.push('/proxy/', `/proxy/${any}`, '/proxy/?octets=300000')
    const targets = Array.from({ length: random.between(1, 8) }, () => random.pick(paths))
    if (random.chance(0.2)) return putAndDelete(client, number)
    if (random.chance(0.1)) return tunnel(client)
    if (random.chance(0.05)) {
      // A head that never comes to its end.
      client.write('GET / HTTP/1.1\r\nHost: bench.test\r\nX-Half')
      return void (await sleep(random.between(0, 2_000)))
    }
    if (random.chance(0.1)) {
      // A client that leaves in the middle.
      client.write(`GET ${random.pick(['/large.bin', '/proxy/?octets=3000000'])} HTTP/1.1\r\nHost: bench.test\r\n\r\n`)
      return void (await client.reply().catch(() => undefined))
    }
    client.write(targets.map((target) => `GET ${target} HTTP/1.1\r\nHost: bench.test\r\n${random.pick(askFields)}\r\n`).join(''))
    client.write('GET / HTTP/1.1\r\nHost: bench.test\r\nConnection: close\r\n\r\n')
    if ((await client.rest()) < targets.length * 100) throw new Error('an answer is missing')
  })

/** A connection that the proxy passes on as it is; now and then nobody ends it in order. */
const tunnel = async (client: TextClient): Promise<void> => {
  client.write('GET /proxy/ HTTP/1.1\r\nHost: bench.test\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n')
  const said = 'x'.repeat(random.between(1, 100_000))
  client.write(`${said}\r\nover\r\n`)
  if (random.chance(0.1)) return
  while ((await client.reply()) !== 'over');
}

/** One file of the account's, stored, read back and removed; now and then broken off in the middle. */
const putAndDelete = async (client: TextClient, number: number): Promise<void> => {
  const head = (method: string, name: string, more = '') =>
    `${method} /~u${number}/${name} HTTP/1.1\r\nHost: bench.test\r\nAuthorization: Basic ${btoa(`u${number}:${task.password}`)}\r\n${more}\r\n`
  const octets = random.pick([0, 1_000, 100_000, 1_048_576])
  const name = `${random.text(8)}.bin`
  client.write(head('PUT', name, `Content-Length: ${octets}\r\n`))
  if (octets > 0 && random.chance(0.1)) return client.write(Buffer.alloc(octets >>> 1, 'w'))
  client.write(Buffer.alloc(octets, 'w'))
  client.write(head('GET', name))
  client.write(head('DELETE', name, 'Connection: close\r\n'))
  if ((await client.rest()) < octets) throw new Error('a file that was stored did not come back')
}

const smtpSizes = [1_000, 4_000, 4_000, 4_000, 40_000, 300_000, 1_048_576]

const smtp = async (number: number): Promise<void> =>
  withClient(await greet(ports.smtp), async (client) => {
    for (let messages = random.between(1, 10); messages > 0; messages--) {
      if (random.chance(0.1)) {
        await client.ask('MAIL FROM:<bench@example.org>')
        await refused(client.ask(`RCPT TO:<${random.text(8)}@havre.test>`))
        await client.ask('RSET')
      }
      await send(client, `u${number}@havre.test`, messageOf(random.pick(smtpSizes)))
    }
    if (random.chance(0.1)) {
      // Half a message.
      client.write(`MAIL FROM:<bench@example.org>\r\nRCPT TO:<u${number}@havre.test>\r\nDATA\r\n`)
      for (let replies = 0; replies < 3; replies++) await client.reply()
      return client.write(messageOf(300_000).subarray(0, 200_000))
    }
    await quit(client)
  })

const pop3 = async (number: number): Promise<void> =>
  withClient(await logIn(ports.pop3, `u${number}`, task.password), async (client) => {
    const messages = await count(client)
    await fetchAll(client, messages)
    if (random.chance(0.1)) return // leaves without QUIT: nothing is deleted
    await deleteAll(client, messages)
    await quit(client)
  })

const dataOf = async (client: TextClient): Promise<TextClient> => {
  const port = /\|(\d+)\|/.exec(await client.ask('EPSV'))?.[1]
  return TextClient.connect(Number(port))
}

const logInToFtp = async (number: number): Promise<TextClient> => {
  const client = await TextClient.connect(ports.ftp)
  await client.reply()
  await client.ask(`USER u${number}`)
  await client.ask(`PASS ${task.password}`)
  await client.ask('TYPE I')
  return client
}

const ftp = async (number: number): Promise<void> =>
  withClient(await logInToFtp(number), async (client) => {
    const octets = random.pick([0, 1_000, 100_000, 1_048_576])
    const name = `${random.text(8)}-${number}.bin`
    await withClient(await dataOf(client), async (data) => {
      await client.ask(`STOR ${name}`)
      data.write(Buffer.alloc(octets, 'f'))
      await data.end()
      await client.reply()
    })
    await withClient(await dataOf(client), async (data) => {
      await client.ask(`RETR ${name}`)
      if ((await data.rest()) !== octets) throw new Error('a file is not what it was')
      await client.reply()
    })
    await refused(client.ask(`SIZE ${random.text(8)}`))
    await client.ask(`DELE ${name}`)
    await client.ask('QUIT')
  })

/** A client now and then guesses a password, each time from another address: one address would be blocked. */
let guesses = 0
const guess = async (number: number): Promise<void> => {
  guesses += 1
  await refused(logIn(ports.pop3, `u${number}`, 'guessed', `127.9.${Math.floor(guesses / 250)}.${(guesses % 250) + 1}`))
}

/** What takes longer is stuck: the largest file is sent in a fraction of it. */
const stuckMs = 60_000

const inTime = async (conversation: Promise<void>): Promise<void> => {
  const stuck = Promise.withResolvers<never>()
  const timer = setTimeout(() => stuck.reject(new Error(`a conversation is stuck after ${stuckMs / 1000} s`)), stuckMs)
  try {
    await Promise.race([conversation, stuck.promise])
  } finally {
    clearTimeout(timer)
  }
}

const clientOf = async (service: string, converse: (number: number) => Promise<void>, number: number): Promise<void> => {
  while (performance.now() < until) {
    try {
      if (service === 'pop3' && random.chance(0.01)) await guess(number)
      await inTime(converse(number))
      note(done, service)
    } catch (error) {
      if (!(error instanceof Error)) throw error
      note(errors, `${service}: ${error.message}`)
    }
    await sleep(random.between(0, task.pauseMs))
  }
}

const services = { http, ftp, smtp, pop3 }
const numbers = Array.from({ length: task.clients }, (_, index) => index + 1)
await Promise.all(
  Object.entries(services)
    .filter(([service]) => task.services.includes(service))
    .flatMap(([service, converse]) => numbers.map((number) => clientOf(service, converse, number))),
)
tellResult({ done, errors } satisfies MixedResult)
