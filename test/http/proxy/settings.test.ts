import { expect } from 'chai'
import { protocol } from '../../../servers/http/options.ts'
import { temporaryFolder } from '../../kit/folder.ts'
import { testSettings } from '../../kit/settings.ts'
import { get } from '../raw.ts'
import { serveSite } from '../site.ts'
import { nodeUpstream } from './upstream.ts'

describe('a route with `proxy`', () => {
  it('is answered by its upstream server, all else by the site', async () => {
    await using upstream = await nodeUpstream((request, response) => response.end(`app ${request.url}`))
    const routes = [{ path: '/app/', proxy: `${upstream.url}/` }]
    await using site = await serveSite({ 'www/a.txt': 'file' }, { options: { routes } })
    expect((await get(site.port, '/app/x?y')).body.toString()).to.equal('app /x?y')
    expect((await get(site.port, '/app/x', {}, 'PATCH')).status).to.equal(200)
    expect((await get(site.port, '/a.txt')).body.toString()).to.equal('file')
  })

  it('lets its service open connections, which no other may', async () => {
    await using folder = await temporaryFolder()
    const network = (options: object) => protocol.grants(protocol.options.parse(options), testSettings(folder.path)).network
    const route = { path: '/', proxy: 'http://127.0.0.1:1' }
    expect(network({})).to.equal('accept')
    expect(network({ routes: [route] })).to.equal('connect')
    expect(network({ sites: { 'a.test': { routes: [route] } } })).to.equal('connect')
  })

  it('names upstream servers that stand in for each other: with the same path', () => {
    const parse = (proxy: unknown) => protocol.options.safeParse({ routes: [{ path: '/', proxy }] }).success
    expect(parse(['http://a.test/x/', 'http://b.test:81/x/'])).to.equal(true)
    expect(parse(['http://a.test', 'http://b.test/'])).to.equal(false)
    expect(parse({ to: ['http://a.test/x', 'http://b.test/y'] })).to.equal(false)
  })
})
