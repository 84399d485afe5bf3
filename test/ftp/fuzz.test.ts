import { connect } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { commandNames, notOffered } from '../../servers/ftp/commands.ts'
import { Client, ClientError } from '../kit/client.ts'
import { testAccounts } from '../kit/fake-desk.ts'
import { type Seeded, seeded } from '../kit/seeded.ts'
import type { Running } from '../kit/serving.ts'
import { Home, RawSession, serveFtp, until } from './raw-session.ts'

/** Inputs; HAVRE_TEST_FUZZ=10000 for the full count. */
const rounds = Number(process.env['HAVRE_TEST_FUZZ'] ?? 400)
const words = [
  '',
  ' ',
  'a',
  'a b',
  '/',
  '..',
  '../..',
  '-la',
  '*',
  '"',
  '0',
  '1',
  '99999999999',
  '-1',
  'A',
  'I',
  'A N',
  'S',
  'F',
  'ON',
  'UTF8 ON',
  'ALL',
  'folder',
  'folder/x',
  'x\0y',
  'ü',
  '\xff\xf4',
  '|1|127.0.0.1|1|',
  '127,0,0,1,0,1',
  '.havre-upload-1',
  'R'.repeat(5000),
]

/** What a client might say: commands well and badly formed, in any order, with octets flipped, dropped and inserted. */
const inputOf = (random: Seeded): Buffer => {
  const lines = Array.from({ length: random.between(1, 12) }, () => {
    const name = random.pick([...commandNames, ...notOffered, random.text(random.between(0, 8))])
    const cased = random.chance(0.2) ? name.toLowerCase() : name
    return Buffer.from(
      `${cased}${random.chance(0.8) ? ' ' : ''}${random.pick(words)}${random.pick(['\r\n', '\r\n', '\r\n', '\n', '\r', ''])}`,
      'latin1',
    )
  })
  const whole = Buffer.concat(lines)
  if (random.chance(0.1)) return random.octets(random.between(1, 300))
  return random.chance(0.5) ? random.mutate(whole) : whole
}

describe(`ftp: ${rounds} random and mutated inputs`, function () {
  this.timeout(Math.max(120_000, rounds * 60))
  let running: Running
  before(async () => {
    running = await serveFtp({ options: { dataWait: '100ms', badLogins: 1000, badCommands: 1000 } })
    await new Home(running).put('a', 'content')
  })
  after(() => running.close())

  /** One session: says it all, reads what comes, and leaves in one way or another. */
  const session = async (random: Seeded): Promise<void> => {
    using client = await Client.connect(running.port, { deadlineMs: 60_000 })
    expect(await client.line()).to.match(/^220 /)
    if (random.chance(0.7)) await client.send(`USER alice\r\nPASS ${testAccounts['alice']}\r\n`)
    const input = inputOf(random)
    if (random.chance(0.1)) await client.trickle(input.subarray(0, 200))
    else await client.send(input)
    // The data connection gets its share as well.
    if (random.chance(0.2)) await meddle(client, random)
    if (random.chance(0.1)) return client.reset()
    if (random.chance(0.1)) return
    await client.send('\r\n\r\nNOOP\r\nQUIT\r\n')
    const said = (await client.rest()).toString('latin1')
    for (const line of said.split('\r\n').slice(0, -1)) {
      if (!/^(?:[1-5]\d\d[ -]| |[-d][rwx-]{9} )/.test(line)) expect.fail(`seed ${random.seed}: "${line}" is no line of a reply`)
    }
    expect(said, `seed ${random.seed}`).to.match(/(?:^|\r\n)(?:221|421) [^\r]*\r\n$/)
  }

  /** Opens whatever passive port was told and sends or resets. */
  const meddle = async (client: Client, random: Seeded): Promise<void> => {
    const login = random.chance(0.5) ? '' : `USER alice\r\nPASS ${testAccounts['alice']}\r\n`
    const transfer = random.pick(['STOR fuzz', 'RETR a', 'LIST', 'APPE fuzz\r\nABOR'])
    await client.send(`\r\n\r\n${login}EPSV\r\n${transfer}\r\nHELP HELP\r\n`)
    for (;;) {
      const line = await client.line()
      const [, port] = /\|\|\|(\d+)\|/.exec(line) ?? []
      // Not logged in, EPSV got lost, or the server has had enough: then there is no port.
      if (line.startsWith('214 Syntax: HELP') || line.startsWith('421 ')) return
      if (port === undefined) continue
      const data = connect(Number(port), '127.0.0.1')
      data.on('error', () => undefined)
      data.write(random.octets(random.between(0, 2_000)))
      if (random.chance(0.5)) data.end()
      else await sleep(random.between(0, 5)).then(() => data.resetAndDestroy())
      data.resume()
      return
    }
  }

  it('are answered or ended cleanly: no crash, no error in the journal, nothing left open, no growth', async () => {
    const seeds = seeded()
    const heap: number[] = []
    for (let n = 0; n < rounds; n += 20) {
      const batch = Array.from({ length: Math.min(20, rounds - n) }, () => seeded(seeds.between(0, 2 ** 31)))
      await Promise.all(
        batch.map((random) =>
          session(random).catch((error: unknown) => {
            // A client that resets may read nothing of what was said to it.
            if (error instanceof ClientError && error.why === 'closed') return
            throw new Error(`seed ${random.seed}`, { cause: error })
          }),
        ),
      )
      if (n % 400 === 0) heap.push(process.memoryUsage().rss)
    }
    await until('all sessions are over', () => running.open === 0)
    expect(running.journal.records.filter(({ level, event }) => level === 'error' && event !== 'data.no-port')).to.deep.equal([])
    expect(running.journal.text()).to.not.include(testAccounts['alice'] ?? '')
    using alive = await RawSession.open(running)
    expect((await alive.ask('SYST')).startsWith('215')).to.equal(true)
    const names = await new Home(running).names()
    expect(names.filter((name) => name.startsWith('.havre-upload-'))).to.deep.equal([])
    if (rounds >= 5000) console.log(`      rss over time, MiB: ${heap.map((octets) => Math.round(octets / 2 ** 20)).join(' ')}`)
  })
})
