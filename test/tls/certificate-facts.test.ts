import { writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { certificateFacts, pairFacts, trustFacts } from '../../shared/tls/certificate-facts.ts'
import { localCertificate, localFiles } from '../../shared/tls/local-certificate.ts'
import { temporaryFolder } from '../kit/folder.ts'
import { testKeys } from '../kit/keys.ts'
import { testSettings } from '../kit/settings.ts'

const dayMs = 86_400_000

describe('TLS: what there is to tell of certificates', () => {
  it('is names, ends, issuer, key and fingerprint', async () => {
    const { material, authority } = await testKeys()
    const facts = certificateFacts(material.certificates[0]?.certificate ?? '')
    expect(facts.names).to.include.members(['localhost', '127.0.0.1', 'havre.test'])
    expect(facts).to.include({ issuer: 'Havre local authority of localhost', selfSigned: false, key: 'EC prime256v1' })
    expect(facts.validToMs - Date.now()).to.be.within(89 * dayMs, 91 * dayMs)
    expect(facts.fingerprint).to.match(/^(?:[0-9A-F]{2}:){31}[0-9A-F]{2}$/)
    expect(certificateFacts(authority)).to.include({ selfSigned: true, issuer: 'Havre local authority of localhost' })
  })

  it('names the setting of each pair, and what is wrong with one', async () => {
    await using folder = await temporaryFolder()
    const settings = testSettings(folder.path)
    const files = localFiles(settings.data).server
    const missing = { certificate: folder.at('no.pem'), key: folder.at('no.key') }
    const tls = { certificate: 'auto', key: 'auto', certificates: [missing, files] }
    const before = await pairFacts({ ...settings, tls })
    expect(before.map(({ setting, auto, certificate }) => [setting, auto, certificate])).to.deep.equal([
      ['tls', true, null],
      ['tls.certificates[0]', false, null],
      ['tls.certificates[1]', false, null],
    ])
    expect(before[1]?.problem).to.equal(`${missing.certificate}: the certificate cannot be read (ENOENT)`)
    await localCertificate(settings.data, { hostname: 'here.test', hosts: [], domains: [], revocationUrl: null }, Date.now())
    const after = await pairFacts({ ...settings, tls })
    expect(after.map(({ certificate }) => certificate?.names[0])).to.deep.equal(['here.test', undefined, 'here.test'])
    expect(after[0]?.files).to.deep.equal(files)
  })

  it('tells how to trust the authority, which file that takes, and what it is once it is made', async () => {
    await using folder = await temporaryFolder()
    const settings = testSettings(folder.path)
    const before = await trustFacts(settings)
    expect(before.file).to.equal(localFiles(settings.data).authority.certificate)
    expect(before.authority).to.equal(null)
    for (const { how } of before.ways) expect(how).to.include(before.file)
    await localCertificate(settings.data, { hostname: 'here.test', hosts: [], domains: [], revocationUrl: null }, Date.now())
    expect((await trustFacts(settings)).authority).to.include({ issuer: 'Havre local authority of here.test' })
    await writeFile(before.file, 'nonsense')
    expect((await trustFacts(settings)).authority).to.equal(null)
  })
})
