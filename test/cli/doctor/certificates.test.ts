import { chmod, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { certificates } from '../../../cli/doctor/certificates.ts'
import { trust, trustText } from '../../../cli/doctor/trust.ts'
import { makeAuthority, makeCertificate, newKey } from '../../../shared/tls/issuer.ts'
import { localFiles } from '../../../shared/tls/local-certificate.ts'
import { type TemporaryFolder, temporaryFolder } from '../../kit/folder.ts'
import { patientIn, troublesOf } from './patient.ts'

const dayMs = 86_400_000

/** Makes authority and certificate as they lie in data/tls, as if made at this time. */
const makeLocal = async (folder: TemporaryFolder, names: readonly string[], madeMs = Date.now()): Promise<void> => {
  const { folder: place, authority, server } = localFiles(folder.at('data'))
  await mkdir(place, { recursive: true, mode: 0o700 })
  const [authorityKey, key] = [await newKey(), await newKey()]
  const authorityPem = await makeAuthority(authorityKey, 'localhost', madeMs)
  const issuer = { certificate: authorityPem, key: authorityKey }
  await writeFile(authority.certificate, authorityPem)
  await writeFile(authority.key, authorityKey, { mode: 0o600 })
  await writeFile(server.certificate, await makeCertificate(issuer, key, { names, revocationUrl: null }, madeMs))
  await writeFile(server.key, key, { mode: 0o600 })
}

const allNames = ['localhost', '127.0.0.1', '::1', 'havre.test']
const running = [{ name: 'smtp', port: 1 }]

describe('havre doctor: certificates', function () {
  this.timeout(120_000)

  it('finds nothing to say against one that is fine', async () => {
    await using folder = await temporaryFolder()
    await makeLocal(folder, allNames)
    expect(await troublesOf(certificates, folder, { running })).to.deep.equal([])
    expect(await troublesOf(certificates, folder)).to.deep.equal([])
  })

  it('tells of one that has ended: while Havre runs that is wrong, else the next start makes another', async () => {
    await using folder = await temporaryFolder()
    await makeLocal(folder, allNames, Date.now() - 100 * dayMs)
    const ended = new Date(Date.now() - 10 * dayMs).toISOString().slice(0, 10)
    const words = `the local certificate has ended on ${ended} → Havre makes a new one at its next start or reload`
    expect(await troublesOf(certificates, folder, { running })).to.deep.equal([`problem: ${words}`])
    expect(await troublesOf(certificates, folder)).to.deep.equal([`hint: ${words}`])
  })

  it('tells of one that should have been renewed by now', async () => {
    await using folder = await temporaryFolder()
    await makeLocal(folder, allNames, Date.now() - 80 * dayMs)
    const [warning] = await troublesOf(certificates, folder, { running })
    expect(warning).to.match(/^warning: the local certificate ends in (?:9|10) days → /)
  })

  it('tells of one that is not valid yet, which may be the clock’s fault', async () => {
    await using folder = await temporaryFolder()
    await makeLocal(folder, allNames, Date.now() + 10 * dayMs)
    const [problem] = await troublesOf(certificates, folder, { running })
    expect(problem).to.match(/^problem: the local certificate holds only from .* on → Set the clock of this machine right/)
  })

  it('tells of names that no certificate is for', async () => {
    await using folder = await temporaryFolder()
    await makeLocal(folder, ['localhost'])
    const sets = ['hostname=mail.example', 'domains=[shop.example]']
    expect(await troublesOf(certificates, folder, { running, sets })).to.deep.equal([
      'problem: no certificate is for mail.example, which the servers call themselves (hostname) → `havre reload` makes one that is',
    ])
    const [hint] = await troublesOf(certificates, folder, { running, sets: ['domains=[shop.example, localhost]'] })
    expect(hint).to.match(/^hint: no certificate is for the mail domain shop\.example → /)
  })

  it('tells of files that cannot be used, and with which setting they came', async () => {
    await using folder = await temporaryFolder()
    await makeLocal(folder, allNames)
    const { server, authority } = localFiles(folder.at('data'))
    const sets = [`tls.certificate=${server.certificate}`, `tls.key=${authority.key}`]
    expect(await troublesOf(certificates, folder, { running, sets })).to.deep.equal([
      `problem: ${authority.key}: is not the key of ${server.certificate} → Set the files of tls right; \`havre reload\` takes them over`,
    ])
  })

  it('says how to trust the local authority, for each kind of system and program', async () => {
    await using folder = await temporaryFolder()
    expect(await troublesOf(trust, folder)).to.deep.equal([])
    await makeLocal(folder, allNames)
    const { file } = { file: localFiles(folder.at('data')).authority.certificate }
    const [hint] = await troublesOf(trust, folder)
    expect(hint)
      .to.match(/^hint: clients ask about the certificate .* → \w/)
      .and.include(file)
    const text = await trustText((await patientIn(folder)).configuration.settings)
    for (const word of ['update-ca-certificates', 'update-ca-trust', 'security add-trusted-cert', 'certutil -addstore']) {
      expect(text).to.include(word)
    }
    for (const word of ['Firefox', `curl --cacert ${file}`, `NODE_EXTRA_CA_CERTS=${file}`, `SSL_CERT_FILE=${file}`]) {
      expect(text).to.include(word)
    }
    expect(text).to.not.include(await readFile(localFiles(folder.at('data')).authority.key, 'utf8'))
  })

  it('is not in the way of a system without TLS', async () => {
    await using folder = await temporaryFolder()
    const options = { services: ['http'] }
    expect(await troublesOf(certificates, folder, options)).to.deep.equal([])
    await rm(folder.at('data'), { recursive: true, force: true })
    await chmod(folder.path, 0o700)
    expect(await troublesOf(trust, folder, options)).to.deep.equal([])
  })
})
