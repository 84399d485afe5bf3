import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { Client } from '../kit/client.ts'
import { asSent, count, dele, greet, logIn, quit, retrieve, send, stuffed, testMessage, unstuffed } from './conversations.ts'
import {
  ftpLogIn,
  killUnderLoad,
  large,
  type Name,
  passive,
  password,
  pidOf,
  reloadUnderLoad,
  services,
  useVisited,
} from './visitors.ts'

describe('the whole: nobody is refused', function () {
  this.timeout(180_000)
  const setting = useVisited()

  it('reloads that replace every child fail no request, no conversation, no transfer', () => reloadUnderLoad(setting(), 3))

  it('one client in the middle of DATA, RETR, STOR, a download, a session with marks and a kept connection: none notices a reload', async () => {
    const { family, change, folder } = setting()
    const connect = (service: Name) => Client.connect(family.port(service), { deadlineMs: 60_000 })
    using filling = await connect('smtp')
    await greet(filling)
    const [small, big] = [testMessage('marked'), testMessage('big', 12_000_000)]
    for (const message of [small, big]) await send(filling, ['alice@havre.test'], message)

    // POP3: one message is marked; another is on its way, and its reader has stopped reading.
    using session = await connect('pop3')
    expect(await logIn(session, 'alice', password)).to.equal(true)
    expect(await count(session)).to.equal(2)
    await dele(session, 1)
    await session.command('RETR 2')
    await session.line()
    session.pause()
    // SMTP: half of a message is said.
    using sender = await connect('smtp')
    await greet(sender)
    await sender.ask('MAIL FROM:<sender@example.org> BODY=8BITMIME')
    await sender.ask('RCPT TO:<bob@havre.test>')
    expect(await sender.ask('DATA')).to.match(/^354/)
    const mail = stuffed(testMessage('in-the-middle', 2_000_000))
    await sender.send(mail.subarray(0, 1_000_000))
    // FTP: half of a file is up, half of another one is down.
    using up = await connect('ftp')
    await ftpLogIn(up)
    using upData = await passive(up)
    await up.command('STOR middle.bin')
    expect(await up.line()).to.match(/^1(?:25|50)/)
    await upData.send(large.subarray(0, 5_000_000))
    using down = await connect('ftp')
    await ftpLogIn(down)
    using downData = await passive(down)
    downData.pause()
    await down.command('RETR large.bin')
    expect(await down.line()).to.match(/^1(?:25|50)/)
    // HTTP: one connection is kept, one is in the middle of its answer.
    using kept = await connect('http')
    const ask = () => kept.send('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
    const answered = async () => {
      const [status] = [await kept.line()]
      let octets = 0
      for (let line = await kept.line(); line !== ''; line = await kept.line()) {
        octets = Number(/^Content-Length: (\d+)$/i.exec(line)?.[1] ?? octets)
      }
      await kept.octets(octets)
      return status
    }
    await ask()
    expect(await answered()).to.match(/ 200 /)

    const before = await Promise.all(services.map((name) => pidOf(family, name)))
    await change()
    const after = await Promise.all(services.map((name) => pidOf(family, name)))
    expect(after.filter((pid) => before.includes(pid))).to.deep.equal([])
    // Longer than any grace that an idle conversation has at a stop.
    await sleep(1_000)

    await ask()
    expect(await answered()).to.match(/ 200 /)
    await sender.send(mail.subarray(1_000_000))
    expect(await sender.line()).to.match(/^250/)
    expect(await sender.ask('QUIT')).to.match(/^221/)
    await upData.send(large.subarray(5_000_000))
    upData.end()
    expect(await up.line()).to.match(/^226/)
    expect((await readFile(folder.at('data/files/alice/middle.bin'))).equals(large)).to.equal(true)
    expect(await up.ask('QUIT')).to.match(/^221/)
    downData.resume()
    expect((await downData.rest()).equals(large)).to.equal(true)
    expect(await down.line()).to.match(/^226/)
    expect(await down.ask('QUIT')).to.match(/^221/)
    session.resume()
    const lines: Buffer[] = []
    for (let line = await session.lineOctets(); line.toString('latin1') !== '.'; line = await session.lineOctets()) lines.push(line)
    expect(asSent(unstuffed(lines)).equals(big)).to.equal(true)
    await quit(session)
    using again = await connect('pop3')
    expect(await logIn(again, 'alice', password)).to.equal(true)
    expect(await count(again)).to.equal(1)
    expect(asSent(await retrieve(again, 1)).equals(big)).to.equal(true)
    await quit(again)
  })

  for (const service of services) {
    it(`a kill of ${service} loses no connection that the killed child had not taken`, () => killUnderLoad(setting(), service, 1))
  }
})
