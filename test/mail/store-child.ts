/**
 * A process of its own that uses a store, for tests that stop or kill it: `store-child.ts FILE MODE LEASE_MS`.
 * It prints one line for each thing done; lines on its stdin tell it to go on.
 */
import { randomBytes } from 'node:crypto'
import { createInterface } from 'node:readline'
import { StoreError } from '../../shared/mail/mail-store.ts'
import { openMailStore } from '../../shared/mail/sqlite-mail-store.ts'
import { bodyOf } from './bodies.ts'
import { held, idsOf, to } from './contract.ts'

const [, , file = '', mode = '', leaseMs = '45000'] = process.argv
const store = await openMailStore({ file, leaseMs: Number(leaseMs) })
const say = (line: string) => process.stdout.write(`${line}\n`)

/** Delivers until it is killed; says of each message what it must be, once it is acknowledged. */
const write = async (size: () => number): Promise<void> => {
  for (;;) {
    const token = randomBytes(8).toString('hex')
    const octets = bodyOf(token, size())
    const delivery = store.deliver({ ...to('alice', 'bob'), sender: token })
    for (let begin = 0; begin < octets.length; begin += 20_000) await delivery.write(octets.subarray(begin, begin + 20_000))
    const ids = idsOf(await delivery.commit())
    say(`${token} ${octets.length} ${ids.join(' ')}`)
  }
}

if (mode === 'write') {
  say('ready')
  const small = () => 100 + Math.floor(Math.random() * 5000)
  const large = () => 70_000 + Math.floor(Math.random() * 200_000)
  await Promise.all([...Array.from({ length: 18 }, () => write(small)), write(large), write(large)])
}

if (mode === 'hold') {
  const maildrop = await held(store, 'alice')
  say('held')
  for await (const _ of createInterface({ input: process.stdin })) {
    const outcome = await maildrop.remove(maildrop.messages).then(
      () => 'removed',
      (error: unknown) => (error instanceof StoreError ? error.code : String(error)),
    )
    say(outcome)
  }
}

if (mode === 'stream') {
  const delivery = store.deliver(to('alice'))
  for (let count = 0; count < 10; count += 1) await delivery.write(Buffer.alloc(65_536, 'x'))
  say('streaming')
  for await (const _ of createInterface({ input: process.stdin })) say(idsOf(await delivery.commit()).join(' '))
}

if (mode === 'sync') {
  const deliver = async () => {
    const delivery = store.deliver(to('alice'))
    await delivery.write(bodyOf('x', 200))
    await delivery.commit()
    say('delivered')
  }
  say('opened')
  await deliver()
  // The first write to a new log is synced anyway.
  await deliver()
  // Taking a mailbox need not be on disk: what comes after it must be all the same.
  const maildrop = await held(store, 'alice')
  say('held')
  await deliver()
  await maildrop.remove(maildrop.messages)
  say('removed')
  await maildrop.release()
}

await store.close()
