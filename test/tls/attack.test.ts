import { once } from 'node:events'
import { connect } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { expect } from 'chai'
import type { Server } from '../../shared/service.ts'
import { Client } from '../kit/client.ts'
import { eventually } from '../kit/eventually.ts'
import { describeWith } from '../kit/programs.ts'
import { run } from '../kit/run.ts'
import { type Running, serve } from '../kit/serving.ts'

/** How each protocol goes over to TLS, and what somebody might put behind it in clear. */
const upgrades = {
  smtp: { say: 'STARTTLS', answer: /^220 /, injected: 'EHLO mallory.test\r\nRSET\r\n', probe: 'NOOP', fine: /^250 / },
  pop3: { say: 'STLS', answer: /^\+OK Begin TLS/, injected: 'USER mallory\r\nCAPA\r\n', probe: 'NOOP', fine: /^-ERR Log in first/ },
  ftp: { say: 'AUTH TLS', answer: /^234 /, injected: 'USER mallory\r\nSYST\r\n', probe: 'NOOP', fine: /^200 / },
} as const
const protocols = ['smtp', 'pop3', 'ftp'] as const

const greeted = async ({ port }: Running): Promise<Client> => {
  const client = await Client.connect(port)
  await client.line()
  return client
}

/** A moment in which whatever is on its way arrives. */
const aMoment = () => new Promise((resolve) => setTimeout(resolve, 10))

for (const service of protocols) {
  const { say, answer, injected, probe, fine } = upgrades[service]
  describe(`TLS: attacks on ${say} of ${service}`, () => {
    it('what is put behind it in clear is never run, wherever the packets are cut', async function () {
      this.timeout(120_000)
      await using running = await serve({ service, tls: 'starttls' })
      const whole = `${say}\r\n${injected}`
      for (let cut = 0; cut <= whole.length; cut++) {
        using client = await greeted(running)
        await client.send(whole.slice(0, cut))
        await aMoment()
        // Behind the reply the rest is taken for the handshake, and ends it.
        await client.send(whole.slice(cut))
        expect(await client.line(), `cut at ${cut}`).to.match(answer)
        const outcome = await client.startTls().then(
          () => client.ask(probe),
          () => 'closed',
        )
        if (cut <= say.length + 1) expect(outcome, `cut at ${cut}`).to.match(fine)
        else expect(outcome === 'closed' || fine.test(outcome), `cut at ${cut}: ${outcome}`).to.equal(true)
      }
      expect(running.journal.text()).to.not.include('mallory')
      await eventually(() => expect(running.open).to.equal(0))
    })

    it('a client that goes away in the middle of the handshake leaves its place at once', async () => {
      await using running = await serve({ service, tls: 'starttls' })
      for (const begun of ['', '\u0016\u0003\u0001']) {
        using client = await greeted(running)
        expect(await client.ask(say)).to.match(answer)
        await client.send(begun)
        client.end()
        await client.closed()
        await eventually(() => expect(running.open).to.equal(0))
      }
      expect(running.journal.of('tls.failed').map(({ fields }) => fields['code'])).to.deep.equal(['closed', 'closed'])
    })

    it('a handshake that is none ends the conversation, and no other', async () => {
      await using running = await serve({ service, tls: 'starttls' })
      using other = await greeted(running)
      for (const garbage of [
        '\u0016\u0003\u0001\u0000\u0005hello',
        '\u0000'.repeat(70_000),
        `${probe}\r\n`,
        '\u0016\u0003\u0001\uffff',
      ]) {
        using client = await greeted(running)
        expect(await client.ask(say)).to.match(answer)
        await client.send(Buffer.from(garbage, 'latin1'))
        client.end()
        // What comes back is an alert at most (RFC 8446 §6: 7 octets).
        expect((await client.rest()).length).to.be.oneOf([0, 7])
      }
      expect(await other.ask(probe)).to.match(fine)
    })
  })
}

describe('TLS: the discard of the host', () => {
  it('drops what arrived in clear and nobody read, so that the handshake begins with the handshake', async () => {
    const secured = Promise.withResolvers<void>()
    /** Answers the first line, and reads nothing behind it until TLS stands. */
    const server: Server = {
      serve: async (connection) => {
        const { stream } = connection
        await once(stream, 'readable')
        stream.read(6)
        // All of it is there before anything is done.
        while (stream.readableLength < injected.length) await aMoment()
        stream.write('go\r\n')
        await connection.startTls()
        secured.resolve()
        for await (const chunk of connection.stream) {
          connection.stream.end(chunk)
          return
        }
      },
      refuse: () => '',
      stop: () => Promise.resolve(),
    }
    const injected = 'EHLO mallory.test\r\nMAIL FROM:<mallory@example.org>\r\n'
    await using running = await serve({ service: 'pop3', tls: 'starttls', create: () => server })
    using client = await Client.connect(running.port)
    await client.send(`START\n${injected}`)
    expect(await client.line()).to.equal('go')
    await client.startTls()
    await secured.promise
    expect(await client.ask('who is there?')).to.equal('who is there?')
    expect(running.journal.of('tls.clear-octets-dropped').map(({ fields }) => fields['octets'])).to.deep.equal([injected.length])
  })
})

describe('TLS: attacks on a service that is encrypted from the first octet', () => {
  it('thousands of half handshakes hold no more than the limit, and end by themselves; others are served', async function () {
    this.timeout(120_000)
    await using running = await serve({
      service: 'pop3',
      tls: 'implicit',
      limits: { connectionsPerAddress: 50, handshakeMs: 20_000 },
    })
    for (let round = 0; round < 20; round++) {
      const sockets = Array.from({ length: 100 }, () => connect(running.port, '127.0.0.1').on('error', () => undefined))
      await Promise.all(sockets.map((socket) => new Promise((resolve) => socket.once('connect', resolve))))
      for (const socket of sockets) socket.write('\u0016\u0003\u0001')
      expect(running.open).to.be.at.most(50)
      using client = await Client.connect(running.port, { from: '127.0.0.2' })
      await client.startTls()
      expect(await client.line()).to.match(/^\+OK/)
      for (const socket of sockets) socket.destroy()
    }
    await eventually(() => expect(running.open).to.equal(0))
  })

  it('a silent client is let go after limits.handshake', async () => {
    await using running = await serve({ service: 'http', tls: 'implicit', limits: { handshakeMs: 60 } })
    using client = await Client.connect(running.port)
    await client.closed()
    expect(running.journal.of('tls.failed').at(-1)?.fields).to.include({ code: 'timeout' })
  })

  it('a host name that is none, or very long, gets the first certificate', async () => {
    await using running = await serve({ service: 'http', tls: 'implicit' })
    for (const servername of ['\u0001\u0002', '*.', '..', 'a'.repeat(250), '__proto__', 'constructor']) {
      const names = await new Promise<string>((resolve, reject) => {
        const socket = connectTls({ port: running.port, host: '127.0.0.1', servername, rejectUnauthorized: false }, () => {
          resolve(socket.getPeerCertificate().subjectaltname ?? '')
          socket.destroy()
        })
        socket.once('error', reject)
      })
      expect(names, servername).to.include('localhost')
    }
  })

  it('a client that wants another protocol within TLS only is refused with an alert (RFC 7301 §3.2)', async () => {
    await using running = await serve({ service: 'http', tls: 'implicit' })
    const wants = (protocols: string[]) =>
      new Promise<string | false | null>((resolve) => {
        const options = { port: running.port, host: '127.0.0.1', rejectUnauthorized: false, ALPNProtocols: protocols }
        const socket = connectTls(options, () => {
          resolve(socket.alpnProtocol)
          socket.destroy()
        })
        socket.once('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? ''))
      })
    expect(await wants(['h2', 'http/1.1'])).to.equal('h2')
    expect(await wants(['http/1.1'])).to.equal('http/1.1')
    expect(await wants(['imap'])).to.equal('ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL')
    await using mail = await serve({ service: 'pop3', tls: 'implicit' })
    using client = await Client.connectTls(mail.port, { tls: { ALPNProtocols: ['pop3'] } })
    expect(await client.line()).to.match(/^\+OK/)
  })

  it('one key for all: a session of one service is none of another', async () => {
    await using web = await serve({ service: 'http', tls: 'implicit' })
    await using mail = await serve({ service: 'pop3', tls: 'implicit' })
    for (const maxVersion of ['TLSv1.2', 'TLSv1.3'] as const) {
      const session = await new Promise<Buffer>((resolve, reject) => {
        const socket = connectTls({ port: web.port, host: '127.0.0.1', rejectUnauthorized: false, maxVersion })
        socket.once('session', (ticket: Buffer) => {
          resolve(ticket)
          socket.destroy()
        })
        socket.once('error', reject)
      })
      const resumed = (port: number) =>
        new Promise<boolean>((resolve) => {
          const socket = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false, maxVersion, session }, () => {
            resolve(socket.isSessionReused())
            socket.destroy()
          })
          socket.once('error', () => resolve(false))
        })
      // testKeys has one ticket key for all: what keeps them apart is the service's name.
      expect(await resumed(web.port), maxVersion).to.equal(true)
      expect(await resumed(mail.port), maxVersion).to.equal(false)
    }
  })

  it('a client that renegotiates (TLS 1.2) gets nothing for it', async () => {
    await using running = await serve({ service: 'pop3', tls: 'implicit' })
    const refused = await new Promise<boolean>((resolve, reject) => {
      const socket = connectTls({ port: running.port, host: '127.0.0.1', rejectUnauthorized: false, maxVersion: 'TLSv1.2' }, () => {
        socket.renegotiate({ rejectUnauthorized: false }, (error) => {
          resolve(error !== null)
          socket.destroy()
        })
      })
      socket.once('error', () => resolve(true))
      setTimeout(() => reject(new Error('no answer')), 60_000).unref()
    })
    expect(refused).to.equal(true)
  })

  describeWith(['openssl'], 'with openssl', () => {
    for (const [version, line] of [
      ['TLS 1.0', '-tls1'],
      ['TLS 1.1', '-tls1_1'],
    ] as const) {
      it(`refuses ${version} with the alert that says so`, async () => {
        await using running = await serve({ service: 'pop3', tls: 'implicit' })
        const args = ['s_client', '-connect', `127.0.0.1:${running.port}`, line, '-cipher', 'DEFAULT@SECLEVEL=0']
        const { code, stderr } = await run('openssl', args)
        expect(code).to.not.equal(0)
        expect(stderr).to.include('alert protocol version')
      })
    }

    it('refuses suites without forward secrecy or authenticated encryption', async () => {
      await using running = await serve({ service: 'pop3', tls: 'implicit' })
      for (const suite of [
        'AES128-SHA',
        'AES256-GCM-SHA384',
        'ECDHE-ECDSA-AES128-SHA',
        'ECDHE-ECDSA-AES256-SHA384',
        'NULL',
        'aNULL',
      ]) {
        const args = ['s_client', '-connect', `127.0.0.1:${running.port}`, '-tls1_2', '-cipher', `${suite}:@SECLEVEL=0`]
        const { code, stderr } = await run('openssl', args)
        expect(code, suite).to.not.equal(0)
        expect(stderr, suite).to.match(/alert handshake failure|no cipher/i)
      }
    })
  })

  it('SSL 2 and SSL 3 get no conversation', async () => {
    await using running = await serve({ service: 'pop3', tls: 'implicit' })
    // Hellos as those versions wrote them: of SSL 2 its own form, of SSL 3 a record of 3.0 with a hello of 3.0.
    const ssl2 = Buffer.from(
      '802e0100020015001000100100800200800300800400800500800600400700c0000102030405060708090a0b0c0d0e0f',
      'hex',
    )
    const hello = Buffer.concat([
      Buffer.from('0300', 'hex'),
      Buffer.alloc(32, 1),
      Buffer.from('00000a000a002f003500050004', 'hex'),
      Buffer.from('0100', 'hex'),
    ])
    const body = Buffer.concat([Buffer.from([1, 0, 0, hello.length]), hello])
    const ssl3 = Buffer.concat([Buffer.from([0x16, 3, 0, 0, body.length]), body])
    for (const octets of [ssl2, ssl3]) {
      using client = await Client.connect(running.port)
      await client.send(octets)
      expect((await client.rest()).length).to.be.oneOf([0, 7])
    }
    expect(running.journal.of('tls.failed')).to.have.length(2)
  })
})
