/** Command lines of all kinds, well and badly formed, counted against their answers. */
import { readdirSync } from 'node:fs'
import { expect } from 'chai'
import { commandNames, notOffered } from '../../servers/ftp/commands.ts'
import { Client } from '../kit/client.ts'
import { testAccounts } from '../kit/fake-desk.ts'
import { type Seeded, seeded } from '../kit/seeded.ts'
import { Home, serveFtp, until } from './raw-session.ts'

/** Lines of one session. */
const linesEach = 25
/** Sessions at once. */
const together = 20

const words: readonly string[] = [
  ...[
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
    'E',
    'L 8',
  ],
  ...['UTF8 ON', 'MLST type;size', 'ALL', 'folder', 'folder/x', 'x\0y', 'ü', '|1|127.0.0.1|1|', '127,0,0,1,0,1', '.havre-upload-1'],
  ...[
    '.havre-partial-1',
    'CHMOD 644 a',
    'UTIME 20200101000000 a',
    'HELP',
    '20200101000000 a',
    '%n%s',
    '\u{1f426}',
    `${'../'.repeat(50)}etc/passwd`,
  ],
]

/** Names as clients of other encodings write them. */
const encoded: readonly Buffer[] = [
  Buffer.from('caf\xe9', 'latin1'),
  Buffer.from([0xb2, 0xe2, 0xca, 0xd4]),
  Buffer.from([0xc0, 0xaf]),
  Buffer.from([0xff, 0xff]),
]

/** What clients' systems put between: TELNET's commands, options and subnegotiations. */
const telnet: readonly Buffer[] = [
  [0xff, 0xf4],
  [0xff, 0xf2],
  [0xff, 0xf1],
  [0xff, 0xfd, 0x06],
  [0xff, 0xfb, 0x01],
  [0xff, 0xfa, 0x18, 0x00, 0xff, 0xf0],
].map((octets) => Buffer.from(octets))

/** They end the session, or what follows them is another protocol: other tests are about them. */
const left: readonly string[] = ['QUIT', 'ABOR']

/** One line, its end included: exactly one answer is due to it. */
const lineOf = (random: Seeded): Buffer => {
  const known = [...commandNames, ...notOffered].filter((name) => !left.includes(name))
  const name = random.chance(0.85) ? random.pick(known) : random.text(random.between(0, 20))
  const argument = random.chance(0.1) ? random.pick(encoded) : Buffer.from(random.pick(words))
  const parts = [Buffer.from(random.chance(0.2) ? name.toLowerCase() : name), Buffer.from(random.chance(0.85) ? ' ' : ''), argument]
  let line: Buffer = Buffer.concat(random.chance(0.1) ? [random.pick(telnet), ...parts] : parts)
  if (random.chance(0.1))
    line = Buffer.concat([line.subarray(0, random.between(0, line.length)), random.pick(telnet), Buffer.from('x')])
  if (random.chance(0.15)) line = random.mutate(line)
  if (random.chance(0.01)) line = Buffer.concat([line, Buffer.alloc(random.between(4_000, 9_000), 'x')])
  // Whatever was mutated: one line, no half command of TELNET before its end, and none of those that are left out.
  const text = line.toString('latin1').replace(/[\r\n]/g, '?')
  const whole =
    /\xff(?:$|[\xfa-\xfe])/s.test(text.replace(/\xff\xff/g, '')) &&
    !telnet.some((octets) => text.startsWith(octets.toString('latin1')))
  const safe = whole || /quit|abor/i.test(text) ? 'NOOP' : text
  return Buffer.from(`${safe}${random.chance(0.9) ? '\r\n' : '\n'}`, 'latin1')
}

/** RFC 959 §4.2, and those that came with RFC 2228, 2389, 2428, 2640, 3659, 7151. */
const codes = new Set(
  [110, 120, 125, 150, 200, 202, 211, 212, 213, 214, 215, 220, 221, 225, 226, 227, 228, 229, 230, 232, 234, 235, 250, 257]
    .concat([331, 332, 334, 336, 350, 421, 425, 426, 430, 431, 434, 450, 451, 452])
    .concat([500, 501, 502, 503, 504, 521, 522, 530, 531, 532, 533, 534, 535, 536, 537, 550, 551, 552, 553, 554, 555, 556]),
)

/** The replies' codes; what the server says of TELNET is not among them. @throws AssertionError for what is no reply */
const codesOf = (said: Buffer): number[] => {
  const found: number[] = []
  let open: string | null = null
  const text = said.toString('latin1').replace(/\xff[\xfb-\xfe]./gs, '')
  expect(text.endsWith('\r\n'), `ends in the middle of a line: ${JSON.stringify(text.slice(-100))}`).to.equal(true)
  for (const line of text.slice(0, -2).split('\r\n')) {
    const [, code = '', more] = /^(\d{3})([ -])/.exec(line) ?? []
    if (open !== null) {
      if (code === open && more === ' ') open = null
      else continue
    } else if (more === '-') {
      open = code
      continue
    }
    if (!codes.has(Number(code))) expect.fail(`no reply: ${JSON.stringify(line)}`)
    found.push(Number(code))
  }
  expect(open, 'the last reply has its end').to.equal(null)
  return found
}

const openDescriptors = (): number => readdirSync('/proc/self/fd').length

/** Says so many lines, in sessions of a few, in pieces of any size. @throws AssertionError naming the seed of a session that was answered wrong */
export const fuzzAnswers = async (inputs: number, seed: number): Promise<void> => {
  await using running = await serveFtp({
    options: { dataWait: '100ms', badLogins: 1_000_000, badCommands: 1_000_000, commandsBeforeLogin: 1_000_000 },
  })
  const home = new Home(running)
  await home.put('a', 'content')

  let whole = 0
  const session = async (random: Seeded): Promise<void> => {
    using client = await Client.connect(running.port, { deadlineMs: 60_000 })
    const login = random.chance(0.75) ? [`USER alice\r\nPASS ${testAccounts['alice']}\r\n`] : []
    const lines = [
      ...login.map((text) => Buffer.from(text)),
      ...Array.from({ length: linesEach }, () => lineOf(random)),
      Buffer.from('QUIT\r\n'),
    ]
    const due = linesEach + login.length * 2 + 2 // the greeting, and the answer to QUIT
    const all = Buffer.concat(lines)
    for (let at = 0; at < all.length; ) {
      const end = random.chance(0.5) ? all.length : random.between(at + 1, all.length)
      await client.send(all.subarray(at, end))
      at = end
    }
    const said = await client.rest()
    const answers = codesOf(said).filter((code) => code >= 200)
    const told = () => `${JSON.stringify(all.toString('latin1'))}\n${said.toString('latin1')}`
    // A session may have had enough; most have not.
    if (answers.at(-1) === 421) return
    whole += 1
    expect(answers.at(-1), told()).to.equal(221)
    expect(answers.length, told()).to.equal(due)
    expect(said.includes(running.folder.path), told()).to.equal(false)
  }

  const seeds = seeded(seed)
  const sessions = Math.ceil(inputs / linesEach)
  let before = 0
  for (let done = 0; done < sessions; done += together) {
    const batch = Array.from({ length: Math.min(together, sessions - done) }, () => seeded(seeds.between(0, 2 ** 31)))
    await Promise.all(
      batch.map((random) =>
        session(random).catch((error: unknown) => {
          throw new Error(`seed ${random.seed}: ${String(error)}`, { cause: error })
        }),
      ),
    )
    await until('all sessions are over', () => running.open === 0)
    if (done === 0) before = openDescriptors()
    const errors = running.journal.records.filter(({ level }) => level === 'error')
    expect(errors, `of the sessions from ${done} on`).to.deep.equal([])
  }
  expect(whole, 'sessions to their end').to.be.above(sessions / 2)
  await until('no descriptor is held that was not held before', () => openDescriptors() <= before + together)
}
