/**
 * The housekeeping of mail: `npm run bench -- keeping`. How fast messages are indexed and found, what deliveries feel of it, and how room
 * comes back after much was deleted. Deliveries are measured with and without it in turn, as the machine may be busy with other things.
 */
import { mkdtemp, rm, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout } from 'node:timers/promises'
import { removeIndex } from '../shared/mail/keeping/index-database.ts'
import { keep } from '../shared/mail/keeping/keep.ts'
import { parseQuery } from '../shared/mail/keeping/query.ts'
import { searchMail } from '../shared/mail/keeping/search.ts'
import type { MailStore } from '../shared/mail/mail-store.ts'
import { openMailStore } from '../shared/mail/sqlite-mail-store.ts'
import { conditions, rate, times } from './kit/figures.ts'

const messages = Number(process.env['HAVRE_BENCH_MESSAGES'] ?? 100_000)
const megabytes = Number(process.env['HAVRE_BENCH_MEGABYTES'] ?? 1_000)
const seconds = 3
const rounds = 4
const senders = 20

const print = (what: string, figure: string): void => console.log(`${what.padEnd(46)}${figure}`)
const mib = (octets: number): string => `${(octets / 2 ** 20).toFixed(0)} MiB`

const words = 'harbour quay crane pilot tide buoy anchor mast sail rope ledger invoice cargo customs berth lighthouse'.split(' ')
const someText = (number: number, octets: number): string => {
  let text = ''
  for (let at = number; text.length < octets; at = (at * 48_271 + 11) % 2_147_483_647)
    text += `${words[at % words.length]}${at % 9_973}${at % 11 === 0 ? '\r\n' : ' '}`
  return text
}

/** Every second one is HTML in two parts. */
const letter = (number: number, octets = 4_096): Buffer => {
  const head = `From: Sender ${number} <s${number}@far.test>\r\nTo: alice@havre.test\r\nSubject: Letter ${number}\r\n`
  const text = someText(number + 1, octets)
  if (number % 2 === 0) return Buffer.from(`${head}\r\n${text}\r\n`)
  const type = 'MIME-Version: 1.0\r\nContent-Type: multipart/alternative; boundary=b\r\n'
  const half = text.slice(0, octets / 2)
  return Buffer.from(
    `${head}${type}\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n${half}\r\n--b\r\nContent-Type: text/html; charset=utf-8\r\n\r\n<p>${half}</p>\r\n--b--\r\n`,
  )
}

const deliver = async (store: MailStore, octets: Buffer, account = 'alice'): Promise<void> => {
  const delivery = store.deliver({ sender: 's@far.test', recipients: [{ address: `${account}@havre.test`, account }] })
  await delivery.write(octets)
  await delivery.commit()
}

const fill = async (store: MailStore, count: number, octets: number, account: string): Promise<void> => {
  let next = 0
  const sender = async () => {
    for (let number = next++; number < count; number = next++) await deliver(store, letter(number, octets), account)
  }
  await Promise.all(Array.from({ length: senders }, sender))
}

/** Deliveries of `senders` for some seconds, or until this ends: how long each took. */
const load = async (store: MailStore, until: Promise<unknown>): Promise<{ taken: number[]; seconds: number; cpuMs: number }> => {
  const octets = letter(0)
  const taken: number[] = []
  let over = false
  const end = until.then(() => {
    over = true
  })
  const began = performance.now()
  const cpu = process.threadCpuUsage()
  const sender = async () => {
    for (let now = performance.now(); !over; ) {
      await deliver(store, octets, 'bob')
      const after = performance.now()
      taken.push(after - now)
      now = after
    }
  }
  await Promise.all([end, ...Array.from({ length: senders }, sender)])
  const used = process.threadCpuUsage(cpu)
  return { taken, seconds: (performance.now() - began) / 1_000, cpuMs: (used.user + used.system) / 1_000 }
}

const told = (all: readonly { taken: number[]; seconds: number; cpuMs: number }[]): string => {
  const taken = all.flatMap((each) => each.taken)
  const sum = (of: (each: { seconds: number; cpuMs: number }) => number) => all.reduce((so, each) => so + of(each), 0)
  const cpu = `${((sum(({ cpuMs }) => cpuMs) / taken.length) * 1_000).toFixed(0)} µs of the serving thread each`
  return `${rate(
    taken.length,
    sum(({ seconds }) => seconds),
  )}, ${times(taken)}; ${cpu}`
}

const folder = await mkdtemp(join(tmpdir(), 'havre-bench-'))
const files = { mailFile: join(folder, 'mail.db'), indexFile: join(folder, 'mail-index.db') }
const store = await openMailStore({ file: files.mailFile })
const round = (urgency: 'background' | 'urgent', signal: AbortSignal) =>
  keep({ ...files, urgency, retention: null, events: {}, signal })

try {
  console.log(`${conditions()}\n`)
  await fill(store, messages, 4_096, 'alice')
  const began = performance.now()
  await round('urgent', new AbortController().signal)
  const { size } = await stat(files.indexFile)
  print(
    `indexing ${messages.toLocaleString('en')} messages of 4 KiB`,
    `${rate(messages, (performance.now() - began) / 1_000)}; the index has ${mib(size)}`,
  )
  for (const query of ['letter', 'harbour17*', 'subject:"letter 4711"', 'crane* pilot* -buoy*', 'nowhere']) {
    const start = performance.now()
    const cpu = process.cpuUsage()
    const { signal } = new AbortController()
    const { found } = await searchMail({ ...files, account: 'alice', terms: parseQuery(query), limit: 20, signal })
    const { user, system } = process.cpuUsage(cpu)
    const took = `${(performance.now() - start).toFixed(0)} ms (${((user + system) / 1_000).toFixed(0)} ms of CPU)`
    print(`search ${query}`, `${took}, ${found.length} shown`)
  }
  const alone: Awaited<ReturnType<typeof load>>[] = []
  const beside: Awaited<ReturnType<typeof load>>[] = []
  for (let each = 0; each < rounds; each += 1) {
    alone.push(await load(store, setTimeout(seconds * 1_000)))
    removeIndex(files.indexFile)
    const stop = new AbortController()
    const indexing = round('background', stop.signal)
    await setTimeout(1_000)
    beside.push(await load(store, setTimeout(seconds * 1_000)))
    stop.abort()
    await indexing
  }
  print(`deliveries, ${senders} senders`, told(alone))
  print('the same, while all is indexed', told(beside))

  await fill(store, Math.round((megabytes * 2 ** 20) / 65_536), 65_000, 'carol')
  const before = (await stat(files.mailFile)).size
  const maildrop = await store.open('carol')
  if (maildrop === null) throw new Error('the mailbox is held')
  await maildrop.remove(maildrop.messages)
  await maildrop.release()
  const start = performance.now()
  let smallest = before
  let stillFor = 0
  const shrinking = (async () => {
    // Over once it has stopped to become smaller.
    for (; stillFor < 20; await setTimeout(250)) {
      const { size: now } = await stat(files.mailFile)
      stillFor = now < smallest || smallest === before ? 0 : stillFor + 1
      smallest = Math.min(smallest, now)
      if (performance.now() - start > 180_000) break
    }
  })()
  const meanwhile = await load(store, shrinking)
  print(
    `room after ${mib(megabytes * 2 ** 20)} were deleted`,
    `${mib(before)} → ${mib(smallest)} in ${((performance.now() - start) / 1_000 - 5).toFixed(0)} s`,
  )
  print('deliveries meanwhile', `${told([meanwhile])}; ${mib(meanwhile.taken.length * 4_096)} came`)
} finally {
  await store.close()
  await rm(folder, { recursive: true, force: true })
}
