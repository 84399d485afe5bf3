/**
 * Makes the local authority and certificates; the only file that imports the X.509 library (@peculiar/x509 2.2.0). It takes 24 MiB and
 * most of a second to load: loaded by `local-certificate.ts` in a process of its own only.
 */
import 'reflect-metadata'
import { X509Certificate as NodeCertificate, randomBytes } from 'node:crypto'
import { isIP } from 'node:net'
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  CRLDistributionPointsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  Extension,
  type JsonName,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
  X509CrlGenerator,
} from '@peculiar/x509'

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const

const dayMs = 86_400_000

/** A clock that is somewhat behind must not refuse what was just made. */
const backdatedMs = dayMs

/** How long the authority holds; and a certificate, which is renewed after two thirds of it. */
export const authorityDays = 3650
export const certificateDays = 90

/** RFC 5280 §4.1.2.2: positive, at most 20 octets; not to be guessed. */
const serialNumber = (): string => `4${randomBytes(16).toString('hex').slice(1)}`

const validity = (nowMs: number, days: number) => ({
  notBefore: new Date(nowMs - backdatedMs),
  notAfter: new Date(nowMs + days * dayMs),
})

/** A private key in PEM (PKCS #8), new. */
export const newKey = async (): Promise<string> => {
  const { privateKey } = await crypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  return `${PemConverter.encode(await crypto.subtle.exportKey('pkcs8', privateKey), 'PRIVATE KEY')}\n`
}

/** Both halves of a key in PEM. */
const keysOf = async (pem: string): Promise<CryptoKeyPair> => {
  const [pkcs8] = PemConverter.decode(pem)
  if (pkcs8 === undefined) throw new TypeError('no key in PEM')
  const privateKey = await crypto.subtle.importKey('pkcs8', pkcs8, algorithm, true, ['sign'])
  const { d: _private, key_ops: _uses, ...jwk } = await crypto.subtle.exportKey('jwk', privateKey)
  return { privateKey, publicKey: await crypto.subtle.importKey('jwk', jwk, algorithm, true, ['verify']) }
}

/**
 * The authority's certificate. Made anew with the same key and host it takes the place of the old one: who trusts one trusts both.
 * @param host names the authority for people who look at what they trust
 */
export const makeAuthority = async (key: string, host: string, nowMs: number): Promise<string> => {
  const keys = await keysOf(key)
  const made = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name: [{ O: ['Havre'] }, { CN: [`Havre local authority of ${host}`.slice(0, 64)] }],
    ...validity(nowMs, authorityDays),
    keys,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
      await SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  })
  return `${made.toString('pem')}\n`
}

const subjectOf = (names: readonly string[]): JsonName => {
  // RFC 5280 appendix A: a common name has at most 64 characters; the names that count are the alternative ones.
  const first = names.find((name) => name.length <= 64) ?? 'Havre'
  return [{ O: ['Havre'] }, { CN: [first] }]
}

/** What signs: the authority's certificate and key, PEM. */
interface Authority {
  readonly certificate: string
  readonly key: string
}

/**
 * The list of certificates that the authority takes back, DER. It is empty: a key that got out is replaced with its authority. Programs
 * that insist on asking (Windows' own among them) need it all the same. It holds as long as a certificate that is made with it.
 */
export const makeRevocationList = async ({ certificate, key }: Authority, nowMs: number): Promise<Buffer> => {
  const issuer = new X509Certificate(certificate)
  const { notBefore: thisUpdate, notAfter: nextUpdate } = validity(nowMs, certificateDays)
  const list = await X509CrlGenerator.create({
    issuer: issuer.subjectName,
    thisUpdate,
    nextUpdate,
    entries: [],
    signingKey: (await keysOf(key)).privateKey,
    signingAlgorithm: algorithm,
    extensions: [await AuthorityKeyIdentifierExtension.create(issuer), listNumber(nowMs)],
  })
  return Buffer.from(list.rawData)
}

/** RFC 5280 §5.2.3: each list has a higher number than the one before; seconds do. An INTEGER of DER, positive by its leading zero. */
const listNumber = (nowMs: number): Extension => {
  const number = Buffer.alloc(8)
  number.writeBigUInt64BE(BigInt(Math.floor(nowMs / 1000)))
  const octets = number.subarray(number.findIndex((octet) => octet !== 0))
  const integer = (octets[0] ?? 0) > 0x7f ? Buffer.concat([Buffer.from([0]), octets]) : octets
  return new Extension('2.5.29.20', false, Buffer.concat([Buffer.from([2, integer.length]), integer]))
}

/** What a certificate is made for. */
export interface Wanted {
  readonly names: readonly string[]
  /** Where the authority's list is found; null: nowhere. */
  readonly revocationUrl: string | null
}

/**
 * A server's certificate for these names and addresses, signed by the authority.
 * @param key its own, PEM
 */
export const makeCertificate = async (
  authority: Authority,
  key: string,
  { names, revocationUrl }: Wanted,
  nowMs: number,
): Promise<string> => {
  const issuer = new X509Certificate(authority.certificate)
  const { publicKey } = await keysOf(key)
  const made = await X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: subjectOf(names),
    issuer: issuer.subjectName,
    ...validity(nowMs, certificateDays),
    publicKey,
    signingKey: (await keysOf(authority.key)).privateKey,
    signingAlgorithm: algorithm,
    extensions: [
      new BasicConstraintsExtension(false, undefined, true),
      new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
      new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
      new SubjectAlternativeNameExtension(
        names.map((value) => ({ type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const), value })),
      ),
      await SubjectKeyIdentifierExtension.create(publicKey),
      await AuthorityKeyIdentifierExtension.create(issuer),
      ...(revocationUrl === null ? [] : [new CRLDistributionPointsExtension([revocationUrl])]),
    ],
  })
  const pem = `${made.toString('pem')}\n`
  // What another implementation cannot read or verify is not handed out.
  if (!new NodeCertificate(pem).verify(new NodeCertificate(authority.certificate).publicKey))
    throw new Error('a certificate that does not verify')
  return pem
}
