import { expect } from 'chai'
import { Trust } from '../../servers/http/routing/trust.ts'
import { Client } from '../kit/client.ts'
import type { Running } from '../kit/serving.ts'
import { get } from './raw.ts'
import { serveSite } from './site.ts'

const trust = new Trust(['192.0.2.0/24', '2001:db8::/32'])

/** @param fields names and values in turn */
const clientOf = (fields: readonly string[], address = '192.0.2.1') => trust.clientOf({ fields }, { remote: { address, port: 1 } })
const by = (field: string, ...values: readonly string[]) => clientOf(values.flatMap((value) => [field, value]))

describe('who sent a request that a proxy of `trust` passed on', () => {
  it('is the last on its way who is no such proxy: what stands before may be his own', () => {
    for (const [told, client] of [
      ['203.0.113.9', '203.0.113.9'],
      ['198.51.100.66, 203.0.113.9', '203.0.113.9'],
      ['198.51.100.66, 203.0.113.9, 192.0.2.7,192.0.2.8', '203.0.113.9'],
      ['203.0.113.9:4711', '203.0.113.9'],
      ['2001:DB9::7', '2001:db9::7'],
      ['[2001:db9::7]', '2001:db9::7'],
      ['[2001:db9::7]:443', '2001:db9::7'],
      ['::ffff:203.0.113.9', '203.0.113.9'],
      // A proxy asks for itself.
      ['192.0.2.7', '192.0.2.7'],
    ] as const)
      expect(by('X-Forwarded-For', told), told).to.equal(client)
    expect(by('x-forwarded-for', '198.51.100.66', '203.0.113.9'), 'several fields are one list').to.equal('203.0.113.9')
  })

  it('is told by Forwarded where X-Forwarded-For is absent (RFC 7239)', () => {
    for (const [told, client] of [
      ['for=203.0.113.9', '203.0.113.9'],
      ['For="203.0.113.9:4711";proto=https', '203.0.113.9'],
      ['proto=https; for="[2001:db9::7]:4711"', '2001:db9::7'],
      ['for=198.51.100.66, for=203.0.113.9;by=_edge, for=192.0.2.7', '203.0.113.9'],
      ['host="a;for=198.51.100.66, for=198.51.100.66";for=203.0.113.9', '203.0.113.9'],
      // What a client leaves open ends where its proxy begins.
      ['for=", for=203.0.113.9', '203.0.113.9'],
    ] as const)
      expect(by('Forwarded', told), told).to.equal(client)
  })

  it('is not what Forwarded says where X-Forwarded-For is there: proxies that write the second pass on the first as it came', () => {
    expect(clientOf(['Forwarded', 'for=198.51.100.66', 'X-Forwarded-For', '203.0.113.9'])).to.equal('203.0.113.9')
  })

  it('is not known where the last step is no address, and is then the connection’s other end', () => {
    for (const told of [
      '',
      'unknown',
      '_hidden',
      '203.0.113.9, unknown',
      '203.0.113',
      '1.2.3.4 5.6.7.8',
      'fe80::1%eth0',
      '[::1',
      'a"b',
    ])
      expect(by('X-Forwarded-For', told), told).to.equal(null)
    for (const told of ['', 'proto=https', 'for=unknown', 'for=_x', 'for=203.0.113.9, by=_x'])
      expect(by('Forwarded', told), told).to.equal(null)
    expect(clientOf([])).to.equal(null)
    // As far as it can be followed.
    expect(by('X-Forwarded-For', 'unknown, 192.0.2.7')).to.equal('192.0.2.7')
  })

  it('is told by nobody else', () => {
    const said = ['X-Forwarded-For', '203.0.113.9', 'Forwarded', 'for=203.0.113.9']
    expect(clientOf(said, '198.51.100.1')).to.equal(null)
    expect(clientOf(said, '2001:db8::1')).to.equal('203.0.113.9')
    expect(new Trust([]).clientOf({ fields: said }, { remote: { address: '192.0.2.1', port: 1 } })).to.equal(null)
  })

  it('costs no more the longer the way is that somebody claims', () => {
    const long = Array.from({ length: 20_000 }, () => '192.0.2.1').join(',')
    expect(by('X-Forwarded-For', `203.0.113.9,${long}`)).to.equal('192.0.2.1')
  })
})

describe('a service behind a proxy of `trust`', () => {
  const files = { 'www/a.txt': 'a', 'www/private/a.txt': 'secret' }
  const routes = [{ path: '/private/', auth: ['alice'] }]
  const wrong = `Basic ${Buffer.from('alice:wrong').toString('base64')}`
  const last = (site: Running) => site.journal.of('request.finished').at(-1)?.fields

  it('has the client in the access log, in the records and in what the desk counts failures by', async () => {
    await using site = await serveSite(files, { options: { routes, trust: ['127.0.0.1'] } })
    await get(site.port, '/a.txt', { 'X-Forwarded-For': '198.51.100.66, 203.0.113.9' })
    expect(site.journal.written.access.at(-1)).to.match(/^203\.0\.113\.9 - - \[/)
    expect(last(site)).to.deep.include({ client: '203.0.113.9', status: 200 })
    expect(last(site)?.['remote']).to.match(/^127\.0\.0\.1:/)
    expect((await get(site.port, '/private/a.txt', { 'X-Forwarded-For': '203.0.113.9', Authorization: wrong })).status).to.equal(
      401,
    )
    expect(site.desk.attempts.at(-1)?.address).to.equal('203.0.113.9')
    expect(site.journal.of('web.login.refused').at(-1)?.fields).to.deep.include({ name: 'alice', client: '203.0.113.9' })
    await get(site.port, '/a.txt')
    expect(site.journal.written.access.at(-1)).to.match(/^127\.0\.0\.1 - - \[/)
    expect(last(site)).not.to.have.property('client')
  })

  it('takes more connections of the proxy than of anybody else, up to its own limit', async () => {
    for (const [proxy, most] of [
      ['127.0.0.1', 3],
      ['192.0.2.1', 1],
    ] as const) {
      const limits = { connections: 3, connectionsPerAddress: 1, connectionsPerSecond: 1 }
      await using site = await serveSite(files, { options: { trust: [proxy] }, limits })
      const clients = new Set<Client>()
      try {
        for (let count = 0; count < 4; count += 1) {
          const client = await Client.connect(site.port)
          clients.add(client)
          await client.send('HEAD /a.txt HTTP/1.1\r\nHost: a\r\n\r\n')
          expect(await client.line(), `${proxy}, ${count}`).to.match(
            count < most ? /^HTTP\/1\.1 200 / : most === 1 ? /^HTTP\/1\.1 429 / : /^HTTP\/1\.1 503 /,
          )
        }
      } finally {
        for (const client of clients) client[Symbol.dispose]()
      }
      expect(site.refused).to.deep.equal(most === 1 ? { connectionsPerAddress: 3 } : { connections: 1 })
    }
  })

  it('believes nobody who is not one', async () => {
    await using site = await serveSite(files, { options: { routes, trust: ['192.0.2.1'] } })
    await get(site.port, '/private/a.txt', { 'X-Forwarded-For': '203.0.113.9', Authorization: wrong })
    expect(site.journal.written.access.at(-1)).to.match(/^127\.0\.0\.1 - - \[/)
    expect(last(site)).not.to.have.property('client')
    expect(site.desk.attempts.at(-1)?.address).to.equal('127.0.0.1')
  })
})
