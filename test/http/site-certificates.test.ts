import { mkdir, writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { type Family, FamilyError, startFamily } from '../kit/family.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'
import { describeWith } from '../kit/programs.ts'
import { run } from '../kit/run.ts'

const openssl = async (folder: TemporaryFolder, ...given: readonly string[]): Promise<string> => {
  const { code, stdout, stderr } = await run('openssl', given, { cwd: folder.path })
  expect(code, `openssl ${given.join(' ')}\n${stderr}`).to.equal(0)
  return String(stdout)
}

/** A self-signed certificate for these hosts, in `NAME.pem` and `NAME.key`. */
const makeCertificate = (folder: TemporaryFolder, name: string, ...hosts: readonly string[]) => {
  const names = hosts.map((host) => `DNS:${host}`).join()
  const files = ['-keyout', `${name}.key`, '-out', `${name}.pem`]
  const kind = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2']
  return openssl(folder, 'req', '-x509', ...kind, ...files, '-subj', `/CN=${name}`, '-addext', `subjectAltName=${names}`)
}

const site = (name: string, more: string) => `      ${name}: { root: ./${name}, ${more} }`

describeWith(['curl', 'openssl'], 'sites of HTTP with certificates of their own', function () {
  this.timeout(120_000)
  let folder: TemporaryFolder
  let family: Family

  before('start two sites with certificates and one without', async () => {
    folder = await temporaryFolder()
    for (const name of ['one.test', 'two.test', 'plain.test']) {
      await mkdir(folder.at(name))
      await writeFile(folder.at(name, 'index.html'), `the page of ${name}`)
    }
    await makeCertificate(folder, 'one', 'one.test', 'www.one.test')
    await makeCertificate(folder, 'two', 'two.test', '*.two.test')
    const lines = [
      'services:',
      '  https:',
      '    protocol: http',
      '    tls: implicit',
      '    sites:',
      site('one.test', 'certificate: one.pem, key: one.key, aliases: [www.one.test]'),
      site('two.test', "certificate: two.pem, key: two.key, aliases: ['*.two.test']"),
      site('plain.test', 'aliases: []'),
    ]
    await writeFile(folder.at('my.yaml'), lines.join('\n'))
    family = await startFamily({ services: [], args: ['--config', folder.at('my.yaml')] })
  })
  after(async () => {
    await family?.[Symbol.asyncDispose]()
    await folder.remove()
  })

  const authority = () => family.folder.at('data', 'tls', 'authority.pem')
  const curl = async (host: string, trusted: string, ...more: readonly string[]) => {
    const port = family.port('https')
    const there = ['--resolve', `${host}:${port}:127.0.0.1`, '--cacert', trusted]
    const { code, stdout } = await run('curl', ['-sS', '--max-time', '20', ...there, ...more, `https://${host}:${port}/`])
    return { code, text: String(stdout) }
  }

  for (const version of ['--http1.1', '--http2'] as const) {
    it(`show each its own by SNI, and Havre's for the others (curl ${version})`, async () => {
      const pages: readonly (readonly [host: string, certificate: string, page: string])[] = [
        ['one.test', folder.at('one.pem'), 'one.test'],
        ['www.one.test', folder.at('one.pem'), 'one.test'],
        ['two.test', folder.at('two.pem'), 'two.test'],
        ['a.two.test', folder.at('two.pem'), 'two.test'],
        ['plain.test', authority(), 'plain.test'],
      ]
      const what = ['-w', ' by %{http_version}']
      const by = version === '--http2' ? '2' : '1.1'
      for (const [host, certificate, page] of pages)
        expect(await curl(host, certificate, version, ...what), host).to.deep.equal({
          code: 0,
          text: `the page of ${page} by ${by}`,
        })
      // CURLE_PEER_FAILED_VERIFICATION: it is the other's certificate that is trusted.
      expect((await curl('one.test', folder.at('two.pem'), version)).code).to.equal(60)
      expect((await curl('plain.test', folder.at('one.pem'), version)).code).to.equal(60)
    })

    it(`answer 421 on the connection of another (curl ${version}; RFC 9110 §7.4)`, async () => {
      const status = ['-o', '/dev/null', '-w', '%{http_code}']
      const asked = (host: string) => curl('one.test', folder.at('one.pem'), version, ...status, '-H', `Host: ${host}`)
      expect((await asked('www.one.test')).text).to.equal('200')
      expect((await asked('two.test')).text).to.equal('421')
      expect((await asked('plain.test')).text).to.equal('421')
    })
  }

  it('are shown to openssl by the name that it asks for; who asks for none, or for nobody’s, gets that of Havre', async () => {
    const subject = async (...name: readonly string[]) => {
      const given = ['s_client', '-connect', `127.0.0.1:${family.port('https')}`, ...name]
      const { stdout } = await run('openssl', given, { input: '' })
      return /^subject=.*?CN ?= ?(?<name>.*)$/m.exec(String(stdout))?.groups?.['name']
    }
    expect(await subject('-servername', 'one.test')).to.equal('one')
    expect(await subject('-servername', 'B.TWO.TEST')).to.equal('two')
    const ours = await subject('-noservername')
    expect(ours).to.be.a('string').that.is.not.oneOf(['one', 'two'])
    expect(await subject('-servername', 'nobody.test')).to.equal(ours)
  })

  it('are no matter to the command that start prints, which works as it is', async () => {
    const command = /^https .*? (?<command>curl .*)$/m.exec(family.output())?.groups?.['command'] ?? ''
    expect(command).to.match(/^curl --cacert .* https:\/\/localhost:\d+\/$/)
    const { code, stderr } = await run('sh', ['-c', `${command.replace('curl', 'curl -sS --max-time 20')}`])
    expect([code, String(stderr)]).to.deep.equal([0, ''])
  })

  it('keep a start from happening where they cannot be used, told with the setting of their site', async () => {
    const told = async (more: string): Promise<unknown> => {
      const yaml = `services: { https: { protocol: http, tls: implicit, sites: { one.test: {}, two.test: ${more} } } }`
      await writeFile(folder.at('wrong.yaml'), yaml)
      try {
        await using started = await startFamily({ services: [], args: ['--config', folder.at('wrong.yaml')] })
        return `it started: ${started.output()}`
      } catch (error) {
        if (!(error instanceof FamilyError)) throw error
        return [
          error.code,
          error.message
            .split('\n')
            .find((line) => line.includes('two.test'))
            ?.replace(/^.*?services/, 'services'),
        ]
      }
    }
    const setting = 'services.https.sites.two.test'
    expect(await told('{ certificate: none.pem, key: two.key }')).to.deep.equal([
      100,
      `${setting}.certificate: ${folder.at('none.pem')}: the certificate cannot be read (ENOENT)`,
    ])
    expect(await told('{ certificate: two.pem, key: one.key }')).to.deep.equal([
      100,
      `${setting}.key: ${folder.at('one.key')}: is not the key of ${folder.at('two.pem')}`,
    ])
  })
})
