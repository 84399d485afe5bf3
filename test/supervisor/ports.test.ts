import { once } from 'node:events'
import { createServer, type Server } from 'node:net'
import process from 'node:process'
import { expect } from 'chai'
import { holderOf } from '../../servers/supervisor/holder.ts'
import { bindPort, PortError } from '../../servers/supervisor/ports.ts'

const listener = async (): Promise<{ server: Server; port: number }> => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return { server, port: address.port }
}

const failure = async (work: Promise<unknown>): Promise<Error> => {
  try {
    await work
  } catch (error) {
    if (error instanceof Error) return error
  }
  throw new Error('it did not fail')
}

describe('ports', () => {
  it('are chosen by the system for port 0', async () => {
    const bound = await bindPort({ service: 'http', host: '127.0.0.1', port: 0 }, () => false)
    expect(bound.port).to.be.greaterThan(0)
    expect(bound.fd()).to.be.greaterThan(2)
    bound.close()
    bound.close()
  })

  it('that are taken are told with service, port and the program that holds them', async function () {
    if (process.platform !== 'linux') this.skip()
    const { server, port } = await listener()
    const error = await failure(bindPort({ service: 'smtp', host: '127.0.0.1', port }, () => false))
    server.close()
    expect(error).to.be.instanceOf(PortError)
    expect(error.message).to.contain(`smtp: port ${port} on 127.0.0.1 is already in use by`)
    expect(error.message).to.contain(`(pid ${process.pid})`)
    expect(error.message).to.contain('--set services.smtp.port=')
  })

  it('that our own old children still hold are waited for', async function () {
    if (process.platform !== 'linux') this.skip()
    const { server, port } = await listener()
    let asked = 0
    const isOwn = () => {
      asked += 1
      if (asked === 2) server.close()
      return true
    }
    const bound = await bindPort({ service: 'smtp', host: '127.0.0.1', port }, isOwn)
    bound.close()
    expect(bound.port).to.equal(port)
    expect(asked).to.equal(2)
  })

  it('on an address that this machine has not are told so', async () => {
    const error = await failure(bindPort({ service: 'http', host: '192.0.2.1', port: 0 }, () => false))
    expect(error).to.be.instanceOf(PortError)
    expect(error.message).to.contain('this machine has no address 192.0.2.1')
  })

  it('have no holder when nobody listens', () => {
    expect(holderOf(1)).to.equal(null)
  })
})
