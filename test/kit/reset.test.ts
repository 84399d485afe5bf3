import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { expect } from 'chai'
import { descriptors, noDescriptorSince } from '../ftp/descriptors.ts'
import { reset } from './reset.ts'

describe('kit: a connection that is reset', () => {
  it('in the middle of its own end has its descriptor closed, and the other side sees it end', async () => {
    const server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
    await once(server, 'listening')
    const before = descriptors()
    const connection = once(server, 'connection')
    const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
    const [other] = await connection
    other.on('error', () => undefined).resume()
    const closed = [once(socket, 'close'), once(other, 'close')]
    socket.end()
    reset(socket)
    await closed[0]
    other.destroy()
    await closed[1]
    await noDescriptorSince(before)
    server.close()
    expect(socket.destroyed).to.equal(true)
  })

  it('before it stands, and is ended before it does, has its descriptor closed as well', async () => {
    const server = createServer((other) => other.on('error', () => undefined).resume())
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as AddressInfo
    const before = descriptors()
    for (const resetFirst of [true, false]) {
      const socket = connect(port, '127.0.0.1')
      const closed = once(socket, 'close')
      socket.write('something')
      if (resetFirst) reset(socket)
      socket.end()
      if (!resetFirst) reset(socket)
      await closed
    }
    await noDescriptorSince(before)
    server.close()
  })
})
