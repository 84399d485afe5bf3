/**
 * A server behind a proxy: answers everything with 1 KiB, or with as many octets as `?octets=` says, in chunks; what is upgraded is
 * echoed. Tells its port when it listens, and ends with whoever started it.
 */
import { createServer } from 'node:http'
import process from 'node:process'
import { Readable } from 'node:stream'

const content = Buffer.alloc(1_024, 'x')
const fields = ['Content-Type', 'application/octet-stream', 'Content-Length', String(content.length)]

const chunks = function* (octets: number) {
  for (let left = octets; left > 0; left -= 16_384) yield Buffer.alloc(Math.min(left, 16_384), 'y')
}

const server = createServer((request, response) => {
  request.resume()
  const octets = /\?octets=(\d+)$/.exec(request.url ?? '')?.[1]
  if (octets !== undefined) {
    response.writeHead(200, { 'Content-Type': 'text/plain' })
    return void Readable.from(chunks(Number(octets))).pipe(response)
  }
  response.writeHead(200, fields)
  response.end(content)
})
server.on('upgrade', (_request, socket, first) => {
  // A tunnel whose other side is gone is over.
  socket.on('error', () => socket.destroy())
  socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n')
  socket.write(first)
  socket.pipe(socket)
})
server.keepAliveTimeout = 60_000
server.listen(0, '127.0.0.1', () => {
  const address = server.address()
  process.send?.(typeof address === 'object' ? (address?.port ?? 0) : 0)
})
process.once('disconnect', () => process.exit())
