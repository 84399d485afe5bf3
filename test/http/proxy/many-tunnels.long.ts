/** A thousand connections of another protocol at once by way of a route, at a family as a user starts it. What the child takes for them is printed. */
import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect, type Socket } from 'node:net'
import { expect } from 'chai'
import { memoryOf } from '../../../bench/kit/processes.ts'
import { descriptorLimit } from '../../../servers/supervisor/descriptors.ts'
import { eventually } from '../../kit/eventually.ts'
import { startFamily } from '../../kit/family.ts'
import { get } from '../raw.ts'
import { upstreamOf } from './upstream.ts'

/** A thousand, or as many as fit into the open files of one process: here as in the child each takes two. */
const count = Math.min(1_000, Math.floor(((descriptorLimit('self') ?? 4_096) - 400) / 2))
/** Connections that are opened at the same time: a listening socket has a queue. */
const atOnce = 100

const upgrade = 'Connection: Upgrade\r\nUpgrade: websocket\r\n'

/** Says everything back that is said behind 101, and `small` to everybody else. */
const startUpstream = () => {
  const server = createServer((_request, response) => void response.end('small'))
  server.on('upgrade', (_request, socket) => {
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${upgrade}\r\n`)
    socket.pipe(socket)
  })
  return upstreamOf(server)
}

/** The next so many octets. */
const octetsOf = (socket: Socket, wanted: number): Promise<string> =>
  new Promise((resolve, reject) => {
    let text = ''
    const over = () => reject(new Error(`the connection is over: ${text}`))
    const take = (octets: Buffer) => {
      text += octets.toString('latin1')
      if (text.length < wanted) return
      socket.off('data', take).off('close', over)
      resolve(text)
    }
    socket.on('data', take).once('close', over)
  })

/** One that is through to the upstream server. */
const open = async (port: number): Promise<Socket> => {
  const socket = connect(port, '127.0.0.1')
  await once(socket, 'connect')
  let head = ''
  socket.write(`GET /ws HTTP/1.1\r\nHost: localhost\r\n${upgrade}\r\n`)
  while (!head.endsWith('\r\n\r\n')) head += await octetsOf(socket, 1)
  expect(head).to.match(/^HTTP\/1\.1 101 /)
  return socket
}

describe('a thousand connections of another protocol by way of a proxy', function () {
  this.timeout(900_000)
  before(function () {
    if (process.platform !== 'linux') this.skip()
  })

  it('are all open at once and all answered, others are served, and all of it is free again', async () => {
    await using upstream = await startUpstream()
    const limits = ['limits.connections=2000', 'limits.connectionsPerAddress=2000']
    const routes = `services.http.routes=[{ path: /, proxy: '${upstream.url}' }]`
    await using family = await startFamily({ services: ['http'], args: [...limits, routes].flatMap((line) => ['--set', line]) })
    const port = family.port('http')
    const service = async () => (await family.status()).services.find(({ name }) => name === 'http')
    for (let warm = 0; warm < 100; warm += 1) await get(port, '/')
    const pid = (await service())?.pid ?? 0
    const before = memoryOf(pid).pssKiB
    const sockets: Socket[] = []
    try {
      while (sockets.length < count) {
        const length = Math.min(atOnce, count - sockets.length)
        sockets.push(...(await Promise.all(Array.from({ length }, () => open(port)))))
      }
      await eventually(async () => expect((await service())?.connections).to.equal(count))
      const heard = await Promise.all(
        sockets.map((socket, at) => {
          const said = octetsOf(socket, 10)
          socket.write(String(at).padStart(10))
          return said
        }),
      )
      expect(heard).to.deep.equal(sockets.map((_socket, at) => String(at).padStart(10)))
      expect((await get(port, '/')).body.toString()).to.equal('small')
      const each = (memoryOf(pid).pssKiB - before) / count
      process.stdout.write(`    ${each.toFixed(1)} KiB of memory for each of ${count}\n`)
      // Measured: see docs/performance.md. Far more would be a leak, or content that is kept.
      expect(each).to.be.lessThan(200)
      expect((await service())?.refused).to.deep.equal({})
    } finally {
      for (const socket of sockets) socket.destroy()
    }
    await eventually(async () => expect((await service())?.connections).to.equal(0))
    await eventually(() => expect(upstream.connections.filter((socket) => !socket.destroyed).length).to.be.at.most(1))
    expect((await service())?.pid).to.equal(pid)
  })
})
