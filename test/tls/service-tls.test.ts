import { randomBytes } from 'node:crypto'
import { type ConnectionOptions, connect } from 'node:tls'
import { expect } from 'chai'
import type { Server } from '../../shared/service.ts'
import { localCertificate } from '../../shared/tls/local-certificate.ts'
import { Client } from '../kit/client.ts'
import { eventually } from '../kit/eventually.ts'
import { temporaryFolder } from '../kit/folder.ts'
import { type Running, serve } from '../kit/serving.ts'

/** The names of the certificate that a client is shown. */
const shownTo = ({ port }: Running, options: ConnectionOptions = {}): Promise<string> =>
  new Promise((resolve, reject) => {
    const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...options }, () => {
      resolve(socket.getPeerCertificate().subjectaltname ?? '')
      socket.destroy()
    })
    socket.once('error', reject)
  })

const pairFor = async (hostname: string) => {
  await using folder = await temporaryFolder()
  return (await localCertificate(folder.path, { hostname, hosts: [], domains: [], revocationUrl: null }, Date.now())).pair
}

const secret = () => randomBytes(48).toString('base64')

describe('TLS: a service', () => {
  it('shows the certificate of the host that is asked for, and new ones without a restart; who is connected stays so', async () => {
    const [one, two, three] = await Promise.all([pairFor('one.test'), pairFor('two.test'), pairFor('three.test')])
    await using running = await serve({ service: 'http', tls: 'implicit' })
    running.tls?.use({ certificates: [one, two], ticketKeys: secret() })
    expect(await shownTo(running)).to.include('one.test')
    expect(await shownTo(running, { servername: 'two.test' })).to.include('two.test')
    expect(await shownTo(running, { servername: 'other.test' })).to.include('one.test')
    using client = await Client.connectTls(running.port)
    running.tls?.use({ certificates: [three], ticketKeys: secret() })
    expect(await shownTo(running, { servername: 'two.test' })).to.include('three.test')
    await client.send('GET /nothing HTTP/1.1\r\nHost: localhost\r\n\r\n')
    expect(await client.line()).to.equal('HTTP/1.1 404 Not Found')
  })

  it('resumes sessions of another process that has its ticket keys, and not those of other keys', async () => {
    const pair = await pairFor('one.test')
    const ticketKeys = secret()
    await using first = await serve({ service: 'http', tls: 'implicit' })
    await using second = await serve({ service: 'http', tls: 'implicit' })
    for (const running of [first, second]) running.tls?.use({ certificates: [pair], ticketKeys })
    const session = await new Promise<Buffer>((resolve) => {
      const socket = connect({ port: first.port, host: '127.0.0.1', rejectUnauthorized: false })
      socket.once('session', (ticket) => {
        resolve(ticket)
        socket.destroy()
      })
    })
    const isResumed = ({ port }: Running) =>
      new Promise<boolean>((resolve) => {
        const socket = connect({ port, host: '127.0.0.1', rejectUnauthorized: false, session }, () => {
          resolve(socket.isSessionReused())
          socket.destroy()
        })
      })
    expect(await isResumed(second)).to.equal(true)
    second.tls?.use({ certificates: [pair], ticketKeys: secret() })
    expect(await isResumed(second)).to.equal(false)
  })

  for (const version of ['TLSv1', 'TLSv1.1'] as const) {
    it(`refuses ${version}`, async () => {
      await using running = await serve({ service: 'http', tls: 'implicit' })
      const options = { minVersion: version, maxVersion: version, ciphers: 'DEFAULT@SECLEVEL=0' }
      const outcome = await shownTo(running, options).catch((error: NodeJS.ErrnoException) => error.code)
      expect(outcome).to.equal('ERR_SSL_TLSV1_ALERT_PROTOCOL_VERSION')
    })
  }

  it('speaks no suite of TLS 1.2 without forward secrecy and authenticated encryption', async () => {
    await using running = await serve({ service: 'http', tls: 'implicit' })
    const ciphers = 'ECDHE-ECDSA-AES128-SHA256:ECDHE-ECDSA-AES256-SHA:AES128-GCM-SHA256:AES128-SHA@SECLEVEL=0'
    const outcome = await shownTo(running, { maxVersion: 'TLSv1.2', ciphers }).catch((error: NodeJS.ErrnoException) => error.code)
    expect(outcome).to.match(/ALERT_HANDSHAKE_FAILURE$/)
  })

  it('does not begin the handshake again for a client of TLS 1.2 that wishes it', async () => {
    await using running = await serve({ service: 'http', tls: 'implicit' })
    const outcome = await new Promise<string>((resolve) => {
      const socket = connect({ port: running.port, host: '127.0.0.1', rejectUnauthorized: false, maxVersion: 'TLSv1.2' }, () => {
        socket.renegotiate({ rejectUnauthorized: false }, (error) => {
          resolve(error === null ? 'begun again' : String((error as NodeJS.ErrnoException).code))
          socket.destroy()
        })
      })
      socket.once('error', (error: NodeJS.ErrnoException) => resolve(String(error.code)))
    })
    expect(outcome).to.equal('ERR_SSL_NO_RENEGOTIATION')
  })

  it('reads nothing of what came in clear before the handshake, also where the protocol had not looked at it yet', async () => {
    const server: Server = {
      // Lets the client speak first, looks at nothing, and then begins.
      serve: async (connection) => {
        const { stream } = connection
        stream.write('greeted\r\n')
        await eventually(() => expect(stream.readableLength).to.be.greaterThan(0))
        stream.write('begin\r\n')
        await connection.startTls()
        connection.stream.end('heard nothing\r\n')
      },
      refuse: () => '',
      stop: async () => undefined,
    }
    await using running = await serve({ service: 'x', tls: 'starttls', create: () => server })
    using client = await Client.connect(running.port)
    expect(await client.line()).to.equal('greeted')
    await client.send('EVIL\r\n')
    expect(await client.line()).to.equal('begin')
    await client.startTls()
    expect(await client.line()).to.equal('heard nothing')
    expect(running.journal.of('tls.clear-octets-dropped')[0]?.fields).to.include({ octets: 6 })
  })

  it('waits for its first keys, and then serves who came before', async () => {
    const pair = await pairFor('one.test')
    await using running = await serve({ service: 'http', tls: 'implicit', keysLater: true })
    const shown = shownTo(running)
    await new Promise((resolve) => setTimeout(resolve, 20))
    running.tls?.use({ certificates: [pair], ticketKeys: secret() })
    expect(await shown).to.include('one.test')
  })
})
