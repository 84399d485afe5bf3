import { expect } from 'chai'
import type { Exchange } from '../../servers/http/exchange.ts'
import { Trust } from '../../servers/http/routing/trust.ts'
import { Client } from '../kit/client.ts'
import { type Running, serve } from '../kit/serving.ts'
import { get } from './raw.ts'
import { serveSite } from './site.ts'

const trust = new Trust(['192.0.2.0/24', '2001:db8::/32'])
const from = (address: string) => ({ remote: { address, port: 1 }, secure: false })
const saying = (fields: Readonly<Record<string, string>>): Pick<Exchange, 'fields'> => ({ fields: Object.entries(fields).flat() })
const isSecure = (fields: Readonly<Record<string, string>>, address = '192.0.2.1') => trust.isSecure(saying(fields), from(address))

describe('what a listed proxy says of the way of a request (RFC 7239)', () => {
  it('is that it came encrypted: by the step that the proxy itself has added, the last', () => {
    for (const forwarded of [
      'for=203.0.113.9;proto=https',
      'proto=https',
      'Proto="https"',
      'PROTO=HTTPS;by=_edge',
      'for="[2001:db8::1]:4711";proto=https;host="shop.test:81"',
      'for=203.0.113.9;proto=http, for=192.0.2.7;proto=https',
      'for=unknown ; proto=https',
    ])
      expect(isSecure({ forwarded }), forwarded).to.equal(true)
    expect(isSecure({ 'x-forwarded-proto': 'http, https' })).to.equal(true)
  })

  it('is nothing that only looks so, nor what stands before its own step', () => {
    for (const forwarded of [
      'for=203.0.113.9;proto=http',
      'for=203.0.113.9;proto=https, for=192.0.2.7;proto=http',
      'for=203.0.113.9;proto=https, for=192.0.2.7',
      'for=_proto=https',
      'xproto=https',
      'proto=httpsx',
      'proto=http s',
      '',
    ])
      expect(isSecure({ forwarded }), forwarded).to.equal(false)
    expect(isSecure({ 'x-forwarded-proto': 'https, http' })).to.equal(false)
  })

  it('is in one order, for the address and for https: X-Forwarded-* where any of them is there, else Forwarded', () => {
    const [ofX, ofForwarded] = ['203.0.113.9', '198.51.100.66']
    for (const host of [{}, { 'x-forwarded-host': 'shop.test' }])
      for (const xFor of [null, ofX])
        for (const xProto of [null, 'http', 'https'])
          for (const forwarded of [
            null,
            ...['', `for=${ofForwarded}`].flatMap((node) => [node, `${node};proto=https`, `${node};proto=http`]),
          ]) {
            const fields = {
              ...host,
              ...(xFor === null ? {} : { 'X-Forwarded-For': xFor }),
              ...(xProto === null ? {} : { 'x-forwarded-proto': xProto }),
              ...(forwarded === null ? {} : { Forwarded: forwarded }),
            }
            const isOfX = xFor !== null || xProto !== null || 'x-forwarded-host' in host
            const client = isOfX ? xFor : forwarded?.startsWith('for') ? ofForwarded : null
            const secure = isOfX ? xProto === 'https' : (forwarded?.includes('https') ?? false)
            const said = JSON.stringify(fields)
            expect(trust.clientOf(saying(fields), from('192.0.2.1')), said).to.equal(client)
            expect(isSecure(fields), said).to.equal(secure)
          }
  })

  it('is no https that only Forwarded tells beside X-Forwarded-For, though both name the client: its own address it knows', () => {
    for (const node of ['203.0.113.9', '"203.0.113.9:4711"'])
      expect(isSecure({ 'x-forwarded-for': '203.0.113.9', forwarded: `for=${node};proto=https` }), node).to.equal(false)
  })

  it('is read to the end of what is quoted, however much of it is escaped (RFC 9110 §5.6.4)', () => {
    const told = (forwarded: string) => trust.clientOf(saying({ forwarded }), from('192.0.2.1'))
    // A client says both, and asks for a host that ends with a backslash.
    expect(told(String.raw`x=";for=198.51.100.66;y=", for=203.0.113.9;host="evil\\"`)).to.equal('203.0.113.9')
    expect(told(String.raw`for=203.0.113.9;host="a\";for=198.51.100.66"`)).to.equal('203.0.113.9')
  })

  it('is believed of nobody else (RFC 7239 §8.1)', () => {
    expect(isSecure({ forwarded: 'proto=https' }, '198.51.100.1')).to.equal(false)
    expect(isSecure({ forwarded: 'proto=https' }, '2001:db9::1')).to.equal(false)
    expect(isSecure({ forwarded: 'proto=https' }, '2001:db8::1')).to.equal(true)
  })
})

describe('Strict-Transport-Security (RFC 6797)', () => {
  const overTls = async ({ port }: Running): Promise<string> => {
    using client = await Client.connectTls(port)
    await client.send('GET /none HTTP/1.1\r\nHost: havre.test\r\nConnection: close\r\n\r\n')
    return (await client.rest()).toString()
  }

  it('is in each answer that goes out encrypted, once, in the form of §6.1', async () => {
    for (const [hsts, value] of [
      [{}, 'max-age=31536000'],
      [{ maxAge: '1d', subdomains: true, preload: true }, 'max-age=86400; includeSubDomains; preload'],
      [{ maxAge: '0s' }, 'max-age=0'],
    ] as const) {
      await using running = await serve({ service: 'http', tls: 'implicit', options: { hsts } })
      const said = await overTls(running)
      expect(said).to.match(/^HTTP\/1\.1 404 /)
      expect([...said.matchAll(/Strict-Transport-Security: ([^\r]*)/gi)].map(([, found]) => found)).to.deep.equal([value])
    }
  })

  it('is in no answer in clear (§7.2), and in none where the setting is null', async () => {
    await using plain = await serveSite({ 'www/a.txt': 'a' }, { options: { hsts: {} } })
    expect((await get(plain.port, '/a.txt', { 'X-Forwarded-Proto': 'https' })).fields).not.to.have.any.keys(
      'strict-transport-security',
    )
    await using quiet = await serve({ service: 'http', tls: 'implicit' })
    expect(await overTls(quiet)).not.to.match(/strict-transport-security/i)
  })
})
