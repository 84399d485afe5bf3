import { open, rename, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { Client } from '../kit/client.ts'
import { seeded } from '../kit/seeded.ts'
import type { Running } from '../kit/serving.ts'
import { openBelow } from './open-files.ts'
import { get } from './raw.ts'
import { serveSite } from './site.ts'

const request = (target: string, fields = ''): string => `GET ${target} HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n`

const large = seeded(7).octets(1_000)
const whole = Buffer.concat(Array.from({ length: 8_000 }, () => large))

describe('the delivery of files', () => {
  let site: Running
  let file: string
  beforeEach(async () => {
    site = await serveSite({
      'www/large.bin': whole,
      'www/128k.bin': whole.subarray(0, 131_072),
      'www/more.bin': whole.subarray(0, 131_073),
    })
    file = join(site.settings.data, 'www', 'large.bin')
  })
  afterEach(async () => {
    await site.close()
  })
  const allClosed = async (): Promise<void> => {
    while (site.open > 0) await sleep(10)
    while (openBelow(site.settings.data).length > 0) await sleep(10)
  }
  const last = () => site.journal.of('request.finished').at(-1)?.fields

  it('is exact, for each size and part', async () => {
    for (const [name, size] of [
      ['large.bin', 8_000_000],
      ['128k.bin', 131_072],
      ['more.bin', 131_073],
    ] as const) {
      const answer = await get(site.port, `/${name}`)
      expect(answer.body.equals(whole.subarray(0, size)), name).to.equal(true)
      const part = await get(site.port, `/${name}`, { Range: 'bytes=1-131072' })
      expect(part.body.equals(whole.subarray(1, Math.min(131_073, size))), name).to.equal(true)
    }
    const part = await get(site.port, '/large.bin', { Range: 'bytes=131071-7999998' })
    expect(part.body.equals(whole.subarray(131_071, 7_999_999))).to.equal(true)
    expect(last()).to.include({ status: 206, octets: 7_868_928 })
    await allClosed()
  })

  it('is exact for several parts, read at once or streamed', async () => {
    for (const [range, spans] of [
      [
        '0-9,7999990-',
        [
          [0, 10],
          [7_999_990, 8_000_000],
        ],
      ],
      [
        '5000000-6999999,1-100000,300000-400000',
        [
          [5_000_000, 7_000_000],
          [1, 100_001],
          [300_000, 400_001],
        ],
      ],
    ] as const) {
      const answer = await get(site.port, '/large.bin', { Range: `bytes=${range}` })
      expect(answer.status).to.equal(206)
      const [, boundary = ''] = /^multipart\/byteranges; boundary=(.+)$/.exec(answer.fields['content-type'] ?? '') ?? []
      const wanted = spans.flatMap(([from, end], at) => [
        Buffer.from(`${at === 0 ? '' : '\r\n'}--${boundary}\r\nContent-Type: application/octet-stream\r\n`),
        Buffer.from(`Content-Range: bytes ${from}-${end - 1}/8000000\r\n\r\n`),
        whole.subarray(from, end),
      ])
      expect(answer.body.equals(Buffer.concat([...wanted, Buffer.from(`\r\n--${boundary}--\r\n`)])), range).to.equal(true)
      expect(last()).to.include({ status: 206, octets: answer.body.length })
    }
    await allClosed()
  })

  it('closes the file of a client that goes away', async () => {
    const clients = await Promise.all(Array.from({ length: 10 }, () => Client.connect(site.port)))
    for (const client of clients) {
      await client.send(request('/large.bin').repeat(2))
      await client.line()
    }
    expect(openBelow(site.settings.data)).to.have.length.greaterThan(0)
    for (const [at, client] of clients.entries()) {
      if (at % 2 === 0) client.reset()
      else client[Symbol.dispose]()
    }
    await allClosed()
    const records = site.journal.of('request.finished')
    expect(records).to.have.length(20)
    expect(site.journal.records.filter((record) => record.level === 'error')).to.deep.equal([])
  })

  it('closes files for answers that do not need them', async () => {
    await get(site.port, '/large.bin', {}, 'HEAD')
    await get(site.port, '/large.bin', { 'If-None-Match': '*' })
    await get(site.port, '/large.bin', { 'If-Match': '"x"' })
    await get(site.port, '/large.bin', { Range: 'bytes=9000000-' })
    await allClosed()
  })

  const started = async (): Promise<Client> => {
    const client = await Client.connect(site.port)
    await client.send(request('/large.bin'))
    await client.line()
    client.pause()
    return client
  }

  it('gives the old file whole when another takes its name', async () => {
    using client = await started()
    await writeFile(`${file}.new`, 'new')
    await rename(`${file}.new`, file)
    client.resume()
    await client.send(request('/large.bin', 'Connection: close\r\n'))
    const said = await client.rest()
    const body = said.indexOf('\r\n\r\n') + 4
    expect(said.subarray(body, body + 8_000_000).equals(whole)).to.equal(true)
    expect(said.subarray(-3).toString()).to.equal('new')
  })

  it('ends in the middle when the file becomes shorter', async () => {
    using client = await started()
    await truncate(file, 5_000)
    client.resume()
    const said = await client.rest()
    expect(said.length).to.be.lessThan(8_000_000)
    await allClosed()
    expect(site.journal.of('request.cut').at(-1)?.fields).to.include({ reason: 'file-changed', path: '/large.bin' })
    expect(last()).to.include({ status: 200, complete: false })
  })

  it('ends in the middle when the file is written to: never a mixture that looks whole', async () => {
    using client = await started()
    const handle = await open(file, 'r+')
    await handle.write('changed', 7_999_000)
    await handle.close()
    client.resume()
    const said = await client.rest()
    expect(said.subarray(said.indexOf('\r\n\r\n') + 4).length).to.be.lessThan(8_000_000)
    await allClosed()
    expect(site.journal.of('request.cut').at(-1)?.fields).to.include({ reason: 'file-changed' })
  })

  it('ends in the middle of several parts when the file is written to', async () => {
    using client = await Client.connect(site.port)
    await client.send(request('/large.bin', 'Range: bytes=0-3999999,4000010-\r\n'))
    await client.line()
    client.pause()
    const handle = await open(file, 'r+')
    await handle.write('changed', 7_999_000)
    await handle.close()
    client.resume()
    const said = (await client.rest()).toString('latin1')
    expect(said).not.to.match(/--\r\n$/)
    await allClosed()
    expect(site.journal.of('request.cut').at(-1)?.fields).to.include({ reason: 'file-changed' })
  })

  it('holds little for a client that takes nothing', async () => {
    const before = process.memoryUsage()
    const clients = await Promise.all(Array.from({ length: 20 }, started))
    await sleep(300)
    const after = process.memoryUsage()
    // Two buffers of 128 KiB each, and what they are made into on the way; 160 MB would be the files.
    expect(after.arrayBuffers + after.external - before.arrayBuffers - before.external).to.be.lessThan(80_000_000)
    for (const client of clients) client[Symbol.dispose]()
    await allClosed()
  })

  it('holds less for each the more of them stall, and serves others meanwhile', async () => {
    const held = () => process.memoryUsage().arrayBuffers
    const before = held()
    const clients: Client[] = []
    while (clients.length < 300) clients.push(...(await Promise.all(Array.from({ length: 20 }, started))))
    expect((await get(site.port, '/128k.bin')).body.length).to.equal(131_072)
    await sleep(300)
    // With 512 KiB for each of them it would be 157 MB; what the clients themselves hold unread is in it too.
    expect(held() - before).to.be.lessThan(130_000_000)
    for (const client of clients) client[Symbol.dispose]()
    await allClosed()
    // What was lent came back: the next one gets large buffers again, and its file whole.
    expect((await get(site.port, '/large.bin')).body.equals(whole)).to.equal(true)
  })

  it('has a tag that is the same over restarts and another for each state of the file', async () => {
    const tag = async (running: Running) => (await get(running.port, '/large.bin', {}, 'HEAD')).fields['etag'] ?? ''
    const first = await tag(site)
    expect(first).to.match(/^"[\w-]+"$/)
    expect(await tag(site)).to.equal(first)
    const child = site.server
    expect(child).to.be.an('object')
    const tags = new Set([first])
    await using handle = await open(file, 'r+')
    await handle.write('changed', 0)
    tags.add(await tag(site))
    await truncate(file, 7_000_000)
    tags.add(await tag(site))
    await writeFile(`${file}.new`, whole)
    await rename(`${file}.new`, file)
    tags.add(await tag(site))
    expect(tags.size).to.equal(4)
    const answer = await get(site.port, '/large.bin', { 'If-None-Match': await tag(site) })
    expect(answer.status).to.equal(304)
  })
})
