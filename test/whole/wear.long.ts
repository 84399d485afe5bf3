/** What must not grow with time: what clients that vanish leave behind, and the log beside the mail while others always read. */
import { readFileSync, statSync } from 'node:fs'
import { mkdir } from 'node:fs/promises'
import { connect } from 'node:net'
import { DatabaseSync } from 'node:sqlite'
import { expect } from 'chai'
import { Client } from '../kit/client.ts'
import { type Family, startFamily } from '../kit/family.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'
import { count, until } from '../mail/inspect.ts'
import { isBroken, stuffed } from './conversations.ts'
import { makeAccounts } from './crash.ts'
import { expectCode } from './recorded.ts'

const mebi = 2 ** 20
const password = 'durable secret'

const greeted = async (family: Family, service: 'smtp' | 'lmtp'): Promise<Client> => {
  const client = await Client.connect(family.port(service), { deadlineMs: 60_000 })
  await expectCode(client, '220')
  await client.command(`${service === 'lmtp' ? 'LHLO' : 'EHLO'} client.test`)
  await expectCode(client, '250')
  return client
}

const begin = async (client: Client, to: string): Promise<void> => {
  await client.command('MAIL FROM:<sender@example.org>')
  await expectCode(client, '250')
  await client.command(`RCPT TO:<${to}@havre.test>`)
  await expectCode(client, '250')
}

const octetsOf = (folder: TemporaryFolder, name: string): number =>
  statSync(folder.at('data', name), { throwIfNoEntry: false })?.size ?? 0

/** What is in memory, of a process. */
const residentOctets = (pid: number): number =>
  Number(/^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) * 1024

/** How a client leaves: it says that it ends, resets, or is never heard of again. */
const leavings = ['end', 'reset', 'silence'] as const

/** Several chunks of the store, so that some are there before the end could come. */
const half = Buffer.alloc(200_000, `${'x'.repeat(62)}\r\n`)

/** One that goes away in the middle of its message. @returns what says that the server let go of it */
const vanish = async (family: Family, nth: number): Promise<void> => {
  const client = await greeted(family, 'smtp')
  await begin(client, 'box0')
  if (nth % 2 === 0) {
    await client.command('DATA')
    await expectCode(client, '354')
    await client.send(half)
  } else await client.send(Buffer.concat([Buffer.from(`BDAT ${half.length}\r\n`), half, Buffer.from('BDAT 70000 LAST\r\nhalf')]))
  const leaving = nth % 100 < 4 ? 'silence' : (leavings[(nth >> 1) % 2] ?? 'end')
  if (leaving === 'reset') return client.reset()
  if (leaving === 'end') client.end()
  try {
    await client.closed()
  } catch (error) {
    if (!isBroken(error)) throw error
  } finally {
    client[Symbol.dispose]()
  }
}

describe('the whole: what must not grow', function () {
  this.timeout(900_000)

  it('does not by 500 clients that vanish in the middle of a message: rows, file and memory are after 500 what they were after 100', async () => {
    await using folder = await temporaryFolder()
    await mkdir(folder.at('data'), { mode: 0o700 })
    await makeAccounts(folder, 1)
    await using family = await startFamily({ services: ['smtp'], folder, args: ['--set', 'services.smtp.limits.idle=10s'] })
    const pid = (await family.status()).services[0]?.pid
    if (pid === null || pid === undefined) throw new Error('smtp has no process')
    const file = folder.at('data', 'mail.db')
    const vanished = async (from: number, to: number) => {
      for (let nth = from; nth < to; nth += 20)
        await Promise.all(Array.from({ length: Math.min(20, to - nth) }, (_, more) => vanish(family, nth + more)))
      await until(
        'nothing of them is left',
        () => count(file, 'SELECT (SELECT count(*) FROM delivery) + (SELECT count(*) FROM chunk)') === 0,
        60_000,
      )
      return { file: octetsOf(folder, 'mail.db') + octetsOf(folder, 'mail.db-wal'), memory: residentOctets(pid) }
    }
    const first = await vanished(0, 100)
    const last = await vanished(100, 500)
    console.log(`    ${JSON.stringify({ first, last })}`)
    expect(last.file).to.be.below(first.file + 24 * mebi)
    expect(last.memory).to.be.below(first.memory + 64 * mebi)
    expect((await family.status()).services[0]?.pid).to.equal(pid)
    const records = await family.records('smtp')
    expect(records.filter(({ event }) => event === 'message.unfinished')).to.have.length(500)
  })

  it('does not, in the log beside the mail, where two services write it and readers are never still; nor for long where one holds an old state', async () => {
    await using folder = await temporaryFolder()
    await mkdir(folder.at('data'), { mode: 0o700 })
    const accounts = await makeAccounts(folder, 12)
    const lmtp = ['protocol=smtp', 'mode=lmtp'].flatMap((setting) => ['--set', `services.lmtp.${setting}`])
    await using family = await startFamily({ services: ['smtp', 'pop3'], folder, args: lmtp })
    const line = Buffer.alloc(62, 'y').toString()
    const message = (octets: number) => stuffed(Buffer.from(`Subject: wear\r\n\r\n${`${line}\r\n`.repeat(octets / 64)}`))
    const [large, small] = [message(2_000_000), message(200_000)]
    const deliver = async (client: Client, to: string, octets: Buffer) => {
      await begin(client, to)
      await client.command('DATA')
      await expectCode(client, '354')
      await client.send(octets)
      await expectCode(client, '250')
    }
    const readers = accounts.slice(0, 6)
    const writers = accounts.slice(6)
    {
      using client = await greeted(family, 'smtp')
      for (const account of readers) await deliver(client, account, large)
    }
    let over = false
    let read = 0
    const sockets = readers.map((account) => {
      const socket = connect(family.port('pop3'), '127.0.0.1')
      let wanted = 0
      let got = 0
      const more = () => {
        for (; wanted - got < 3 * large.length && !over; wanted += large.length) socket.write('RETR 1\r\n')
      }
      socket.on('data', ({ length }) => {
        got += length
        read += length
        more()
      })
      socket.on('error', () => undefined)
      socket.write(`USER ${account}\r\nPASS ${password}\r\n`)
      more()
      return socket
    })
    await until('all read', () => read > 6 * large.length, 60_000)

    let sent = 0
    /** Twenty senders, until so many messages more are there. @returns how large the log was at most */
    const send = async (messages: number): Promise<number> => {
      let most = 0
      const enough = sent + messages
      const senders = Array.from({ length: 20 }, async (_, nth) => {
        using client = await greeted(family, nth % 2 === 0 ? 'smtp' : 'lmtp')
        while (sent < enough) {
          sent += 1
          await deliver(client, writers[nth % writers.length] ?? 'box6', small)
          most = Math.max(most, octetsOf(folder, 'mail.db-wal'))
        }
      })
      await Promise.all(senders)
      return most
    }
    try {
      const whileRead = await send(800)
      const readMeanwhile = read
      const other = new DatabaseSync(folder.at('data', 'mail.db'), { readOnly: true })
      other.exec('BEGIN; SELECT count(*) FROM message')
      other.prepare('SELECT count(*) FROM message').get()
      const whileHeld = await send(500)
      other.exec('ROLLBACK')
      other.close()
      let afterwards = whileHeld
      // However slow the disk is, with so many messages the log is small again.
      for (let portion = 0; portion < 10 && afterwards > 64 * mebi; portion += 1) {
        await send(100)
        afterwards = octetsOf(folder, 'mail.db-wal')
      }
      const inMebi = (octets: number) => Math.round(octets / mebi)
      const figures = { whileRead, whileHeld, afterwards, read: readMeanwhile, sent: sent * small.length }
      console.log(
        `    MiB: ${JSON.stringify(Object.fromEntries(Object.entries(figures).map(([name, octets]) => [name, inMebi(octets)])))}`,
      )
      expect(whileRead, 'the log while all is read').to.be.below(80 * mebi)
      expect(whileHeld, 'the log while an old state is held').to.be.above(80 * mebi)
      expect(afterwards, 'the log behind that').to.be.at.most(64 * mebi)
    } finally {
      over = true
      for (const socket of sockets) socket.destroy()
    }
  })
})
