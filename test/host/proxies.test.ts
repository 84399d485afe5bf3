import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { connect, createServer, type Socket } from 'node:net'
import { expect } from 'chai'
import { Conversation } from '../../servers/host/conversation.ts'
import { Proxies } from '../../servers/host/proxies.ts'
import { localHeader } from '../../shared/net/proxy-header.ts'
import { capturedJournal } from '../kit/captured-journal.ts'
import { Client, type ClientOptions } from '../kit/client.ts'
import { eventually } from '../kit/eventually.ts'
import { testAccounts } from '../kit/fake-desk.ts'
import { binaryHeader, checkedHeader, rawHeader } from '../kit/proxy-header.ts'
import { fuzzRounds, seeded } from '../kit/seeded.ts'
import { type Running, type Setup, serve } from '../kit/serving.ts'

const from = '203.0.113.5'
const line = `PROXY TCP4 ${from} 198.51.100.1 40000 25\r\n`

const servePop3 = (setup: Partial<Setup> = {}) => serve({ service: 'pop3', proxiesFrom: ['127.0.0.1'], ...setup })

/** What the service said to somebody who comes through the proxy. */
const greeted = async (running: Running, header: string | Buffer, options: ClientOptions = {}): Promise<Client> => {
  const client = await Client.connect(running.port, options)
  await client.send(header)
  expect(await client.line()).to.match(/^\+OK /)
  return client
}

const remotes = (running: Running): unknown[] => running.journal.of('connection.opened').map(({ fields }) => fields['remote'])

/** Whether a password in clear would stay on this machine: of a connection from one address with such a header before it. */
const staysHere = async (proxy: string, header: string): Promise<boolean> => {
  const listener = createServer()
  listener.listen(0, '127.0.0.1')
  await once(listener, 'listening')
  const address = listener.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  const connected: Promise<Socket[]> = once(listener, 'connection')
  using client = await Client.connect(address.port)
  const [socket] = await connected
  listener.close()
  if (socket === undefined) throw new Error('no connection')
  // A machine of its own is not to be had everywhere.
  Object.defineProperty(socket, 'remoteAddress', { value: proxy })
  const proxies = new Proxies(['127.0.0.1', '192.0.2.9', '::1'], 10_000)
  const { log } = capturedJournal()
  const conversation = new Conversation(socket, log, { security: null, proxies, overLimit: () => undefined })
  await client.send(header)
  await conversation.beIntroduced()
  socket.destroy()
  return conversation.withinMachine
}

/** A proxy that sends its header in one packet with the first octets of the client. */
const joiningProxy = async (port: number, header: string | Buffer): Promise<{ port: number } & AsyncDisposable> => {
  const listener = createServer((client) => {
    const server = connect({ port, host: '127.0.0.1', noDelay: true })
    for (const socket of [client, server]) socket.on('error', () => undefined)
    client.once('data', (first) => {
      server.write(Buffer.concat([Buffer.from(header as string), Buffer.from(first)]))
      client.pipe(server)
    })
    server.pipe(client)
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  const address = listener.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return { port: address.port, [Symbol.asyncDispose]: () => new Promise((resolve) => listener.close(() => resolve())) }
}

describe('host: the PROXY protocol', () => {
  it('journals, counts and judges whom the proxy names', async () => {
    await using running = await servePop3({ limits: { connectionsPerAddress: 2 } })
    using one = await greeted(running, line)
    using two = await greeted(running, binaryHeader(from, 40_001, '198.51.100.1', 110))
    using other = await greeted(running, binaryHeader('2001:db8::7', 40_002, '2001:db8::1', 110))
    using checked = await greeted(running, checkedHeader('203.0.113.6', 40_003, '198.51.100.1', 110))
    expect(remotes(running)).to.deep.equal([`${from}:40000`, `${from}:40001`, '[2001:db8::7]:40002', '203.0.113.6:40003'])
    const [opened] = running.journal.of('connection.opened')
    expect(opened?.fields['via']).to.equal(`127.0.0.1:${one.localPort}`)
    using third = await Client.connect(running.port)
    await third.send(line)
    expect(await third.line()).to.match(/^-ERR \[SYS\/TEMP\]/)
    expect(running.journal.of('connection.refused').map(({ fields }) => fields['remote'])).to.deep.equal([`${from}:40000`])
    // From loopback a password in clear would be taken; from where the client really is it is not.
    await one.command(`USER alice`)
    expect(await one.line()).to.match(/^-ERR/)
    for (const client of [one, two, other, checked]) expect(await client.ask('QUIT')).to.match(/^\+OK/)
  })

  it('takes no client for one of this machine unless the proxy is on it as well: between the two it would be in clear', async () => {
    const claim = (address: string) => `PROXY TCP4 ${address} 198.51.100.1 40000 110\r\n`
    const claim6 = 'PROXY TCP6 ::1 2001:db8::1 40000 110\r\n'
    expect(await staysHere('127.0.0.1', claim('127.0.0.5'))).to.equal(true)
    expect(await staysHere('127.0.0.1', claim6)).to.equal(true)
    expect(await staysHere('192.0.2.9', claim('127.0.0.5'))).to.equal(false)
    expect(await staysHere('192.0.2.9', claim6)).to.equal(false)
    expect(await staysHere('127.0.0.1', claim('192.0.2.7'))).to.equal(false)
    // A connection of the proxy's own.
    expect(await staysHere('192.0.2.9', 'PROXY UNKNOWN\r\n')).to.equal(false)
    expect(await staysHere('::1', 'PROXY UNKNOWN\r\n')).to.equal(true)
  })

  it('counts one network of IPv6 as one address', async () => {
    await using running = await servePop3({ limits: { connectionsPerAddress: 1 } })
    using _one = await greeted(running, binaryHeader('2001:db8::7', 40_002, '2001:db8::1', 110))
    using neighbour = await Client.connect(running.port)
    await neighbour.send(binaryHeader('2001:db8::8:0:0:9', 40_003, '2001:db8::1', 110))
    expect(await neighbour.line()).to.match(/^-ERR \[SYS\/TEMP\]/)
    using _elsewhere = await greeted(running, binaryHeader('2001:db8:0:1::7', 40_004, '2001:db8::1', 110))
  })

  it('asks the desk with the address of the client', async () => {
    const asked: string[] = []
    await using running = await servePop3({ requireTls: 'never' })
    const { login } = running.desk
    running.desk.login = (attempt) => {
      asked.push(attempt.address)
      return login.call(running.desk, attempt)
    }
    using client = await greeted(running, line)
    await client.ask('USER alice')
    expect(await client.ask(`PASS ${testAccounts['alice']}`)).to.match(/^\+OK/)
    expect(asked).to.deep.equal([from])
  })

  it('serves the proxy itself, for its health checks', async () => {
    await using running = await servePop3()
    for (const header of [localHeader, 'PROXY UNKNOWN\r\n', rawHeader(0x21, 0, Buffer.alloc(0))]) {
      using client = await greeted(running, header)
      expect(remotes(running).at(-1)).to.equal(`127.0.0.1:${client.localPort}`)
      expect(await client.ask('QUIT')).to.match(/^\+OK/)
    }
  })

  it('leaves what comes behind the header to the protocol, however it is cut', async () => {
    await using running = await servePop3()
    for (const header of [Buffer.from(line), binaryHeader(from, 1, '198.51.100.1', 110), localHeader]) {
      const all = Buffer.concat([header, Buffer.from('CAPA\r\nQUIT\r\n')])
      const said: string[] = []
      for (const cut of [...Array(header.length + 3).keys()]) {
        using client = await Client.connect(running.port)
        await client.send(all.subarray(0, cut))
        await client.send(all.subarray(cut))
        client.end()
        said.push((await client.rest()).toString().replace(/<[^>]*>/g, ''))
      }
      using trickling = await Client.connect(running.port)
      await trickling.trickle(all)
      trickling.end()
      said.push((await trickling.rest()).toString().replace(/<[^>]*>/g, ''))
      expect(new Set(said).size, [...new Set(said)].join('\n--\n')).to.equal(1)
      expect(said[0]).to.match(/^\+OK [\s\S]*\r\n\.\r\n\+OK [^\r]*\r\n$/)
    }
  })

  it('comes before TLS, also with the handshake in the same packet', async () => {
    await using running = await servePop3({ tls: 'implicit' })
    await using proxy = await joiningProxy(running.port, line)
    using client = await Client.connectTls(proxy.port)
    expect(await client.line()).to.match(/^\+OK /)
    expect(await client.ask('QUIT')).to.match(/^\+OK/)
    expect(running.journal.of('tls.started').map(({ fields }) => fields['remote'])).to.deep.equal([`${from}:40000`])
  })

  it('comes before STLS, and its address holds behind it', async () => {
    await using running = await servePop3({ tls: 'starttls' })
    using client = await greeted(running, line)
    expect(await client.ask('STLS')).to.match(/^\+OK/)
    await client.startTls()
    expect(await client.ask('USER alice')).to.match(/^\+OK/)
    expect(await client.ask(`PASS ${testAccounts['alice']}`)).to.match(/^\+OK/)
    expect(running.journal.text()).to.include(`${from}:40000`)
  })

  it('is required from listed addresses: without it the connection is closed without a word', async () => {
    await using patient = await servePop3({ limits: { handshakeMs: 60_000 } })
    await using hasty = await servePop3({ limits: { handshakeMs: 150 } })
    const refused: readonly (readonly [string, string | Buffer])[] = [
      ['no-header', 'CAPA\r\n'],
      ['no-header', '\x16\x03\x01\x00\xc0'],
      ['malformed', 'PROXY TCP4 1.2.3.4 5.6.7.8 1\r\n'],
      ['unknown-version', rawHeader(0x11, 0x11, Buffer.alloc(12))],
      ['timeout', ''],
      ['timeout', line.slice(0, 20)],
      ['timeout', localHeader.subarray(0, 15)],
    ]
    for (const [code, sent] of refused) {
      const running = code === 'timeout' ? hasty : patient
      using client = await Client.connect(running.port)
      await client.send(sent)
      expect((await client.rest()).toString(), code).to.equal('')
      expect(running.journal.of('connection.not-introduced').at(-1)).to.deep.include({ level: 'warn' })
      expect(running.journal.of('connection.not-introduced').at(-1)?.fields['code']).to.equal(code)
    }
    for (const running of [patient, hasty]) {
      expect(running.journal.of('connection.opened')).to.deep.equal([])
      expect(running.open).to.equal(0)
    }
  })

  it('takes a proxy that only knocks for what it is', async () => {
    await using running = await servePop3()
    for (const how of ['end', 'reset', 'dispose'] as const) {
      const client = await Client.connect(running.port)
      if (how === 'end') client.end()
      else if (how === 'reset') client.reset()
      else client[Symbol.dispose]()
    }
    await eventually(() => expect(running.journal.of('connection.not-introduced').length).to.equal(3))
    const told = running.journal.of('connection.not-introduced').map(({ level, fields }) => `${level} ${fields['code']}`)
    expect(told).to.deep.equal(['debug silent', 'debug silent', 'debug silent'])
    // One that has begun a header and is gone is another matter.
    using client = await Client.connect(running.port)
    await client.send('PROXY ')
    client.end()
    expect((await client.rest()).length).to.equal(0)
    expect(running.journal.of('connection.not-introduced').at(-1)).to.deep.include({ level: 'warn' })
  })

  it('is none from any other address: it is garbage to the protocol', async () => {
    await using running = await servePop3()
    using client = await Client.connect(running.port, { from: '127.0.0.2' })
    expect(await client.line()).to.match(/^\+OK /)
    await client.send(line)
    expect(await client.line()).to.match(/^-ERR/)
    expect(remotes(running)).to.deep.equal([`127.0.0.2:${client.localPort}`])
  })

  it('is believed from networks too', async () => {
    await using running = await servePop3({ proxiesFrom: ['127.1.0.0/16', '10.0.0.0/8', 'fd00::/8'] })
    using proxied = await greeted(running, line, { from: '127.1.255.3' })
    expect(await proxied.ask('QUIT')).to.match(/^\+OK/)
    for (const stranger of ['127.0.0.1', '127.2.0.1']) {
      using client = await Client.connect(running.port, { from: stranger })
      expect(await client.line()).to.match(/^\+OK /)
    }
    expect(remotes(running)[0]).to.equal(`${from}:40000`)
  })

  it('holds no more connections that are not introduced than the service may have', async () => {
    await using running = await servePop3({ limits: { connections: 3 } })
    const silent = await Promise.all([1, 2, 3].map(() => Client.connect(running.port)))
    using fourth = await Client.connect(running.port)
    expect(await fourth.line()).to.match(/^-ERR \[SYS\/TEMP\]/)
    for (const client of silent) client[Symbol.dispose]()
  })

  it('keeps no stop waiting: who was not introduced is cut off', async () => {
    const running = await servePop3({ limits: { handshakeMs: 200_000 }, endMs: 60_000 })
    using silent = await Client.connect(running.port)
    using begun = await Client.connect(running.port)
    await begun.send('PROXY TCP4 ')
    // The last one is accepted last: then the others are too.
    using served = await greeted(running, line)
    const from = performance.now()
    await Promise.all([running.close(), silent.rest(), begun.rest(), served.rest()])
    expect(performance.now() - from).to.be.lessThan(50_000)
  })

  const rounds = fuzzRounds(600)
  it(`survives ${rounds} random and mutated headers`, async function () {
    this.timeout(Math.max(120_000, rounds * 60))
    await using running = await servePop3({ limits: { handshakeMs: 200 } })
    const seeds = seeded()
    const headers = [
      Buffer.from(line),
      binaryHeader(from, 1, '198.51.100.1', 2),
      checkedHeader(from, 1, '198.51.100.1', 2),
      localHeader,
    ]
    const session = async (seed: number) => {
      const random = seeded(seed)
      using client = await Client.connect(running.port, { deadlineMs: 60_000 })
      const octets = Buffer.concat([random.mutate(random.pick(headers)), Buffer.from('CAPA\r\nQUIT\r\n')])
      if (random.chance(0.2)) await client.trickle(octets.subarray(0, 200))
      else await client.send(octets)
      if (random.chance(0.2)) return client.reset()
      client.end()
      const said = (await client.rest()).toString('latin1')
      if (!/^(?:|(?:\+OK|-ERR) [\s\S]*\r\n)$/.test(said)) expect.fail(`seed ${seed}: ${JSON.stringify(said)}`)
    }
    for (let n = 0; n < rounds; n += 20) {
      await Promise.all(Array.from({ length: Math.min(20, rounds - n) }, () => session(seeds.between(0, 2 ** 31))))
    }
    await eventually(() => expect(running.open).to.equal(0))
    expect(running.journal.records.filter(({ level }) => level === 'error')).to.deep.equal([])
    using alive = await greeted(running, line)
    expect(await alive.ask('QUIT')).to.match(/^\+OK/)
  })

  it('whose connection was reset before it was accepted, as health checks do, are nobody: nothing is said, counted or told', async () => {
    await using running = await serve({ service: 'smtp', proxiesFrom: ['127.0.0.1'] })
    const reset = `const socket = require('node:net').connect(${running.port}, '127.0.0.1')
      socket.on('connect', () => socket.write('PROXY UNKNOWN\\r\\n', () => socket.resetAndDestroy()))`
    // We accept only when it has ended.
    execFileSync(process.execPath, ['-e', reset], { timeout: 20_000 })
    using client = await Client.connect(running.port)
    await client.send('PROXY UNKNOWN\r\n')
    expect(await client.line()).to.match(/^220 /)
    expect(remotes(running)).to.deep.equal([`127.0.0.1:${client.localPort}`])
    expect(running.journal.records.filter(({ level }) => level !== 'info' && level !== 'debug')).to.deep.equal([])
  })
})
