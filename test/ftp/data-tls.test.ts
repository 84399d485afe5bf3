import { once } from 'node:events'
import { type AddressInfo, connect as connectTcp, createServer } from 'node:net'
import { connect, type TLSSocket } from 'node:tls'
import { expect } from 'chai'
import { Client } from '../kit/client.ts'
import { eventually } from '../kit/eventually.ts'
import { testAccounts } from '../kit/fake-desk.ts'
import type { Running } from '../kit/serving.ts'
import { undisturbed } from '../kit/undisturbed.ts'
import { Home, serveFtp, until } from './raw-session.ts'
import { type DataEnd, manners, readAll, TlsSession } from './tls-session.ts'

const content = 'twelve octets '.repeat(50_000)

const started = async (options: Record<string, unknown> = {}, limits: Parameters<typeof serveFtp>[0] = {}): Promise<Running> => {
  const running = await serveFtp({ tls: 'starttls', options, ...limits })
  await new Home(running).put('a', content)
  return running
}

/** Orders in which clients connect, encrypt, say the command and read 150. Each resolves with the encrypted socket, 150 read. */
const orders: Readonly<Record<string, (session: TlsSession, command: string) => Promise<TLSSocket>>> = {
  'encrypts before it says the command': async (session, command) => {
    const { encrypt } = await session.passive()
    const socket = encrypt()
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(await session.ask(command)).to.match(/^150 /)
    return socket
  },
  'encrypts behind the command, before it reads 150': async (session, command) => {
    const { encrypt } = await session.passive()
    await session.control.command(command)
    const socket = encrypt()
    await once(socket, 'secureConnect')
    expect(await session.reply()).to.match(/^150 /)
    return socket
  },
  'encrypts when it has read 150': async (session, command) => {
    const { encrypt } = await session.passive()
    expect(await session.ask(command)).to.match(/^150 /)
    return encrypt()
  },
  'connects only behind the command': async (session, command) => {
    const port = await session.passivePort()
    await session.control.command(command)
    const { raw, encrypt } = session.connect(port)
    await once(raw, 'connect')
    expect(await session.reply()).to.match(/^150 /)
    return encrypt()
  },
  'is connected to, and reads 150 first': async (session, command) => {
    const { arrives } = await session.active()
    expect(await session.ask(command)).to.match(/^150 /)
    return (await arrives).encrypt()
  },
}

describe('ftp: encrypted data connections, in the manner of each client', () => {
  for (const [manner, how] of Object.entries(manners)) {
    for (const [order, begin] of Object.entries(orders)) {
      it(`${manner}: one that ${order}`, async () => {
        await using running = await started()
        using session = await TlsSession.open(running, how)
        for (let n = 0; n < 2; n += 1) {
          const down = await begin(session, 'RETR a')
          expect((await readAll(down)) === content, 'what came').to.equal(true)
          expect(down.isSessionReused()).to.equal(true)
          down.end()
          expect(await session.reply()).to.match(/^226 /)
          const up = await begin(session, 'STOR b')
          up.end(content)
          up.resume()
          expect(await session.reply()).to.match(/^226 /)
          expect((await new Home(running).text('b')) === content, 'what was stored').to.equal(true)
        }
        expect(running.journal.of('tls.failed')).to.deep.equal([])
      })
    }
  }

  it('a session can be resumed as long as a conversation may last, not for two hours', async () => {
    await using running = await started()
    for (const how of [manners['TLS 1.2 with tickets'], manners['TLS of any version']]) {
      using session = await TlsSession.open(running, how)
      await until('a ticket', () => session.session !== undefined)
      // Its lifetime in the session's ASN.1: [9] INTEGER 82800.
      expect(session.session?.includes(Buffer.from('a9050203014370', 'hex')), String(how)).to.equal(true)
    }
  })
})

/** What TLS records are (RFC 5246 §6.2.1). */
const kindsOf = (octets: Buffer): string[] => {
  const kinds: string[] = []
  for (let at = 0; at + 5 <= octets.length; at += 5 + octets.readUInt16BE(at + 3)) {
    kinds.push({ 20: 'change-cipher-spec', 21: 'alert', 22: 'handshake', 23: 'data' }[octets[at] ?? 0] ?? 'unknown')
  }
  return kinds
}

describe('ftp: the end of encrypted data', () => {
  it('is said to the client by TLS: close_notify, and then the end of the connection', async () => {
    await using running = await started()
    using session = await TlsSession.open(running, manners['TLS 1.2 with tickets'])
    const target = await session.passivePort()
    // Between the two, to see what goes over the wire: over TLS 1.2 a record says what it is.
    const records: Buffer[] = []
    const ended = Promise.withResolvers<void>()
    const between = createServer({ allowHalfOpen: true }, (near) => {
      const far = connectTcp({ port: target, host: '127.0.0.1', allowHalfOpen: true })
      near.pipe(far)
      far.on('data', (octets: Buffer) => records.push(octets)).once('end', ended.resolve)
      far.pipe(near)
    }).listen(0, '127.0.0.1')
    await once(between, 'listening')
    const { raw, encrypt } = session.connect((between.address() as AddressInfo).port)
    await once(raw, 'connect')
    await session.control.command('RETR a')
    const socket = encrypt()
    expect((await readAll(socket)) === content).to.equal(true)
    await ended.promise
    socket.end()
    between.close()
    expect(kindsOf(Buffer.concat(records)).at(-1)).to.equal('alert')
  })

  for (const [manner, how] of [
    ['TLS 1.2 with tickets', manners['TLS 1.2 with tickets']],
    ['TLS 1.2 with ids', manners['TLS 1.2 with ids']],
  ] as const) {
    it(`${manner}: of an upload counts with close_notify and without it, as many clients send none; never with a reset`, async () => {
      await using running = await started()
      const home = new Home(running)
      using session = await TlsSession.open(running, how)
      for (const [end, code, stored] of [
        ['close_notify', 226, 'new 1'],
        ['bare', 226, 'new 2'],
        ['reset', 426, 'new 2'],
      ] as const) {
        const { raw, encrypt } = await session.passive()
        expect(await session.ask('STOR b')).to.match(/^150 /)
        const socket = encrypt()
        await once(socket, 'secureConnect')
        socket.resume()
        const text = end === 'close_notify' ? 'new 1' : end === 'bare' ? 'new 2' : 'new 3'
        await new Promise((resolve) => socket.write(text, resolve))
        if (end === 'close_notify') socket.end()
        else if (end === 'bare') raw.destroySoon()
        else raw.resetAndDestroy()
        expect(await session.reply(), end).to.match(new RegExp(`^${code} `))
        expect(await home.text('b'), end).to.equal(stored)
      }
    })
  }
})

describe('ftp: handshakes of data connections that come to nothing', () => {
  const failures: Readonly<Record<string, (data: DataEnd) => void>> = {
    silence: () => undefined,
    garbage: ({ raw }) => void raw.write('GET / HTTP/1.0\r\n\r\n'),
    'half a handshake': ({ raw }) => void raw.write(Buffer.from('16030100c8010000c40303', 'hex')),
    'the end of the connection': ({ raw }) => void raw.end(),
    'a reset': ({ raw }) => void raw.resetAndDestroy(),
    'a handshake cut in its middle': ({ raw, encrypt }) => {
      encrypt()
      setImmediate(() => raw.resetAndDestroy())
    },
  }

  it('get 522 in time, and the session goes on; nothing is stored', () =>
    undisturbed(150, async () => {
      await using running = await started({}, { limits: { handshakeMs: 500 } })
      const home = new Home(running)
      using session = await TlsSession.open(running)
      for (const [what, fail] of Object.entries(failures)) {
        for (const command of ['STOR new', 'RETR a']) {
          const data = await session.passive()
          data.raw.resume()
          await session.control.command(command)
          fail(data)
          expect(await session.reply(), what).to.match(/^150 /)
          expect(await session.reply(), `${what}: ${command}`).to.match(/^(?:522|426) /)
          expect(await home.names(), what).to.deep.equal(['a'])
        }
      }
      const { encrypt } = await session.passive()
      expect(await session.ask('RETR a')).to.match(/^150 /)
      expect((await readAll(encrypt())) === content).to.equal(true)
      expect(await session.reply()).to.match(/^226 /)
      expect(running.journal.records.filter(({ level }) => level === 'error')).to.deep.equal([])
    }))

  it('end with ABOR: 426, then 226', async () => {
    await using running = await started()
    using session = await TlsSession.open(running)
    const { raw } = await session.passive()
    raw.resume()
    expect(await session.ask('RETR a')).to.match(/^150 /)
    expect(await session.ask('ABOR')).to.match(/^426 /)
    expect(await session.reply()).to.match(/^226 /)
    expect(await session.ask('NOOP')).to.match(/^200 /)
  })

  it('end with the session', async () => {
    await using running = await started()
    using session = await TlsSession.open(running)
    await session.passive()
    expect(await session.ask('RETR a')).to.match(/^150 /)
    session.raw.resetAndDestroy()
    await until('the session is over', () => running.open === 0)
  })
})

describe('ftp: AUTH', () => {
  const greeted = async (running: Running): Promise<Client> => {
    const client = await Client.connect(running.port)
    await client.reply()
    return client
  }

  it('under its older names: TLS-C is TLS, TLS-P and SSL encrypt data connections as well (RFC 4217 Appendix A)', async () => {
    await using running = await started()
    for (const [name, protection] of [
      ['TLS-C', 'in clear'],
      ['tls-p', 'encrypted'],
      ['SSL', 'encrypted'],
    ]) {
      using client = await greeted(running)
      expect(await client.ask(`AUTH ${name}`)).to.equal('234 Begin TLS now')
      await client.startTls()
      await client.ask('USER alice')
      await client.ask(`PASS ${testAccounts['alice']}`)
      await client.command('STAT')
      expect((await client.reply()).join('\n'), name).to.include(`Data connections are ${protection}`)
      expect(await client.ask('PROT C')).to.equal('503 PBSZ first')
    }
  })

  it('in the middle of a login and behind it begins all anew; a second one is refused', async () => {
    await using running = await started()
    for (const before of [[], ['USER alice'], ['USER alice', `PASS ${testAccounts['alice']}`, 'CWD /', 'RNFR a', 'REST 5']]) {
      using client = await greeted(running)
      for (const line of before) await client.ask(line)
      expect(await client.ask('AUTH TLS')).to.match(/^234 /)
      await client.startTls()
      expect(await client.ask('PASS x')).to.equal('503 USER first')
      expect(await client.ask('PWD')).to.match(/^530 /)
      expect(await client.ask('AUTH TLS')).to.equal('503 The connection is encrypted already')
      expect(await client.ask('AUTH SSL')).to.equal('503 The connection is encrypted already')
      await client.ask('USER alice')
      expect(await client.ask(`PASS ${testAccounts['alice']}`)).to.match(/^230 /)
      expect(await client.ask('RNTO b')).to.match(/^503 /)
    }
  })

  it('waits for the end of a transfer, and closes a data connection that was prepared', async () => {
    await using running = await started()
    using client = await greeted(running)
    await client.ask('USER alice')
    await client.ask(`PASS ${testAccounts['alice']}`)
    const passive = async () => Number(/\|\|\|(\d+)\|/.exec(await client.ask('EPSV'))?.[1])
    using data = await Client.connect(await passive())
    expect(await client.ask('STOR b')).to.match(/^150 /)
    await client.command('AUTH TLS')
    await data.send('stored')
    data.end()
    expect(await client.line()).to.match(/^226 /)
    expect(await client.line()).to.match(/^234 /)
    expect(await new Home(running).text('b')).to.equal('stored')
    await client.startTls()
    await client.ask('USER alice')
    await client.ask(`PASS ${testAccounts['alice']}`)
    expect(await client.ask('RETR b')).to.match(/^425 /)
  })

  it('is refused by name where it is not understood, and CCC always', async () => {
    await using running = await started()
    using client = await greeted(running)
    expect(await client.ask('AUTH KERBEROS_V4')).to.equal('504 AUTH KERBEROS_V4 is not offered')
    expect(await client.ask('AUTH constructor')).to.equal('504 AUTH CONSTRUCTOR is not offered')
    expect(await client.ask('CCC')).to.equal('503 AUTH TLS first')
    expect(await client.ask('ADAT x')).to.match(/^502 /)
    await client.ask('AUTH TLS')
    await client.startTls()
    expect(await client.ask('CCC')).to.equal('534 This connection stays encrypted')
    expect(await client.ask('NOOP')).to.equal('200 OK')
    expect(await client.ask('PBSZ 4294967295')).to.equal('200 PBSZ=0')
    expect(await client.ask('PBSZ 4294967296')).to.match(/^501 /)
    expect(await client.ask('PROT E')).to.match(/^536 /)
    expect(await client.ask('PROT X')).to.match(/^504 /)
    expect(await client.ask('PROT')).to.match(/^501 /)
  })

  it('with anything but a handshake behind it ends the connection, again and again', async () => {
    await using running = await started({}, { limits: { handshakeMs: 500 } })
    for (const octets of [
      '',
      'AUTH TLS\r\n',
      '\x16\x03\x01\x00\x05hello',
      '\x80\x2e\x01\x00\x02',
      '\x15\x03\x01\x00\x02\x01\x00',
    ]) {
      for (let n = 0; n < 5; n += 1) {
        using client = await greeted(running)
        expect(await client.ask('AUTH TLS')).to.match(/^234 /)
        const raw = client.socket
        raw.removeAllListeners('data')
        raw.resume()
        const closed = once(raw, 'close')
        if (octets === '') raw.end()
        else raw.write(Buffer.from(octets, 'latin1'))
        await closed
      }
    }
    await until('all are over', () => running.open === 0)
    const ends = running.journal.of('ftp.session.ended').map(({ fields }) => fields['reason'])
    expect(ends).to.have.length(25)
    expect(new Set(ends)).to.deep.equal(new Set(['no-tls']))
    expect(running.journal.records.filter(({ level }) => level === 'error')).to.deep.equal([])
  })
})

describe('ftp: TLS from the first octet', () => {
  it('needs no AUTH, PBSZ or PROT; data is encrypted, and may be in clear where a client asks for that', async () => {
    await using running = await serveFtp({ tls: 'implicit' })
    await new Home(running).put('a', content)
    using control = await Client.connectTls(running.port)
    expect(await control.line()).to.match(/^220 /)
    expect(await control.ask('AUTH TLS')).to.match(/^503 /)
    await control.ask('USER alice')
    expect(await control.ask(`PASS ${testAccounts['alice']}`)).to.match(/^230 /)
    await control.ask('TYPE I')
    await eventually(() => expect(control.sessions.length).to.be.greaterThan(0))
    const passive = async () => Number(/\|\|\|(\d+)\|/.exec(await control.ask('EPSV'))?.[1])
    const [session] = control.sessions
    const data = connect({ port: await passive(), host: '127.0.0.1', rejectUnauthorized: false, ...(session ? { session } : {}) })
    expect(await control.ask('RETR a')).to.match(/^150 /)
    expect((await readAll(data)) === content).to.equal(true)
    expect(await control.line()).to.match(/^226 /)
    expect(await control.ask('PROT C')).to.match(/^200 /)
    const clear = connectTcp(await passive(), '127.0.0.1')
    expect(await control.ask('RETR a')).to.match(/^150 /)
    expect((await readAll(clear)) === content).to.equal(true)
    expect(await control.line()).to.match(/^226 /)
    expect(await control.ask('CCC')).to.match(/^534 /)
  })

  it('says nothing to one who speaks in clear', async () => {
    await using running = await serveFtp({ tls: 'implicit', limits: { handshakeMs: 300 } })
    using client = await Client.connect(running.port)
    await client.command('USER alice')
    const said = await client.rest()
    // An alert at most.
    expect(said.toString('latin1')).to.not.include('220')
    await until('it is over', () => running.open === 0)
  })
})
