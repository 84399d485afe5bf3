import { once } from 'node:events'
import { connect as connectTcp } from 'node:net'
import { connect, TLSSocket } from 'node:tls'
import { expect } from 'chai'
import { Client } from '../kit/client.ts'
import { eventually } from '../kit/eventually.ts'
import { testAccounts } from '../kit/fake-desk.ts'
import { testKeys } from '../kit/keys.ts'
import type { Running } from '../kit/serving.ts'
import { Home, serveFtp } from './raw-session.ts'

const say = async (client: Client, line: string): Promise<string> => {
  await client.command(line)
  return (await client.reply()).join('\n')
}

const greeted = async ({ port }: Running): Promise<Client> => {
  const client = await Client.connect(port)
  await client.reply()
  return client
}

/** The session of the control connection, for its data connections to resume. */
const sessionOf = ({ socket }: Client): Buffer => {
  const session = socket instanceof TLSSocket ? socket.getSession() : undefined
  if (session === undefined) throw new Error('no session')
  return session
}

/** A client that is logged in over TLS, and the session that its data connections can resume. */
const secured = async (running: Running): Promise<{ client: Client; session: Buffer }> => {
  const client = await greeted(running)
  await say(client, 'AUTH TLS')
  await client.startTls()
  const session = sessionOf(client)
  await say(client, 'USER alice')
  await say(client, `PASS ${testAccounts['alice']}`)
  await say(client, 'TYPE I')
  return { client, session }
}

const passive = async (client: Client): Promise<number> => {
  const reply = await say(client, 'EPSV')
  return Number(/\|\|\|(\d+)\|/.exec(reply)?.[1])
}

const readAll = async (socket: TLSSocket): Promise<string> => {
  const chunks: Buffer[] = []
  for await (const chunk of socket) chunks.push(chunk as Buffer)
  return Buffer.concat(chunks).toString()
}

const dataTls = (port: number, session?: Buffer) =>
  connect({ port, host: '127.0.0.1', rejectUnauthorized: false, ...(session === undefined ? {} : { session }) })

describe('FTP: HOST and REIN over TLS', () => {
  it('HOST takes the names of the certificates, before and behind AUTH (RFC 7151 §3)', async () => {
    await using running = await serveFtp({ tls: 'starttls' })
    const [named] = (await testKeys()).material.certificates.flatMap(({ names }) =>
      names.filter((name) => /^[a-z]/.test(name) && name !== 'localhost'),
    )
    expect(named, 'a name that is not known anyway').to.be.a('string')
    using client = await greeted(running)
    expect(await say(client, `HOST ${named}`)).to.match(/^220 /)
    expect(await say(client, 'HOST not-in-it.example')).to.match(/^504 /)
    await say(client, 'AUTH TLS')
    await client.startTls()
    expect(await say(client, `HOST ${named}`)).to.match(/^220 /)
    expect(await say(client, 'HOST not-in-it.example')).to.match(/^504 /)
  })

  it('REIN forgets the login and what was agreed on data connections, and stays encrypted (RFC 4217 §13)', async () => {
    await using running = await serveFtp({ tls: 'starttls' })
    const { client } = await secured(running)
    expect(await say(client, 'PBSZ 0')).to.match(/^200 /)
    expect(await say(client, 'PROT P')).to.match(/^200 /)
    expect(await say(client, 'REIN')).to.match(/^220 /)
    expect(await say(client, 'PWD')).to.match(/^530 /)
    expect(await say(client, 'PROT P')).to.equal('503 PBSZ first')
    expect(await say(client, 'AUTH TLS')).to.equal('503 The connection is encrypted already')
    expect(await say(client, 'USER bob')).to.match(/^331 /)
    expect(await say(client, `PASS ${testAccounts['bob']}`)).to.match(/^230 /)
    client[Symbol.dispose]()
  })
})

describe('FTP: AUTH TLS (RFC 4217)', () => {
  it('encrypts, forgets who was logged in, and is named by FEAT', async () => {
    await using running = await serveFtp({ tls: 'starttls' })
    using client = await greeted(running)
    expect(await say(client, 'FEAT'))
      .to.include(' AUTH TLS\n')
      .and.to.include(' PBSZ\n')
      .and.to.include(' PROT\n')
    await say(client, 'USER alice')
    expect(await say(client, `PASS ${testAccounts['alice']}`)).to.match(/^230/)
    expect(await say(client, 'PBSZ 0')).to.equal('503 AUTH TLS first')
    expect(await say(client, 'PROT P')).to.equal('503 AUTH TLS first')
    expect(await say(client, 'AUTH GSSAPI')).to.match(/^504/)
    expect(await say(client, 'AUTH')).to.match(/^501/)
    expect(await say(client, 'AUTH TLS')).to.equal('234 Begin TLS now')
    await client.startTls({ rejectUnauthorized: true, ca: (await testKeys()).authority, servername: 'localhost' })
    expect(await say(client, 'PWD')).to.match(/^530/)
    expect(await say(client, 'AUTH TLS')).to.match(/^503/)
    await say(client, 'USER alice')
    expect(await say(client, `PASS ${testAccounts['alice']}`)).to.match(/^230/)
    expect(await say(client, 'PROT P')).to.equal('503 PBSZ first')
    expect(await say(client, 'PBSZ 4096')).to.equal('200 PBSZ=0')
    expect(await say(client, 'PROT S')).to.match(/^536/)
    expect(await say(client, 'PROT X')).to.match(/^504/)
    expect(await say(client, 'PROT P')).to.match(/^200 .*encrypted/)
    expect(await say(client, 'STAT'))
      .to.include('over TLS')
      .and.to.include('Data connections are encrypted')
    expect(await say(client, 'PROT C')).to.match(/^200 .*in clear/)
    expect(await say(client, 'QUIT')).to.match(/^221/)
  })

  it('runs nothing that came in clear behind it', async () => {
    await using running = await serveFtp({ tls: 'starttls' })
    using client = await greeted(running)
    await client.send(`AUTH TLS\r\nUSER alice\r\nPASS ${testAccounts['alice']}\r\nMKD mallory\r\nNO`)
    expect((await client.reply()).join()).to.match(/^234/)
    await client.startTls()
    expect(await say(client, 'PWD')).to.match(/^530/)
    expect(running.desk.attempts).to.have.length(0)
  })

  it('nor what came in later packets before the handshake', async () => {
    await using running = await serveFtp({ tls: 'starttls' })
    using client = await greeted(running)
    await client.send(`${'NOOP\r\n'.repeat(90)}AUTH TLS\r\n${'USER mallory\r\n'.repeat(20_000)}`)
    while (!(await client.reply()).join().startsWith('234'));
    const outcome = await client.startTls().then(
      () => say(client, 'PWD'),
      () => 'closed',
    )
    expect(outcome).to.match(/^(?:530|closed)/)
    expect(running.journal.text()).to.not.include('mallory')
  })

  it('lets nobody wait: a silent handshake ends', async () => {
    await using running = await serveFtp({ tls: 'starttls', limits: { handshakeMs: 50 } })
    using client = await greeted(running)
    await say(client, 'AUTH TLS')
    await client.closed()
    await eventually(() => expect(running.journal.of('ftp.session.ended').at(-1)?.fields).to.include({ reason: 'no-tls' }))
    await eventually(() => expect(running.open).to.equal(0))
  })

  it('is TLS 1.3 with clients that know nothing older, on data connections too', async () => {
    await using running = await serveFtp({ tls: 'starttls' })
    using client = await greeted(running)
    await say(client, 'AUTH TLS')
    await client.startTls({ minVersion: 'TLSv1.3' })
    expect(client.socket instanceof TLSSocket && client.socket.getProtocol()).to.equal('TLSv1.3')
    await say(client, 'USER alice')
    await say(client, `PASS ${testAccounts['alice']}`)
    for (const line of ['TYPE I', 'PBSZ 0', 'PROT P']) expect(await say(client, line)).to.match(/^200/)
    const data = connect({
      port: await passive(client),
      host: '127.0.0.1',
      rejectUnauthorized: false,
      minVersion: 'TLSv1.3',
      session: sessionOf(client),
    })
    const spoken = new Promise<string | null>((resolve) => data.once('secureConnect', () => resolve(data.getProtocol())))
    expect(await say(client, 'NLST')).to.match(/^150/)
    await readAll(data)
    expect(await spoken).to.equal('TLSv1.3')
    expect((await client.reply()).join()).to.match(/^226/)
  })

  it('is TLS 1.2 with all others, of which one session does for any number of data connections', async () => {
    await using running = await serveFtp({ tls: 'starttls' })
    const { client, session } = await secured(running)
    using _client = client
    expect(client.socket instanceof TLSSocket && client.socket.getProtocol()).to.equal('TLSv1.2')
    await say(client, 'PBSZ 0')
    await say(client, 'PROT P')
    for (let n = 0; n < 5; n++) {
      const data = dataTls(await passive(client), session)
      let resumed: boolean | null = null
      data.once('secureConnect', () => {
        resumed = data.isSessionReused()
      })
      expect(await say(client, 'STOR a.txt')).to.match(/^150/)
      data.end('a')
      data.resume()
      expect((await client.reply()).join()).to.match(/^226/)
      expect(resumed).to.equal(true)
    }
  })

  it('is what a login needs where TLS is required, and data connections too', async () => {
    await using running = await serveFtp({ tls: 'starttls', requireTls: 'always' })
    using client = await greeted(running)
    expect(await say(client, 'USER alice')).to.match(/^530 .*over TLS/)
    await say(client, 'AUTH TLS')
    await client.startTls()
    await say(client, 'USER alice')
    expect(await say(client, `PASS ${testAccounts['alice']}`)).to.match(/^230/)
    await passive(client)
    expect(await say(client, 'LIST')).to.match(/^521/)
    await say(client, 'PBSZ 0')
    expect(await say(client, 'PROT C')).to.match(/^534/)
  })
})

describe('FTP: encrypted data connections (RFC 4217 §9)', () => {
  it('send and take files, with the session of the control connection', async () => {
    await using running = await serveFtp({ tls: 'starttls' })
    const home = new Home(running)
    await home.put('a.txt', 'twelve octets'.repeat(100_000))
    const { client, session } = await secured(running)
    using _client = client
    await say(client, 'PBSZ 0')
    await say(client, 'PROT P')
    const down = dataTls(await passive(client), session)
    let resumed: boolean | null = null
    down.once('secureConnect', () => {
      resumed = down.isSessionReused()
    })
    expect(await say(client, 'RETR a.txt')).to.match(/^150/)
    expect(await readAll(down)).to.equal('twelve octets'.repeat(100_000))
    expect(resumed).to.equal(true)
    expect((await client.reply()).join()).to.match(/^226/)
    const up = dataTls(await passive(client), session)
    expect(await say(client, 'STOR b.txt')).to.match(/^150/)
    up.end('uploaded'.repeat(100_000))
    up.resume()
    expect((await client.reply()).join()).to.match(/^226/)
    expect(await home.text('b.txt')).to.equal('uploaded'.repeat(100_000))
    expect(await say(client, 'PROT C')).to.match(/^200/)
    const plain = connectTcp(await passive(client), '127.0.0.1')
    await client.command('NLST')
    const [names] = await once(plain, 'data')
    expect(String(names)).to.equal('a.txt\r\nb.txt\r\n')
    plain.destroy()
  })

  it('are refused with a session of their own or of another client, unless the setting allows it', async () => {
    for (const [dataTlsSetting, code] of [
      ['session', 522],
      ['any', 226],
    ] as const) {
      await using running = await serveFtp({ tls: 'starttls', options: { dataTls: dataTlsSetting } })
      const other = await secured(running)
      using _other = other.client
      const { client } = await secured(running)
      using _client = client
      await say(client, 'PBSZ 0')
      await say(client, 'PROT P')
      for (const session of [undefined, other.session]) {
        const data = dataTls(await passive(client), session)
        data.on('error', () => undefined)
        data.resume()
        expect(await say(client, 'LIST')).to.match(/^150/)
        expect((await client.reply()).join()).to.match(new RegExp(`^${code}`))
        data.destroy()
      }
    }
  })

  it('that speak no TLS get 522, and the session goes on', async () => {
    await using running = await serveFtp({ tls: 'starttls' })
    const home = new Home(running)
    const { client } = await secured(running)
    using _client = client
    await say(client, 'PBSZ 0')
    await say(client, 'PROT P')
    const data = connectTcp(await passive(client), '127.0.0.1')
    data.on('error', () => undefined)
    expect(await say(client, 'STOR new.txt')).to.match(/^150/)
    data.end('in clear, not a handshake at all')
    data.resume()
    expect((await client.reply()).join()).to.match(/^522/)
    expect(await home.names()).to.deep.equal([])
    expect(await say(client, 'NOOP')).to.match(/^200/)
  })
})

describe('FTP: TLS from the first octet', () => {
  it('greets when the connection is encrypted, and encrypts data without being asked', async () => {
    await using running = await serveFtp({ tls: 'implicit', requireTls: 'always' })
    using client = await Client.connectTls(running.port)
    const session = sessionOf(client)
    await client.reply()
    await say(client, 'USER alice')
    expect(await say(client, `PASS ${testAccounts['alice']}`)).to.match(/^230/)
    const data = dataTls(await passive(client), session)
    await client.command('LIST')
    await client.reply()
    expect(await readAll(data)).to.equal('')
    expect((await client.reply()).join()).to.match(/^226/)
  })
})
