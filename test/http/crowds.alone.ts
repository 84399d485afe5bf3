/**
 * Crowds at a family as a user starts it: ten thousand connections that are kept, a million addresses, downloads that stall. What the
 * child takes for them is measured and printed. Alone, since what it measures is the child's memory.
 */
import { readdirSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { expect } from 'chai'
import { memoryOf } from '../../bench/kit/processes.ts'
import { eventually } from '../kit/eventually.ts'
import { type Family, startFamily } from '../kit/family.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'
import { describeWith } from '../kit/programs.ts'
import { run } from '../kit/run.ts'
import { visits } from '../limits/bystanders.ts'
import { openBelow } from './open-files.ts'

const settings = (...lines: readonly string[]): string[] => lines.flatMap((line) => ['--set', line])

/** Connections that are opened at the same time: a listening socket has a queue. */
const atOnce = 200

/** One that has an answer and waits for nothing. */
const kept = (port: number): Promise<Socket> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('error', reject)
    socket.once('connect', () => socket.write('GET /a.txt HTTP/1.1\r\nHost: localhost\r\n\r\n'))
    socket.once('data', () => resolve(socket))
  })

const many = async (count: number, open: () => Promise<Socket>): Promise<Socket[]> => {
  const sockets: Socket[] = []
  while (sockets.length < count) {
    sockets.push(...(await Promise.all(Array.from({ length: Math.min(atOnce, count - sockets.length) }, open))))
  }
  return sockets
}

describe('crowds', function () {
  this.timeout(900_000)
  // It measures: what other work of the machine has disturbed is measured again.
  this.retries(2)
  let folder: TemporaryFolder
  let family: Family | null = null
  before(async function () {
    if (process.platform !== 'linux') this.skip()
    folder = await temporaryFolder()
    await mkdir(folder.at('data/www'), { recursive: true })
    await writeFile(folder.at('data/www/a.txt'), 'hello\n')
    await writeFile(folder.at('data/www/index.html'), 'hello\n')
    await writeFile(folder.at('data/www/large.bin'), Buffer.alloc(24_000_000))
  })
  after(() => folder?.remove())
  afterEach(async () => {
    await family?.[Symbol.asyncDispose]()
    family = null
  })
  const start = async (...lines: readonly string[]) => {
    family = await startFamily({ folder, services: ['http'], args: settings(...lines) })
    const running = family
    const port = running.port('http')
    const service = async () => {
      const found = (await running.status()).services.find(({ name }) => name === 'http')
      if (found === undefined || found.pid === null) throw new Error('no child')
      return { ...found, pid: found.pid }
    }
    for (let n = 0; n < 200; n++) await visits.http(port)
    const { pid } = await service()
    return { port, pid, service, memoryKiB: () => memoryOf(pid).pssKiB }
  }

  it('of 10,000 connections that are kept: each takes little, others are served, and all of it is free again', async () => {
    // Two descriptors for each are set aside.
    const { port, pid, service, memoryKiB } = await start(
      'limits.connections=9900',
      'limits.connectionsPerAddress=9900',
      'services.http.timeouts.keepAlive=10m',
    )
    const fitting = (await run('prlimit', ['--pid', String(pid), '--nofile', '--output=SOFT', '--noheadings'])).stdout.toString()
    const count = Math.min(9_800, Math.floor(Number(fitting) / 2) - 200)
    const before = memoryKiB()
    const each: number[] = []
    // What one crowd leaves behind is what the next one has. The heap is collected only now and then, so that each of the first crowds
    // may take more than the one before; what leaked would be more with every one.
    const levelled = (): boolean => each.length > 2 && Math.max(...each.slice(-2)) <= Math.max(...each.slice(0, -2))
    while (!levelled() && each.length < 20) {
      const sockets = await many(count, () => kept(port))
      each.push((memoryKiB() - before) / count)
      expect((await service()).connections).to.equal(count)
      for (let n = 0; n < 20; n++) await visits.http(port)
      for (const socket of sockets) socket.destroy()
      await eventually(async () => expect((await service()).connections).to.equal(0), 60_000)
    }
    const told = each.map((kiB) => kiB.toFixed(1)).join(', then ')
    console.log(`      ${count} kept connections: ${told} KiB each; ${Math.round(before / 1024)} MiB before`)
    expect(Math.max(...each)).to.be.lessThan(40)
    expect(levelled(), told).to.equal(true)
    expect((await service()).restarts).to.equal(0)
  })

  it('of downloads that stall: one file each is open, others are served, and all are closed when they are cut off', async () => {
    const { port, pid, service, memoryKiB } = await start(
      'limits.idle=30s',
      'limits.connections=1000',
      'limits.connectionsPerAddress=900',
    )
    const before = memoryKiB()
    const count = 800
    const stalled = (): Promise<Socket> =>
      new Promise((resolve, reject) => {
        const socket = connect(port, '127.0.0.1')
        // Cut off in the end, with much unread.
        socket.on('error', (error: NodeJS.ErrnoException) => (error.code === 'ECONNRESET' ? undefined : reject(error)))
        socket.once('connect', () => socket.write('GET /large.bin HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(8)))
        socket.once('readable', () => resolve(socket))
      })
    const sockets = await many(count, stalled)
    await visits.http(port)
    const open = openBelow(folder.at('data', 'www'), pid).filter((path) => path.endsWith('large.bin')).length
    const each = (memoryKiB() - before) / count
    console.log(`      ${count} stalled downloads: ${open} open files, ${each.toFixed(1)} KiB each`)
    expect(open).to.equal(count)
    expect(each).to.be.lessThan(200)
    await eventually(async () => expect((await service()).connections).to.equal(0), 90_000)
    expect(openBelow(folder.at('data', 'www'), pid).filter((path) => path.endsWith('large.bin'))).to.deep.equal([])
    expect(readdirSync(`/proc/${pid}/fd`).length).to.be.lessThan(100)
    for (const socket of sockets) socket.destroy()
    await visits.http(port)
  })

  describeWith(['wrk'], 'of addresses', () => {
    /** No two of them the same; or, to compare, all of them. */
    const script = (n: string): string => `
      local at = 0
      local offset = 0
      local threads = 0
      function setup(thread) thread:set("offset", threads); threads = threads + 1 end
      function request()
        at = at + 1
        local n = ${n}
        local kind = at % 4
        if kind == 0 then return wrk.format(nil, "/none/" .. n .. "/x") end
        if kind == 1 then return wrk.format(nil, "/a.txt?" .. n) end
        if kind == 2 then return wrk.format(nil, "/~nobody" .. n .. "/") end
        return wrk.format(nil, "http://h" .. n .. ".test/a.txt", { ["Accept-Language"] = "x" .. n, ["User-Agent"] = "x" .. n })
      end
      function done(summary)
        local errors = summary.errors
        print("requests", summary.requests, "errors", errors.connect + errors.read + errors.write + errors.timeout)
      end
    `

    const wanted = Number(process.env['HAVRE_TEST_ADDRESSES'] ?? 100_000)

    it(`${wanted} of them, no two the same, take no more memory than as many requests for few: nothing is kept of them`, async () => {
      const { port, service, memoryKiB } = await start()
      const file = folder.at('paths.lua')
      const askFor = async (n: string): Promise<number[]> => {
        await writeFile(file, script(n))
        const samples: number[] = []
        for (let asked = 0; asked < wanted; ) {
          const { code, stdout, stderr } = await run('wrk', [
            '-t2',
            '-c32',
            '-d5s',
            '--timeout',
            '60s',
            '-s',
            file,
            `http://127.0.0.1:${port}/`,
          ])
          expect(code, stderr).to.equal(0)
          const [, requests = '0', errors = '?'] = /requests\s+(\d+)\s+errors\s+(\d+)/.exec(stdout.toString()) ?? []
          expect(Number(requests)).to.be.greaterThan(0)
          expect(errors).to.equal('0')
          asked += Number(requests)
          samples.push(memoryKiB())
        }
        return samples
      }
      const few = await askFor('0')
      const many = await askFor('at * 2 + offset')
      const told = (samples: readonly number[]): string => samples.map((kiB) => Math.round(kiB / 1024)).join(', ')
      console.log(`      MiB under ${wanted} requests for four addresses: ${told(few)}; for as many addresses: ${told(many)}`)
      expect(many.at(-1)).to.be.lessThan(Math.max(...few) + 24 * 1024)
      expect((await service()).restarts).to.equal(0)
    })
  })
})
