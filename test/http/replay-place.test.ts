import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { Client } from '../kit/client.ts'
import { AgainSite, exchange, getOf, nextAnswer } from './again-site.ts'

const known = getOf('/a')

/** A connection on which the answer to `known` is known. */
const knowing = async (site: AgainSite): Promise<Client> => {
  const client = await Client.connect(site.port)
  await exchange(client, known)
  const { asked } = site
  await exchange(client, known)
  expect(site.asked, 'asked for what is known').to.equal(asked)
  return client
}

describe('a head that was answered before', () => {
  it('is none as the content of a request that has its answer already', async () => {
    await using site = await AgainSite.start()
    using client = await knowing(site)
    expect(
      (await exchange(client, `POST /b HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${known.length * 3}\r\n\r\n`)).status,
    ).to.equal(200)
    for (let n = 0; n < 3; n++) {
      await client.send(known)
      await sleep(30)
    }
    expect(client.unread).to.equal(0)
    expect((await exchange(client, getOf('/c'))).body.toString()).to.equal('GET /c')
  })

  it('is none as the content of a chunk', async () => {
    await using site = await AgainSite.start()
    using client = await knowing(site)
    await client.send(`POST /b HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n${known.length.toString(16)}\r\n`)
    await client.send(known)
    await client.send('\r\n0\r\n\r\n')
    const { body, fields } = await nextAnswer(client)
    expect(body.toString()).to.equal('POST /b')
    expect(fields['connection']).to.equal('close')
    await client.closed()
  })

  it('is none behind the beginning of another, nor in one packet with it', async () => {
    await using site = await AgainSite.start()
    {
      using client = await knowing(site)
      await client.send('GET /b HTTP/1.1\r\nX-A: ')
      await sleep(30)
      await client.send(known)
      expect((await nextAnswer(client)).body.toString()).to.equal('GET /b')
    }
    using client = await knowing(site)
    await client.send(`${getOf('/b')}${known}${known}`)
    const bodies: string[] = []
    for (let n = 0; n < 3; n++) bodies.push((await nextAnswer(client)).body.toString())
    expect(bodies).to.deep.equal(['GET /b', 'GET /a', 'GET /a'])
  })

  it('waits for its turn behind a request that is being answered', async () => {
    let goOn: () => void = () => undefined
    const slow = new Promise<void>((resolve) => {
      goOn = resolve
    })
    await using site = await AgainSite.start({ slow: () => slow })
    using client = await knowing(site)
    const { asked } = site
    await client.send(getOf('/slow'))
    while (site.asked === asked) await sleep(5)
    await client.send(known)
    await sleep(30)
    expect(client.unread).to.equal(0)
    goOn()
    expect((await nextAnswer(client)).body.toString()).to.equal('GET /slow')
    expect((await nextAnswer(client)).body.toString()).to.equal('GET /a')
    expect((await exchange(client, known)).body.toString()).to.equal('GET /a')
  })

  it('is not answered behind the last answer, nor behind what is no request', async () => {
    await using site = await AgainSite.start()
    using last = await knowing(site)
    const closing = getOf('/a', 'Connection: close\r\n')
    for (let n = 0; n < 2; n++) {
      using client = await Client.connect(site.port)
      await client.send(closing)
      await client.send(known)
      const said = await client.rest()
      expect(said.toString('latin1').match(/HTTP\/1\.1 /g), String(n)).to.have.length(1)
      expect(said.toString('latin1')).to.include('\r\nConnection: close\r\n')
    }
    await last.send('garbage\r\n')
    await last.send(known)
    expect((await last.rest()).toString('latin1'))
      .to.match(/^HTTP\/1\.1 [45]/)
      .and.not.include('200 OK')
  })

  it('is answered with its Upgrade not followed, and others behind it, in their order', async () => {
    await using site = await AgainSite.start()
    using client = await knowing(site)
    const upgrade = getOf('/a', 'Connection: Upgrade\r\nUpgrade: websocket\r\n')
    for (const round of [1, 2, 3]) {
      expect((await exchange(client, upgrade)).body.toString(), String(round)).to.equal('GET /a')
      expect((await exchange(client, known)).body.toString(), String(round)).to.equal('GET /a')
      expect((await exchange(client, getOf('/b'))).body.toString(), String(round)).to.equal('GET /b')
    }
    await client.send(`${upgrade}${known}`)
    expect((await nextAnswer(client)).status).to.equal(200)
    expect((await nextAnswer(client)).status).to.equal(200)
  })

  it('is another one with another line end, case or blank: only the very octets are known', async () => {
    await using site = await AgainSite.start()
    using client = await knowing(site)
    const { asked } = site
    await exchange(client, known.replace('localhost', 'LOCALHOST'))
    await exchange(client, known.replace('Host: ', 'Host:'))
    await exchange(client, `\r\n${known}`)
    await exchange(client, known.replace('GET', 'HEAD'))
    await exchange(client, known.replace('HTTP/1.1', 'HTTP/1.0').replace('\r\n\r\n', '\r\nConnection: keep-alive\r\n\r\n'))
    expect(site.asked - asked).to.equal(5)
    await client.send(known.replaceAll('\r\n', '\n'))
    expect((await client.rest()).toString('latin1')).to.match(/^HTTP\/1\.1 400 /)
    expect(site.asked - asked).to.equal(5)
  })

  it('to HTTP/1.0 and HEAD has the end and the length that it had', async () => {
    await using site = await AgainSite.start()
    const kept = 'GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n'
    const ended = 'GET /a HTTP/1.0\r\n\r\n'
    using client = await Client.connect(site.port)
    const [first, second] = [await exchange(client, kept), await exchange(client, kept)]
    expect(second.fields['connection']).to.equal(first.fields['connection'])
    const head = getOf('/a').replace('GET', 'HEAD')
    const heads = [await exchange(client, head), await exchange(client, head)]
    expect(heads.map(({ fields }) => fields['content-length'])).to.deep.equal(['7', '7'].map(() => String('HEAD /a'.length)))
    expect(site.asked).to.equal(2)
    for (let n = 0; n < 2; n++) {
      using other = await Client.connect(site.port)
      await other.send(ended)
      expect((await other.rest()).toString('latin1')).to.match(/GET \/a$/)
    }
    expect(site.asked).to.equal(3)
  })

  it('gets its answer where the client has shut its side right behind it', async () => {
    await using site = await AgainSite.start()
    using _ = await knowing(site)
    for (let n = 0; n < 3; n++) {
      using client = await Client.connect(site.port)
      await client.send(known)
      client.end()
      expect((await client.rest()).toString('latin1')).to.match(/GET \/a$/)
    }
    expect(site.asked).to.equal(1)
  })

  it('is read in the usual way by a server that is being stopped, which says that its answer is the last', async () => {
    await using site = await AgainSite.start()
    using client = await knowing(site)
    const { asked } = site
    site.site.server.drain?.()
    expect((await exchange(client, known)).fields['connection']).to.equal('close')
    expect(site.asked - asked).to.equal(1)
    await client.closed()
  })

  it('is answered in the same way to a thousand connections at once', async function () {
    this.timeout(60_000)
    await using site = await AgainSite.start({}, { limits: { connections: 2_000, connectionsPerAddress: 2_000 } })
    using _ = await knowing(site)
    const clients = await Promise.all(Array.from({ length: 1_000 }, () => Client.connect(site.port)))
    try {
      const ids = new Set<string | undefined>()
      for (let round = 0; round < 2; round++)
        for (const { body, fields } of await Promise.all(clients.map((client) => exchange(client, known)))) {
          expect(body.toString()).to.equal('GET /a')
          ids.add(fields['x-request-id'])
        }
      expect(ids.size).to.equal(2_000)
      expect(site.asked).to.equal(1)
    } finally {
      for (const client of clients) client[Symbol.dispose]()
    }
  })
})
