import { once } from 'node:events'
import { connect, createServer, type Server } from 'node:net'
import { expect } from 'chai'
import { NoFreePortError, PassivePorts } from '../../servers/ftp/passive-ports.ts'
import { Client } from '../kit/client.ts'
import { Home, RawSession, serveFtp, until } from './raw-session.ts'

/** Whether somebody listens there. Asked from an address that is no client's: its connection is never taken for one. */
const accepts = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', localAddress: '127.0.0.9' })
    socket.once('connect', () => {
      resolve(true)
      socket.destroy()
    })
    socket.once('error', () => resolve(false))
  })

/** So many ports in a row that nobody has, above those that the system gives to outgoing connections. @returns the first */
const freePorts = async (count: number): Promise<number> => {
  for (let tries = 0; tries < 50; tries += 1) {
    const from = 61_000 + Math.floor(Math.random() * 4_000)
    const listeners: Server[] = []
    try {
      for (let n = 0; n < count; n += 1) {
        const listener = createServer().listen(from + n, '127.0.0.1')
        listeners.push(listener)
        await once(listener, 'listening')
      }
      return from
    } catch {
      // One of them is taken: elsewhere.
    } finally {
      await Promise.all(listeners.map((listener) => new Promise((resolve) => listener.close(resolve))))
    }
  }
  throw new Error('no free ports')
}

describe('ftp: data connections', () => {
  const started = async (options: Record<string, unknown> = {}) => {
    const running = await serveFtp({ options })
    await new Home(running).put('a', 'content')
    return running
  }

  it('come to ports of the range only, to one that nobody can foresee, and to one client', async () => {
    await using running = await started({ passive: { ports: '50100-50900' } })
    using session = await RawSession.open(running)
    const seen = new Set<number>()
    for (let n = 0; n < 12; n += 1) {
      const port = await session.passivePort()
      expect(port).to.be.within(50_100, 50_900)
      seen.add(port)
    }
    expect(seen.size).to.be.greaterThan(6)
    const order = [...seen]
    expect(order).to.not.deep.equal(order.toSorted((a, b) => a - b))
  })

  it('PASV tells the address that the client came to, or the one that is set', async () => {
    await using running = await started()
    using session = await RawSession.open(running)
    expect(await session.ask('PASV')).to.match(/^227 .*\(127,0,0,1,\d+,\d+\)$/)
    await using behind = await started({ passive: { address: '192.0.2.7' } })
    using other = await RawSession.open(behind)
    expect(await other.ask('PASV')).to.match(/^227 .*\(192,0,2,7,\d+,\d+\)$/)
    expect((await other.download('RETR a')).toString()).to.equal('content')
  })

  it('of somebody else are dropped, and the client still gets in (RFC 2577 §3)', async () => {
    await using running = await started()
    using session = await RawSession.open(running, 'alice', { from: '127.0.0.2' })
    const port = await session.passivePort()
    using stranger = await Client.connect(port, { from: '127.0.0.3' })
    expect((await stranger.rest()).length).to.equal(0)
    using data = await Client.connect(port, { from: '127.0.0.2' })
    expect(await session.ask('RETR a')).to.match(/^150 /)
    expect((await data.rest()).toString()).to.equal('content')
    expect(await session.reply()).to.match(/^226 /)
    expect(running.journal.of('data.stranger')[0]?.fields['address']).to.equal('127.0.0.3')
  })

  it('are taken once: the port closes behind the first', async () => {
    await using running = await started()
    using session = await RawSession.open(running)
    const port = await session.passivePort()
    using data = await Client.connect(port)
    await until('the port is closed', async () => !(await accepts(port)))
    expect(await session.ask('RETR a')).to.match(/^150 /)
    expect((await data.rest()).toString()).to.equal('content')
    expect(await session.reply()).to.match(/^226 /)
    expect(await session.ask('RETR a')).to.match(/^425 /)
  })

  it('prepared anew take the place of those before', async () => {
    await using running = await started()
    using session = await RawSession.open(running)
    const first = await session.passivePort()
    await session.passivePort()
    await until('the first port is closed', async () => !(await accepts(first)))
    const { arrives } = await session.active()
    await session.control.command('RETR a')
    ;(await arrives).resume().end()
    expect(await session.reply()).to.match(/^150 /)
    expect(await session.reply()).to.match(/^226 /)
  })

  it('outlive commands that need none, and not the one that uses them, even in vain', async () => {
    await using running = await started()
    using session = await RawSession.open(running)
    const data = await session.passive()
    expect(await session.ask('SIZE nothing')).to.match(/^550 /)
    expect(await session.ask('TYPE I')).to.match(/^200 /)
    expect(await session.ask('RETR a')).to.match(/^150 /)
    expect((await data.rest()).toString()).to.equal('content')
    await session.reply()
    const unused = await session.passive()
    expect(await session.ask('RETR nothing')).to.match(/^550 /)
    await unused.rest()
    expect(await session.ask('RETR a')).to.match(/^425 /)
  })

  it('that do not come about get 425 in time: nobody connects, nobody listens', async () => {
    await using running = await started({ dataWait: '150ms' })
    using session = await RawSession.open(running)
    const port = await session.passivePort()
    expect(await session.ask('RETR a')).to.equal('425 No data connection came about')
    expect(await accepts(port)).to.equal(false)
    const taken = await new Promise<number>((resolve) => {
      const probe = connect(running.port, '127.0.0.1', () => {
        resolve(probe.localPort ?? 0)
        probe.destroy()
      })
    })
    await session.ask(`EPRT |1|127.0.0.1|${taken}|`)
    expect(await session.ask('RETR a')).to.equal('425 No data connection came about')
    expect((await session.download('RETR a')).toString()).to.equal('content')
  })

  it('that nobody opens free their port by themselves', async () => {
    await using running = await started({ dataWait: '100ms' })
    using session = await RawSession.open(running)
    const port = await session.passivePort()
    await until('the port is closed', async () => !(await accepts(port)))
    expect(await session.ask('RETR a')).to.match(/^425 /)
  })

  it('of a range of one port serve one session after the other without a leak; when it is taken, 425', async () => {
    await using running = await started({ passive: { ports: String(await freePorts(1)) } })
    using session = await RawSession.open(running)
    for (let n = 0; n < 60; n += 1) expect((await session.download('RETR a')).toString()).to.equal('content')
    using other = await RawSession.open(running)
    await session.passivePort()
    expect(await other.ask('EPSV')).to.equal('425 No free port for a data connection now')
    expect(await other.ask('PASV')).to.match(/^425 /)
    expect(running.journal.of('data.no-port')).to.have.length(2)
    session[Symbol.dispose]()
    await until('the port is free', async () => (await other.ask('EPSV')).startsWith('229'))
  })

  it('leave nothing behind, however the session ends', async () => {
    await using running = await started()
    const ports: number[] = []
    for (const end of ['QUIT', 'close', 'reset'] as const) {
      using session = await RawSession.open(running)
      ports.push(await session.passivePort())
      if (end === 'QUIT') await session.ask('QUIT')
      if (end === 'close') session.control.end()
      if (end === 'reset') session.control.reset()
      await until('the session is over', () => running.open === 0)
    }
    for (const port of ports) expect(await accepts(port)).to.equal(false)
  })

  it('are refused before the client is told to wait for one that it cannot reach', async () => {
    await using running = await started()
    using session = await RawSession.open(running)
    for (const command of ['PORT 127,0,0,9,200,1', 'PORT 10,0,0,1,200,1', 'PORT 127,0,0,1,0,25', 'EPRT |1|127.0.0.1|80|']) {
      expect(await session.ask(command), command).to.match(/^504 /)
      expect(await session.ask('RETR a')).to.match(/^425 /)
    }
  })

  it('many at once each carry their own file', async () => {
    await using running = await started()
    const home = new Home(running)
    const files = Array.from({ length: 40 }, (_, n) => ({ name: `f${n}`, content: `${n}`.repeat(20_000) }))
    for (const { name, content } of files) await home.put(name, content)
    await Promise.all(
      files.map(async ({ name, content }) => {
        using session = await RawSession.open(running)
        expect((await session.download(`RETR ${name}`)).toString() === content, name).to.equal(true)
        expect(await session.upload(`STOR ${name}`, content.toUpperCase() + name)).to.match(/^226 /)
      }),
    )
    for (const { name, content } of files) expect((await home.text(name)) === content + name, name).to.equal(true)
  }).timeout(20_000)
})

describe('ftp: passive ports', () => {
  it('are counted, skipped when others have them, and free again at once when closed', async () => {
    const from = await freePorts(4)
    const ports = new PassivePorts({ from, to: from + 2 })
    const three = [await ports.listen('127.0.0.1'), await ports.listen('127.0.0.1'), await ports.listen('127.0.0.1')]
    expect(ports.used).to.equal(3)
    const error = await ports.listen('127.0.0.1').catch((reason: unknown) => reason)
    expect(error).to.be.instanceOf(NoFreePortError)
    const others = new PassivePorts({ from, to: from + 3 })
    const fourth = await others.listen('127.0.0.1')
    expect(fourth.address()).to.include({ port: from + 3 })
    for (const listener of [...three, fourth]) listener.close()
    await until('all are free', () => ports.used === 0 && others.used === 0)
  })

  it('say so when an address is not ours', async () => {
    const ports = new PassivePorts({ from: 50_084, to: 50_085 })
    const error = await ports.listen('192.0.2.1').catch((reason: unknown) => reason)
    expect(error).to.have.property('code', 'EADDRNOTAVAIL')
    expect(ports.used).to.equal(0)
  })
})
