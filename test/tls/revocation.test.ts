import { spawnSync } from 'node:child_process'
import { chmod, mkdir, readFile, rm, stat } from 'node:fs/promises'
import { expect } from 'chai'
import { type LocalNames, localCertificate, localFiles } from '../../shared/tls/local-certificate.ts'
import { type Place, publicFolder, revocationUrl } from '../../shared/tls/public-files.ts'
import { temporaryFolder } from '../kit/folder.ts'
import { describeWith } from '../kit/programs.ts'
import { serve } from '../kit/serving.ts'

const dayMs = 86_400_000
const url = 'http://127.0.0.1:8080/.well-known/havre/authority.crl'
const named: LocalNames = { hostname: 'localhost', hosts: [], domains: [], revocationUrl: url }

const http: Place = { protocol: 'http', enabled: true, tls: 'off', host: '127.0.0.1', port: 8080 }

describe('TLS: where the list of certificates taken back is found', () => {
  for (const [what, services, expected] of [
    ['the http service', [http], url],
    ['the first that has no TLS, since who checks cannot need it', [{ ...http, tls: 'implicit', port: 8443 }, http], url],
    ['a service on all addresses, by the hostname', [{ ...http, host: '::' }], url.replace('127.0.0.1', 'office.test')],
    ['a service on IPv6', [{ ...http, host: '::1' }], url.replace('127.0.0.1', '[::1]')],
    ['the well-known port', [{ ...http, port: 80 }], url.replace(':8080', '')],
    ['nowhere: the system chooses the port anew at each start', [{ ...http, port: 0 }], null],
    ['nowhere: http is switched off', [{ ...http, enabled: false }], null],
    ['nowhere: there is no http', [{ ...http, protocol: 'smtp' }], null],
  ] as const) {
    it(`is ${what}`, () => expect(revocationUrl('office.test', services)).to.equal(expected))
  }
})

describe('TLS: the list of certificates taken back', () => {
  it('stands in the certificate, which is made anew when the place changes', async () => {
    await using folder = await temporaryFolder()
    const now = Date.now()
    const first = await localCertificate(folder.path, named, now)
    expect((await localCertificate(folder.path, named, now)).made).to.equal(null)
    const moved = await localCertificate(folder.path, { ...named, revocationUrl: url.replace('8080', '8081') }, now)
    expect(moved.made).to.deep.equal({ authority: false })
    const none = await localCertificate(folder.path, { ...named, revocationUrl: null }, now)
    expect(none.made).to.deep.equal({ authority: false })
    expect((await localCertificate(folder.path, { ...named, revocationUrl: null }, now)).made).to.equal(null)
    expect(first.pair.certificate).to.not.equal(none.pair.certificate)
  })

  it('is made anew when it is gone, and with each certificate', async () => {
    await using folder = await temporaryFolder()
    const now = Date.now()
    const files = localFiles(folder.path)
    await localCertificate(folder.path, named, now)
    const first = await readFile(files.public.revocation)
    await rm(files.public.revocation)
    expect((await localCertificate(folder.path, named, now)).made).to.deep.equal({ authority: false })
    await localCertificate(folder.path, named, now + 61 * dayMs)
    expect(await readFile(files.public.revocation)).to.not.deep.equal(first)
  })

  it('lies in a folder that everybody may have, within one that nobody else may enter', async () => {
    await using folder = await temporaryFolder()
    const { folder: keys, authority, public: shown } = localFiles(folder.path)
    // As a child's grants make it, before there is a key.
    await mkdir(publicFolder(folder.path), { recursive: true })
    await chmod(keys, 0o755)
    await localCertificate(folder.path, named, Date.now())
    expect((await stat(keys)).mode & 0o777).to.equal(0o700)
    expect(await readFile(shown.authority, 'utf8')).to.equal(await readFile(authority.certificate, 'utf8'))
  })

  it('is served by http, with the certificate of the authority and nothing else', async () => {
    await using running = await serve({
      service: 'http',
      prepare: async ({ data }) => {
        await localCertificate(data, named, Date.now())
      },
    })
    const fetched = async (path: string) => {
      const answer = await fetch(`http://127.0.0.1:${running.port}${path}`, { redirect: 'manual' })
      return { status: answer.status, type: answer.headers.get('content-type'), octets: Buffer.from(await answer.arrayBuffer()) }
    }
    const files = localFiles(running.settings.data)
    const list = await fetched('/.well-known/havre/authority.crl')
    expect(list).to.deep.equal({
      status: 200,
      type: 'application/pkix-crl',
      octets: await readFile(files.public.revocation),
    })
    const authority = await fetched('/.well-known/havre/authority.crt')
    expect(authority).to.deep.equal({
      status: 200,
      type: 'application/x-x509-ca-cert',
      octets: await readFile(files.authority.certificate),
    })
    for (const path of [
      '/.well-known/havre/',
      '/.well-known/havre',
      '/.well-known/havre/authority.key',
      '/.well-known/havre/../authority.key',
      '/.well-known/havre/..%2fauthority.key',
      '/.well-known/havre/%2e%2e/authority.key',
      '/.well-known/havre/public/authority.crt',
    ]) {
      const answer = await fetched(path)
      expect(answer.status, path).to.be.oneOf([400, 404])
      expect(answer.octets.toString(), path).to.not.include('PRIVATE')
    }
  })

  describeWith(['openssl'], 'with openssl', () => {
    it('takes nothing back, is signed by the authority, and is what a verification with revocation asks for', async () => {
      await using folder = await temporaryFolder()
      await localCertificate(folder.path, named, Date.now())
      const { authority, server, public: shown } = localFiles(folder.path)
      const openssl = (...args: string[]) => {
        const { stdout, stderr } = spawnSync('openssl', args, { encoding: 'utf8' })
        return stdout + stderr
      }
      const text = openssl(
        'crl',
        '-inform',
        'der',
        '-in',
        shown.revocation,
        '-noout',
        '-text',
        '-verify',
        '-CAfile',
        authority.certificate,
      )
      expect(text)
        .to.include('verify OK')
        .and.to.include('Version 2')
        .and.to.include('No Revoked Certificates')
        .and.to.include('X509v3 Authority Key Identifier')
        .and.to.match(/X509v3 CRL Number:\s+\d{10}\n/)
      const pem = folder.at('list.pem')
      openssl('crl', '-inform', 'der', '-in', shown.revocation, '-out', pem)
      const verify = ['verify', '-x509_strict', '-crl_check', '-CAfile', authority.certificate]
      expect(openssl(...verify, '-CRLfile', pem, server.certificate)).to.equal(`${server.certificate}: OK\n`)
      expect(openssl(...verify, server.certificate)).to.include('unable to get certificate CRL')
      expect(openssl('x509', '-in', server.certificate, '-noout', '-ext', 'crlDistributionPoints')).to.include(`URI:${url}`)
    })
  })
})
