import { expect } from 'chai'
import { Client } from '../kit/client.ts'
import { dialogue } from '../kit/dialogue.ts'
import { testAccounts } from '../kit/fake-desk.ts'
import { serve } from '../kit/serving.ts'
import { RawSession, serveFtp, until } from './raw-session.ts'

describe('ftp: limits', () => {
  const limit = 4096
  const longest = `NOOP${' '.repeat(limit - 4 - 2)}`

  dialogue('a command line may have 4,096 octets; a longer one is refused whole', {
    service: 'ftp',
    played: ['line by line', 'pipelined'],
    lines: `
      C: ${longest}|
      S: 500 A command line is at most 4096 octets long
      C: ${longest}\\c
      C: \\r\\n\\c
      S: 200 OK
      C: ${longest} NOOP
      S: 500 A command line is at most 4096 octets long
      C: NOOP
      S: 200 OK
    `,
    after: ({ journal }) => {
      expect(journal.of('ftp.limit.reached')[0]?.fields).to.include({ limit: 'commandLine', value: limit })
    },
  })

  dialogue('bad commands end the session at the limit: unknown, malformed, out of order; refused ones do not count', {
    service: 'ftp',
    options: { badCommands: 5 },
    as: 'alice',
    lines: `
      C: XYZZY
      S: 500 …
      C: TYPE X
      S: 501 …
      C: RNTO x
      S: 503 …
      C: SIZE x
      S: 550 …
      C: SMNT x
      S: 502 …
      C: RETR nothing
      S: 550 …
      C: MODE B
      S: 504 …
      C: RETR
      S: 501 …
      C:
      S: 500 …
      S: 421 Too many bad commands, closing
      S closes
    `,
    after: ({ journal }) => {
      expect(journal.of('ftp.limit.reached')[0]?.fields).to.include({ limit: 'badCommands', value: 5 })
    },
  })

  it('thousands of pipelined commands are answered in order, and reading pauses while too many wait', async () => {
    await using running = await serveFtp({ options: { pipelined: 4, commandsBeforeLogin: 10_000 } })
    using client = await Client.connect(running.port)
    expect(await client.line()).to.match(/^220 /)
    // The client does not read at first: the replies fill what the system holds, and the server must not read on for ever.
    client.pause()
    const flood = Array.from({ length: 8_000 }, (_, n) => `HELP ${n % 2 === 0 ? 'STOR' : 'RETR'}\r\n`).join('')
    const before = process.memoryUsage().heapUsed
    const sent = client.send(flood)
    await until('commands were carried out', () => running.journal.of('conversation.client').length > 100)
    expect(process.memoryUsage().heapUsed - before).to.be.lessThan(60_000_000)
    client.resume()
    for (let n = 0; n < 8_000; n += 1) {
      const line = await client.line()
      if (line !== `214 Syntax: ${n % 2 === 0 ? 'STOR' : 'RETR'} path`) expect.fail(`reply ${n} is "${line}"`)
    }
    await sent
  })

  it('a session without a login has so many commands, one with a login as many as it likes', async () => {
    await using running = await serveFtp({ options: { commandsBeforeLogin: 10 } })
    using client = await Client.connect(running.port)
    expect(await client.line()).to.match(/^220 /)
    for (let n = 0; n < 10; n += 1) expect(await client.ask('NOOP')).to.match(/^200 /)
    expect(await client.ask('NOOP')).to.match(/^200 /)
    expect(await client.line()).to.match(/^421 /)
    await client.closed()
    using member = await Client.connect(running.port)
    expect(await member.line()).to.match(/^220 /)
    expect(await member.ask('USER alice')).to.match(/^331 /)
    expect(await member.ask(`PASS ${testAccounts['alice']}`)).to.match(/^230 /)
    for (let n = 0; n < 30; n += 1) expect(await member.ask('NOOP')).to.match(/^200 /)
    expect(running.journal.of('ftp.limit.reached').map(({ fields }) => fields['limit'])).to.deep.equal(['commandsBeforeLogin'])
  })

  it('idle sessions get 421 and are closed', async () => {
    await using running = await serveFtp({ limits: { idleMs: 1_000 } })
    using client = await Client.connect(running.port)
    expect(await client.line()).to.match(/^220 /)
    expect(await client.line()).to.equal('421 No activity for too long, closing')
    await client.closed()
    await until('the record is written', () => running.journal.of('ftp.session.ended').length === 1)
    expect(running.journal.of('ftp.session.ended')[0]?.fields['reason']).to.equal('idle')
  })

  it('who is turned away is told why', async () => {
    await using running = await serve({ service: 'ftp', limits: { connections: 1 } })
    using first = await Client.connect(running.port)
    expect(await first.line()).to.match(/^220 /)
    using second = await Client.connect(running.port)
    expect(await second.line()).to.equal('421 Too many connections, try again later')
    await second.closed()
  })

  it('200 sessions at once are all served', async () => {
    await using running = await serveFtp()
    const sessions = await Promise.all(Array.from({ length: 200 }, () => RawSession.open(running)))
    const replies = await Promise.all(sessions.map((session) => session.ask('PWD')))
    expect(new Set(replies)).to.deep.equal(new Set(['257 "/" is the current folder']))
    for (const session of sessions) session[Symbol.dispose]()
  })
})
