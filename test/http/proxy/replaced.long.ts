import { createHash } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import { expect } from 'chai'
import { Client } from '../../kit/client.ts'
import { eventually } from '../../kit/eventually.ts'
import { type Family, startFamily } from '../../kit/family.ts'
import { type TemporaryFolder, temporaryFolder } from '../../kit/folder.ts'
import { seeded } from '../../kit/seeded.ts'
import { type Upstream, upstreamOf } from './upstream.ts'

/** More than what all sockets on the way hold, so that a download is not over before its reader says so. */
const piece = seeded(12).octets(8_000)
const large = Buffer.concat(Array.from({ length: 3_000 }, () => piece))
const digest = (content: Buffer): string => createHash('sha256').update(content).digest('hex')

const upgrade = 'Connection: Upgrade\r\nUpgrade: echo\r\n'

/** Gives the large file, takes uploads and tells what came, and goes over to `echo`, which says everything back. */
const startUpstream = (): Promise<Upstream> => {
  const server = createServer((request, response) => {
    if (request.method === 'GET') return void response.end(request.url === '/large' ? large : 'small')
    const hash = createHash('sha256')
    request.on('data', (octets: Buffer) => hash.update(octets))
    request.on('end', () => response.end(hash.digest('hex')))
  })
  server.on('upgrade', (_request, socket) => {
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${upgrade}\r\n`)
    socket.pipe(socket)
  })
  return upstreamOf(server)
}

describe('what goes by way of a proxy, when the child that passes it on is replaced', function () {
  this.timeout(900_000)
  let folder: TemporaryFolder
  let upstream: Upstream
  let family: Family
  let settings: string
  before(async function () {
    if (process.platform !== 'linux') this.skip()
    folder = await temporaryFolder()
    upstream = await startUpstream()
    settings = folder.at('havre.yaml')
    await writeFile(settings, yamlWith(1_000))
    family = await startFamily({ folder, services: ['http'], args: ['--config', settings] })
  })
  after(async () => {
    await family?.[Symbol.asyncDispose]()
    await upstream?.close()
    await folder?.remove()
  })

  const yamlWith = (connections: number): string =>
    `drain: 5m\nservices: { http: { limits: { connections: ${connections} }, routes: [{ path: /, proxy: '${upstream.url}' }] } }\n`

  const pid = async (): Promise<number | null> => (await family.status()).services.find(({ name }) => name === 'http')?.pid ?? null

  const begin = async (head: string): Promise<Client> => {
    const client = await Client.connect(family.port('http'), { deadlineMs: 60_000 })
    await client.send(`${head}Host: localhost\r\n\r\n`)
    return client
  }
  const headOf = async (client: Client): Promise<string> => {
    const status = await client.line()
    while ((await client.line()) !== '');
    return status
  }

  const ways: Readonly<Record<string, () => Promise<void>>> = {
    'havre reload': async () => {
      await writeFile(settings, yamlWith(1_001))
      const { code, stderr } = await family.havre(['reload'])
      expect(code, stderr.toString()).to.equal(0)
    },
    SIGHUP: async () => {
      await writeFile(settings, yamlWith(1_002))
      const before = await pid()
      family.process.kill('SIGHUP')
      await eventually(async () => expect(await pid()).not.to.be.oneOf([before, null]))
    },
    'havre restart': async () => {
      const { code, stderr } = await family.havre(['restart', 'http'])
      expect(code, stderr.toString()).to.equal(0)
    },
  }

  for (const [way, change] of Object.entries(ways)) {
    it(`is not cut by ${way}: downloads, uploads and connections of other protocols go on`, async () => {
      using down = await begin('GET /large HTTP/1.1\r\n')
      expect(await headOf(down)).to.equal('HTTP/1.1 200 OK')
      down.pause()
      using up = await begin(`POST /up HTTP/1.1\r\nContent-Length: ${large.length}\r\n`)
      await up.send(large.subarray(0, 1_000_000))
      using other = await begin(`GET /echo HTTP/1.1\r\n${upgrade}`)
      expect(await headOf(other)).to.equal('HTTP/1.1 101 Switching Protocols')
      using kept = await begin('GET / HTTP/1.1\r\n')
      expect(await headOf(kept)).to.equal('HTTP/1.1 200 OK')
      await kept.octets(5)

      const before = await pid()
      await change()
      expect(await pid()).not.to.equal(before)

      using fresh = await begin('GET / HTTP/1.1\r\nConnection: close\r\n')
      expect((await fresh.rest()).toString()).to.match(/^HTTP\/1\.1 200 [\s\S]*small$/)
      for (const word of ['one', 'and another', 'x'.repeat(100_000)]) {
        await other.send(word)
        expect((await other.octets(word.length)).toString()).to.equal(word)
      }
      await kept.send('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
      expect((await kept.rest()).toString()).to.match(/^HTTP\/1\.1 200 [\s\S]*\r\nConnection: close\r\n[\s\S]*small$/)
      await up.send(large.subarray(1_000_000))
      expect((await up.rest()).toString()).to.match(new RegExp(`^HTTP/1\\.1 200 [\\s\\S]*${digest(large)}$`))
      down.resume()
      expect(digest(await down.octets(large.length))).to.equal(digest(large))
      other.end()
      expect((await other.rest()).length).to.equal(0)
    })
  }
})
