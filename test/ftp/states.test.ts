import { expect } from 'chai'
import type { Command } from '../../servers/ftp/command.ts'
import { commands, notOffered } from '../../servers/ftp/commands.ts'
import { Client } from '../kit/client.ts'
import { testAccounts } from '../kit/fake-desk.ts'
import { octetsOf } from '../kit/script.ts'
import type { Running } from '../kit/serving.ts'
import { examples } from './command-examples.ts'
import { Home, serveFtp } from './raw-session.ts'

const rows = commands.flatMap((row) => [row, ...row.words])

/** A well-formed line of a row: the first of its own in the dialogue in which it succeeds. */
const lineOf = ({ name }: Command): Buffer => {
  const lines = (examples[name]?.good ?? '').split('\n').map((line) => line.trim())
  const line = lines.find((each) => each.toUpperCase().startsWith(`C: ${name}`) && !each.endsWith('\\c'))
  if (line === undefined) throw new Error(`no example of ${name}`)
  return Buffer.concat([octetsOf(line.slice(3)), Buffer.from('\r\n')])
}

const reply = async (client: Client): Promise<string> => (await client.reply()).join('\n')
const ask = async (client: Client, line: string | Buffer): Promise<string> => {
  if (typeof line === 'string') await client.command(line)
  else await client.send(line)
  return reply(client)
}

/** What each state needs to be in it. */
const ways = {
  login: [],
  named: ['USER alice'],
  ready: ['USER alice', `PASS ${testAccounts['alice']}`],
  renaming: ['USER alice', `PASS ${testAccounts['alice']}`, 'RNFR a.txt'],
} as const

const enter = async (running: Running, way: readonly string[]): Promise<Client> => {
  const client = await Client.connect(running.port)
  await reply(client)
  for (const line of way) expect(await ask(client, line)).to.match(/^[23]/)
  return client
}

/** What is said to whoever is not where the command belongs; nobody else reads one of these. */
const misplaced = ['530 Log in first, with USER and PASS', '503 Already logged in', '503 RNFR first']

describe('ftp: all rows in all states', function () {
  this.timeout(120_000)
  let running: Running
  before(async () => {
    running = await serveFtp({ options: { badLogins: 1000 } })
    await new Home(running).put('a.txt', 'twelve bytes')
  })
  after(() => running.close())

  for (const [state, way] of Object.entries(ways)) {
    it(`a row is carried out where it is allowed, and refused in its own words where it is not: ${state}`, async () => {
      const name = state === 'named' ? 'login' : state
      for (const row of rows) {
        using client = await enter(running, way)
        const said = await ask(client, lineOf(row))
        const allowed = row.states.some((each) => each === name)
        if (allowed) expect(misplaced, `${row.name}: ${said}`).to.not.include(said)
        else if (name === 'login') expect(said, row.name).to.equal(misplaced[0])
        else expect(said, row.name).to.equal(row.states.some((each) => each === 'login') ? misplaced[1] : misplaced[2])
        await new Home(running).put('a.txt', 'twelve bytes')
      }
    })
  }

  it('during a transfer a row acts at once where it says so; any other waits for its turn (RFC 959 §4.1.1, §4.1.3)', async () => {
    const acting: string[] = []
    for (const row of rows) {
      using client = await enter(running, ways.ready)
      const port = /\|\|\|(\d+)\|/.exec(await ask(client, 'EPSV'))?.[1]
      using data = await Client.connect(Number(port))
      expect(await ask(client, 'STOR up')).to.match(/^150 /)
      await data.send('content')
      await client.send(lineOf(row))
      const atOnce = row.states.some((each) => each === 'transferring')
      if (row.name === 'ABOR') {
        expect(await reply(client)).to.match(/^426 /)
        expect(await reply(client)).to.match(/^226 /)
      } else if (atOnce) expect(await reply(client)).to.match(/^211-.*Transfer under way/s)
      if (atOnce) acting.push(row.name)
      if (row.name !== 'ABOR') {
        data.end()
        expect(await reply(client), row.name).to.match(/^226 Transfer complete/)
        if (!atOnce) expect(await reply(client), row.name).to.match(/^\d{3}/)
      }
      await new Home(running).put('a.txt', 'twelve bytes')
    }
    expect(acting.sort()).to.deep.equal(['ABOR', 'STAT'])
  })

  it('what is known and not offered gets 502, what is unknown 500, in each of them', async () => {
    for (const way of Object.values(ways)) {
      using client = await enter(running, way)
      for (const name of notOffered) expect(await ask(client, `${name} x`), name).to.equal(`502 ${name} is not offered`)
      for (const name of ['XYZZY', 'NOOPS', 'TYPEI', '-', '257', '{'])
        expect(await ask(client, `${name} x`), name).to.equal('500 Unknown command')
    }
  })
})
