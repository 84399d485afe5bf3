import { readFile, writeFile } from 'node:fs/promises'
import { createSecureContext } from 'node:tls'
import { expect } from 'chai'
import { readCertifiedKey, TlsFileError } from '../../shared/tls/certified-key.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'
import { describeWith } from '../kit/programs.ts'
import { run } from '../kit/run.ts'

/** Runs openssl in a folder. */
const openssl = async (folder: TemporaryFolder, line: string): Promise<void> => {
  const { code, stderr } = await run('openssl', line.split(' '), { cwd: folder.path })
  expect(code, `openssl ${line}\n${stderr}`).to.equal(0)
}

const refusal = async (folder: TemporaryFolder, certificate: string, key: string): Promise<string> => {
  try {
    await readCertifiedKey({ certificate: folder.at(certificate), key: folder.at(key) })
  } catch (error) {
    if (!(error instanceof TlsFileError)) throw error
    return error.message.replaceAll(`${folder.path}/`, '').replaceAll(folder.path, '')
  }
  throw new Error('it was taken')
}

const selfSigned = '-x509 -days 90 -nodes -subj /CN=own.test -addext subjectAltName=DNS:own.test,DNS:*.own.test'

describeWith(['openssl'], 'TLS: files of the operator, as openssl writes them', () => {
  let made: TemporaryFolder
  before('make the files', async function () {
    this.timeout(120_000)
    made = await temporaryFolder()
    const make = (line: string) => openssl(made, line)
    await make(`req ${selfSigned} -newkey ec -pkeyopt ec_paramgen_curve:P-256 -keyout ec.key -out ec.pem`)
    await make(`req ${selfSigned} -newkey ec -pkeyopt ec_paramgen_curve:P-384 -keyout ec384.key -out ec384.pem`)
    await make(`req ${selfSigned} -newkey ec -pkeyopt ec_paramgen_curve:secp256k1 -keyout k1.key -out k1.pem`)
    await make(`req ${selfSigned} -newkey rsa:2048 -keyout rsa.key -out rsa.pem`)
    await make(`req ${selfSigned} -newkey rsa:1024 -keyout small.key -out small.pem`)
    await make(`req ${selfSigned} -key rsa.key -sha1 -out sha1.pem`)
    await make(`req ${selfSigned} -newkey ed25519 -keyout ed.key -out ed.pem`)
    await make('ec -in ec.key -out ec-sec1.key')
    await make('rsa -in rsa.key -traditional -out rsa-pkcs1.key')
    await make('pkcs8 -topk8 -in rsa.key -passout pass:geheim -out locked.key')
    await make('rsa -in rsa.key -traditional -aes128 -passout pass:geheim -out locked-old.key')
    await make('pkey -in rsa.key -outform der -out rsa-der.key')
    await make('ec -in ec.key -outform der -out ec-der.key')
    await make('x509 -in rsa.pem -outform der -out rsa-der.pem')
    const [ec, rsa, key] = await Promise.all(['ec.pem', 'rsa.pem', 'ec.key'].map((name) => readFile(made.at(name), 'utf8')))
    await writeFile(made.at('chain.pem'), `what is written between counts for nothing\n${ec}\n${rsa}`)
    await writeFile(made.at('wrong-order.pem'), `${rsa}${ec}`)
    await writeFile(made.at('both.pem'), `${key}${ec}`)
    await writeFile(made.at('windows.pem'), ec?.replaceAll('\n', '\r\n') ?? '')
    await writeFile(made.at('empty.pem'), '')
  })
  after(() => made.remove())

  for (const [certificate, key] of [
    ['ec.pem', 'ec.key'],
    ['ec.pem', 'ec-sec1.key'],
    ['ec384.pem', 'ec384.key'],
    ['rsa.pem', 'rsa.key'],
    ['rsa.pem', 'rsa-pkcs1.key'],
    ['ed.pem', 'ed.key'],
    ['chain.pem', 'ec.key'],
    ['both.pem', 'both.pem'],
    ['windows.pem', 'ec.key'],
  ] as const) {
    it(`takes ${certificate} with ${key}`, async () => {
      const read = await readCertifiedKey({ certificate: made.at(certificate), key: made.at(key) })
      expect(read.names).to.deep.equal(['own.test', '*.own.test'])
      expect(read.certificate)
        .to.match(/^-----BEGIN CERTIFICATE-----/)
        .and.to.not.include('PRIVATE')
      expect(read.certificate.match(/BEGIN/g)).to.have.length(certificate === 'chain.pem' ? 2 : 1)
      // What is taken, OpenSSL can serve with.
      expect(() => createSecureContext({ cert: read.certificate, key: read.key })).to.not.throw()
    })
  }

  for (const [certificate, key, message] of [
    ['rsa.pem', 'locked.key', /^locked\.key: the private key is protected by a password.* openssl pkey -in locked\.key -out NEW$/],
    ['rsa.pem', 'locked-old.key', /^locked-old\.key: the private key is protected by a password/],
    ['rsa.pem', 'rsa-der.key', /^rsa-der\.key: is a private key in DER; make it PEM: openssl pkey -inform der -in rsa-der\.key/],
    ['ec.pem', 'ec-der.key', /^ec-der\.key: is a private key in DER/],
    ['rsa-der.pem', 'rsa.key', /^rsa-der\.pem: is a certificate in DER; make it PEM: openssl x509 -inform der -in rsa-der\.pem/],
    ['empty.pem', 'rsa.key', /^empty\.pem: holds no certificate in PEM/],
    ['rsa.key', 'rsa.key', /^rsa\.key: holds no certificate in PEM/],
    ['rsa.pem', 'rsa.pem', /^rsa\.pem: holds no private key in PEM/],
    ['missing.pem', 'rsa.key', /^missing\.pem: the certificate cannot be read \(ENOENT\)$/],
    ['rsa.pem', '.', /: the private key cannot be read \(EISDIR\)$/],
    ['rsa.pem', 'ec.key', /^ec\.key: is not the key of rsa\.pem$/],
    ['wrong-order.pem', 'ec.key', /^wrong-order\.pem: the server's own certificate has to be the first/],
    ['small.pem', 'small.key', /^small\.key: an RSA key needs 2048 bits$/],
    ['k1.pem', 'k1.key', /^k1\.key: no client knows the curve secp256k1: prime256v1, /],
    ['sha1.pem', 'rsa.key', /^sha1\.pem: is signed with sha1WithRSAEncryption, which is broken/i],
  ] as const) {
    it(`refuses ${certificate} with ${key}, by file and reason`, async () => {
      const said = await refusal(made, certificate, key)
      expect(said).to.match(message)
      expect(said).to.not.match(/PRIVATE KEY--|MII/)
    })
  }
})
