import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { keyFileFindings } from '../../cli/key-files.ts'
import { protocols } from '../../servers/supervisor/protocols.ts'
import { loadConfiguration } from '../../shared/config/load.ts'
import { localCertificate } from '../../shared/tls/local-certificate.ts'
import { havre } from '../kit/family.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'

const dayMs = 86_400_000

/** Keys for these hosts, in `NAME.pem` and `NAME.key`. */
const makeKeys = async (folder: TemporaryFolder, name: string, hostname: string): Promise<void> => {
  const wanted = { hostname, hosts: ['127.0.0.1'], domains: [], revocationUrl: null }
  const { pair } = await localCertificate(folder.at(`made-${name}`), wanted, Date.now())
  await writeFile(folder.at(`${name}.pem`), pair.certificate)
  await writeFile(folder.at(`${name}.key`), pair.key)
}

describe('havre check and the files of certificates and keys', function () {
  this.timeout(60_000)
  let folder: TemporaryFolder
  before(async () => {
    folder = await temporaryFolder()
    await mkdir(folder.at('site'))
    await makeKeys(folder, 'own', 'localhost')
    await makeKeys(folder, 'other', 'one.test')
    await writeFile(folder.at('none.pem'), 'hello\n')
  })
  after(() => folder.remove())

  const https = 'services: { https: { protocol: http, tls: implicit'
  const siteOf = (files: string, name = 'shop.test') => `${https}, sites: { ${name}: { root: ./site, ${files} } } } }`
  const found = async (yaml: string, { days = 0 } = {}) => {
    await writeFile(folder.at('my.yaml'), `${yaml}\n`)
    const configuration = loadConfiguration({ protocols, files: ['my.yaml'], env: {}, cwd: folder.path })
    return keyFileFindings(configuration, Date.now() + days * dayMs)
  }

  const wrong: readonly [what: string, yaml: string, setting: string, message: RegExp][] = [
    ['is missing', `tls: { certificate: gone.pem, key: own.key }\n${https} } }`, 'tls.certificate', /gone\.pem: .*ENOENT/],
    ['is a folder', `tls: { certificate: own.pem, key: site }\n${https} } }`, 'tls.key', /site: .*EISDIR/],
    ['is no certificate', `tls: { certificate: none.pem, key: own.key }\n${https} } }`, 'tls.certificate', /holds no certificate/],
    ['is no key', `tls: { certificate: own.pem, key: none.pem }\n${https} } }`, 'tls.key', /holds no private key/],
    ['does not match', `tls: { certificate: own.pem, key: other.key }\n${https} } }`, 'tls.key', /is not the key of .*own\.pem/],
    [
      'is missing, of a further pair',
      `tls: { certificates: [{ certificate: gone.pem, key: own.key }] }\n${https} } }`,
      'tls.certificates[0].certificate',
      /ENOENT/,
    ],
    [
      'is missing, of a site',
      siteOf('certificate: own.pem, key: gone.key'),
      'services.https.sites.shop.test.key',
      /gone\.key: .*ENOENT/,
    ],
  ]
  for (const [what, yaml, setting, message] of wrong)
    it(`says with the setting that one ${what}`, async () => {
      const { problems } = await found(yaml)
      expect(problems.map((problem) => problem.setting)).to.deep.equal([setting])
      expect(problems[0]?.message).to.match(message)
    })

  it('says that one may not be read, and that root may, where root starts it', async function () {
    if (process.getuid?.() === 0) this.skip()
    await writeFile(folder.at('secret.key'), 'x')
    await chmod(folder.at('secret.key'), 0)
    const tls = 'tls: { certificate: own.pem, key: secret.key }'
    expect((await found(`${tls}\n${https} } }`)).problems.map(({ setting }) => setting)).to.deep.equal(['tls.key'])
    const asRoot = await found(`user: nobody\n${tls}\n${https} } }`)
    expect(asRoot.problems).to.deep.equal([])
    expect(asRoot.warnings[0]).to.match(/^tls\.key: .*secret\.key: .*EACCES.*root/)
  })

  it('says nothing of files that are right, nor of any where nothing speaks TLS', async () => {
    const tls = 'tls: { certificate: own.pem, key: own.key }'
    expect(await found(`${tls}\n${https} } }`)).to.deep.equal({ problems: [], warnings: [] })
    expect(await found(siteOf('certificate: other.pem, key: other.key', 'one.test'))).to.deep.equal({ problems: [], warnings: [] })
    const off = ['ftp', 'smtp', 'pop3'].map((name) => `${name}: { tls: off }`).join(', ')
    const clear = `tls: { certificate: gone.pem, key: gone.key }\nservices: { ${off} }`
    expect(await found(clear)).to.deep.equal({ problems: [], warnings: [] })
    expect((await found('{}')).problems).to.deep.equal([])
  })

  it('warns of one that has ended, ends soon or is for other names', async () => {
    const tls = `tls: { certificate: own.pem, key: own.key }\n${https} } }`
    expect((await found(tls, { days: 80 })).warnings).to.have.length(1)
    expect((await found(tls, { days: 80 })).warnings[0]).to.match(/^tls\.certificate: .*own\.pem ends on /)
    expect((await found(tls, { days: 100 })).warnings[0]).to.match(/^tls\.certificate: .*own\.pem expired on /)
    expect((await found(tls, { days: -2 })).warnings[0]).to.match(/^tls\.certificate: .*own\.pem is not valid before /)
    const { warnings } = await found(siteOf('certificate: other.pem, key: other.key'))
    expect(warnings).to.have.length(1)
    expect(warnings[0]).to.match(
      /^services\.https\.sites\.shop\.test\.certificate: .*other\.pem is for .*one\.test.*, and not for shop\.test$/,
    )
    const shared = `hostname: mail.test\ntls: { certificate: other.pem, key: other.key }\n${https}, sites: { shop.test: { root: ./site } } } }`
    expect((await found(shared)).warnings.map((warning) => /^no certificate is for (\S+):/.exec(warning)?.[1])).to.deep.equal([
      'mail.test',
      'shop.test',
    ])
  })

  it('exits with 100 for what keeps a start from going well, and with 0 for a warning', async () => {
    await writeFile(folder.at('my.yaml'), `${siteOf('certificate: other.pem, key: gone.key')}\n`)
    const refused = await havre(['check', '--config', folder.at('my.yaml')])
    expect([refused.code, String(refused.stdout)]).to.deep.equal([100, ''])
    expect(String(refused.stderr)).to.match(/^services\.https\.sites\.shop\.test\.key: .*gone\.key: .*\(ENOENT\)\n$/)
    await writeFile(folder.at('my.yaml'), `${siteOf('certificate: other.pem, key: other.key')}\n`)
    const warned = await havre(['check', '--config', folder.at('my.yaml')])
    expect(warned.code, String(warned.stderr)).to.equal(0)
    expect(String(warned.stdout)).to.match(/Warning: services\.https\.sites\.shop\.test\.certificate: /)
  })
})
