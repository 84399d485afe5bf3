import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { pipeline } from 'node:stream/promises'
import { expect } from 'chai'
import { Client } from '../kit/client.ts'
import { useFamily } from '../kit/family.ts'
import { withAccounts } from './accounts.ts'
import { count, greet, logIn } from './conversations.ts'

const octets = 200 * 1_000_000
const allowedMiB = 64
const password = 'large secret'
const line = `${'large '.repeat(12)}\r\n`

/** The message, in pieces as a program reads it from its disk; no line begins with a dot. */
function* message(size: number): Generator<Buffer> {
  yield Buffer.from('Subject: large\r\n\r\n')
  const piece = Buffer.from(line.repeat(800))
  for (let sent = 0; sent < size; sent += piece.length) yield piece
}

const sumOf = (pieces: Iterable<Buffer>): string => {
  const sum = createHash('sha256')
  for (const piece of pieces) sum.update(piece)
  return sum.digest('hex')
}

const send = async (port: number, size: number): Promise<void> => {
  using client = await Client.connect(port, { deadlineMs: 120_000 })
  await greet(client)
  for (const command of ['MAIL FROM:<a@havre.test>', 'RCPT TO:<alice@havre.test>', 'DATA']) {
    expect(await client.ask(command)).to.match(/^[23]/)
  }
  // Past the client's own record of what was said, which would hold all of it.
  await pipeline(message(size), client.socket, { end: false })
  expect(await client.ask('.')).to.match(/^250/)
}

/** The sum of the newest message's octets behind our own trace lines, as it comes: nothing here holds a message either. */
const fetchNewest = async (port: number): Promise<string> => {
  using client = await Client.connect(port)
  expect(await logIn(client, 'alice', password)).to.equal(true)
  const number = await count(client)
  client.socket.removeAllListeners('data')
  client.socket.write(`RETR ${number}\r\n`)
  const sum = createHash('sha256')
  let header: Buffer | null = Buffer.alloc(0)
  let tail = Buffer.alloc(0)
  for await (const chunk of client.socket) {
    let rest: Buffer = chunk
    if (header !== null) {
      header = Buffer.concat([header, rest])
      const begin = header.indexOf('Subject: large')
      if (begin === -1) continue
      rest = header.subarray(begin)
      header = null
    }
    // The last five octets may be the reply's end: they are summed up when more comes.
    const held = Buffer.concat([tail, rest])
    sum.update(held.subarray(0, -5))
    tail = Buffer.from(held.subarray(-5))
    if (tail.toString() === '\r\n.\r\n') break
  }
  return sum.update('\r\n').digest('hex')
}

/** The most memory that a process had so far, in MiB (proc(5), VmHWM). */
const peakOf = (pid: number): number =>
  Number(/^VmHWM:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? Number.NaN) / 1024

describe('the whole: a message of 200 MB', function () {
  this.timeout(900_000)
  const family = useFamily({ services: ['smtp', 'pop3'], args: ['--set', 'mail.maxSize=250MB'] })
  withAccounts(family, { alice: password })

  it(`goes through SMTP and POP3 octet for octet, with less than ${allowedMiB} MiB more in any process`, async function () {
    if (process.platform !== 'linux') return this.skip()
    const [smtp, pop3] = [family().port('smtp'), family().port('pop3')]
    // What is loaded and allocated once.
    await send(smtp, 4_000_000)
    expect(await fetchNewest(pop3)).to.equal(sumOf(message(4_000_000)))
    const { supervisor, services } = await family().status()
    const pids = [['supervisor', supervisor.pid] as const, ...services.map(({ name, pid }) => [name, pid ?? 0] as const)]
    const before = new Map(pids.map(([name, pid]) => [name, peakOf(pid)]))
    await send(smtp, octets)
    expect(await fetchNewest(pop3)).to.equal(sumOf(message(octets)))
    const grown = pids.map(([name, pid]) => `${name} ${(peakOf(pid) - (before.get(name) ?? 0)).toFixed(0)} MiB`)
    console.log(`      more at its peak: ${grown.join(', ')}`)
    for (const [name, pid] of pids) expect(peakOf(pid) - (before.get(name) ?? 0), name).to.be.below(allowedMiB)
  })
})
