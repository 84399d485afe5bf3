import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { makeFtpAccounts, password } from '../../ftp/ftp-family.ts'
import { RawSession } from '../../ftp/raw-session.ts'
import { Client } from '../../kit/client.ts'
import { type Family, startFamily } from '../../kit/family.ts'
import { type TemporaryFolder, temporaryFolder } from '../../kit/folder.ts'
import { loginOf } from './home.ts'

const rounds = 25
const writersEach = 3

/** A client with a connection of its own that is kept. */
class Writer implements Disposable {
  readonly #client: Client
  private constructor(client: Client) {
    this.#client = client
  }

  static async open(port: number): Promise<Writer> {
    return new Writer(await Client.connect(port, { deadlineMs: 60_000 }))
  }

  async ask(method: string, fields: readonly string[], content: string | null): Promise<{ status: number; etag: string }> {
    const length = content === null ? [] : [`Content-Length: ${content.length}`]
    const lines = [`${method} /~alice/a HTTP/1.1`, 'Host: a', `Authorization: ${loginOf('alice', password)}`, ...fields, ...length]
    await this.#client.send(`${lines.join('\r\n')}\r\n\r\n${content ?? ''}`)
    const [, status = ''] = (await this.#client.line()).split(' ')
    let etag = ''
    let octets = 0
    for (let line = await this.#client.line(); line !== ''; line = await this.#client.line()) {
      etag = /^ETag: (.*)/i.exec(line)?.[1] ?? etag
      octets = Number(/^Content-Length: (\d+)/i.exec(line)?.[1] ?? octets)
    }
    if (octets > 0 && method !== 'HEAD') await this.#client.octets(octets)
    return { status: Number(status), etag }
  }

  [Symbol.dispose](): void {
    this.#client[Symbol.dispose]()
  }
}

describe('changes with conditions that come by two processes at once', function () {
  this.timeout(180_000)
  let folder: TemporaryFolder
  let family: Family
  let writers: Writer[] = []

  before('start two services of HTTP that write, and FTP', async () => {
    folder = await temporaryFolder()
    await makeFtpAccounts(folder)
    await mkdir(folder.at('data', 'files', 'alice', 'public_html'), { recursive: true })
    const args = ['services.http.write=true', 'services.other.protocol=http', 'services.other.write=true', 'files.sync=never']
    family = await startFamily({ folder, services: ['http', 'ftp'], args: args.flatMap((set) => ['--set', set]) })
    const ports = Array.from({ length: writersEach }, () => [family.port('http'), family.port('other')]).flat()
    writers = await Promise.all(ports.map((port) => Writer.open(port)))
  })
  after(async () => {
    for (const writer of writers) writer[Symbol.dispose]()
    await family?.[Symbol.asyncDispose]()
    await folder.remove()
  })

  const file = () => folder.at('data', 'files', 'alice', 'public_html', 'a')
  const contents = (round: number) => writers.map((_, nth) => `${round} ${nth} ${'x'.repeat(nth)}`)
  const all = (method: string, fields: readonly string[], each: readonly (string | null)[]) =>
    Promise.all(writers.map((writer, nth) => writer.ask(method, fields, each[nth] ?? null)))

  it('have one winner: of all that know the same file (If-Match)', async () => {
    await writeFile(file(), 'first')
    for (let round = 0; round < rounds; round += 1) {
      const { etag } = (await writers[0]?.ask('HEAD', [], null)) ?? { etag: '' }
      const sent = contents(round)
      const answers = await all('PUT', [`If-Match: ${etag}`], sent)
      const statuses = answers.map(({ status }) => status)
      expect(statuses.toSorted(), `round ${round}`).to.deep.equal([204, ...new Array<number>(writers.length - 1).fill(412)])
      expect(await readFile(file(), 'utf8')).to.equal(sent[statuses.indexOf(204)])
    }
  })

  it('have one winner: of all that make a file, and of all that remove it', async () => {
    for (let round = 0; round < rounds; round += 1) {
      const { etag, status } = (await writers[0]?.ask('HEAD', [], null)) ?? { etag: '', status: 0 }
      if (status === 200) {
        const removed = await all('DELETE', [`If-Match: ${etag}`], [])
        const statuses = removed.map((answer) => answer.status).toSorted()
        expect(statuses, `round ${round}`).to.deep.equal([204, ...new Array<number>(writers.length - 1).fill(404)])
      }
      const sent = contents(round)
      const statuses = (await all('PUT', ['If-None-Match: *'], sent)).map((answer) => answer.status)
      expect(statuses.toSorted(), `round ${round}`).to.deep.equal([201, ...new Array<number>(writers.length - 1).fill(412)])
      expect(await readFile(file(), 'utf8')).to.equal(sent[statuses.indexOf(201)])
    }
  })

  it('either come before an upload over FTP, or are refused', async () => {
    await writeFile(file(), 'first')
    const port = family.port('ftp')
    using session = await RawSession.open({ host: '127.0.0.1', port }, 'alice', { deadlineMs: 60_000 }, password)
    for (let round = 0; round < rounds; round += 1) {
      const { etag } = (await writers[0]?.ask('HEAD', [], null)) ?? { etag: '' }
      const wanted = await session.passive()
      expect(await session.ask('STOR public_html/a')).to.match(/^150 /)
      await wanted.send(Buffer.from(`by FTP ${round}`))
      const known = all('PUT', [`If-Match: ${etag}`], contents(round))
      wanted.end()
      expect(await session.reply()).to.match(/^226 /)
      expect((await known).filter(({ status }) => status === 204).length).to.be.at.most(1)
      expect(await readFile(file(), 'utf8'), `round ${round}`).to.equal(`by FTP ${round}`)
    }
  })

  it('either come before a change without conditions, or are refused', async () => {
    await writeFile(file(), 'first')
    for (let round = 0; round < rounds; round += 1) {
      const { etag } = (await writers[0]?.ask('HEAD', [], null)) ?? { etag: '' }
      const asked = writers.map((writer, nth) =>
        nth === 0 ? writer.ask('PUT', [], `any ${round}`) : writer.ask('PUT', [`If-Match: ${etag}`], `known ${round} ${nth}`),
      )
      const [any, ...known] = (await Promise.all(asked)).map(({ status }) => status)
      expect(any).to.equal(204)
      expect(known.filter((status) => status === 204).length).to.be.at.most(1)
      // Whichever came first, the one without conditions is the last.
      expect(await readFile(file(), 'utf8'), `round ${round}`).to.equal(`any ${round}`)
    }
  })
})
