import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { Client } from '../kit/client.ts'
import { undisturbed } from '../kit/undisturbed.ts'
import { freePorts } from './free-ports.ts'
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

const hasIpv6 = Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === '::1'))

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

  it('that do not come about get 425 in time: nobody connects, nobody listens', () =>
    undisturbed(200, async () => {
      await using running = await started({ dataWait: '600ms' })
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
    }))

  it('that nobody opens free their port by themselves', async () => {
    await using running = await started({ dataWait: '100ms' })
    using session = await RawSession.open(running)
    const port = await session.passivePort()
    await until('the port is closed', async () => !(await accepts(port)))
    expect(await session.ask('RETR a')).to.match(/^425 /)
  })

  it('of a range of one port serve one session after the other without a leak; while it is taken, the next one waits or gets 425', () =>
    undisturbed(200, async () => {
      await using running = await started({ passive: { ports: String(await freePorts(1)) }, dataWait: '600ms' })
      using session = await RawSession.open(running)
      for (let n = 0; n < 60; n += 1) expect((await session.download('RETR a')).toString()).to.equal('content')
      using other = await RawSession.open(running)
      await session.passivePort()
      expect(await other.ask('EPSV')).to.equal('425 No free port for a data connection now')
      expect(await other.ask('PASV')).to.equal('425 No free port for a data connection now')
      expect(running.journal.of('data.no-port')[0]?.fields).to.deep.include({ error: null })
      session[Symbol.dispose]()
      await until('the port is free', async () => (await other.ask('EPSV')).startsWith('229'))
    }))

  it('of a range of one port are given to many sessions at once, each with its own file: those that wait come in their order', async () => {
    await using running = await started({ passive: { ports: String(await freePorts(1)) } })
    const home = new Home(running)
    const files = Array.from({ length: 25 }, (_, n) => ({ name: `f${n}`, content: `${n} `.repeat(50_000) }))
    for (const { name, content } of files) await home.put(name, content)
    await Promise.all(
      files.map(async ({ name, content }) => {
        using session = await RawSession.open(running)
        expect((await session.download(`RETR ${name}`)).toString() === content, name).to.equal(true)
        expect(await session.upload(`STOR ${name}`, name)).to.match(/^226 /)
      }),
    )
    for (const { name } of files) expect(await home.text(name)).to.equal(name)
    expect(running.journal.of('data.no-port')).to.deep.equal([])
  })

  it('free their port when the client has come, not when the transfer is over', async () => {
    await using running = await started({ passive: { ports: String(await freePorts(1)) } })
    using slow = await RawSession.open(running)
    using uploading = await slow.passive()
    expect(await slow.ask('STOR slow')).to.match(/^150 /)
    using other = await RawSession.open(running)
    expect((await other.download('RETR a')).toString()).to.equal('content')
    uploading.end()
    expect(await slow.reply()).to.match(/^226 /)
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

  it('of an upload that begins when its client has said all, and not QUIT, are not waited for', async () => {
    await using running = await started({ dataWait: '150ms' })
    using session = await RawSession.open(running)
    const { arrives } = await session.active()
    const [, target = ''] =
      / (\d.*,\d+)/.exec(session.control.transcript.findLast((line) => line.startsWith('C: PORT')) ?? '') ?? []
    // The first one takes its time, and by its end nothing more can come.
    await session.control.send(`EPSV\r\nSTOR b\r\nPORT ${target.replace(/\\r.*/, '')}\r\nSTOR b\r\n`)
    session.control.end()
    await until('the session is over', () => running.open === 0)
    arrives.catch(() => undefined)
    expect(await new Home(running).names()).to.deep.equal(['a'])
  })

  it('are refused before the client is told to wait for one that it cannot reach', async () => {
    await using running = await started()
    using session = await RawSession.open(running)
    for (const command of ['PORT 127,0,0,9,200,1', 'PORT 10,0,0,1,200,1', 'PORT 127,0,0,1,0,25', 'EPRT |1|127.0.0.1|80|']) {
      expect(await session.ask(command), command).to.match(/^504 /)
      expect(await session.ask('RETR a')).to.match(/^425 /)
    }
  })

  it('of a client that came to an IPv6 socket by IPv4 are those of an IPv4 client', async function () {
    if (!hasIpv6) this.skip()
    await using running = await serveFtp({ host: '::' })
    await new Home(running).put('a', 'content')
    using session = await RawSession.open(running)
    expect((await session.ask('STAT')).split('\n')[1]).to.match(/^ Connected from 127\.0\.0\.1:/)
    expect(await session.ask('PASV')).to.match(/^227 .*\(127,0,0,1,/)
    expect(await session.ask('EPSV 2')).to.equal('522 Network protocol not supported, use (1)')
    expect(await session.ask('EPRT |2|::ffff:127.0.0.1|50000|')).to.equal('522 Network protocol not supported, use (1)')
    expect(await session.ask('EPRT |1|127.0.0.2|50000|')).to.match(/^504 /)
    expect((await session.download('RETR a')).toString()).to.equal('content')
    for (const command of ['PORT', 'EPRT'] as const) {
      const { arrives } = await session.active(command)
      await session.control.command('RETR a')
      ;(await arrives).resume().end()
      expect(await session.reply()).to.match(/^150 /)
      expect(await session.reply()).to.match(/^226 /)
    }
  })

  it('on which octets come keep their session from being idle; one on which none come does not', () =>
    undisturbed(200, async () => {
      await using running = await serveFtp({ limits: { idleMs: 2_000 } })
      using session = await RawSession.open(running)
      const data = await session.passive()
      expect(await session.ask('STOR b')).to.match(/^150 /)
      for (let n = 0; n < 30; n += 1) {
        await data.send('x')
        await sleep(100)
      }
      data.end()
      expect(await session.reply()).to.match(/^226 /)
      await session.passive()
      expect(await session.ask('STOR c')).to.match(/^150 /)
      expect(await session.reply()).to.match(/^421 /)
      await until('the session is over', () => running.open === 0)
      expect(await new Home(running).names())
        .to.include('b')
        .and.not.include('c')
    }))

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
  })
})
