import { TLSSocket } from 'node:tls'
import { expect } from 'chai'
import { Client } from '../kit/client.ts'
import { testAccounts } from '../kit/fake-desk.ts'
import { binaryHeader } from '../kit/proxy-header.ts'
import { Home, RawSession, serveFtp, until } from './raw-session.ts'

const client = '127.0.0.5'
const header = `PROXY TCP4 ${client} 198.51.100.1 40000 21\r\n`
const dataHeader = (from: string) => binaryHeader(from, 40_001, '198.51.100.1', 50_000)

describe('ftp: behind a proxy', () => {
  const started = async () => {
    const running = await serveFtp({ proxiesFrom: ['127.0.0.1'], limits: { handshakeMs: 300 }, tls: 'starttls' })
    await new Home(running).put('a', 'content')
    return running
  }

  const download = async (session: RawSession, data: Client): Promise<void> => {
    expect(await session.ask('RETR a')).to.match(/^150 /)
    expect((await data.rest()).toString()).to.equal('content')
    expect(await session.reply()).to.match(/^226 /)
  }

  it('asks nobody from elsewhere for a password in clear, though the proxy is on this machine', async () => {
    await using running = await started()
    for (const [from, code] of [
      ['127.0.0.5', '331'],
      ['192.0.2.7', '530'],
    ]) {
      using session = await Client.connect(running.port, { header: `PROXY TCP4 ${from} 198.51.100.1 40000 21\r\n` })
      expect((await session.reply()).join()).to.match(/^220/)
      await session.command('USER alice')
      expect((await session.reply()).join(), from).to.match(new RegExp(`^${code} `))
    }
  })

  it('tells clients the address that they came to', async () => {
    await using running = await started()
    using session = await RawSession.open(running, 'alice', { header })
    expect(await session.ask('PASV')).to.match(/^227 .*\(198,51,100,1,\d+,\d+\)$/)
    expect(await session.ask('EPSV')).to.match(/^229 /)
  })

  it('takes a data connection through the proxy that is the same client’s, and one that comes from the client itself', async () => {
    await using running = await started()
    using session = await RawSession.open(running, 'alice', { header })
    using through = await Client.connect(await session.passivePort(), { header: dataHeader(client) })
    await download(session, through)
    using direct = await Client.connect(await session.passivePort(), { from: client })
    await download(session, direct)
    expect(running.journal.of('data.stranger')).to.deep.equal([])
  })

  it('takes none of another client of the proxy, nor one of which the proxy does not say whose it is', async () => {
    await using running = await started()
    using session = await RawSession.open(running, 'alice', { header })
    const port = await session.passivePort()
    using other = await Client.connect(port, { header: dataHeader('127.0.0.6') })
    expect((await other.rest()).length).to.equal(0)
    using silent = await Client.connect(port)
    expect((await silent.rest()).length).to.equal(0)
    using wrong = await Client.connect(port, { header: 'PROXY\r\n' })
    expect((await wrong.rest()).length).to.equal(0)
    using itself = await Client.connect(port, { header: 'PROXY UNKNOWN\r\n' })
    expect((await itself.rest()).length).to.equal(0)
    // From elsewhere a header is none, whatever it says.
    using liar = await Client.connect(port, { from: '127.0.0.7', header: dataHeader(client) })
    expect((await liar.rest()).length).to.equal(0)
    await until('all are journalled', () => running.journal.of('data.stranger').length === 5)
    const told = running.journal.of('data.stranger').map(({ fields }) => fields['address'])
    expect(told).to.have.members(['127.0.0.6', '127.0.0.1', '127.0.0.1', '127.0.0.1', '127.0.0.7'])
    using data = await Client.connect(port, { header: dataHeader(client) })
    await download(session, data)
  })

  it('loses no octet of an upload that comes in one packet with the header, nor its end', async () => {
    await using running = await started()
    using session = await RawSession.open(running, 'alice', { header })
    for (const octets of ['', 'x', 'uploaded '.repeat(20_000)]) {
      const port = await session.passivePort()
      using data = await Client.connect(port)
      await data.send(Buffer.concat([dataHeader(client), Buffer.from(octets)]))
      data.end()
      const opening = await session.ask('STOR b')
      expect(opening).to.match(/^150 /)
      expect(await session.reply()).to.match(/^226 /)
      expect(await new Home(running).text('b')).to.equal(octets)
    }
  })

  it('encrypts a data connection behind its header', async () => {
    await using running = await started()
    using control = await Client.connect(running.port, { header })
    await control.line()
    expect(await control.ask('AUTH TLS')).to.match(/^234 /)
    await control.startTls()
    const ticket = control.socket instanceof TLSSocket ? control.socket.getSession() : undefined
    if (ticket === undefined) throw new Error('no session')
    for (const line of ['PBSZ 0', 'PROT P', 'USER alice', `PASS ${testAccounts['alice']}`, 'TYPE I']) await control.ask(line)
    const [, port = ''] = /\|\|\|(\d+)\|/.exec(await control.ask('EPSV')) ?? []
    using data = await Client.connect(Number(port), { header: dataHeader(client) })
    const asked = control.ask('RETR a')
    await data.startTls({ session: ticket })
    expect(await asked).to.match(/^150 /)
    expect((await data.rest()).toString()).to.equal('content')
    expect(await control.line()).to.match(/^226 /)
  })

  it('connects to the client that the proxy names, and to nobody else (RFC 2577 §3)', async () => {
    await using running = await started()
    using session = await RawSession.open(running, 'alice', { header })
    expect(await session.ask('PORT 127,0,0,1,200,1')).to.match(/^50[0-9] /)
    expect(await session.ask('PORT 127,0,0,5,200,1')).to.match(/^200 /)
  })
})
