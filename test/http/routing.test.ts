import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import type { HttpOptions } from '../../servers/http/options.ts'
import { service } from '../../servers/http/service.ts'
import type { Context } from '../../shared/service.ts'
import { temporaryFolder } from '../kit/folder.ts'
import { loadProtocol } from '../kit/serving.ts'
import { get } from './raw.ts'
import { serveSite } from './site.ts'

const basic = (name: string, password: string) => `Basic ${Buffer.from(`${name}:${password}`).toString('base64')}`
const alice = basic('alice', 'wonder land:1')
const bob = basic('bob', 'builder-2')

const withFolders = async (use: (folder: string) => Promise<void>): Promise<void> => {
  await using folder = await temporaryFolder()
  for (const name of ['shop', 'wild', 'deep', 'manual']) {
    await mkdir(join(folder.path, name, 'sub'), { recursive: true })
    await writeFile(join(folder.path, name, 'index.html'), name)
    await writeFile(join(folder.path, name, 'sub', 'a.txt'), `${name} a`)
  }
  await use(folder.path)
}

describe('sites of HTTP', () => {
  it('answer by the host: exactly, by the closest asterisk, in any letters, with a port and the dot of the root; others by default', () =>
    withFolders(async (folder) => {
      const sites = {
        'shop.test': { root: join(folder, 'shop'), aliases: ['www.shop.test'] },
        '*.x.test': { root: join(folder, 'wild') },
        '*.deep.x.test': { root: join(folder, 'deep') },
      }
      await using site = await serveSite(
        { 'www/index.html': 'default', 'files/alice/public_html/index.html': 'home' },
        { options: { sites } },
      )
      const of = async (Host: string, path = '/') => (await get(site.port, path, { Host })).body.toString()
      expect(await of('shop.test')).to.equal('shop')
      expect(await of('SHOP.test.:8080')).to.equal('shop')
      expect(await of('www.shop.test')).to.equal('shop')
      expect(await of('a.x.test')).to.equal('wild')
      expect(await of('b.a.x.test')).to.equal('wild')
      expect(await of('a.deep.x.test')).to.equal('deep')
      for (const host of ['x.test', 'localhost', 'a.shop.test', '127.0.0.1', 'axx.test'])
        expect(await of(host), host).to.equal('default')
      expect(await of('localhost', 'http://shop.test/')).to.equal('shop')
      expect(await of('localhost', '/~alice/')).to.equal('home')
      expect((await get(site.port, '/~alice/', { Host: 'shop.test' })).status).to.equal(404)
    }))
})

describe('routes of HTTP', () => {
  it('are taken in their order: folders, fixed answers, redirections; what they do not cover is the site', () =>
    withFolders(async (folder) => {
      const routes = [
        { path: '/docs/', files: join(folder, 'manual') },
        { path: '/health', respond: { body: 'ok', headers: { 'X-Health': 'fine' } } },
        { path: '/gone', respond: { status: 410, body: 'gone\n', type: 'text/plain' } },
        { path: '/empty', respond: { status: 204, body: 'never sent' } },
        { path: '/health', redirect: '/never' },
        { path: '/old/', redirect: '/new/', status: 301 },
        { path: '/here', redirect: 'https://there.test/x?a=b' },
        { path: '/straße', redirect: '/s' },
      ]
      await using site = await serveSite(
        { 'www/index.html': 'site', 'www/docs/index.html': 'hidden by the route' },
        { options: { routes } },
      )
      const ask = (path: string, method = 'GET') => get(site.port, path, {}, method)
      const body = async (path: string) => (await ask(path)).body.toString()
      const location = async (path: string, method = 'GET') => {
        const { status, fields } = await ask(path, method)
        return `${status} ${fields['location']}`
      }
      expect(await body('/')).to.equal('site')
      expect(await body('/docs/')).to.equal('manual')
      expect(await body('/docs/sub/a.txt')).to.equal('manual a')
      expect(await body('/docs/sub/')).to.contain('a.txt')
      expect(await location('/docs')).to.equal('301 /docs/')
      expect(await location('/docs/sub')).to.equal('301 /docs/sub/')
      expect((await ask('/docs/../../etc/passwd')).status).to.equal(400)
      const health = await ask('/health')
      expect([health.status, health.body.toString(), health.fields['x-health'], health.fields['content-type']]).to.deep.equal([
        200,
        'ok',
        'fine',
        'text/plain; charset=utf-8',
      ])
      expect((await ask('/health/')).status).to.equal(404)
      const head = await ask('/health', 'HEAD')
      expect([head.status, head.fields['content-length'], head.body.length]).to.deep.equal([200, '2', 0])
      expect((await ask('/gone', 'POST')).status).to.equal(410)
      expect((await ask('/gone', 'TRACE')).status).to.equal(405)
      const empty = await ask('/empty')
      expect([empty.status, empty.fields['content-length'], empty.body.length]).to.deep.equal([204, undefined, 0])
      expect(await location('/old/')).to.equal('301 /new/')
      expect(await location('/old')).to.equal('301 /new/')
      expect(await location('/old/a/b?c=d')).to.equal('301 /new/a/b?c=d')
      expect(await location('/old//evil.test/')).to.equal('301 /new/evil.test/')
      expect(await location('/old/%2Fevil.test')).to.equal('301 /new/%2Fevil.test')
      expect(await location('/here?q')).to.equal('302 https://there.test/x?a=b')
      expect(await location('/stra%C3%9Fe', 'POST')).to.equal('302 /s')
    }))
})

describe('protected paths of HTTP', () => {
  const routes = [
    { path: '/private/', auth: ['Alice'] },
    { path: '/members/', auth: 'any' },
    { path: '/page.html', auth: 'any' },
    { path: '/private/api', respond: { body: 'api' } },
  ]
  const tree = {
    'www/private/a.txt': 'secret',
    'www/members/index.html': 'members',
    'www/page.html': 'page',
    'www/open.txt': 'open',
  }

  it('are for those who log in: 401 with a challenge, 403 for others, and nothing of it shows before', async () => {
    await using site = await serveSite(tree, { options: { routes, cleanUrls: true } })
    const status = async (path: string, authorization?: string) =>
      (await get(site.port, path, authorization === undefined ? {} : { Authorization: authorization })).status
    const bare = await get(site.port, '/private/a.txt')
    expect([bare.status, bare.fields['www-authenticate']]).to.deep.equal([401, 'Basic realm="Havre", charset="UTF-8"'])
    for (const path of [
      '/private',
      '/private/',
      '/private/none',
      '/private/./a.txt',
      '/%70rivate/a.txt',
      '//private//a.txt',
      '/private/api',
      '/page',
      '/page.html',
      '/page/',
    ])
      expect(await status(path), path).to.equal(401)
    expect(await status('/private/a.txt', alice)).to.equal(200)
    expect(await status('/private/api', alice)).to.equal(200)
    expect(await status('/private/a.txt', bob)).to.equal(403)
    expect(await status('/private/a.txt', basic('alice', 'wrong'))).to.equal(401)
    expect(await status('/members/', bob)).to.equal(200)
    expect(await status('/open.txt')).to.equal(200)
    expect(await status('/privately')).to.equal(404)
    expect((await get(site.port, '/private/a.txt', { Authorization: alice }, 'POST')).status).to.equal(405)
    expect((await get(site.port, '/private/a.txt', {}, 'POST')).status).to.equal(401)
  })

  it('are closed at every address of what they name: as a page, as an index, compressed beforehand', async () => {
    const guarded = ['/a.js', '/page.html', '/x/', '/y/index.html'].map((path) => ({ path, auth: 'any' }))
    const names = ['a.js', 'a.js.br', 'a.js.gz', 'a.js.zst', 'page.html.gz', 'y/index.html', 'y/index.html.br', 'other.js.br']
    const files = Object.fromEntries([...names, 'x/index.html.gz'].map((name) => [`www/${name}`, name]))
    await using site = await serveSite(files, { options: { routes: guarded, cleanUrls: true } })
    const status = async (path: string) => (await get(site.port, path)).status
    for (const path of ['/a.js', '/a.js.br', '/a.js.gz', '/a.js.zst', '/a.js.br.gz', '/a.js.BR', '/page.html.gz', '/page.gz'])
      expect(await status(path), path).to.equal(401)
    for (const path of ['/x/index.html.gz', '/y', '/y/', '/y/index.html', '/y/index.html.br', '/y.html.zst'])
      expect(await status(path), path).to.equal(401)
    for (const path of ['/other.js.br', '/a.js.map', '/b/a.js.br', '/.br']) expect(await status(path), path).to.be.oneOf([200, 404])
  })

  it('take no password in clear from elsewhere, and ask nobody about it', async () => {
    await using site = await serveSite(tree, { options: { routes }, proxiesFrom: ['127.0.0.1'] })
    const { readAnswers, said } = await import('./raw.ts')
    const raw = `PROXY TCP4 192.0.2.1 192.0.2.2 1 80\r\nGET /private/a.txt HTTP/1.1\r\nHost: a\r\nAuthorization: ${alice}\r\n\r\n`
    const [answer] = readAnswers(await said(site.port, raw))
    expect([answer?.status, answer?.fields['www-authenticate']]).to.deep.equal([403, undefined])
    expect(site.desk.attempts).to.deep.equal([])
  })

  it('are closed while the desk does not answer, and to addresses that it refuses', async () => {
    await using site = await serveSite(tree, { options: { routes } })
    site.desk.fail(true)
    expect((await get(site.port, '/private/a.txt', { Authorization: alice })).status).to.equal(503)
    site.desk.fail(false)
    site.desk.block(30_000)
    const { status, fields } = await get(site.port, '/private/a.txt', { Authorization: alice })
    expect([status, fields['retry-after']]).to.deep.equal([429, '30'])
  })
})

describe('what answers of HTTP say by the settings', () => {
  it('is of all rules that match, later ones win, null takes away, and no error is cached or stored by its rule', async () => {
    const rules = [
      { headers: { 'X-Frame-Options': 'DENY', Server: null } },
      { path: '/assets/', files: '*.js', cache: 'public, max-age=31536000, immutable' },
      { path: '/assets/own.js', cache: 'no-store', headers: { 'x-frame-options': 'SAMEORIGIN' } },
      { path: '/downloads/', download: true },
    ]
    const tree = { 'www/assets/a.js': 'a', 'www/assets/own.js': 'b', 'www/assets/a.css': 'c', 'www/downloads/é.txt': 'd' }
    await using site = await serveSite(tree, { options: { rules } })
    const fields = async (path: string, more = {}) => (await get(site.port, path, more)).fields
    const js = await fields('/assets/a.js')
    expect([js['cache-control'], js['x-frame-options'], js['server']]).to.deep.equal([
      'public, max-age=31536000, immutable',
      'DENY',
      undefined,
    ])
    expect((await fields('/assets/a.js', { 'If-None-Match': js['etag'] ?? '' }))['cache-control']).to.contain('immutable')
    expect((await fields('/assets/none.js'))['cache-control']).to.equal('no-store')
    expect((await fields('/assets/none.js'))['x-frame-options']).to.equal('DENY')
    const own = await fields('/assets/own.js')
    expect([own['cache-control'], own['x-frame-options']]).to.deep.equal(['no-store', 'SAMEORIGIN'])
    expect((await fields('/assets/a.css'))['cache-control']).to.equal('no-cache')
    expect((await fields('/downloads/%C3%A9.txt'))['content-disposition']).to.match(/^attachment; .*%C3%A9/)
    expect((await fields('/downloads/'))['content-disposition']).to.equal(undefined)
  })

  it('lets pages of listed origins read it, answers their browsers beforehand without a login, and varies by the origin', async () => {
    const cors = { origins: ['https://a.test'], credentials: true, headers: ['X-Own'], exposed: ['X-Seen'], maxAge: '1m' }
    const routes = [
      { path: '/open/', cors: { origins: 'any' } },
      { path: '/private/', auth: 'any' },
    ]
    await using site = await serveSite({ 'www/a.txt': 'a', 'www/open/a.txt': 'a' }, { options: { cors, routes } })
    const allowed = await get(site.port, '/a.txt', { Origin: 'https://a.test' })
    expect(allowed.fields).to.include({
      'access-control-allow-origin': 'https://a.test',
      'access-control-allow-credentials': 'true',
      'access-control-expose-headers': 'X-Seen',
    })
    expect(allowed.fields['vary']).to.contain('Origin')
    for (const headers of [{}, { Origin: 'https://b.test' }]) {
      const { fields } = await get(site.port, '/a.txt', headers)
      expect(fields['access-control-allow-origin']).to.equal(undefined)
      expect(fields['vary']).to.contain('Origin')
    }
    expect((await get(site.port, '/open/a.txt', { Origin: 'https://b.test' })).fields['access-control-allow-origin']).to.equal('*')
    const question = { Origin: 'https://a.test', 'Access-Control-Request-Method': 'GET' }
    const told = await get(site.port, '/private/x', question, 'OPTIONS')
    expect(told.status).to.equal(204)
    expect(told.fields).to.include({
      'access-control-allow-origin': 'https://a.test',
      'access-control-allow-methods': 'GET, HEAD',
      'access-control-allow-headers': 'X-Own',
      'access-control-max-age': '60',
    })
    expect((await get(site.port, '/private/x', { Origin: 'https://a.test' })).status).to.equal(401)
  })

  it('answers a question beforehand only where it is one: a request that looks like it needs its login', async () => {
    const options = { cors: { origins: 'any' }, routes: [{ path: '/private/', auth: 'any' }] }
    await using site = await serveSite({ 'www/private/a.txt': 'a' }, { options })
    const question = { Origin: 'https://a.test', 'Access-Control-Request-Method': 'GET' }
    const status = async (headers: Record<string, string>, method: string) =>
      (await get(site.port, '/private/a.txt', headers, method)).status
    expect(await status(question, 'OPTIONS')).to.equal(204)
    expect(await status(question, 'GET')).to.equal(401)
    expect(await status({ Origin: 'https://a.test' }, 'OPTIONS')).to.equal(401)
    expect(await status({ 'Access-Control-Request-Method': 'GET' }, 'OPTIONS')).to.equal(401)
  })

  it('says of origins itself what its setting says, whatever a rule says', async () => {
    const rules = [{ headers: { 'Access-Control-Allow-Origin': '*', 'Access-Control-Allow-Credentials': 'true' } }]
    const options = { cors: { origins: ['https://a.test'] }, rules }
    await using site = await serveSite({ 'www/a.txt': 'a' }, { options })
    const { fields } = await get(site.port, '/a.txt', { Origin: 'https://b.test' })
    expect(fields).not.to.have.any.keys('access-control-allow-origin', 'access-control-allow-credentials')
    const allowed = await get(site.port, '/a.txt', { Origin: 'https://a.test' })
    expect(allowed.fields['access-control-allow-origin']).to.equal('https://a.test')
    expect(allowed.fields['access-control-allow-credentials']).to.equal(undefined)
  })

  it('keeps what an answer depends on beside what a rule says of it', async () => {
    const options = { rules: [{ headers: { vary: 'Cookie' } }], cors: { origins: ['https://a.test'] } }
    await using site = await serveSite({ 'www/a.txt': 'a' }, { options })
    expect((await get(site.port, '/a.txt')).fields['vary']).to.equal('Accept-Encoding, Cookie, Origin')
  })

  it('is nothing to requests in clear for https: they are 421 (RFC 9110 §7.4)', async () => {
    await using site = await serveSite({ 'www/a.txt': 'a' })
    expect((await get(site.port, 'https://localhost/a.txt')).status).to.equal(421)
    expect((await get(site.port, 'http://localhost/a.txt')).status).to.equal(200)
  })

  it('is where https is: a redirection that keeps the method, HSTS to those alone who came encrypted by a listed proxy', async () => {
    const options = { toHttps: 'https', hsts: { maxAge: '1d', subdomains: true }, trust: ['127.0.0.1'] }
    const { options: schema } = await loadProtocol('http')
    const checked = schema.parse(options) as HttpOptions
    const resolved = { ...checked, toHttps: { service: 'https', port: 8443 } }
    const create = (context: Context<unknown>) => service.create({ ...context, options: resolved })
    await using site = await serveSite({ 'www/a.txt': 'a' }, { create })
    const plain = await get(site.port, '/a%20b?c', { Host: 'shop.test:8080' })
    expect([plain.status, plain.fields['location']]).to.deep.equal([301, 'https://shop.test:8443/a%20b?c'])
    expect(plain.fields['strict-transport-security']).to.equal(undefined)
    expect((await get(site.port, '/a', {}, 'PUT')).status).to.equal(308)
    const location = async (target: string) => (await get(site.port, target)).fields['location']
    expect(await location('http://a.test/b/../c?d')).to.equal('https://a.test:8443/b/../c?d')
    expect(await location('http://a.test?b')).to.equal('https://a.test:8443/?b')
    const by = async (name: string, value: string) => (await get(site.port, '/a.txt', { [name]: value })).status
    expect(await by('X-Forwarded-Proto', 'https, http')).to.equal(301)
    expect(await by('X-Forwarded-Proto', 'http, https')).to.equal(200)
    expect(await by('Forwarded', 'for=1.2.3.4;proto=https, for=5.6.7.8;proto=http')).to.equal(301)
    expect(await by('Forwarded', 'for=1.2.3.4, for=5.6.7.8;Proto="https"')).to.equal(200)
    const odd = await get(site.port, '/a.txt', { 'X-Forwarded-Proto': 'https', 'X-Request-Id': 'a "forged" record' })
    expect(odd.fields['x-request-id']).to.match(/^[a-z0-9]+-[a-z0-9]+-1$/)
    expect((await get(site.port, '/.well-known/havre/authority.crl')).status).to.equal(404)
    const through = await get(site.port, '/a.txt', { 'X-Forwarded-Proto': 'https', 'X-Request-Id': 'from-the-proxy' })
    expect(through.status).to.equal(200)
    expect(through.fields['strict-transport-security']).to.equal('max-age=86400; includeSubDomains')
    expect(through.fields['x-request-id']).to.equal('from-the-proxy')
  })

  it('tells nothing of HSTS in clear, nor to those who only say that they came encrypted (RFC 6797 §7.2)', async () => {
    await using site = await serveSite({ 'www/a.txt': 'a' }, { options: { hsts: {} } })
    for (const headers of [{}, { 'X-Forwarded-Proto': 'https' }, { Forwarded: 'proto=https' }])
      expect((await get(site.port, '/a.txt', headers)).fields['strict-transport-security']).to.equal(undefined)
  })

  it('has an id of our own for those who are no listed proxy', async () => {
    await using site = await serveSite({ 'www/a.txt': 'a' })
    const { fields } = await get(site.port, '/a.txt', { 'X-Request-Id': 'forged', 'X-Forwarded-Proto': 'https' })
    expect(fields['x-request-id']).to.match(/^[a-z0-9]+-[a-z0-9]+-1$/)
  })
})
