/** A promise is recorded, with the record in the hands of the system, before the client hears of it. */
import { readFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { expect } from 'chai'
import { RawSession, serveFtp } from '../ftp/raw-session.ts'
import { Client } from '../kit/client.ts'
import { testAccounts } from '../kit/fake-desk.ts'
import { startFamily } from '../kit/family.ts'
import type { Running } from '../kit/serving.ts'
import { serveInMemory } from '../pop3/memory-dialogue.ts'
import { inData, serveSmtp } from '../smtp/setup.ts'

/** The client has heard of it: is its record with the system? */
const expectSettled = ({ journal }: Running, event: string): void => {
  const at = journal.records.findIndex((record) => record.event === event)
  expect(at, event).to.be.at.least(0)
  expect(journal.settled.records, `records that are with the system, of ${journal.records.length}`).to.be.greaterThan(at)
}

describe('promises are on record before they are made:', () => {
  it('a message, before its 250', async () => {
    await using running = await serveSmtp()
    using client = await inData(running)
    expect(await client.ask('Subject: hello\r\n\r\n.')).to.match(/^250 /)
    expectSettled(running, 'message.accepted')
  })

  it('deletions, before QUIT is answered', async () => {
    await using running = await serveInMemory({ mailbox: ['one', 'two'] })
    using client = await Client.connect(running.port)
    await client.line()
    for (const line of ['USER alice', `PASS ${testAccounts['alice']}`, 'DELE 1']) expect(await client.ask(line)).to.match(/^\+OK/)
    expect(await client.ask('QUIT')).to.match(/^\+OK/)
    expectSettled(running, 'pop3.session.ended')
  })

  it('an upload, before its 226, also in the transfer log', async () => {
    await using running = await serveFtp()
    using session = await RawSession.open(running)
    expect(await session.upload('STOR one.txt', 'hello')).to.match(/^226 /)
    expectSettled(running, 'file.transferred')
    expect(running.journal.settled.lines).to.equal(1)
  })

  it('a file that was removed, before its 250', async () => {
    await using running = await serveFtp()
    using session = await RawSession.open(running)
    await session.upload('STOR one.txt', 'hello')
    expect(await session.ask('DELE one.txt')).to.match(/^250 /)
    expectSettled(running, 'file.removed')
  })

  it('messages of a crowd: the child is killed with -9 in the moment in which one of many is acknowledged', async function () {
    this.timeout(120_000)
    await using family = await startFamily({ services: ['smtp'], demo: true })
    const acknowledged: string[] = []
    const many = 60
    const { pid } = (await family.status()).services[0] ?? {}
    if (!pid) throw new Error('no SMTP')
    // Records of refusals come in such numbers that records share their writes.
    const strangers = Array.from({ length: 100 }, (_, n) => `RCPT TO:<nobody${n}@havre.test>\r\n`).join('')
    const envelope = `MAIL FROM:<sender@example.org>\r\n${strangers}RCPT TO:<alice@havre.test>\r\nDATA\r\n`
    const hear = (line: string, say: (text: string) => void): void => {
      const [, id] = /^250 2\.0\.0 .* id (\S+)$/.exec(line) ?? []
      // Once: lines that came before its end are still heard behind it, when nobody has that number any more.
      if (id !== undefined && acknowledged.push(id) === many) process.kill(pid, 'SIGKILL')
      if (line.startsWith('220 ')) say(`EHLO client.test\r\n${envelope}`)
      if (id !== undefined) say(envelope)
      else if (line.startsWith('354 ')) say('Subject: hello\r\n\r\nhello\r\n.\r\n')
    }
    const conversations = Array.from({ length: 20 }, async () => {
      const socket = connect(family.port('smtp'), '127.0.0.1')
      // Killed: what else should become of it.
      socket.on('error', () => undefined)
      let rest = ''
      socket.on('data', (chunk) => {
        const lines = `${rest}${chunk}`.split('\r\n')
        rest = lines.pop() ?? ''
        for (const line of lines) hear(line, (text) => socket.write(text))
      })
      await new Promise((resolve) => socket.once('close', resolve))
    })
    await Promise.all(conversations)
    const log = await readFile(family.folder.at('logs', 'smtp.log'), 'utf8')
    expect(acknowledged.length).to.be.at.least(many)
    expect(acknowledged.filter((id) => !log.includes(`"${id}"`))).to.deep.equal([])
  })
})
