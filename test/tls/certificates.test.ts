import { spawnSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { copyFile, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { Certificates } from '../../servers/supervisor/certificates.ts'
import type { Configuration, ServiceSettings } from '../../shared/config/settings.ts'
import { readCertifiedKey, TlsFileError } from '../../shared/tls/certified-key.ts'
import { localCertificate, localFiles } from '../../shared/tls/local-certificate.ts'
import { certificateFor } from '../../shared/tls/material.ts'
import { capturedJournal } from '../kit/captured-journal.ts'
import { eventually } from '../kit/eventually.ts'
import { temporaryFolder } from '../kit/folder.ts'
import { describeWith } from '../kit/programs.ts'
import { testSettings } from '../kit/settings.ts'

const dayMs = 86_400_000
const names = {
  hostname: 'mail.havre.test',
  hosts: ['127.0.0.1', '0.0.0.0'],
  domains: ['havre.test', 'localhost'],
  revocationUrl: null,
}
const all = ['mail.havre.test', 'localhost', '127.0.0.1', '::1', 'havre.test']

const refused = async (work: Promise<unknown>): Promise<string> => {
  try {
    await work
  } catch (error) {
    if (error instanceof TlsFileError) return error.message
    throw error
  }
  throw new Error('it was taken')
}

describe('TLS: the local certificate', () => {
  it('is for all names, is signed by its authority, and its keys are for the owner only', async () => {
    await using folder = await temporaryFolder()
    const { pair, made } = await localCertificate(folder.path, names, Date.now())
    expect(made).to.deep.equal({ authority: true })
    const files = localFiles(folder.path)
    const [leaf, authority] = [
      new X509Certificate(pair.certificate),
      new X509Certificate(await readFile(files.authority.certificate)),
    ]
    for (const name of all) expect(leaf.checkHost(name) ?? leaf.checkIP(name), name).to.not.equal(undefined)
    expect(leaf.checkHost('example.org')).to.equal(undefined)
    expect(leaf.verify(authority.publicKey)).to.equal(true)
    expect([leaf.ca, authority.ca]).to.deep.equal([false, true])
    for (const { key } of [files.authority, files.server]) expect((await stat(key)).mode & 0o777, key).to.equal(0o600)
    expect(leaf.validToDate.getTime() - Date.now()).to.be.within(89 * dayMs, 91 * dayMs)
  })

  it('stays as it is until a third of its life is left; then it is renewed by the same authority', async () => {
    await using folder = await temporaryFolder()
    const now = Date.now()
    const first = await localCertificate(folder.path, names, now)
    const files = localFiles(folder.path)
    const authority = await readFile(files.authority.certificate, 'utf8')
    expect((await localCertificate(folder.path, names, now + 59 * dayMs)).pair.certificate).to.equal(first.pair.certificate)
    const renewed = await localCertificate(folder.path, names, now + 61 * dayMs)
    expect(renewed.made).to.deep.equal({ authority: false })
    expect(renewed.pair.certificate).to.not.equal(first.pair.certificate)
    expect(renewed.pair.validToMs).to.be.greaterThan(now + 150 * dayMs)
    expect(await readFile(files.authority.certificate, 'utf8')).to.equal(authority)
    expect((await stat(files.server.key)).mode & 0o777).to.equal(0o600)
  })

  it('is made anew for other names, and where its files are damaged', async () => {
    await using folder = await temporaryFolder()
    const files = localFiles(folder.path)
    const first = await localCertificate(folder.path, names, Date.now())
    const more = await localCertificate(folder.path, { ...names, domains: ['other.test'], revocationUrl: null }, Date.now())
    expect(more.pair.names).to.include('other.test')
    // As a start that was killed between the two files leaves them.
    await writeFile(files.server.key, first.pair.key)
    const again = await localCertificate(folder.path, { ...names, domains: ['other.test'], revocationUrl: null }, Date.now())
    expect(again.made).to.deep.equal({ authority: false })
    await writeFile(files.server.certificate, 'nonsense')
    expect((await localCertificate(folder.path, names, Date.now())).made).to.deep.equal({ authority: false })
  })

  it('goes on with the key of an authority whose certificate was not written, or is near its end', async () => {
    await using folder = await temporaryFolder()
    const files = localFiles(folder.path)
    const now = Date.now()
    await localCertificate(folder.path, names, now)
    const key = await readFile(files.authority.key, 'utf8')
    const before = new X509Certificate(await readFile(files.authority.certificate))
    await rm(files.authority.certificate)
    expect((await localCertificate(folder.path, names, now)).made).to.deep.equal({ authority: true })
    await writeFile(files.authority.certificate, '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n')
    expect((await localCertificate(folder.path, names, now)).made).to.deep.equal({ authority: true })
    const late = await localCertificate(folder.path, { ...names, hostname: 'new.test' }, now + 3_400 * dayMs)
    expect(late.made).to.deep.equal({ authority: true })
    expect(await readFile(files.authority.key, 'utf8')).to.equal(key)
    // Who trusts the old one trusts what is signed now: same key, same name.
    const leaf = new X509Certificate(late.pair.certificate)
    expect(leaf.verify(before.publicKey)).to.equal(true)
    expect(leaf.issuer).to.equal(before.subject)
  })

  describeWith(['openssl'], 'with openssl', () => {
    it('holds its strict verification, for each name', async () => {
      await using folder = await temporaryFolder()
      await localCertificate(folder.path, names, Date.now())
      const { authority, server } = localFiles(folder.path)
      for (const [option, name] of [
        ['-verify_hostname', 'mail.havre.test'],
        ['-verify_hostname', 'havre.test'],
        ['-verify_ip', '127.0.0.1'],
        ['-verify_ip', '::1'],
      ] as const) {
        const args = [
          'verify',
          '-x509_strict',
          '-purpose',
          'sslserver',
          '-CAfile',
          authority.certificate,
          option,
          name,
          server.certificate,
        ]
        const { stdout, stderr } = spawnSync('openssl', args, { encoding: 'utf8' })
        expect(stdout + stderr, name).to.equal(`${server.certificate}: OK\n`)
      }
      const { stdout } = spawnSync('openssl', ['x509', '-in', server.certificate, '-noout', '-text'], { encoding: 'utf8' })
      expect(stdout).to.include('NIST CURVE: P-256').and.to.include('TLS Web Server Authentication').and.to.include('CA:FALSE')
    })
  })
})

describe('TLS: files of the operator', () => {
  it('are refused by file, without a word of what is in them', async () => {
    await using folder = await temporaryFolder()
    const { server, authority } = localFiles(folder.path)
    await localCertificate(folder.path, names, Date.now())
    await writeFile(folder.at('junk.pem'), '-----BEGIN PRIVATE KEY-----\nSECRETSECRET\n-----END PRIVATE KEY-----\n')
    expect(await refused(readCertifiedKey({ ...server, key: folder.at('no.key') }))).to.equal(
      `${folder.at('no.key')}: the private key cannot be read (ENOENT)`,
    )
    expect(await refused(readCertifiedKey({ ...server, key: authority.key }))).to.equal(
      `${authority.key}: is not the key of ${server.certificate}`,
    )
    const junk = await refused(readCertifiedKey({ ...server, key: folder.at('junk.pem') }))
    expect(junk).to.include('holds no private key in PEM').and.to.not.include('SECRET')
    expect(await refused(readCertifiedKey({ ...server, certificate: folder.at('junk.pem') }))).to.include('holds no certificate')
  })
})

describe('TLS: which certificate a client gets', () => {
  const certificates = [{ names: ['one.test'] }, { names: ['*.two.test'] }, { names: ['a.two.test', '127.0.0.1'] }]
  for (const [host, at] of [
    ['one.test', 0],
    ['ONE.test.', 0],
    ['b.two.test', 1],
    ['a.two.test', 2],
    ['a.b.two.test', 0],
    ['two.test', 0],
    ['other.test', 0],
    ['', 0],
  ] as const) {
    it(`is number ${at} for "${host}"`, () => expect(certificateFor(certificates, host)).to.equal(at))
  }
})

const service: Partial<ServiceSettings> = { name: 'pop3', enabled: true, tls: 'starttls', host: '127.0.0.1' }
const configurationOf = (folder: string, tls?: Configuration['settings']['tls']): Configuration => ({
  settings: testSettings(folder, tls === undefined ? {} : { tls }),
  // What the certificates look at.
  services: [service as Configuration['services'][number]],
  idleSettings: [],
})

describe('TLS: the certificates of a family', () => {
  it('are renewed, and ticket keys changed, while it runs', async () => {
    await using folder = await temporaryFolder()
    let nowMs = Date.now()
    const certificates = new Certificates({ nowMs: () => nowMs })
    const journal = capturedJournal()
    certificates.begin(journal.log)
    try {
      let told = 0
      certificates.onChange = () => {
        told += 1
      }
      expect(certificates.material('pop3')).to.equal(null)
      ;(await certificates.prepare(configurationOf(folder.path)))()
      const first = certificates.material('pop3')
      expect(certificates.material('pop3')).to.deep.equal(first)
      expect(certificates.material('smtp')?.ticketKeys).to.not.equal(first?.ticketKeys)
      expect(Buffer.from(first?.ticketKeys ?? '', 'base64')).to.have.length(48)
      nowMs += 61 * dayMs
      await certificates.renew()
      const second = certificates.material('pop3')
      expect(second?.certificates[0]?.certificate).to.not.equal(first?.certificates[0]?.certificate)
      expect(second?.ticketKeys).to.not.equal(first?.ticketKeys)
      expect(told).to.equal(2)
      expect(journal.of('tls.certificate.made')).to.have.length(2)
      expect(journal.of('tls.certificate.taken')).to.have.length(1)
      expect(journal.text()).to.not.include('PRIVATE')
    } finally {
      certificates.close()
    }
  })

  it('go over to files that changed; a pair that does not fit is told once and not taken', async () => {
    await using folder = await temporaryFolder()
    await using one = await temporaryFolder()
    await using two = await temporaryFolder()
    const made = {
      one: await localCertificate(one.path, names, Date.now()),
      two: await localCertificate(two.path, names, Date.now()),
    }
    const files = { certificate: folder.at('c.pem'), key: folder.at('k.pem') }
    const put = async (from: string, which: 'certificate' | 'key') => copyFile(localFiles(from).server[which], files[which])
    await put(one.path, 'certificate')
    await put(one.path, 'key')
    const certificates = new Certificates({ lookEveryMs: 20 })
    const journal = capturedJournal()
    certificates.begin(journal.log)
    const inForce = () => certificates.material('pop3')?.certificates[0]?.certificate
    try {
      ;(await certificates.prepare(configurationOf(folder.path, { ...files, certificates: [] })))()
      expect(inForce()).to.equal(made.one.pair.certificate)
      await put(two.path, 'certificate')
      const misfits = () =>
        journal.of('tls.certificate.not-taken').filter(({ fields }) => /is not the key of/.test(String(fields['why'])))
      await eventually(() => expect(misfits()).to.have.length(1))
      await certificates.look()
      await certificates.look()
      expect(misfits()).to.have.length(1)
      expect(inForce()).to.equal(made.one.pair.certificate)
      await put(two.path, 'key')
      await eventually(() => expect(inForce()).to.equal(made.two.pair.certificate))
    } finally {
      certificates.close()
    }
  })

  it('are made once for a reload, whoever looks at the files before it is done', async () => {
    await using folder = await temporaryFolder()
    const certificates = new Certificates({ lookEveryMs: 1 })
    const journal = capturedJournal()
    certificates.begin(journal.log)
    const named = (hostname: string): Configuration => {
      const { settings, ...rest } = configurationOf(folder.path)
      return { settings: { ...settings, hostname }, ...rest }
    }
    try {
      ;(await certificates.prepare(named('one.test')))()
      for (const name of ['two.test', 'three.test', 'four.test']) {
        const [take] = await Promise.all([certificates.prepare(named(name)), certificates.look()])
        await certificates.look()
        take()
        await certificates.look()
        expect(certificates.material('pop3')?.certificates[0]?.names).to.include(name)
      }
      expect(journal.of('tls.certificate.made')).to.have.length(4)
      expect(journal.of('tls.certificate.not-taken')).to.deep.equal([])
    } finally {
      certificates.close()
    }
  })

  it('go over to the pairs that fit, where one of several does not; the start names the setting', async () => {
    await using folder = await temporaryFolder()
    await using one = await temporaryFolder()
    await using two = await temporaryFolder()
    const made = [await localCertificate(one.path, names, Date.now()), await localCertificate(two.path, names, Date.now())]
    const pairs = ['a', 'b'].map((name) => ({ certificate: folder.at(`${name}.pem`), key: folder.at(`${name}.key`) }))
    const put = async (at: number, from: string) => {
      const { certificate, key } = localFiles(from).server
      await copyFile(certificate, pairs[at]?.certificate ?? '')
      await copyFile(key, pairs[at]?.key ?? '')
    }
    for (const at of [0, 1]) await put(at, one.path)
    const certificates = new Certificates({ lookEveryMs: 1_000_000 })
    const journal = capturedJournal()
    certificates.begin(journal.log)
    try {
      const [first, second] = pairs
      if (first === undefined || second === undefined) throw new Error('no pairs')
      const configuration = configurationOf(folder.path, { ...first, certificates: [second] })
      ;(await certificates.prepare(configuration))()
      const inForce = () => certificates.material('pop3')?.certificates.map(({ certificate }) => certificate)
      await put(1, two.path)
      await writeFile(first.key, 'half')
      await certificates.look()
      expect(inForce()).to.deep.equal([made[0]?.pair.certificate, made[1]?.pair.certificate])
      // Not yet: it may be in the middle of being written.
      expect(journal.of('tls.certificate.not-taken')).to.have.length(0)
      await certificates.look()
      const problem = `tls.key: ${first.key}: holds no private key in PEM that can be used here`
      expect(journal.of('tls.certificate.not-taken').map(({ fields }) => fields['why'])).to.deep.equal([problem])
      expect(await refused(certificates.prepare(configuration))).to.equal(problem)
      expect(await refused(new Certificates().readFiles(configuration))).to.equal(problem)
      await put(0, two.path)
      await certificates.look()
      expect(inForce()).to.deep.equal([made[1]?.pair.certificate, made[1]?.pair.certificate])
    } finally {
      certificates.close()
    }
  })

  it('are told of when clients refuse them for their dates, or soon will', async () => {
    await using folder = await temporaryFolder()
    const now = Date.now()
    await localCertificate(folder.path, names, now)
    const { server } = localFiles(folder.path)
    for (const [atMs, state, text] of [
      [now, null, null],
      [now + 80 * dayMs, 'ends-soon', /^tls\.certificate: .*certificate\.pem ends on 20\d\d-\d\d-\d\d: renew it$/],
      [now + 91 * dayMs, 'expired', /expired on 20\d\d-\d\d-\d\d: clients refuse it$/],
      [now - 2 * dayMs, 'not-yet', /is not valid before 20\d\d-\d\d-\d\d: clients refuse it, or the clock is wrong$/],
    ] as const) {
      const certificates = new Certificates({ nowMs: () => atMs })
      const journal = capturedJournal()
      certificates.begin(journal.log)
      try {
        ;(await certificates.prepare(configurationOf(folder.path, { ...server, certificates: [] })))()
        const told = journal.of('tls.certificate.dates').map(({ fields }) => fields['state'])
        expect(told).to.deep.equal(state === null ? [] : [state])
        const [line, ...more] = certificates.warnings()
        expect(more).to.deep.equal([])
        if (text === null) expect(line).to.equal(undefined)
        else expect(line).to.match(text)
        // It serves all the same.
        expect(certificates.material('pop3')?.certificates).to.have.length(1)
      } finally {
        certificates.close()
      }
    }
  })

  it('are not made where no service wants them', async () => {
    await using folder = await temporaryFolder()
    const certificates = new Certificates()
    const { settings } = configurationOf(folder.path)
    const off = { ...service, tls: 'off' } as Configuration['services'][number]
    ;(await certificates.prepare({ settings, services: [off], idleSettings: [] }))()
    expect(certificates.material('pop3')).to.equal(null)
    expect(await stat(folder.at('data')).catch((error: NodeJS.ErrnoException) => error.code)).to.equal('ENOENT')
  })
})
