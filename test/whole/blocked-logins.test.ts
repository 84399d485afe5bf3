import { mkdir, writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { makeFtpAccounts, password } from '../ftp/ftp-family.ts'
import { type Answer, readAnswers } from '../http/raw.ts'
import { Client } from '../kit/client.ts'
import { type Family, startFamily } from '../kit/family.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'

/** After so many bad logins an address is refused, as the default is. */
const blockAfter = 20

/** Logins from one address, over each protocol: what is answered to the password. */
class Visitor {
  readonly #family: Family
  readonly #from: string
  constructor(family: Family, from: string) {
    this.#family = family
    this.#from = from
  }

  async http(secret: string, fields: readonly string[] = []): Promise<Answer> {
    using client = await this.#connect('http')
    const login = `Authorization: Basic ${Buffer.from(`alice:${secret}`).toString('base64')}`
    const lines = ['GET /private/a.txt HTTP/1.1', 'Host: localhost', 'Connection: close', login, ...fields]
    await client.send(`${lines.join('\r\n')}\r\n\r\n`)
    const [answer] = readAnswers(await client.rest())
    if (answer === undefined) throw new Error('no answer')
    return answer
  }

  /** The code of the reply. */
  async ftp(secret: string): Promise<string> {
    using client = await this.#connect('ftp')
    await client.reply()
    await client.command('USER alice')
    await client.reply()
    await client.command(`PASS ${secret}`)
    return ((await client.reply()).at(-1) ?? '').slice(0, 3)
  }

  async pop3(secret: string): Promise<string> {
    using client = await this.#connect('pop3')
    await client.line()
    await client.ask('USER alice')
    return await client.ask(`PASS ${secret}`)
  }

  #connect(service: string): Promise<Client> {
    return Client.connect(this.#family.port(service), { from: this.#from, deadlineMs: 60_000 })
  }
}

describe('the whole: bad logins', function () {
  this.timeout(120_000)
  let folder: TemporaryFolder
  let family: Family
  const from = (address: string) => new Visitor(family, address)

  before('start HTTP, FTP and POP3', async () => {
    folder = await temporaryFolder()
    await makeFtpAccounts(folder)
    await mkdir(folder.at('data', 'www', 'private'), { recursive: true })
    await writeFile(folder.at('data', 'www', 'private', 'a.txt'), 'secret')
    await writeFile(
      folder.at('my.yaml'),
      'services: { http: { trust: [127.0.0.4], routes: [{ path: /private/, auth: [alice] }] } }\nlogins: { delay: 1ms, maxDelay: 1ms }\n',
    )
    family = await startFamily({ folder, services: ['http', 'ftp', 'pop3'], args: ['--config', folder.at('my.yaml')] })
  })
  after(async () => {
    await family?.[Symbol.asyncDispose]()
    await folder.remove()
  })

  it('over HTTP keep their address out of all services, and nobody else', async () => {
    const guesser = from('127.0.0.2')
    for (let nth = 0; nth < blockAfter; nth += 1) expect((await guesser.http(`guess ${nth}`)).status).to.equal(401)
    const { status, fields } = await guesser.http(password)
    expect(status).to.equal(429)
    expect(Number(fields['retry-after'])).to.be.within(1, 600)
    expect(await guesser.ftp(password)).to.equal('421')
    expect(await guesser.pop3(password)).to.match(/^-ERR .*Too many bad logins/)
    const other = from('127.0.0.1')
    expect((await other.http(password)).status).to.equal(200)
    expect(await other.ftp(password)).to.equal('230')
    expect(await other.pop3(password)).to.match(/^\+OK/)
  })

  it('over FTP and POP3 keep their address out of HTTP', async () => {
    const guesser = from('127.0.0.3')
    for (let nth = 0; nth < blockAfter / 2; nth += 1) {
      expect(await guesser.ftp(`guess ${nth}`)).to.equal('530')
      expect(await guesser.pop3(`guess ${nth}`)).to.match(/^-ERR/)
    }
    expect((await guesser.http(password)).status).to.equal(429)
    expect((await from('127.0.0.1').http(password)).status).to.equal(200)
  })

  it('by way of a proxy that is believed keep out who guesses, and not the proxy', async () => {
    const proxy = from('127.0.0.4')
    const guesses = ['X-Forwarded-For: 198.51.100.1, 203.0.113.9']
    for (let nth = 0; nth < blockAfter; nth += 1) expect((await proxy.http(`guess ${nth}`, guesses)).status).to.equal(401)
    expect((await proxy.http(password, guesses)).status).to.equal(429)
    expect((await proxy.http(password, ['X-Forwarded-For: 203.0.113.10'])).status).to.equal(200)
    expect((await proxy.http(password)).status).to.equal(200)
    expect(await proxy.ftp(password)).to.equal('230')
    // Who is no such proxy is who he is, whatever he says.
    const guesser = from('127.0.0.2')
    expect((await guesser.http(password, ['X-Forwarded-For: 203.0.113.10'])).status).to.equal(429)
  })
})
