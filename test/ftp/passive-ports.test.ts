import { createServer } from 'node:net'
import { expect } from 'chai'
import { NoFreePortError, type PassivePort, PassivePorts } from '../../servers/ftp/passive-ports.ts'
import { freePorts } from './free-ports.ts'
import { until } from './raw-session.ts'

const here = '127.0.0.1'
const never = new AbortController().signal

/** What a promise rejects with. */
const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => null,
    (reason: unknown) => reason,
  )

describe('ftp: passive ports', () => {
  it('are counted, skipped when others have them, and free again at once when their client has come', async () => {
    const from = await freePorts(4)
    const ports = new PassivePorts({ from, to: from + 2 }, 20)
    const three = [await ports.listen(here, never), await ports.listen(here, never), await ports.listen(here, never)]
    expect(ports.used).to.equal(3)
    expect(await failure(ports.listen(here, never))).to.be.instanceOf(NoFreePortError)
    const others = new PassivePorts({ from, to: from + 3 }, 20)
    const fourth = await others.listen(here, never)
    expect(fourth.port).to.equal(from + 3)
    for (const each of [...three, fourth, ...three]) each.close(true)
    expect([ports.used, others.used]).to.deep.equal([0, 0])
    const again = await ports.listen(here, never)
    again.close(true)
  })

  it('rest for a moment when nobody came: who comes late does not meet the next one who waits there', async () => {
    const from = await freePorts(1)
    const ports = new PassivePorts({ from, to: from }, 10_000)
    const first = await ports.listen(here, never)
    first.close(false)
    expect(ports.used).to.equal(1)
    const startedAt = performance.now()
    const second = await ports.listen(here, never)
    expect(second.port).to.equal(from)
    expect(performance.now() - startedAt).to.be.greaterThan(1_500)
    second.close(true)
  })

  it('are waited for in the order of those who ask, and by nobody who has gone', async () => {
    const from = await freePorts(1)
    const ports = new PassivePorts({ from, to: from }, 10_000)
    const held = await ports.listen(here, never)
    const order: string[] = []
    const gone = new AbortController()
    const wait = async (name: string, signal: AbortSignal): Promise<PassivePort> => {
      const port = await ports.listen(here, signal)
      order.push(name)
      return port
    }
    const left = failure(wait('gone', gone.signal))
    const second = wait('second', never)
    const third = wait('third', never)
    gone.abort()
    expect(await left).to.be.instanceOf(NoFreePortError)
    held.close(true)
    ;(await second).close(true)
    ;(await third).close(true)
    expect(order).to.deep.equal(['second', 'third'])
    expect(ports.used).to.equal(0)
  })

  it('that another program has are tried again when the wait is over: nobody tells that it let go', async () => {
    const from = await freePorts(1)
    const other = createServer().listen(from, here)
    await new Promise((resolve) => other.once('listening', resolve))
    const ports = new PassivePorts({ from, to: from }, 200)
    const errors = await Promise.all([failure(ports.listen(here, never)), failure(ports.listen(here, never))])
    for (const error of errors) expect(error).to.be.instanceOf(NoFreePortError)
    expect(ports.used).to.equal(0)
    const late = new PassivePorts({ from, to: from }, 5_000).listen(here, never)
    await new Promise((resolve) => other.close(resolve))
    ;(await late).close(true)
  })

  it('listen on the address of the control connection only', async () => {
    const from = await freePorts(1)
    const ports = new PassivePorts({ from, to: from }, 20)
    const port = await ports.listen('127.0.0.2', never)
    expect(port.listener.address()).to.deep.equal({ address: '127.0.0.2', family: 'IPv4', port: from })
    port.close(true)
    await until('it is free', () => ports.used === 0)
  })

  it('say so when an address is not ours', async () => {
    const ports = new PassivePorts({ from: 50_084, to: 50_085 }, 20)
    expect(await failure(ports.listen('192.0.2.1', never))).to.have.property('code', 'EADDRNOTAVAIL')
    expect(ports.used).to.equal(0)
  })
})
