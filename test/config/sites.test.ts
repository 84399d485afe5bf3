import { mkdir, writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { protocols } from '../../servers/supervisor/protocols.ts'
import { loadConfiguration } from '../../shared/config/load.ts'
import { ConfigurationError } from '../../shared/config/problem.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'

describe('the configuration', () => {
  let folder: TemporaryFolder
  beforeEach(async () => {
    folder = await temporaryFolder()
  })
  afterEach(() => folder.remove())

  describe('of sites of HTTP', () => {
    const sitesOf = async (yaml: string) => {
      await writeFile(folder.at('my.yaml'), `services: { http: ${yaml} }`)
      const { services } = loadConfiguration({ protocols, files: ['my.yaml'], env: {}, cwd: folder.path })
      return services.find(({ name }) => name === 'http')?.options
    }

    it('is for each what it says, else what the service says', async () => {
      const options = await sitesOf(
        '{ root: main, listing: false, hide: ["*~"], sites: { Shop.test: { root: shop, aliases: [www.shop.test], hide: [] }, "*.x.test": {} } }',
      )
      const inherited = {
        listing: false,
        cleanUrls: false,
        fallback: null,
        compress: true,
        pages: {},
        rules: [],
        cors: null,
        routes: [],
      }
      expect(options).to.deep.nested.include({
        site: { ...inherited, hide: ['*~'], root: folder.at('main'), hosts: [], keyFiles: null },
        'sites[0]': { ...inherited, hide: [], root: folder.at('shop'), hosts: ['shop.test', 'www.shop.test'], keyFiles: null },
        'sites[1]': { ...inherited, hide: ['*~'], root: folder.at('main'), hosts: ['*.x.test'], keyFiles: null },
      })
    })

    it('has paths of files in routes and certificates, relative to the file', async () => {
      const options = await sitesOf(
        '{ routes: [{ path: /docs/, files: ./manual }], sites: { a.test: { certificate: a.pem, key: a.key } } }',
      )
      expect(options).to.deep.nested.include({
        'site.routes[0].files': folder.at('manual'),
        'sites[0].keyFiles': { certificate: folder.at('a.pem'), key: folder.at('a.key'), setting: 'sites.a.test' },
      })
    })

    it('says everything of an upstream server, however little the file says', async () => {
      const proxies = (text: string) => sitesOf(`{ routes: [{ path: /, proxy: ${text} }] }`)
      const full = {
        to: ['http://127.0.0.1:1/'],
        timeouts: { connectMs: 5000, responseMs: 60_000, idleMs: 60_000 },
        health: null,
        host: 'client',
        maxContentOctets: 1e9,
      }
      for (const text of [
        'http://127.0.0.1:1/',
        '[http://127.0.0.1:1/]',
        '{ to: http://127.0.0.1:1/ }',
        '{ to: [http://127.0.0.1:1/] }',
      ])
        expect(await proxies(text), text).to.deep.nested.include({ 'site.routes[0].proxy': full })
      const given = '{ to: http://127.0.0.1:1/, timeouts: { idle: 1s }, health: { path: /up }, host: upstream, maxContent: 1KB }'
      expect(await proxies(given)).to.deep.nested.include({
        'site.routes[0].proxy': {
          ...full,
          timeouts: { ...full.timeouts, idleMs: 1000 },
          health: { path: '/up', everyMs: 10_000 },
          host: 'upstream',
          maxContentOctets: 1000,
        },
      })
    })

    it('has hosts that the certificate of Havre is for too, and certificates of its own for the others', async () => {
      const own = '{ certificate: d.pem, key: d.key, aliases: [www.d.test] }'
      const sites = `{ a.test: { aliases: [b.test] }, "*.c.test": {}, d.test: ${own}, e.test: { certificate: d.pem, key: e.key } }`
      await writeFile(
        folder.at('my.yaml'),
        `services: { http: { sites: ${sites} }, other: { protocol: http, port: 0, sites: { d.test: ${own} } } }`,
      )
      const { settings } = loadConfiguration({ protocols, files: ['my.yaml'], env: {}, cwd: folder.path })
      expect(settings.tls.hosts).to.deep.equal(['a.test', 'b.test', '*.c.test'])
      const certificate = folder.at('d.pem')
      expect(settings.tls.certificates).to.deep.equal([
        { certificate, key: folder.at('d.key'), setting: 'services.http.sites.d.test' },
        { certificate, key: folder.at('e.key'), setting: 'services.http.sites.e.test' },
      ])
    })

    it('needs the folders that it names for a start, told with the settings that name them; services that are off, and www, need none', async () => {
      const told = async (yaml: string): Promise<string[]> => {
        await writeFile(folder.at('my.yaml'), yaml)
        try {
          loadConfiguration({ protocols, files: ['my.yaml'], env: {}, cwd: folder.path, startable: true })
          return []
        } catch (error) {
          if (!(error instanceof ConfigurationError)) throw error
          return error.message.replaceAll(folder.path, '<cwd>').split('\n')
        }
      }
      await mkdir(folder.at('there'))
      await writeFile(folder.at('file'), '')
      const services = [
        'services:',
        '  http:',
        '    root: main',
        '    routes: [{ path: /health, respond: {} }, { path: /docs/, files: file }]',
        '    sites: { a.test: {}, b.test: { root: file/x, routes: [{ path: /c/, files: there }, { path: /d/, files: ./typo }] } }',
        '  ftp: { anonymous: guests }',
        '  other: { protocol: http, port: 0, enabled: false, root: nowhere }',
      ]
      expect(await told(services.join('\n'))).to.deep.equal([
        'my.yaml:3:11: services.http.root: must be a folder: <cwd>/main is not there',
        'my.yaml:4:69: services.http.routes.1.files: must be a folder: <cwd>/file is none',
        'my.yaml:5:42: services.http.sites.b.test.root: must be a folder: <cwd>/file/x cannot be reached (ENOTDIR)',
        'my.yaml:5:108: services.http.sites.b.test.routes.1.files: must be a folder: <cwd>/typo is not there',
        'my.yaml:6:21: services.ftp.anonymous: must be a folder: <cwd>/guests is not there',
      ])
      expect(await told('services: { http: { root: there, sites: { a.test: {} } } }')).to.deep.equal([])
      expect(await told('data: nowhere')).to.deep.equal([])
    })

    it('sends clients to the port of the service that toHttps names, which must be there and encrypted', async () => {
      const load = (services: string) => {
        const sets = [`services=${services}`]
        return loadConfiguration({ protocols, sets, env: {}, cwd: folder.path }).services.find(({ name }) => name === 'http')
          ?.options
      }
      const https = 'https: { protocol: http, tls: implicit }'
      expect(load(`{ http: { toHttps: https }, ${https} }`)).to.deep.include({ toHttps: { service: 'https', port: 8443 } })
      expect(() => load('{ http: { toHttps: https } }')).to.throw(/toHttps: must be the name of an http service/)
      expect(() => load('{ http: { toHttps: ftp } }')).to.throw(/toHttps: must be the name of an http service .*; there is none/)
      expect(() => load(`{ http: { toHttps: htps }, ${https} }`)).to.throw(/toHttps: .*; did you mean https\?/)
      expect(() => load(`{ http: { toHttps: web }, ${https} }`)).to.throw(/toHttps: .*; there is https/)
    })
  })
})
