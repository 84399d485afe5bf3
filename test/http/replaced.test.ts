import { createHash } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { Client } from '../kit/client.ts'
import { eventually } from '../kit/eventually.ts'
import { type Family, startFamily } from '../kit/family.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'
import { describeWith } from '../kit/programs.ts'
import { run } from '../kit/run.ts'
import { seeded } from '../kit/seeded.ts'

/** More than what the sockets of both sides hold, so that a download is not over before its reader says so. */
const octets = 24_000_000
const piece = seeded(11).octets(8_000)
const large = Buffer.concat(Array.from({ length: octets / piece.length }, () => piece))
const digest = (content: Buffer): string => createHash('sha256').update(content).digest('hex')

const downloads = 6

/** A download that has begun and is not taken yet. */
const begun = async (family: Family): Promise<Client> => {
  const client = await Client.connect(family.port('http'), { deadlineMs: 60_000 })
  await client.send('GET /large.bin HTTP/1.1\r\nHost: localhost\r\n\r\n')
  expect(await client.line()).to.match(/^HTTP\/1\.1 200 /)
  while ((await client.line()) !== '');
  client.pause()
  return client
}

const begunMany = (family: Family): Promise<Client[]> => Promise.all(Array.from({ length: downloads }, () => begun(family)))

describe('downloads, when the child that serves them is replaced', function () {
  this.timeout(180_000)
  let folder: TemporaryFolder
  let family: Family
  let settings: string
  before(async function () {
    if (process.platform !== 'linux') this.skip()
    folder = await temporaryFolder()
    await mkdir(dirname(folder.at('data/www/x')), { recursive: true })
    await writeFile(folder.at('data/www/large.bin'), large)
    await writeFile(folder.at('data/www/index.html'), 'here')
    settings = folder.at('havre.yaml')
    await writeFile(settings, 'drain: 5m\n')
    family = await startFamily({ folder, services: ['http'], args: ['--config', settings] })
  })
  after(async () => {
    await family?.[Symbol.asyncDispose]()
    await folder?.remove()
  })

  const pid = async (): Promise<number | null> => (await family.status()).services.find(({ name }) => name === 'http')?.pid ?? null

  const visit = async (): Promise<void> => {
    using client = await Client.connect(family.port('http'), { deadlineMs: 60_000 })
    await client.send('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    expect((await client.rest()).toString()).to.match(/^HTTP\/1\.1 200 /)
  }

  const wholeOf = async (client: Client): Promise<void> => {
    client.resume()
    expect(digest(await client.octets(octets))).to.equal(digest(large))
    client[Symbol.dispose]()
  }

  for (const [name, replace] of [
    [
      'reload',
      async (n: number) => {
        await writeFile(settings, `drain: 5m\nlimits: { connections: ${900 - n} }\n`)
        return family.havre(['reload'])
      },
    ],
    ['restart', () => family.havre(['restart', 'http'])],
  ] as const) {
    it(`go on to their end over a ${name}, while new clients are served by the next child`, async () => {
      const first = await pid()
      const early = await begunMany(family)
      const { code, stderr } = await replace(1)
      expect(code, stderr).to.equal(0)
      await eventually(async () => expect(await pid()).to.not.equal(first))
      await visit()
      const late = await begunMany(family)
      expect((await replace(2)).code).to.equal(0)
      await visit()
      for (const client of [...late, ...early]) await wholeOf(client)
      await eventually(async () => {
        const records = (await family.records('http')).filter(
          ({ event, path }) => event === 'request.finished' && path === '/large.bin',
        )
        expect(records.slice(-2 * downloads).map((record) => record['octets'])).to.deep.equal(Array(2 * downloads).fill(octets))
      })
    })
  }

  it('break off when it is killed; nobody else is refused, and who goes on where he was has the file whole', async () => {
    const clients = await begunMany(family)
    const first = await pid()
    if (first === null) throw new Error('no child')
    process.kill(first, 'SIGKILL')
    // Before the next child is there: the port stays open.
    await visit()
    const parts = clients.map(async (client) => {
      client.resume()
      const part = await client.rest()
      expect(part.length).to.be.lessThan(octets)
      expect(part.equals(large.subarray(0, part.length))).to.equal(true)
      using next = await Client.connect(family.port('http'), { deadlineMs: 60_000 })
      await next.send(`GET /large.bin HTTP/1.1\r\nHost: localhost\r\nRange: bytes=${part.length}-\r\nConnection: close\r\n\r\n`)
      const said = await next.rest()
      const head = said.indexOf('\r\n\r\n')
      expect(said.subarray(0, head).toString()).to.match(/^HTTP\/1\.1 206 /)
      expect(digest(Buffer.concat([part, said.subarray(head + 4)]))).to.equal(digest(large))
    })
    await Promise.all(parts)
  })

  describeWith(['curl', 'wget'], 'of real clients', () => {
    /** Kills the child so often that no download of this length gets through in one piece. */
    const killing = async (until: () => boolean): Promise<number> => {
      let kills = 0
      for (; !until() && kills < 3; kills++) {
        await sleep(400)
        const now = await pid()
        if (now !== null) process.kill(now, 'SIGKILL')
        await visit()
      }
      return kills
    }

    for (const [program, args] of Object.entries({
      wget: ['-q', '--tries=50', '--waitretry=1', '--retry-connrefused', '--limit-rate=8m', '-O', 'OUT', 'URL'],
      curl: [
        '-sS',
        '--fail',
        '--retry',
        '50',
        '--retry-all-errors',
        '--retry-delay',
        '1',
        '--limit-rate',
        '8M',
        '-C',
        '-',
        '-o',
        'OUT',
        'URL',
      ],
    })) {
      it(`${program} has its file whole though the child is killed in the middle, again and again`, async () => {
        const out = folder.at(`${program}.out`)
        const url = `http://127.0.0.1:${family.port('http')}/large.bin`
        let over = false
        const running = run(
          program,
          args.map((arg) => (arg === 'OUT' ? out : arg === 'URL' ? url : arg)),
          { deadlineMs: 120_000 },
        ).finally(() => {
          over = true
        })
        const [ended, kills] = await Promise.all([running, killing(() => over)])
        expect(kills).to.be.greaterThan(0)
        expect(ended.code, ended.stderr).to.equal(0)
        const { stdout } = await run('sha256sum', [out])
        expect(stdout.toString().slice(0, 64)).to.equal(digest(large))
      })
    }
  })
})
