import { mkdir, writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { z } from 'zod'
import { protocols } from '../../servers/supervisor/protocols.ts'
import { loadConfiguration, type Sources } from '../../shared/config/load.ts'
import type { Configuration, ServiceSettings } from '../../shared/config/settings.ts'
import { fieldsOf } from '../../shared/config/shape.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'

describe('the configuration', () => {
  let folder: TemporaryFolder
  beforeEach(async () => {
    folder = await temporaryFolder()
  })
  afterEach(() => folder.remove())

  /** @param files content by name, in their order */
  const load = async (files: Readonly<Record<string, string>> = {}, sources: Partial<Sources> = {}): Promise<Configuration> => {
    for (const [name, text] of Object.entries(files)) await writeFile(folder.at(name), text)
    return loadConfiguration({ protocols, files: Object.keys(files), env: {}, cwd: folder.path, ...sources })
  }

  const service = ({ services }: Configuration, name: string): ServiceSettings => {
    const found = services.find((each) => each.name === name)
    if (found === undefined) throw new Error(`no service ${name}`)
    return found
  }

  const endpoints = ({ services }: Configuration): readonly string[] =>
    services.filter(({ enabled }) => enabled).map(({ name, host, port }) => `${name} ${host} ${port}`)

  describe('of nobody', () => {
    it('is the four services on high ports of this machine', async () => {
      const configuration = await load()
      expect(endpoints(configuration)).to.deep.equal([
        'http 127.0.0.1 8080',
        'ftp 127.0.0.1 2121',
        'smtp 127.0.0.1 2525',
        'pop3 127.0.0.1 1110',
      ])
      expect(configuration.idleSettings).to.deep.equal([])
    })

    it('has its units in numbers', async () => {
      const { settings, services } = await load()
      expect(settings.drainMs).to.equal(30_000)
      expect(settings.mail.maxSizeOctets).to.equal(50_000_000)
      expect(settings.mail.quota).to.deep.equal({ octets: 2 ** 30, messages: 100_000 })
      expect(settings.logins).to.deep.equal({
        delayMs: 250,
        maxDelayMs: 4000,
        windowMs: 600_000,
        accountThreshold: 10,
        blockAfter: 20,
        blockMs: 600_000,
        scram: true,
      })
      expect(services[0]?.limits).to.deep.equal({
        connections: 1000,
        connectionsPerAddress: 100,
        connectionsPerSecond: null,
        idleMs: 300_000,
        loginMs: null,
        totalMs: 604_800_000,
        handshakeMs: 10_000,
        memoryOctets: 16_777_216,
      })
    })

    it('is plain data: it survives the way to a child', async () => {
      const configuration = await load()
      expect(JSON.parse(JSON.stringify(configuration))).to.deep.equal(configuration)
    })
  })

  describe('of several sources', () => {
    it('is by the later one: defaults, files in order, variables, arguments', async () => {
      const port = async (files: Readonly<Record<string, string>>, sources: Partial<Sources> = {}) =>
        service(await load(files, sources), 'http').port
      const one = { 'one.yaml': 'services: { http: { port: 1001 } }' }
      const both = { ...one, 'two.yaml': 'services: { http: { port: 1002 } }' }
      const env = { HAVRE_SERVICES__HTTP__PORT: '1003' }
      expect(await port({})).to.equal(8080)
      expect(await port(one)).to.equal(1001)
      expect(await port(both)).to.equal(1002)
      expect(await port(both, { files: ['two.yaml', 'one.yaml'] })).to.equal(1001)
      expect(await port(both, { env })).to.equal(1003)
      expect(await port(both, { env, sets: ['services.http.port=1004', 'services.http.port=1005'] })).to.equal(1005)
    })

    it('joins sections, and keeps the services that a file does not name', async () => {
      const configuration = await load({ 'my.yaml': 'mail: { quota: { messages: 7 } }\nservices: { ftp: { host: "::1" } }' })
      expect(configuration.settings.mail.quota).to.deep.equal({ octets: 2 ** 30, messages: 7 })
      expect(endpoints(configuration)).to.deep.equal([
        'http 127.0.0.1 8080',
        'ftp ::1 2121',
        'smtp 127.0.0.1 2525',
        'pop3 127.0.0.1 1110',
      ])
    })

    it('replaces lists', async () => {
      const { settings } = await load({ 'a.yaml': 'domains: [a.test, b.test]', 'b.yaml': 'domains: [C.test]' })
      expect(settings.domains).to.deep.equal(['c.test'])
    })

    it('joins aliases name by name', async () => {
      const { settings } = await load({
        'a.yaml': 'mail: { aliases: { sales: [alice], postmaster: [alice] } }',
        'b.yaml': 'mail: { aliases: { sales: [bob] } }',
      })
      expect(settings.mail.aliases).to.deep.equal({ sales: ['bob'], postmaster: ['alice'] })
    })

    it('is not changed by an empty file, an empty section or a file of comments', async () => {
      const empty = { 'a.yaml': '', 'b.yaml': '# nothing\n', 'c.yaml': 'mail:\nlimits:\n  # none\nservices:\n  http:\n' }
      expect(await load(empty)).to.deep.equal(await load())
    })

    it('forgets the settings of a service that comes to speak another protocol', async () => {
      const configuration = await load({ 'a.yaml': 'services: { http: { protocol: pop3, port: 1111 } }' })
      expect(service(configuration, 'http').protocol).to.equal('pop3')
    })

    it('takes the anchors of YAML, and a mark of the order of octets', async () => {
      const { services } = await load({
        'a.yaml': '\ufefflimits: &few { connections: 5 }\nservices: { ftp: { limits: *few } }',
      })
      expect(services.map(({ limits }) => limits.connections)).to.deep.equal([5, 5, 5, 5])
    })
  })

  describe('of variables', () => {
    const withEnv = (env: Readonly<Record<string, string>>) => load({}, { env })

    it('takes names whatever their case, with or without underscores between words', async () => {
      for (const name of ['CONNECTIONSPERADDRESS', 'CONNECTIONS_PER_ADDRESS', 'connectionsPerAddress']) {
        const { services } = await withEnv({ [`HAVRE_LIMITS__${name}`]: '7' })
        expect(services[0]?.limits.connectionsPerAddress).to.equal(7)
      }
    })

    it('leaves alone what is no setting, and what is reserved', async () => {
      const env = {
        HAVRE_REQUIRE_CLIENTS: '1',
        HAVRE_TEST_BUILT: '1',
        HAVRE_NO_SUCH: 'x',
        HAVRE_PORT: 'tcp://1.2.3.4',
        HOST: 'x',
        HAVRE_: 'x',
      }
      expect(await withEnv(env)).to.deep.equal(await load())
    })

    it('takes lists, sections and text that only looks like YAML', async () => {
      const { settings, services } = await withEnv({
        HAVRE_DOMAINS: '[a.test, b.test]',
        HAVRE_MAIL__ALIASES: '{ sales: [alice] }',
        HAVRE_HOST: '::',
        HAVRE_USER: '1000',
        HAVRE_DEMO: 'false',
        HAVRE_MAIL__CATCH_ALL: 'null',
      })
      expect(settings).to.include({ host: '::', user: '1000', demo: false })
      expect(settings.domains).to.deep.equal(['a.test', 'b.test'])
      expect(settings.mail).to.deep.include({ aliases: { sales: ['alice'] }, catchAll: null })
      expect(services[0]?.host).to.equal('::')
    })

    it('makes services, and names for aliases', async () => {
      const configuration = await withEnv({
        HAVRE_SERVICES__MY_WEB__LISTING: 'false',
        HAVRE_SERVICES__MY_WEB__PORT: '8081',
        HAVRE_SERVICES__MY_WEB__PROTOCOL: 'http',
        HAVRE_MAIL__ALIASES__SALES: '[alice]',
      })
      expect(service(configuration, 'my-web')).to.deep.include({ protocol: 'http', port: 8081 })
      expect(service(configuration, 'my-web').options).to.deep.nested.include({ 'site.listing': false })
      expect(configuration.settings.mail.aliases).to.deep.equal({ sales: ['alice'] })
    })
  })

  describe('of arguments', () => {
    const withSets = (...sets: string[]) => load({}, { sets })

    it('takes values with equal signs, and names with dots in quotes', async () => {
      const configuration = await withSets('mail.aliases.a=[b]', 'services.http.sites."shop.test".root=x=y')
      expect(service(configuration, 'http').options).to.deep.nested.include({
        'sites[0].hosts': ['shop.test'],
        'sites[0].root': folder.at('x=y'),
      })
    })

    it('takes text as it is: numbers, blanks, a hash', async () => {
      expect((await withSets('user=007')).settings.user).to.equal('007')
      expect((await withSets('data=my data #1')).settings.data).to.equal(folder.at('my data #1'))
      expect((await withSets('data="a b"')).settings.data).to.equal(folder.at('a b'))
    })
  })

  describe('paths', () => {
    it('are relative to their file, or to the working directory', async () => {
      await mkdir(folder.at('etc'))
      const { settings } = await load(
        {
          'etc/my.yaml': 'data: ../d\ntls: { certificate: c.pem, key: /k.pem, certificates: [{ certificate: d.pem, key: d.key }] }',
        },
        { sets: ['logs=l'] },
      )
      expect(settings.data).to.equal(folder.at('d'))
      expect(settings.logs).to.equal(folder.at('l'))
      expect(settings.tls).to.deep.equal({
        hosts: [],
        certificate: folder.at('etc', 'c.pem'),
        key: '/k.pem',
        certificates: [{ certificate: folder.at('etc', 'd.pem'), key: folder.at('etc', 'd.key') }],
      })
    })

    it("of Havre itself are relative to where it is started when it is a package of somebody's project", async () => {
      await mkdir(folder.at('node_modules', 'havre', 'config'), { recursive: true })
      const { settings } = await load({ 'node_modules/havre/config/own.yaml': 'data: ../data' })
      expect(settings.data).to.equal(folder.at('data'))
    })

    it('are none where a word has a meaning of its own', async () => {
      expect((await load({ 'my.yaml': 'tls: { certificate: auto }' })).settings.tls.certificate).to.equal('auto')
    })
  })

  describe('ports', () => {
    it('follow the setting, unless a service has its own', async () => {
      const sets = ['services.pop3.port=5000', 'user=nobody']
      const ports = async (setting: string) =>
        (await load({}, { sets: [...sets, `ports=${setting}`] })).services.map(({ port }) => port)
      expect(await ports('well-known')).to.deep.equal([80, 21, 25, 5000])
      expect(await ports('any')).to.deep.equal([0, 0, 0, 5000])
    })

    it('follow the encryption and the mode', async () => {
      const yaml = `services:
        https: { protocol: http, tls: implicit }
        ftps: { protocol: ftp, tls: implicit }
        submission: { protocol: smtp, mode: submission }
        smtps: { protocol: smtp, mode: submission, tls: implicit }
        lmtp: { protocol: smtp, mode: lmtp }
        pop3s: { protocol: pop3, tls: implicit }`
      const ports = async (...sets: string[]) => {
        const { services } = await load({ 'my.yaml': yaml }, { sets })
        return services.slice(4).map(({ name, port }) => `${name} ${port}`)
      }
      expect(await ports()).to.deep.equal(['https 8443', 'ftps 2990', 'submission 2587', 'smtps 2465', 'lmtp 2424', 'pop3s 2995'])
      expect(await ports('ports=well-known')).to.deep.equal([
        'https 443',
        'ftps 990',
        'submission 587',
        'smtps 465',
        'lmtp 24',
        'pop3s 995',
      ])
    })

    it('may be the same on different addresses, or where a service is off or the system chooses', async () => {
      const { services } = await load({
        'my.yaml': `services:
          here: { protocol: http, host: 127.0.0.2 }
          six: { protocol: http, host: "::1" }
          off: { protocol: http, enabled: false }
          any: { protocol: http, port: 0 }
          any2: { protocol: http, port: 0 }`,
      })
      expect(services).to.have.length(9)
    })
  })

  describe('of a service', () => {
    it('has the limits of the whole where it has none of its own', async () => {
      const configuration = await load({
        'my.yaml':
          'limits: { idle: 1m, connectionsPerSecond: 9 }\nservices: { ftp: { limits: { connections: 3, connectionsPerSecond: null } } }',
      })
      expect(service(configuration, 'ftp').limits).to.deep.equal({
        connections: 3,
        connectionsPerAddress: 100,
        connectionsPerSecond: null,
        idleMs: 60_000,
        loginMs: 300_000,
        totalMs: 604_800_000,
        handshakeMs: 10_000,
        memoryOctets: 16_777_216,
      })
      expect(service(configuration, 'smtp').limits.connectionsPerSecond).to.equal(9)
    })

    it('lets a client be silent as long as its protocol wants, unless a time is set', async () => {
      const { services } = await load({ 'my.yaml': 'services: { pop3s: { protocol: pop3, tls: implicit } }' })
      expect(services.map(({ name, limits: { idleMs } }) => [name, idleMs / 60_000])).to.deep.equal([
        ['http', 5],
        ['ftp', 5],
        ['smtp', 5],
        ['pop3', 10],
        ['pop3s', 10],
      ])
      const set = await load({ 'my.yaml': 'limits: { idle: 2m }\nservices: { ftp: { limits: { idle: auto } } }' })
      expect(set.services.map(({ limits: { idleMs } }) => idleMs / 60_000)).to.deep.equal([2, 5, 2, 2])
    })

    it('has a time to log in only where people log in', async () => {
      const text = (login: string) => ({
        'my.yaml': `limits: { login: ${login} }\nservices: { out: { protocol: smtp, mode: submission } }`,
      })
      const times = async (login: string) =>
        (await load(text(login))).services.map(({ name, limits: { loginMs } }) => `${name} ${loginMs}`)
      expect(await times('auto')).to.deep.equal(['http null', 'ftp 300000', 'smtp null', 'pop3 600000', 'out 300000'])
      expect(await times('7s')).to.deep.equal(['http null', 'ftp 7000', 'smtp null', 'pop3 7000', 'out 7000'])
      expect(await times('null')).to.deep.equal(['http null', 'ftp null', 'smtp null', 'pop3 null', 'out null'])
    })

    it('is STARTTLS by default, and none for HTTP', async () => {
      const { services } = await load()
      expect(services.map(({ tls }) => tls)).to.deep.equal(['off', 'starttls', 'starttls', 'starttls'])
      expect(services.map(({ requireTls }) => requireTls)).to.deep.equal(['auto', 'auto', 'auto', 'auto'])
    })
  })

  describe('of aliases', () => {
    it('is in lower case and without the local domains', async () => {
      const { settings } = await load({
        'my.yaml': 'mail: { aliases: { Sales@Havre.test: [Alice@localhost, BOB] }, catchAll: Alice@havre.TEST }',
      })
      expect(settings.mail.aliases).to.deep.equal({ sales: ['alice', 'bob'] })
      expect(settings.mail.catchAll).to.equal('alice')
    })

    it('are of a domain beyond ASCII however it is written', async () => {
      const { settings } = await load({
        'my.yaml':
          'domains: [bücher.test]\nmail: { aliases: { büro: [alice@BÜCHER.test], Office@xn--bcher-kva.test: [bu\u0308ro@bücher.test] } }',
      })
      expect(settings.mail.aliases).to.deep.equal({ büro: ['alice'], office: ['büro'] })
    })

    it('may name itself with a tag, which is the account of that name too', async () => {
      const { settings } = await load({
        'my.yaml': 'mail: { aliases: { alice: [alice+copy, bob], "sales+x": [sales], sales: [bob] } }',
      })
      expect(settings.mail.aliases).to.have.keys('alice', 'sales+x', 'sales')
    })

    it('may name itself, which is the account of that name, and may meet again', async () => {
      const aliases = '{ alice: [alice, bob], all: [sales, office], sales: [alice], office: [sales] }'
      expect((await load({}, { sets: [`mail.aliases=${aliases}`] })).settings.mail.aliases).to.have.keys(
        'alice',
        'all',
        'sales',
        'office',
      )
    })
  })

  describe('tells settings that nothing reads yet', () => {
    // None of ours is such a setting for ever: one that nobody will read stands in for them.
    const future = z.array(z.string()).default([]).meta({ description: 'Does nothing.', pending: true })
    const pop3 = { ...protocols.pop3, options: z.strictObject({ ...fieldsOf(protocols.pop3.options), future }) }
    const idle = async (...sets: string[]) => (await load({}, { sets, protocols: { ...protocols, pop3 } })).idleSettings

    it('when they are other than their defaults', async () => {
      expect(
        await idle(
          'limits.connectionsPerSecond=5',
          'files.transfers=3',
          'services.http.routes=[{ path: /a, redirect: /b }]',
          'services.pop3.future=[a]',
          'services.pop3.workers=2',
        ),
      ).to.have.members(['services.pop3.future'])
    })

    it('but not when they say the default, in whatever words, nor of a service that is off', async () => {
      expect(
        await idle(
          'mail.quota.bytes=1024MiB',
          'tls.certificate=auto',
          'limits.connectionsPerSecond=null',
          'services.http.routes=[]',
          'services.smtp.mode=mta',
          'services.smtp.tls=starttls',
          'services.pop3.enabled=false',
          'services.pop3.future=[a]',
          'services.pop3.workers=2',
        ),
      ).to.deep.equal([])
    })
  })
})
