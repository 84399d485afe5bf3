import { expect } from 'chai'
import { upstreamPath } from '../../../servers/http/proxy/upstream-path.ts'
import { readTarget } from '../../../servers/http/target.ts'
import { get, said } from '../raw.ts'
import { type RouteSetup, rawUpstream, serveProxy } from './upstream.ts'

/** The fields of the head that reaches an upstream server, by lower-case name. */
const passedOn = async (request: string, route: RouteSetup = {}): Promise<Record<string, string[]>> => {
  const heads: string[] = []
  await using upstream = await rawUpstream((head, socket) => {
    heads.push(head)
    socket.write('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
  })
  await using site = await serveProxy(upstream.url, route)
  await said(site.port, request)
  expect(heads.length).to.equal(1)
  const fields: Record<string, string[]> = {}
  for (const line of (heads[0] ?? '').trimEnd().split('\r\n').slice(1)) {
    const [, name = '', value = ''] = /^([^:]+): (.*)$/.exec(line) ?? []
    fields[name.toLowerCase()] = [...(fields[name.toLowerCase()] ?? []), value]
  }
  return fields
}

const get11 = (fields: string) => `GET / HTTP/1.1\r\nHost: shop.test:81\r\nConnection: close\r\n${fields}\r\n`

describe('fields of a request that is passed on', () => {
  it('tell the way of the request, and its id', async () => {
    const fields = await passedOn(get11(''))
    expect(fields).to.deep.include({
      host: ['shop.test:81'],
      forwarded: ['for=127.0.0.1;proto=http;host="shop.test:81"'],
      'x-forwarded-for': ['127.0.0.1'],
      'x-forwarded-proto': ['http'],
      'x-forwarded-host': ['shop.test:81'],
      via: ['1.1 havre'],
    })
    expect(fields['x-request-id']?.length).to.equal(1)
    expect(await passedOn('GET / HTTP/1.0\r\n\r\n')).to.deep.include({
      via: ['1.0 havre'],
      forwarded: ['for=127.0.0.1;proto=http'],
    })
  })

  it('are not what a client claims of its way, in any spelling', async () => {
    const claims = [
      'Forwarded: for=1.2.3.4',
      'X-Forwarded-For: 1.2.3.4',
      'X_Forwarded_For: 1.2.3.4',
      'x-forwarded_for: 1.2.3.4',
      'X-Forwarded-Proto: 1.2.3.4',
      'X-Forwarded-User: 1.2.3.4',
      'X-Forwarded-Prefix: 1.2.3.4',
      'X-Real-IP: 1.2.3.4',
      'X-Original-URL: /1.2.3.4',
      'X_Rewrite_URL: /1.2.3.4',
      'X-Request-Id: 1.2.3.4',
      'Proxy: http://1.2.3.4',
      'Transfer_Encoding: 1.2.3.4',
    ]
    const fields = await passedOn(get11(`${claims.join('\r\n')}\r\n`))
    expect(JSON.stringify(fields)).not.to.contain('1.2.3.4')
  })

  it('go on from what a listed proxy says', async () => {
    const claims =
      'Forwarded: for=1.2.3.4\r\nX-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Proto: https\r\nX-Forwarded-Host: outside.test\r\n'
    const fields = await passedOn(get11(`${claims}Via: 1.1 first\r\n`), { trusted: true })
    expect(fields).to.deep.include({
      forwarded: ['for=1.2.3.4;proto=https;host=outside.test, for=127.0.0.1;proto=http;host="shop.test:81"'],
      'x-forwarded-for': ['1.2.3.4, 127.0.0.1'],
      'x-forwarded-proto': ['https'],
      'x-forwarded-host': ['outside.test'],
      via: ['1.1 first, 1.1 havre'],
    })
  })

  for (const [what, claims, forwarded, others] of [
    [
      'Forwarded, where it alone is there',
      ['Forwarded: for=1.2.3.4, for="[2001:db8::7]";proto=https;host="a.test:8443"'],
      'for=1.2.3.4, for="[2001:db8::7]";proto=https;host="a.test:8443"',
      ['1.2.3.4, 2001:db8::7', 'https', 'a.test:8443'],
    ],
    [
      'X-Forwarded-*, and not what a client put into Forwarded, which its proxy has passed on',
      ['Forwarded: for=6.6.6.6;proto=https;host=evil.test', 'X-Forwarded-For: 1.2.3.4', 'X-Forwarded-For: 2001:db8::7'],
      'for=1.2.3.4, for="[2001:db8::7]"',
      ['1.2.3.4, 2001:db8::7', 'http', 'shop.test:81'],
    ],
    [
      'X-Forwarded-Proto alone, so that no address is known',
      ['Forwarded: for=6.6.6.6', 'X-Forwarded-Proto: http, https'],
      'proto=https',
      [null, 'https', 'shop.test:81'],
    ],
    [
      'nothing of what is no node',
      ['X-Forwarded-For: 1.2.3.4:81, a;for=6.6.6.6, _edge, [::1]:5, , [::2]'],
      'for="1.2.3.4:81", for=unknown, for=_edge, for="[::1]:5", for="[::2]"',
      ['1.2.3.4:81, unknown, _edge, [::1]:5, ::2', 'http', 'shop.test:81'],
    ],
    ['nothing where a listed proxy says nothing', ['X-Forwarded-For: ', 'Forwarded: '], null, [null, 'http', 'shop.test:81']],
  ] as const) {
    it(`say the same in both kinds, by ${what}`, async () => {
      const fields = await passedOn(get11(`${claims.join('\r\n')}\r\n`), { trusted: true })
      const [nodes, proto, host] = others
      const own = 'for=127.0.0.1;proto=http;host="shop.test:81"'
      expect(fields).to.deep.include({
        forwarded: [forwarded === null ? own : `${forwarded}, ${own}`],
        'x-forwarded-for': [nodes === null ? '127.0.0.1' : `${nodes}, 127.0.0.1`],
        'x-forwarded-proto': [proto],
        'x-forwarded-host': [host],
      })
    })
  }

  it('tell an address of IPv6 in brackets and quotes (RFC 7239 §6)', async () => {
    const setup = { proxiesFrom: ['127.0.0.1'] }
    const fields = await passedOn(`PROXY TCP6 2001:db8::7 2001:db8::1 4711 80\r\n${get11('')}`, { setup })
    expect(fields).to.deep.include({
      forwarded: ['for="[2001:db8::7]";proto=http;host="shop.test:81"'],
      'x-forwarded-for': ['2001:db8::7'],
    })
  })

  it('are without those of the connection, named or not (RFC 9110 §7.6.1)', async () => {
    const own = 'X-Own: 1\r\nKeep-Alive: 300\r\nTE: trailers\r\nTrailer: X-End\r\nProxy-Authorization: Basic eA==\r\nX-Kept: 2\r\n'
    const fields = await passedOn(`GET / HTTP/1.1\r\nHost: a\r\nConnection: close, X-Own, Host, Content-Length\r\n${own}\r\n`)
    expect(fields)
      .to.include.keys('x-kept', 'host')
      .and.not.have.any.keys('x-own', 'keep-alive', 'te', 'trailer', 'proxy-authorization')
    expect(fields['connection']).to.deep.equal(['keep-alive'])
  })

  it('have the host of the upstream server where the route says so', async () => {
    const fields = await passedOn(get11(''), { host: 'upstream' })
    expect(fields['host']?.[0]).to.match(/^127\.0\.0\.1:\d+$/)
    expect(fields['x-forwarded-host']).to.deep.equal(['shop.test:81'])
  })

  it('have the host of an absolute-form target (RFC 9112 §3.2.2)', async () => {
    const fields = await passedOn('GET http://b.test/x HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n')
    expect(fields['host']).to.deep.equal(['b.test'])
  })

  it('count down Max-Forwards of OPTIONS, which at 0 goes no further (RFC 9110 §7.6.2)', async () => {
    const options = (value: string) => `OPTIONS / HTTP/1.1\r\nHost: a\r\nConnection: close\r\nMax-Forwards: ${value}\r\n\r\n`
    expect((await passedOn(options('5')))['max-forwards']).to.deep.equal(['4'])
    await using site = await serveProxy('http://127.0.0.1:9')
    expect((await said(site.port, options('0'))).toString()).to.match(/^HTTP\/1\.1 204 [\s\S]*\r\nAllow: /)
  })

  it('that go in a circle end with 502', async () => {
    await using site = await serveProxy('http://127.0.0.1:9')
    const via = Array.from({ length: 21 }, () => '1.1 havre').join(', ')
    const answer = await get(site.port, '/', { Via: via })
    expect(answer.status).to.equal(502)
    expect(site.journal.of('upstream.failed')).to.deep.equal([])
  })
})

describe('fields of an answer that is passed back', () => {
  it('are without those of the connection, named or not', async () => {
    const fields =
      'Connection: X-Own\r\nX-Own: 1\r\nKeep-Alive: timeout=5\r\nProxy-Authenticate: Basic\r\nX-Request-Id: theirs\r\nSet-Cookie: a=1\r\nSet-Cookie: b=2\r\n'
    await using upstream = await rawUpstream((_head, socket) =>
      socket.write(`HTTP/1.1 200 OK\r\n${fields}Via: 1.1 app\r\nContent-Length: 0\r\n\r\n`),
    )
    await using site = await serveProxy(upstream.url)
    const answer = await get(site.port, '/')
    expect(answer.fields).to.deep.include({ via: '1.1 app, 1.1 havre', 'set-cookie': 'a=1, b=2' })
    expect(answer.fields).not.to.have.any.keys('x-own', 'proxy-authenticate')
    expect(answer.fields['x-request-id']).not.to.contain('theirs')
  })
})

describe('the path at an upstream server', () => {
  const at = (raw: string, there: string | null = null, here = '/') => {
    const reading = readTarget(raw)
    if (!reading.ok) throw new Error(`${raw}: ${reading.problem}`)
    return upstreamPath(raw, reading.target, { here, there })
  }

  it('is as received where nobody can read it otherwise, else as it was read here', () => {
    expect(at('/a%2Fb/c%20d?e=%2e%2e')).to.equal('/a%2Fb/c%20d?e=%2e%2e')
    expect(at('/a/./b/../c')).to.equal('/a/c')
    expect(at('/a/%2e%2e/b/%2E')).to.equal('/b/')
    expect(at('//admin//x')).to.equal('/admin/x')
    expect(at('http://a.test/b/../c?d')).to.equal('/c?d')
    expect(at('/')).to.equal('/')
  })

  it('is never one that leads elsewhere once slashes are decoded', () => {
    for (const raw of ['/open/..%2fadmin', '/open/..%5cadmin', '/x%2f..%2f..%2fadmin', '/a%2f.'])
      expect(at(raw), raw).to.equal(null)
    expect(at('/a%2f..b')).to.equal('/a%2f..b')
  })

  it('has what stands for the path of the route', () => {
    expect(at('/app/x/y', '/api/', '/app/')).to.equal('/api/x/y')
    expect(at('/%61pp/x', '/api/', '/app/')).to.equal('/api/x')
    expect(at('/app/../app/x', '/', '/app/')).to.equal('/x')
    expect(at('/health', '/status', '/health')).to.equal('/status')
  })
})
