import { readdir, readFile } from 'node:fs/promises'
import { expect } from 'chai'
import { demoPassword } from '../../servers/supervisor/demo.ts'
import { Client } from '../kit/client.ts'
import { eventually } from '../kit/eventually.ts'
import { type Family, useFamily } from '../kit/family.ts'

/** What drives terminals, breaks lines or turns text around: C0, DEL, C1 as UTF-8, U+2028/9, bidirectional marks. */
const hostile = 'a\u001b[2J\u0007\u0008\u007f\u0085\u009b31m\u2028\u2029\u202e\u2066\u200f\u061cz'
/** The same without what would end a command line or is no text. */
const asOctets = Buffer.from(hostile)
const forged = '\r{"time":"2026-01-01T00:00:00.000Z","level":"error","service":"smtp","event":"forged"}'

/** Everything of it, unescaped; a line break is one only at the end of a line of ours. */
const raw = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufffe]/

const say = async (family: Family, service: string, ...lines: (string | Buffer)[]): Promise<void> => {
  using client = await Client.connect(family.port(service))
  await client.reply()
  for (const line of lines) {
    await client.send(Buffer.concat([Buffer.from(line), Buffer.from('\r\n')]))
    await client.reply()
  }
}

/** HTTP with octets that no library would send. */
const ask = async (family: Family, request: Buffer): Promise<string> => {
  using client = await Client.connect(family.port('http'))
  await client.send(request)
  return (await client.rest()).toString('latin1')
}

describe('the whole: words of clients that are meant for a terminal', function () {
  this.timeout(120_000)
  const family = useFamily({ demo: true, args: ['--set', 'log.level=debug'] })

  it('are in no log as they came: neither in the journals, nor in the access log, nor in the transfer log', async () => {
    const words = (text: string) => Buffer.concat([Buffer.from(text), asOctets])
    const encoded = encodeURIComponent(hostile)
    await ask(family(), Buffer.from(`GET /${encoded} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n`))
    const agent = Buffer.concat([
      Buffer.from('GET /x HTTP/1.1\r\nHost: x\r\nUser-Agent: '),
      Buffer.from('a\u0085\u009b31m\u202e"z'),
      Buffer.from('\r\nReferer: "\\" 200 1\r\nConnection: close\r\n\r\n'),
    ])
    await ask(family(), agent)
    await ask(family(), Buffer.concat([words('GET /'), Buffer.from(' HTTP/1.1\r\n\r\n')]))
    await say(family(), 'smtp', words('EHLO '), 'EHLO me', words('MAIL FROM:<'), words('NONSENSE '), words(''), `HELP ${forged}`)
    await say(family(), 'pop3', words('USER '), words('APOP '), words(''), `USER ${forged}`)
    await say(family(), 'ftp', words('USER '), words(''), `USER ${forged}`)
    using control = await Client.connect(family().port('ftp'))
    await control.reply()
    for (const line of ['USER alice', `PASS ${demoPassword}`]) {
      await control.command(line)
      expect((await control.reply()).at(-1), line).to.match(/^[23]/)
    }
    for (const command of ['STOR', 'RETR', 'MKD']) {
      await control.command('EPSV')
      const passive = (await control.reply()).at(-1) ?? ''
      expect(passive).to.match(/^229/)
      using data = await Client.connect(Number(/\|(\d+)\|/.exec(passive)?.[1]))
      await control.send(Buffer.concat([Buffer.from(`${command} `), Buffer.from('a\u009b31m\u202e\u2028z'), Buffer.from('\r\n')]))
      await control.reply()
      data.end()
      if (command !== 'MKD') await control.reply()
    }
    await control.command('QUIT')
    await control.closed().catch(() => undefined)
    await eventually(async () => {
      const transfers = await readFile(family().folder.at('logs', 'ftp.transfer.log'), 'utf8')
      expect(transfers).to.include('a_31m')
    })
    const logs = await eventually(async () => {
      const names = await readdir(family().folder.at('logs'))
      expect(names).to.include.members(['http.log', 'http.access.log', 'ftp.log', 'ftp.transfer.log', 'smtp.log', 'pop3.log'])
      return names
    })
    for (const name of logs) {
      const text = await readFile(family().folder.at('logs', name), 'utf8')
      const lines = text.split('\n')
      expect(lines.pop(), name).to.equal('')
      expect(
        lines.filter((line) => raw.test(line) || line === ''),
        name,
      ).to.deep.equal([])
      if (name.split('.').length === 2) for (const line of lines) expect(JSON.parse(line).event, line).not.to.equal('forged')
      if (name === 'http.access.log') {
        for (const line of lines)
          expect(line).to.match(/^127\.0\.0\.1 - - \[[^\]]+\] "(?:[^"\\]|\\.)*" \d{3} \d+ "(?:[^"\\]|\\.)*" "(?:[^"\\]|\\.)*"$/)
      }
      if (name === 'ftp.transfer.log') for (const line of lines) expect(line.split(/ +/)).to.have.length(18)
    }
  })

  it('nor does havre logs print them, to people or as JSON, nor the start', async () => {
    for (const more of [[], ['--json']]) {
      const { code, stdout, stderr } = await family().havre(['logs', '-n', 'all', ...more])
      expect(code, stderr).to.equal(0)
      const lines = stdout.toString().split('\n')
      expect(lines.length).to.be.greaterThan(20)
      expect(lines.filter((line) => raw.test(line))).to.deep.equal([])
      expect(stdout.toString()).to.include('009b')
    }
    expect(raw.test(family().output())).to.equal(false)
  })
})
