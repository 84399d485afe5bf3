/**
 * What the mail store does in a second: `npm run bench -- mail-store`. Every message is committed and
 * awaited before its sender goes on; meanwhile the delay of the event loop is measured, since it serves the sockets.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import type { Maildrop, MailStore } from '../shared/mail/mail-store.ts'
import { openMailStore } from '../shared/mail/sqlite-mail-store.ts'

const seconds = Number(process.argv[2] ?? 3)
const envelope = { sender: 'sender@example.org', recipients: [{ address: 'alice@havre.test', account: 'alice' }] }
const small = Buffer.alloc(4096, 'a')

const print = (what: string, figure: string): void => console.log(`${what.padEnd(46)}${figure}`)
const rate = (count: number, ms: number): string => Math.round((count / ms) * 1000).toLocaleString('en')
const ms = (value: number): string => `${value.toFixed(value < 10 ? 2 : 0)} ms`
const percentile = (sorted: Float64Array, part: number): number => sorted[Math.floor((sorted.length - 1) * part)] ?? 0

const deliver = async (store: MailStore, octets: Buffer): Promise<void> => {
  const delivery = store.deliver(envelope)
  await delivery.write(octets)
  await delivery.commit()
}

const senders = async (store: MailStore, count: number): Promise<void> => {
  const delay = monitorEventLoopDelay({ resolution: 1 })
  const taken: number[] = []
  const begin = performance.now()
  delay.enable()
  const sender = async () => {
    for (let now = performance.now(); now < begin + seconds * 1000; ) {
      await deliver(store, small)
      const after = performance.now()
      taken.push(after - now)
      now = after
    }
  }
  await Promise.all(Array.from({ length: count }, sender))
  delay.disable()
  const sorted = Float64Array.from(taken).sort()
  const times = `p50 ${ms(percentile(sorted, 0.5))}, p99 ${ms(percentile(sorted, 0.99))}`
  const loop = `event loop late p50 ${ms(delay.percentile(50) / 1e6)}, p99 ${ms(delay.percentile(99) / 1e6)}, worst ${ms(delay.max / 1e6)}`
  print(`4 KiB messages, ${count} senders`, `${rate(taken.length, performance.now() - begin)}/s, ${times}; ${loop}`)
}

const octetsIn = async (maildrop: Maildrop, places: Iterable<number>): Promise<[count: number, octets: number, ms: number]> => {
  let count = 0
  let octets = 0
  const begin = performance.now()
  for (const place of places) {
    const message = maildrop.messages[place]
    if (message === undefined || performance.now() > begin + seconds * 1000) break
    for await (const chunk of maildrop.read(message)) octets += chunk.length
    count += 1
  }
  return [count, octets, performance.now() - begin]
}

const opened = async (store: MailStore, account: string): Promise<Maildrop> => {
  const maildrop = await store.open(account)
  if (maildrop === null) throw new Error('the mailbox is held')
  return maildrop
}

const reads = async (maildrop: Maildrop): Promise<void> => {
  const places = [...maildrop.messages.keys()]
  const [inOrder, , inOrderMs] = await octetsIn(maildrop, places)
  print('4 KiB messages read, in order', `${rate(inOrder, inOrderMs)}/s`)
  const [backwards, , backwardsMs] = await octetsIn(maildrop, places.reverse())
  print('4 KiB messages read, backwards', `${rate(backwards, backwardsMs)}/s`)
}

const mailbox = async (store: MailStore, size: number): Promise<void> => {
  while ((await store.list('alice')).length < size)
    for (let turn = 0; turn < 25; turn += 1) await Promise.all(Array.from({ length: 100 }, () => deliver(store, small)))
  const before = performance.now()
  const maildrop = await opened(store, 'alice')
  const openMs = performance.now() - before
  const uidls = new Set(maildrop.messages.map(({ uidl }) => uidl))
  print(`mailbox of ${maildrop.messages.length.toLocaleString('en')} opened`, ms(openMs))
  print(`${uidls.size.toLocaleString('en')} UIDLs made`, ms(performance.now() - before - openMs))
  await reads(maildrop)
  const removing = performance.now()
  await maildrop.remove(maildrop.messages)
  print('all removed', ms(performance.now() - removing))
  await maildrop.release()
}

const large = async (store: MailStore): Promise<void> => {
  const octets = 64 * 1024 * 1024
  const piece = Buffer.alloc(60_000, 'b')
  const begin = performance.now()
  const delivery = store.deliver({ sender: '', recipients: [{ address: 'bob@havre.test', account: 'bob' }] })
  for (let sent = 0; sent < octets; sent += piece.length) await delivery.write(piece)
  await delivery.commit()
  print('one message of 64 MiB written', `${rate(64, performance.now() - begin)} MiB/s`)
  const maildrop = await opened(store, 'bob')
  const [, read, readMs] = await octetsIn(maildrop, [0])
  print('one message of 64 MiB read', `${rate(read / 1024 / 1024, readMs)} MiB/s`)
  await maildrop.remove(maildrop.messages)
  await maildrop.release()
}

const folder = await mkdtemp(join(tmpdir(), 'havre-bench-'))
try {
  const begin = performance.now()
  const store = await openMailStore({ file: join(folder, 'mail.db') })
  print('new store opened', ms(performance.now() - begin))
  for (const count of [1, 5, 20, 100]) await senders(store, count)
  await large(store)
  await mailbox(store, 100_000)
  const closing = performance.now()
  await store.close()
  print('closed', ms(performance.now() - closing))
} finally {
  await rm(folder, { recursive: true, force: true })
}
