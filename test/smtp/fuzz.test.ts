import { expect } from 'chai'
import { commands } from '../../servers/smtp/commands.ts'
import { Client } from '../kit/client.ts'
import { testAccounts } from '../kit/fake-desk.ts'
import { fuzzRounds, type Seeded, seeded } from '../kit/seeded.ts'
import type { Running } from '../kit/serving.ts'
import { FakeStore } from './fake-store.ts'
import { serveSmtp } from './setup.ts'

const atOnce = 8
const addresses = [
  'a@example.org',
  'alice@havre.test',
  'bob@localhost',
  'nobody@havre.test',
  '',
  'postmaster',
  '"a b"@x',
  '@r:a@b',
  'ü@x',
]
const tokens = Object.entries(testAccounts).map(([name, password]) => Buffer.from(`\0${name}\0${password}`).toString('base64'))

const argument = (random: Seeded): string =>
  random.pick([
    () => `FROM:<${random.pick(addresses)}>`,
    () => `TO:<${random.pick(addresses)}>`,
    () =>
      random.pick(['SIZE=1', 'BODY=8BITMIME', 'SMTPUTF8', 'AUTH=<>', 'SIZE=', 'X=Y', '=', 'RET=FULL', 'ENVID=a+2Bb', 'ENVID=+0A']),
    () => random.pick(['NOTIFY=SUCCESS,FAILURE', 'NOTIFY=NEVER', 'ORCPT=rfc822;a+20b', 'ORCPT=utf-8;\\x{FC}']),
    () => random.pick(['PLAIN', 'LOGIN', '=', '*']),
    () => random.text(random.between(0, 40), ' \t\0\r<>@.:;,"\\[]()=+-*é\u001balice'),
    () => random.octets(random.between(0, 20)).toString('latin1'),
    () => 'x'.repeat(random.pick([100, 12_000, 13_000])),
  ])()

const body = (random: Seeded): string =>
  Array.from({ length: random.between(0, 20) }, () =>
    random.pick([
      '.',
      '..',
      '\r\n',
      '\r\n',
      '\r\n.',
      '\n.\n',
      '\r.\r',
      '\n',
      '\r',
      'Subject: x',
      'MAIL FROM:<a@b>',
      '\0',
      'x'.repeat(5_000),
    ]),
  ).join('')

const message = (random: Seeded): string =>
  `MAIL FROM:<${random.pick(addresses)}>\r\nRCPT TO:<${random.pick(addresses)}>\r\nDATA\r\n${body(random)}\r\n.\r\n`

/** The same in chunks; a count that is too small makes commands of what is left. */
const chunked = (random: Seeded): string => {
  const chunks = Array.from({ length: random.between(0, 4) }, () => body(random))
  const told = chunks.map(
    (octets) => `BDAT ${Math.max(0, octets.length - (random.chance(0.1) ? random.between(1, 9) : 0))}\r\n${octets}`,
  )
  const begin = `MAIL FROM:<${random.pick(addresses)}>\r\nRCPT TO:<${random.pick(addresses)}>\r\n`
  return `${begin}${told.join(random.pick(['', '', 'NOOP\r\n', 'RSET\r\n', 'DATA\r\n']))}${random.pick(['BDAT 0 LAST\r\n', 'bdat 2 last\r\n\r\n', ''])}`
}

/** Secrets stand where clients put them: mutated they may stand anywhere, and what is no login is no secret. */
const login = (random: Seeded, secret: string): string =>
  random.pick([`\r\nAUTH PLAIN ${secret}\r\n`, `\r\nAUTH PLAIN\r\n${secret}\r\n`, `\r\nauth login\r\n${secret}\r\n${secret}\r\n`])

const line = (random: Seeded): string => {
  const name = random.chance(0.9) ? random.pick(commands).name : random.text(random.between(0, 10))
  const words = Array.from({ length: random.pick([0, 0, 1, 1, 1, 2, 3]) }, () => argument(random))
  return [random.chance(0.2) ? name.toLowerCase() : name, ...words].join(' ')
}

/** What one client says, in packets. */
const session = (random: Seeded): Buffer[] => {
  const ends = random.chance(0.8) ? ['\r\n'] : ['\r\n', '\n', '\r', '', '\r\r\n']
  const mutated = random.chance(0.5)
  const said = Array.from({ length: random.between(0, 25) }, () =>
    random.pick([
      () => message(random),
      () => chunked(random),
      () => login(random, mutated ? 'AGEAYg==' : random.pick(tokens)),
      ...Array.from({ length: 6 }, () => () => line(random) + random.pick(ends)),
    ])(),
  )
  const text = Buffer.from([random.chance(0.8) ? 'EHLO fuzz\r\n' : '', ...said].join(''), random.chance(0.5) ? 'utf8' : 'latin1')
  const octets = mutated ? random.mutate(text) : text
  const cuts = Array.from({ length: random.between(0, 4) }, () => random.between(0, octets.length)).sort((a, b) => a - b)
  return [0, ...cuts].map((cut, index) => octets.subarray(cut, cuts[index] ?? octets.length))
}

/** One client of the service: what it says, how it leaves, and what must hold whatever it said. */
const round = async (running: Running, random: Seeded): Promise<void> => {
  using client = await Client.connect(running.port)
  const packets = session(random)
  for (const packet of packets) await client.send(packet)
  const leaves = random.pick(['end', 'end', 'quit', 'reset'])
  if (leaves === 'reset') return client.reset()
  // What ends a message, a login and a line that are not at their end; then QUIT is a command of its own.
  if (leaves === 'quit') await client.send('\r\n.\r\n*\r\nQUIT\r\n')
  client.end()
  const said = (await client.rest()).toString('latin1')
  const shown = client.transcript.join('\n').slice(-4_000)
  expect(said, shown).to.match(/^220 localhost ESMTP Havre\r\n/)
  expect(said.endsWith('\r\n'), shown).to.equal(true)
  const replies = said.slice(0, -2).split('\r\n')
  for (const reply of replies) {
    expect(reply, shown).to.match(/^(?:220 |334 |354 |250[ -]|501 The syntax|[245]\d\d[ -][245]\.\d\.\d{1,2} )/)
    expect(reply.length, shown).to.be.lessThanOrEqual(510)
  }
  expect(client.transcript.at(-1), shown).to.equal('-- closed by the server')
  // A chunk that was announced larger than it is has QUIT in it.
  const inChunk = /BDAT \d/i.test(Buffer.concat(packets).toString('latin1'))
  if (leaves === 'quit' && !inChunk) expect(replies.at(-1), shown).to.match(/^(?:221 |421 )/)
}

const rounds = fuzzRounds(600, 300)

describe('SMTP: whatever clients send', () => {
  it(`gets an answer or a clean close, and harms nobody (${rounds} sessions)`, async function () {
    this.timeout(60_000 + rounds * 50)
    const { seed } = seeded()
    const store = new FakeStore()
    // They speak at once, so that what is held until the greeting is tried too.
    const options = { earlyTalkers: 'bear' }
    await using running = await serveSmtp({ store, options, settings: { mail: { maxSizeOctets: 40_000 } } })
    for (let begun = 0; begun < rounds; begun += atOnce) {
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
    expect(running.journal.of('smtp.session.ended')).to.have.length(rounds)
    expect(store.unended).to.equal(0)
    for (const { octets, body: kept } of store.kept) {
      expect(octets.toString('latin1')).to.match(/^Return-Path: /)
      expect(/(?<!\r)\n|\r(?!\n)/.test(kept.toString('latin1'))).to.equal(false)
    }
    const text = running.journal.text()
    for (const password of [...Object.values(testAccounts), ...tokens]) expect(text).to.not.include(password)
  })
})
