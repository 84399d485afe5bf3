import { expect } from 'chai'
import { commands } from '../../servers/pop3/commands.ts'
import { Client } from '../kit/client.ts'
import { testAccounts } from '../kit/fake-desk.ts'
import { mailboxWith } from '../kit/mailbox.ts'
import { fuzzRounds, type Seeded, seeded } from '../kit/seeded.ts'
import { type Running, serve } from '../kit/serving.ts'

const atOnce = 8
const messages = ['Subject: one\n\n.one\n..\n', 'two', Buffer.from(`.${'x'.repeat(100_000)}\r\n.\r\n`), 'Subject: four\n\n\n\n']
const logins = Object.entries(testAccounts).flatMap(([name, password]) => [
  [`USER ${name}`, `PASS ${password}`],
  [`AUTH PLAIN ${Buffer.from(`\0${name}\0${password}`).toString('base64')}`],
  ['AUTH PLAIN', Buffer.from(`\0${name}\0${password}`).toString('base64')],
])

const argument = (random: Seeded): string =>
  random.pick([
    () => String(random.between(0, 5)),
    () => '9'.repeat(random.between(1, 400)),
    () => random.text(random.between(0, 40), ' \t\0\r./%*=+-\\"alicePLAIN0123456789é\u001b'),
    () => random.octets(random.between(0, 20)).toString('latin1'),
    () => random.pick(['alice', 'PLAIN', '*', '=', '-1', '1 1', '2 0', '']),
  ])()

const line = (random: Seeded): string => {
  const name = random.chance(0.9) ? random.pick(commands).name : random.text(random.between(0, 10))
  const words = Array.from({ length: random.pick([0, 0, 1, 1, 1, 2, 3]) }, () => argument(random))
  return [random.chance(0.2) ? name.toLowerCase() : name, ...words].join(' ')
}

/** What one client says, in packets. */
const session = (random: Seeded): Buffer[] => {
  const login = random.chance(0.7) ? random.pick(logins) : []
  const lines = [...login, ...Array.from({ length: random.between(0, 30) }, () => line(random))]
  const ends = random.chance(0.8) ? ['\r\n'] : ['\r\n', '\n', '\r', '', '\r\r\n']
  const text = Buffer.from(lines.map((words) => words + random.pick(ends)).join(''), random.chance(0.5) ? 'utf8' : 'latin1')
  const octets = random.chance(0.5) ? random.mutate(text) : text
  const cuts = Array.from({ length: random.between(0, 4) }, () => random.between(0, octets.length)).sort((a, b) => a - b)
  return [0, ...cuts].map((cut, index) => octets.subarray(cut, cuts[index] ?? octets.length))
}

/** One client of the service: what it says, how it leaves, and what must hold whatever it said. */
const round = async (running: Running, random: Seeded): Promise<void> => {
  using client = await Client.connect(running.port)
  for (const packet of session(random)) await client.send(packet)
  const leaves = random.pick(['end', 'end', 'quit', 'reset'])
  if (leaves === 'reset') return client.reset()
  // The empty line ends what may be broken off: a QUIT is a command of its own, wherever the session stands.
  if (leaves === 'quit') await client.send('\r\nQUIT\r\nQUIT\r\n')
  client.end()
  const said = (await client.rest()).toString('latin1')
  const shown = client.transcript.join('\n').slice(-4_000)
  expect(said, shown).to.match(/^\+OK Havre POP3 server on localhost ready\r\n/)
  expect(said.endsWith('\r\n'), shown).to.equal(true)
  expect(client.transcript.at(-1), shown).to.equal('-- closed by the server')
  if (leaves === 'quit') expect(said.trimEnd().split('\r\n').at(-1), shown).to.match(/^(?:\+OK Goodbye|-ERR Too many)/)
}

const rounds = fuzzRounds(500, 300)

describe('POP3: whatever clients send', () => {
  it(`gets an answer or a clean close, and harms nobody (${rounds} sessions)`, async function () {
    this.timeout(60_000 + rounds * 50)
    const { seed } = seeded()
    await using running = await serve({ service: 'pop3' })
    for (let begun = 0; begun < rounds; begun += atOnce) {
      // Again and again: sessions delete.
      if (begun % 200 === 0) for (const account of Object.keys(testAccounts)) await mailboxWith(running.settings, account, messages)
      const together = Array.from({ length: Math.min(atOnce, rounds - begun) }, (_, index) => seed + begun + index)
      await Promise.all(
        together.map((own) =>
          round(running, seeded(own)).catch((error: unknown) => {
            throw new Error(`with HAVRE_TEST_SEED=${own} HAVRE_TEST_ROUNDS=1`, { cause: error })
          }),
        ),
      )
    }
    await running.close('replace')
    expect(running.journal.records.filter(({ level }) => level === 'error')).to.deep.equal([])
    expect(running.journal.of('pop3.session.ended')).to.have.length(rounds)
    for (const password of Object.values(testAccounts)) expect(running.journal.text()).to.not.include(password)
  })
})
