import { expect } from 'chai'
import { get } from '../raw.ts'
import { serveSite } from '../site.ts'
import { nodeUpstream } from './upstream.ts'

const basic = `Basic ${Buffer.from('alice:wonder land:1').toString('base64')}`

describe('a protected path of an upstream server', () => {
  it('needs its login in every spelling that any server behind this one may take for it', async () => {
    await using upstream = await nodeUpstream((request, response) => response.end(request.url))
    const routes = [
      { path: '/private/', auth: 'any' },
      { path: '/admin', auth: 'any' },
      { path: '/members/', auth: 'any', proxy: upstream.url },
      { path: '/', proxy: upstream.url },
    ]
    await using site = await serveSite({}, { options: { routes } })
    for (const path of [
      '/private',
      '/private/',
      '/PRIVATE/x',
      '//private/x',
      '/%70rivate/x',
      '/private%2fx',
      '/private%5Cx',
      '/%2Fprivate/x',
      '/x/../private/x',
      '/%2e/private/x',
      '/private;v=1/x',
      '/;a/private/x',
      '/admin',
      '/admin/',
      '/Admin',
      '/admin;x',
      '/members%2fx',
      '/Members/x',
    ]) {
      expect((await get(site.port, path)).status, path).to.equal(401)
      expect((await get(site.port, path, { Authorization: basic })).status, path).to.equal(200)
    }
    for (const path of ['/open', '/privately', '/admin/x', '/x/private/'])
      expect((await get(site.port, path)).body.toString(), path).to.equal(path)
  })

  it('is not reached by dots that count only once what is behind a semicolon is gone, or a slash is decoded', async () => {
    const asked: (string | undefined)[] = []
    await using upstream = await nodeUpstream((request, response) => {
      asked.push(request.url)
      response.end()
    })
    await using site = await serveSite({}, { options: { routes: [{ path: '/app/', proxy: `${upstream.url}/api/` }] } })
    for (const path of ['/app/..;/x', '/app/%2e%2e;a=b/x', '/app/.;/x', '/app/..%3b/x', '/app/x%2f..%2f..%2fx'])
      expect((await get(site.port, path)).status, path).to.equal(400)
    expect((await get(site.port, '/app/a;b=c/..d;e')).status).to.equal(200)
    expect(asked).to.deep.equal(['/api/a;b=c/..d;e'])
  })
})

describe('a protected path of files', () => {
  it('needs its login at the other addresses of what it guards: homes in large letters, ready-made codings', async () => {
    const tree = {
      'files/alice/public_html/own/a.txt': 'own',
      'www/page.html': 'page',
      'www/page.html.gz': 'page, coded',
    }
    const routes = [
      { path: '/~alice/own/', auth: 'any' },
      { path: '/page.html', auth: 'any' },
    ]
    await using site = await serveSite(tree, { options: { routes } })
    for (const path of ['/~alice/own/a.txt', '/~ALICE/own/a.txt', '/%7EAlice/own/a.txt', '/page.html', '/page.html.gz'])
      expect((await get(site.port, path)).status, path).to.equal(401)
    expect((await get(site.port, '/~ALICE/own/a.txt', { Authorization: basic })).body.toString()).to.equal('own')
  })
})
