/** Streams one large message through a store: `large-child.ts FILE MIB`; prints how much memory that took. Imports nothing but the
 * store, since it also runs without the right to read packages. */
import { createHash } from 'node:crypto'
import { openMailStore } from '../../shared/mail/sqlite-mail-store.ts'

const [, , file = '', size = '64'] = process.argv
const store = await openMailStore({ file })
const block = Buffer.alloc(100_000, 'A line of a large message, seventy-eight octets with its end, or so it is.\r\n')

const pass = async (octets: number): Promise<boolean> => {
  const [sent, read] = [createHash('sha1'), createHash('sha1')]
  const delivery = store.deliver({ sender: '', recipients: [{ address: 'alice', account: 'alice' }] })
  for (let begin = 0; begin < octets; begin += block.length) {
    const piece = Buffer.from(block.subarray(0, Math.min(block.length, octets - begin)))
    sent.update(piece)
    await delivery.write(piece)
  }
  await delivery.commit()
  const maildrop = await store.open('alice')
  if (maildrop === null) throw new Error('the mailbox is held')
  for (const message of maildrop.messages.slice(-1)) for await (const chunk of maildrop.read(message)) read.update(chunk)
  await maildrop.release()
  return sent.digest('hex') === read.digest('hex')
}

const octets = Number(size) * 1024 * 1024
if (octets > 2 ** 20) await pass(4 * 2 ** 20) // what is loaded and allocated once
const before = process.memoryUsage().rss
let most = before
const watching = setInterval(() => {
  most = Math.max(most, process.memoryUsage().rss)
}, 5)
const same = await pass(octets)
clearInterval(watching)
console.log(JSON.stringify({ grownMiB: Math.round((most - before) / 1024 / 1024), same }))
await store.close()
