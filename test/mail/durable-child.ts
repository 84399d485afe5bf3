/** Delivers and removes, and says so on stdout by a system call of its own, for a trace: `durable-child.ts FILE`. */
import { writeSync } from 'node:fs'
import { openMailStore } from '../../shared/mail/sqlite-mail-store.ts'

const store = await openMailStore({ file: process.argv[2] ?? '' })
const say = (word: string) => writeSync(1, `${word}\n`)
for (const octets of [10, 300_000]) {
  const delivery = store.deliver({ sender: '', recipients: [{ address: 'alice', account: 'alice' }] })
  await delivery.write(Buffer.alloc(octets))
  say('COMMITTING')
  await delivery.commit()
  say('COMMITTED')
}
const maildrop = await store.open('alice')
say('REMOVING')
await maildrop?.remove(maildrop.messages)
say('REMOVED')
await store.close()
