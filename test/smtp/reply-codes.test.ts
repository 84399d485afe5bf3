import { expect } from 'chai'
import { commands } from '../../servers/smtp/commands.ts'
import type { SmtpOptions } from '../../servers/smtp/options.ts'
import * as replies from '../../servers/smtp/replies.ts'
import { accountNameMaxOctets } from '../../shared/accounts/name.ts'
import { StoreError } from '../../shared/mail/mail-store.ts'
import { Client } from '../kit/client.ts'
import { testAccounts } from '../kit/fake-desk.ts'
import { everyReply } from './every-reply.ts'
import { FakeStore } from './fake-store.ts'
import { inData, type SmtpSetup, serveSmtp } from './setup.ts'

type Mode = SmtpOptions['mode']

/** RFC 5321 §4.3.2: what any command may be answered with, beside its own codes. */
const anywhere = [421, 500, 501]

/** RFC 5321 §4.3.2; of extensions what their standards say. */
const listed: Readonly<Record<string, readonly number[]>> = {
  HELO: [250, 504, 550, 502],
  EHLO: [250, 504, 550, 502],
  LHLO: [250, 504, 550, 502],
  MAIL: [250, 552, 451, 452, 550, 553, 503, 455, 555],
  RCPT: [250, 251, 550, 551, 552, 553, 450, 451, 452, 503, 455, 555],
  DATA: [354, 503, 554],
  RSET: [250],
  VRFY: [250, 251, 252, 550, 551, 553, 502, 504],
  EXPN: [250, 252, 550, 500, 502, 504],
  HELP: [211, 214, 502, 504],
  NOOP: [250],
  QUIT: [221],
  // RFC 3030 §2, §4.2: those of a message's end, and 503 where no message is begun.
  BDAT: [250, 552, 554, 451, 452, 450, 550, 503],
  // RFC 3207 §4; 502: RFC 5321 §4.2.4.
  STARTTLS: [220, 454, 502, 503],
  // RFC 4954 §4, §6.
  AUTH: [235, 334, 432, 454, 503, 504, 534, 535, 538],
}

/** RFC 4954 §6: MAIL before a login; RFC 2033 §4.1 has 500 for what is no command of LMTP, which any command may have. */
const ofMode: Readonly<Record<Mode, Readonly<Record<string, readonly number[]>>>> = {
  mta: {},
  submission: { MAIL: [530] },
  lmtp: {},
}

/** The end of a message (RFC 5321 §4.3.2, DATA). */
const listedAtTheEnd = [250, 552, 554, 451, 452, 450, 550]

/** Each command as it should be, with more than belongs there, and without what it needs. */
const lines = [
  ...['HELO client.test', 'HELO', 'HELO a b', 'EHLO client.test', 'EHLO', 'LHLO client.test', 'LHLO'],
  ...[
    'MAIL FROM:<alice@havre.test>',
    'MAIL',
    'MAIL FROM:<x',
    'MAIL FROM:<alice@havre.test> X=1',
    'MAIL FROM:<alice@havre.test> SIZE=x',
  ],
  ...['MAIL FROM:<jürgen@havre.test>', 'MAIL FROM:<alice@havre.test> SIZE=99999999999', 'MAIL FROM:<bob@havre.test>'],
  ...[
    'RCPT TO:<alice@havre.test>',
    'RCPT',
    'RCPT TO:<nobody@havre.test>',
    'RCPT TO:<a@example.org>',
    'RCPT TO:<alice@havre.test> X=1',
  ],
  ...['RCPT TO:<jürgen@havre.test>', 'RCPT TO:<postmaster>', 'RCPT TO:<>'],
  ...['DATA', 'DATA now', 'BDAT 0', 'BDAT 0 LAST', 'BDAT 0 FIRST', 'BDAT', 'RSET', 'RSET now'],
  ...['VRFY alice', 'VRFY', 'EXPN list', 'EXPN', 'HELP', 'HELP MAIL', 'HELP me', 'NOOP', 'NOOP with words', 'QUIT', 'QUIT now'],
  ...['STARTTLS', 'STARTTLS now', 'AUTH PLAIN', 'AUTH PLAIN AGEAYg==', 'AUTH X', 'AUTH', 'AUTH PLAIN !'],
]

const begun = ['MAIL FROM:<alice@havre.test>', 'RCPT TO:<alice@havre.test>']

/** What was said before, behind EHLO, and a login where the service wants one. */
const states = {
  connected: null,
  ready: [],
  mail: begun.slice(0, 1),
  rcpt: begun,
  chunks: [...begun, 'BDAT 0'],
  'chunks-refused': [...begun, 'BDAT 0 FIRST'],
}

const login = `AUTH PLAIN ${Buffer.from(`\0alice\0${testAccounts['alice']}`).toString('base64')}`

/** The lines that lead to a state. */
const wayTo = (mode: Mode, before: readonly string[] | null): readonly string[] => {
  if (before === null) return []
  const hello = mode === 'lmtp' ? 'LHLO client.test' : 'EHLO client.test'
  return mode === 'submission' && before.length > 0 ? [hello, login, ...before] : [hello, ...before]
}

/** The code of the last line, once all lines were seen to have the same (RFC 5321 §4.2.1). */
const codeOf = (reply: readonly string[]): number => {
  const codes = new Set(reply.map((line) => line.slice(0, 3)))
  expect(reply.at(-1)).to.match(/^[2-5][0-5]\d /)
  for (const line of reply.slice(0, -1)) expect(line).to.match(/^\d{3}-/)
  expect([...codes]).to.have.length(1)
  return Number([...codes][0])
}

const answer = async (client: Client, line: string): Promise<number> => {
  await client.send(`${line}\r\n`)
  return codeOf(await client.reply())
}

describe('SMTP: the codes of replies (RFC 5321 §4.2, §4.3.2)', () => {
  for (const mode of ['mta', 'submission', 'lmtp'] as const) {
    for (const [state, before] of Object.entries(states)) {
      it(`are those that the standard lists, to every command: ${mode}, ${state}`, async () => {
        await using running = await serveSmtp({ options: { mode } })
        const wrong: string[] = []
        for (const line of lines) {
          using client = await Client.connect(running.port)
          await client.reply()
          for (const step of wayTo(mode, before)) await answer(client, step)
          const [name = ''] = line.split(' ')
          const code = await answer(client, line)
          const allowed = [...anywhere, ...(listed[name] ?? []), ...(ofMode[mode][name] ?? [])]
          if (!allowed.includes(code)) wrong.push(`${line}: ${code}`)
        }
        expect(wrong).to.deep.equal([])
      })
    }
  }

  for (const [title, setup, message, expected] of [
    ['a message', {}, 'x', 250],
    ['a message that is too large', { settings: { mail: { maxSizeOctets: 1 } } }, 'x', 552],
    ['one that no mailbox holds', { settings: { mail: { quota: { octets: 1, messages: 1 } } } }, 'x', 552],
    ['one that runs in a circle', {}, 'Received: x\r\n'.repeat(101), 554],
    ['one with bare line breaks', {}, 'x\ny', 554],
    ['one whose mailbox is full', { full: true }, 'x', 452],
    ['one for which there is no room', { error: 'full' }, 'x', 452],
    ['one while the store is locked', { error: 'locked' }, 'x', 451],
  ] as const) {
    it(`are those that the standard lists, to ${title}`, async () => {
      const store = new FakeStore('error' in setup ? { commit: new StoreError(setup.error, 'a test said so') } : {})
      if ('full' in setup) store.full.add('alice')
      await using running = await serveSmtp({ store, ...('settings' in setup ? setup : {}) } satisfies SmtpSetup)
      using client = await inData(running)
      const code = await answer(client, `${message}\r\n.`)
      expect(code).to.equal(expected)
      expect(listedAtTheEnd).to.include(code)
    })
  }

  it('are asked of each command that there is', () => {
    const asked = new Set(lines.map((line) => line.split(' ')[0]))
    const offered = commands.filter((row) => row.offered).map(({ name }) => name)
    expect(offered.filter((name) => !asked.has(name) || listed[name] === undefined)).to.deep.equal([])
  })

  it('are none of their own beside those of §4.2.3 and of the extensions', () => {
    const ofStandard = [211, 214, 220, 221, 250, 251, 252, 354, 421, 450, 451, 452, 455, 500, 501, 502, 503, 504]
    const more = [550, 551, 552, 553, 554, 555]
    // RFC 4954 §6.
    const ofLogins = [235, 334, 432, 454, 530, 534, 535, 538]
    for (const [name, { code }] of everyReply()) expect([...ofStandard, ...more, ...ofLogins], name).to.include(code)
  })

  it('begin with digits that say how severe it is, and where (§4.2.1)', () => {
    for (const [name, { code }] of everyReply()) {
      expect(Math.floor(code / 100), name).to.be.within(2, 5)
      expect([0, 1, 2, 3, 5], name).to.include(Math.floor(code / 10) % 10)
    }
  })
})

describe('SMTP: what every server has (RFC 5321 §4.5.1)', () => {
  it('is offered: the commands that the standard names', () => {
    const required = ['EHLO', 'HELO', 'MAIL', 'RCPT', 'DATA', 'RSET', 'NOOP', 'QUIT', 'VRFY']
    for (const mode of ['mta', 'submission'] as const) {
      const offered = commands.filter((row) => row.offered && row.modes.includes(mode)).map(({ name }) => name)
      expect(offered).to.include.members(required)
    }
  })
})

describe('SMTP: lines of replies (RFC 5321 §4.5.3.1.5)', () => {
  const domain = `${`${'d'.repeat(63)}.`.repeat(4)}`.slice(0, 253)

  it('have at most 512 octets, with the longest names too', () => {
    const longest = [
      replies.greeting(domain, 'mta'),
      replies.spokeEarly(domain),
      replies.senderOfOthers('n'.repeat(accountNameMaxOctets), domain),
      replies.hello(domain, '[IPv6:ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff]', []),
      ...everyReply().values(),
      ...commands.map(({ syntax }) => replies.wants(syntax)),
      ...[Number.MAX_SAFE_INTEGER].flatMap((number) => [replies.messageTooBig(number), replies.largerThanMailbox(number)]),
    ]
    for (const reply of longest) {
      for (const line of replies.render(reply).split(/(?<=\r\n)/)) {
        expect(Buffer.byteLength(line), line).to.be.at.most(512)
        // textstring (RFC 5321 §4.2).
        expect(line).to.match(/^\d{3}[ -][\t\x20-\x7e]*\r\n$/)
      }
    }
  })
})
