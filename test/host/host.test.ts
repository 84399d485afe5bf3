import { expect } from 'chai'
import { Host } from '../../servers/host/host.ts'
import type { Limits } from '../../shared/config/settings.ts'
import { type Connection, endingOf, type Server } from '../../shared/service.ts'
import { type CapturedJournal, capturedJournal } from '../kit/captured-journal.ts'
import { Client } from '../kit/client.ts'
import { eventually } from '../kit/eventually.ts'
import { undisturbed } from '../kit/undisturbed.ts'

const roomy: Limits = {
  connections: 100,
  connectionsPerAddress: 100,
  connectionsPerSecond: null,
  idleMs: 60_000,
  loginMs: null,
  totalMs: null,
  handshakeMs: 10_000,
  memoryOctets: 16 * 2 ** 20,
}

/** Answers each line with itself; `work` lasts until told, `fail` throws; says why it ends. */
class Echo implements Server {
  readonly work: (() => void)[] = []
  stopped = 0
  drained = 0

  async serve(connection: Connection): Promise<void> {
    const { stream, signal } = connection
    signal.addEventListener('abort', () => stream.end(`bye ${endingOf(signal)}\r\n`), { once: true })
    for await (const chunk of stream.iterator({ destroyOnReturn: false })) {
      const line = String(chunk).trim()
      if (line === 'fail') throw new Error('a fault in the protocol')
      if (line === 'quit') return
      if (line === 'login') connection.loggedIn()
      if (line === 'much') stream.write(Buffer.alloc(64 * 2 ** 20))
      using _working = connection.busy()
      if (line === 'work') await new Promise<void>((resolve) => this.work.push(resolve))
      if (stream.writable) stream.write(`${line}\r\n`)
    }
  }

  refuse(refusal: string): string {
    return `no: ${refusal}\r\n`
  }

  drain(): void {
    this.drained += 1
  }

  async stop(): Promise<void> {
    this.stopped += 1
  }
}

/** A host with its server on a port of its own; `await using` ends it. */
const hosting = async (limits: Partial<Limits> = {}) => {
  const server = new Echo()
  const journal: CapturedJournal = capturedJournal()
  const host = new Host(server, { ...roomy, ...limits }, journal.log)
  const port = await host.listen({ host: '127.0.0.1', port: 0 })
  let ended: Promise<void> | null = null
  const end = (how: 'replace' | 'stop', deadlineMs: number) => {
    ended ??= host.end(how, deadlineMs)
    return ended
  }
  const client = (from?: string) => Client.connect(port, from === undefined ? {} : { from })
  return { server, journal, host, client, end, [Symbol.asyncDispose]: () => end('stop', 0) }
}

describe('the host', () => {
  it('counts connections that are open and conversations that ended', async () => {
    await using family = await hosting()
    using one = await family.client()
    using two = await family.client()
    expect(await one.ask('a')).to.equal('a')
    expect(await two.ask('b')).to.equal('b')
    expect(family.host.counters).to.include({ open: 2, served: 0 })
    await one.command('quit')
    await one.closed()
    await eventually(() => family.host.counters.served === 1)
    expect(family.host.counters).to.deep.include({ open: 1, served: 1, refused: {} })
  })

  it('turns the one over the limit away in the words of the protocol, and serves again when there is room', async () => {
    await using family = await hosting({ connections: 1 })
    using one = await family.client()
    expect(await one.ask('a')).to.equal('a')
    using two = await family.client()
    expect(await two.line()).to.equal('no: connections')
    await two.closed()
    expect(family.host.counters).to.deep.include({ open: 1, refused: { connections: 1 } })
    expect(family.journal.of('connection.refused')[0]?.fields).to.include({ limit: 'connections' })
    await one.command('quit')
    await one.closed()
    await eventually(() => family.host.counters.open === 0)
    using three = await family.client()
    expect(await three.ask('c')).to.equal('c')
  })

  it('counts by address: one that has too many disturbs no other', async () => {
    await using family = await hosting({ connectionsPerAddress: 1 })
    using one = await family.client('127.0.0.2')
    expect(await one.ask('a')).to.equal('a')
    using again = await family.client('127.0.0.2')
    expect(await again.line()).to.equal('no: connectionsPerAddress')
    using other = await family.client('127.0.0.3')
    expect(await other.ask('b')).to.equal('b')
  })

  it('counts a second by address: who comes too fast is turned away, others are not', async () => {
    await using family = await hosting({ connectionsPerSecond: 0.001 })
    using one = await family.client('127.0.0.2')
    expect(await one.ask('a')).to.equal('a')
    using again = await family.client('127.0.0.2')
    expect(await again.line()).to.equal('no: connectionsPerSecond')
    using other = await family.client('127.0.0.3')
    expect(await other.ask('b')).to.equal('b')
    expect(family.host.counters.refused).to.deep.equal({ connectionsPerSecond: 1 })
  })

  it('journals the first of a flood and the sum of the others, and counts them all', async () => {
    await using family = await hosting({ connectionsPerAddress: 1 })
    using one = await family.client()
    expect(await one.ask('a')).to.equal('a')
    const flood = 150
    for (let n = 0; n < flood; n++) {
      using client = await family.client()
      expect(await client.line()).to.equal('no: connectionsPerAddress')
    }
    expect(family.host.counters.refused).to.deep.equal({ connectionsPerAddress: flood })
    await family.end('stop', 0)
    const single = family.journal.of('connection.refused').length
    const sums = family.journal.of('connections.refused')
    const summed = sums.reduce((total, { fields }) => total + Number(fields['count']), 0)
    expect(single + summed).to.equal(flood)
    expect(single).to.be.below(flood / 2)
    expect(sums[0]?.fields).to.include({ limit: 'connectionsPerAddress', address: '127.0.0.1' })
  })

  it('ends a conversation without a login when its time is over, and lets one with a login go on', () =>
    undisturbed(100, async () => {
      await using family = await hosting({ loginMs: 300 })
      using stranger = await family.client()
      using member = await family.client()
      expect(await member.ask('login')).to.equal('login')
      expect(await stranger.line()).to.equal('bye login')
      expect(await member.ask('a')).to.equal('a')
      expect(family.host.counters.refused).to.deep.equal({ login: 1 })
      expect(family.journal.of('connection.limit.reached').map(({ fields }) => fields['limit'])).to.deep.equal(['login'])
    }))

  it('ends a conversation that lasts too long, however lively it is', async () => {
    await using family = await hosting({ totalMs: 300 })
    using client = await family.client()
    let last = ''
    for (let count = 0; last !== 'bye total' && count < 100_000; count++) {
      await client.command(`${count}`)
      last = await client.line()
    }
    expect(last).to.equal('bye total')
    await eventually(() => family.host.counters.open === 0)
    expect(family.host.counters.refused).to.deep.equal({ total: 1 })
  })

  it('cuts off a client for which more waits in memory than may, and no other', () =>
    undisturbed(100, async () => {
      await using family = await hosting({ memoryOctets: 2 ** 20, idleMs: 2_000 })
      using greedy = await family.client()
      using modest = await family.client()
      greedy.socket.pause()
      greedy.socket.write('much\n')
      await eventually(() => family.host.counters.refused.memory === 1)
      expect(await modest.ask('a')).to.equal('a')
      await eventually(() => family.host.counters.open === 1)
      expect(family.journal.of('connection.limit.reached').map(({ fields }) => fields['limit'])).to.deep.equal(['memory'])
    }))

  it('ends a conversation in which nothing came or went for the idle time, and no other', () =>
    undisturbed(100, async () => {
      await using family = await hosting({ idleMs: 1_000 })
      using idle = await family.client()
      using lively = await family.client()
      expect(await idle.ask('a')).to.equal('a')
      const talking = (async () => {
        for (let count = 0; !idle.ended; count++) expect(await lively.ask(`${count}`)).to.equal(`${count}`)
      })()
      expect(await idle.line()).to.equal('bye idle')
      await idle.closed()
      await talking
      expect(await lively.ask('still here')).to.equal('still here')
    }))

  it('cuts a client off that does not go after the goodbye', async () => {
    await using family = await hosting({ idleMs: 500 })
    using client = await family.client()
    client.socket.allowHalfOpen = true
    expect(await client.line()).to.equal('bye idle')
    await eventually(() => family.host.counters.open === 0)
  })

  it('answers all that a half-closed client sent', async () => {
    await using family = await hosting()
    using client = await family.client()
    await client.send('last words')
    client.end()
    expect(String(await client.rest())).to.equal('last words\r\n')
  })

  it('survives a fault of the protocol: the conversation ends, its error is journalled, others go on', async () => {
    await using family = await hosting()
    using other = await family.client()
    using one = await family.client()
    await one.command('fail')
    await one.closed()
    await eventually(() => family.journal.of('connection.failed').length === 1)
    expect(family.journal.of('connection.failed')[0]?.fields['error']).to.contain('a fault in the protocol')
    expect(await other.ask('b')).to.equal('b')
  })

  it('ends idle conversations at a stop, and those with work under way when it is done', async () => {
    await using family = await hosting()
    using idle = await family.client()
    using working = await family.client()
    expect(await idle.ask('a')).to.equal('a')
    await working.command('work')
    await eventually(() => family.server.work.length === 1)
    const ended = family.end('stop', 20_000)
    expect(await idle.line()).to.equal('bye stopping')
    await idle.closed()
    expect(working.ended).to.equal(false)
    expect(family.server).to.include({ drained: 1, stopped: 0 })
    family.server.work[0]?.()
    expect(await working.line()).to.equal('work')
    expect(await working.line()).to.equal('bye stopping')
    await working.closed()
    await ended
    expect(family.server.stopped).to.equal(1)
  })

  it('cuts off at the deadline what does not end', async () => {
    await using family = await hosting()
    using working = await family.client()
    await working.command('work')
    await eventually(() => family.server.work.length === 1)
    await Promise.all([family.end('stop', 100), working.rest()])
    expect(family.host.counters.open).to.equal(1)
    expect(family.journal.of('service.ended')[0]?.fields).to.include({ cut: 1 })
  })

  it('lets conversations go on when it is replaced, and accepts no new ones', async () => {
    await using family = await hosting()
    using client = await family.client()
    expect(await client.ask('a')).to.equal('a')
    const ended = family.end('replace', 20_000)
    await eventually(() => family.server.drained === 1)
    expect(await client.ask('b')).to.equal('b')
    const refused = await family.client().catch((error: Error) => error.name)
    expect(refused).to.equal('ClientError')
    await client.command('quit')
    await client.closed()
    await ended
  })

  it('says why a conversation has to end with and without a signal, also to one that is made late', async () => {
    await using family = await hosting()
    const told: string[] = []
    const { serve } = family.server
    const seen = new Promise<Connection>((resolve) => {
      family.server.serve = async (connection) => {
        expect(connection.mustEnd).to.equal(null)
        connection.onMustEnd(() => told.push(`called: ${connection.mustEnd}`))
        if (family.host.counters.served === 0) return resolve(connection)
        await Reflect.apply(serve, family.server, [connection])
      }
    })
    using first = await family.client()
    const connection = await seen
    await first.closed()
    await eventually(() => told.length > 0)
    expect([told, connection.mustEnd, endingOf(connection.signal)]).to.deep.equal([['called: closed'], 'closed', 'closed'])
    await eventually(() => family.host.counters.served === 1)
    using second = await family.client()
    expect(await second.ask('a')).to.equal('a')
    void family.end('stop', 5_000)
    expect(await second.line()).to.equal('bye stopping')
    expect(told.at(-1)).to.equal('called: stopping')
  })

  it('gives each connection a name of its own and journals its end with what came and went', async () => {
    await using family = await hosting()
    for (const line of ['a', 'b']) {
      using client = await family.client()
      expect(await client.ask(line)).to.equal(line)
      await client.command('quit')
      await client.closed()
    }
    await eventually(() => family.journal.of('connection.closed').length === 2)
    const closed = family.journal.of('connection.closed').map(({ fields }) => fields)
    expect(new Set(closed.map(({ connection }) => connection)).size).to.equal(2)
    for (const fields of closed) expect(fields).to.include({ octetsIn: 9, octetsOut: 3 })
  })
})
