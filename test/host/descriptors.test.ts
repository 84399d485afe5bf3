import { spawn } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { expect } from 'chai'
import { descriptorProblems, fittingConnections } from '../../servers/supervisor/descriptors.ts'
import type { ConfiguredService } from '../../shared/config/settings.ts'
import { eventually } from '../kit/eventually.ts'
import { temporaryFolder } from '../kit/folder.ts'
import { run } from '../kit/run.ts'

const host = new URL('../../servers/host/host.ts', import.meta.url).href

/** Uses up all descriptors, then asks for the counters. */
const script = `
  import { openSync } from 'node:fs'
  import { Host } from '${host}'
  const log = { write() {}, with: () => log, keeps: () => false }
  const host = new Host({ serve() {}, refuse: () => '', stop: async () => {} }, { idleMs: 1000, connections: 1, connectionsPerAddress: 1 }, log)
  const before = host.counters.memoryOctets
  try {
    for (;;) openSync('/dev/null')
  } catch (error) {
    if (error.code !== 'EMFILE') throw error
  }
  console.log(host.counters.memoryOctets === before && before > 0)
  process.exit(0)
`

/** Takes all clients that it can, and says when they are there and gone. */
const serving = `
  import { Host } from '${host}'
  const log = { write(level, event) { if (event === 'service.crashed') console.log(event) }, with: () => log, keeps: () => false }
  const serve = async ({ stream }) => {
    stream.write('hello')
    stream.resume()
    await new Promise((resolve) => stream.once('end', resolve))
  }
  const limits = { idleMs: 60000, connections: 1000, connectionsPerAddress: 1000, connectionsPerSecond: null, loginMs: null, totalMs: null, handshakeMs: 1000, memoryOctets: 1e7 }
  const host = new Host({ serve, refuse: () => '', stop: async () => {} }, limits, log)
  console.log('port', await host.listen({ host: '127.0.0.1', port: 0 }))
  process.on('SIGTERM', () => process.exit(0))
`

/** Connects, and says whether it was greeted. */
const greeted = (port: number, sockets: Socket[]): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    sockets.push(socket)
    socket.once('data', () => resolve(true))
    // Cut off: the system closes what no descriptor is left for.
    socket.once('error', () => resolve(false))
    socket.once('close', () => resolve(false))
  })

describe('a child that has no descriptor left', () => {
  it('neither ends nor spins, and serves again as soon as there are some', async function () {
    this.timeout(120_000)
    await using folder = await temporaryFolder()
    await writeFile(folder.at('crowded.ts'), serving)
    const child = spawn('sh', ['-c', `ulimit -n 64; exec "$0" "$1"`, process.execPath, folder.at('crowded.ts')])
    let output = ''
    child.stdout.on('data', (chunk) => {
      output += String(chunk)
    })
    const sockets: Socket[] = []
    try {
      await eventually(() => expect(output).to.match(/port \d+/))
      const port = Number(/port (\d+)/.exec(output)?.[1])
      const first = await Promise.all(Array.from({ length: 120 }, () => greeted(port, sockets)))
      const served = first.filter((each) => each).length
      expect(served).to.be.within(10, 63)
      for (const socket of sockets.splice(0)) socket.destroy()
      await eventually(async () => expect(await greeted(port, sockets)).to.equal(true))
      for (const socket of sockets.splice(0)) socket.destroy()
      await eventually(async () => {
        const again = await Promise.all(Array.from({ length: served - 5 }, () => greeted(port, sockets)))
        for (const socket of sockets.splice(0)) socket.destroy()
        expect(again.every((each) => each)).to.equal(true)
      })
      expect(child.exitCode).to.equal(null)
      expect(output).to.not.contain('service.crashed')
    } finally {
      for (const socket of sockets) socket.destroy()
      child.kill()
    }
  })

  it('is kept from it: no service takes more connections than fit, and the start says so', () => {
    const service = (connections: number) =>
      ({ name: 'http', enabled: true, external: null, limits: { connections } }) as ConfiguredService
    expect(fittingConnections(service(1_000), 1_024)).to.equal(448)
    expect(fittingConnections(service(100), 1_024)).to.equal(100)
    expect(fittingConnections(service(1_000), null)).to.equal(1_000)
    expect(fittingConnections(service(5), 10)).to.equal(1)
    expect(descriptorProblems([service(1_000), service(10)], 1_024)).to.deep.equal([
      'http takes 448 connections, not 1000: that needs ulimit -n 2128, and it is 1024',
    ])
  })

  it('still counts, with the memory as it was measured last', async () => {
    await using folder = await temporaryFolder()
    await writeFile(folder.at('full.ts'), script)
    const { stdout, stderr } = await run('sh', ['-c', `ulimit -n 64; exec "$0" "$1"`, process.execPath, folder.at('full.ts')])
    expect(`${stdout}${stderr}`).to.equal('true\n')
  })
})
