/** PEM files → a certificate and its key that are known to belong together. For the supervisor: it reads private keys. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { KeyFiles } from '../config/settings.ts'
import { PermanentError } from '../service.ts'
import type { CertifiedKey } from './material.ts'
import { namesOf } from './names.ts'

/** A pair that was read, and how long it holds. */
export interface ReadKey extends CertifiedKey {
  readonly validFromMs: number
  readonly validToMs: number
}

/** Files that hold no certificate with its key. Names the file, never what is in it. */
export class TlsFileError extends PermanentError {
  override readonly name = 'TlsFileError'
  /** Which of the pair it is. */
  readonly part: 'certificate' | 'key'
  constructor(part: 'certificate' | 'key', message: string, options?: ErrorOptions) {
    super(message, options)
    this.part = part
  }
}

const read = async (file: string, part: 'certificate' | 'key'): Promise<Buffer> => {
  try {
    return await readFile(file)
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : error
    const what = part === 'key' ? 'private key' : part
    throw new TlsFileError(part, `${file}: the ${what} cannot be read (${String(code)})`, { cause: error })
  }
}

/** A chain of PEM certificates, one behind the other. */
const pemBlocks = (text: string): readonly string[] =>
  text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []

/** Where a pair stands in the configuration: the first, and the further ones; those of services say it themselves. */
export const settingOf = (at: number, { setting }: Pick<KeyFiles, 'setting'>): string =>
  setting ?? (at === 0 ? 'tls' : `tls.certificates[${at - 1}]`)

/** What a parser makes of it, or null. Its error is dropped: it may quote what it read. */
const tried = <Value>(make: () => Value): Value | null => {
  try {
    return make()
  } catch {
    return null
  }
}

const readChain = (file: string, octets: Buffer): { readonly blocks: readonly string[]; readonly chain: X509Certificate[] } => {
  const blocks = pemBlocks(octets.toString('latin1'))
  const chain = tried(() => blocks.map((block) => new X509Certificate(block))) ?? []
  if (chain.length > 0) return { blocks, chain }
  if (blocks.length === 0 && tried(() => new X509Certificate(octets)) !== null)
    throw new TlsFileError(
      'certificate',
      `${file}: is a certificate in DER; make it PEM: openssl x509 -inform der -in ${file} -out NEW`,
    )
  throw new TlsFileError('certificate', `${file}: holds no certificate in PEM that can be used here`)
}

const readKey = (file: string, octets: Buffer): KeyObject => {
  const text = octets.toString('latin1')
  if (/^-----BEGIN ENCRYPTED PRIVATE KEY-----|^Proc-Type: 4,ENCRYPTED/m.test(text))
    throw new TlsFileError(
      'key',
      `${file}: the private key is protected by a password, which nobody types at a start; one without is needed: openssl pkey -in ${file} -out NEW`,
    )
  const key = tried(() => createPrivateKey(text))
  if (key !== null) return key
  const isDer = (['pkcs8', 'pkcs1', 'sec1'] as const).some(
    (type) => tried(() => createPrivateKey({ key: octets, format: 'der', type })) !== null,
  )
  if (isDer)
    throw new TlsFileError('key', `${file}: is a private key in DER; make it PEM: openssl pkey -inform der -in ${file} -out NEW`)
  throw new TlsFileError('key', `${file}: holds no private key in PEM that can be used here`)
}

/** What clients take (RFC 8422 §5.1.1). */
const curves: readonly string[] = ['prime256v1', 'secp384r1', 'secp521r1']

const checkKind = (file: string, key: KeyObject): void => {
  const { asymmetricKeyType: type = 'unknown', asymmetricKeyDetails: details } = key
  if (type === 'rsa' || type === 'rsa-pss') {
    if ((details?.modulusLength ?? 0) < 2048) throw new TlsFileError('key', `${file}: an RSA key needs 2048 bits`)
  } else if (type === 'ec') {
    if (!curves.includes(details?.namedCurve ?? ''))
      throw new TlsFileError('key', `${file}: no client knows the curve ${details?.namedCurve}: ${curves.join(', ')}`)
  } else if (type !== 'ed25519') {
    throw new TlsFileError('key', `${file}: a key of kind ${type} is none for TLS: EC (P-256) or RSA`)
  }
}

/** Clients, and OpenSSL itself, refuse what was signed with these. */
const checkSignature = (file: string, leaf: X509Certificate): void => {
  const { signatureAlgorithm } = leaf
  if (/md5|sha1(?!\d)/i.test(signatureAlgorithm ?? ''))
    throw new TlsFileError('certificate', `${file}: is signed with ${signatureAlgorithm}, which is broken; get a new certificate`)
}

const checkPair = (
  { certificate: certificateFile, key: keyFile }: KeyFiles,
  [leaf, ...others]: readonly X509Certificate[],
  key: KeyObject,
): void => {
  if (leaf?.checkPrivateKey(key) === true) return
  if (others.some((other) => other.checkPrivateKey(key)))
    throw new TlsFileError(
      'certificate',
      `${certificateFile}: the server's own certificate has to be the first in it, its chain behind`,
    )
  throw new TlsFileError('key', `${keyFile}: is not the key of ${certificateFile}`)
}

/**
 * Reads a certificate and its key.
 * @throws {TlsFileError} which file is wrong, and how
 */
export const readCertifiedKey = async (files: KeyFiles): Promise<ReadKey> => {
  // One after the other: of two that cannot be read, the same is told each time.
  const chainOctets = await read(files.certificate, 'certificate')
  const keyOctets = await read(files.key, 'key')
  const { blocks, chain } = readChain(files.certificate, chainOctets)
  const [leaf] = chain
  if (leaf === undefined) throw new TlsFileError('certificate', `${files.certificate}: holds no certificate`)
  const key = readKey(files.key, keyOctets)
  checkPair(files, chain, key)
  checkKind(files.key, key)
  checkSignature(files.certificate, leaf)
  return {
    // The blocks and nothing else: what else is in the file (often the key) goes nowhere.
    certificate: `${blocks.join('\n')}\n`,
    key: key.export({ type: 'pkcs8', format: 'pem' }).toString(),
    names: namesOf(leaf),
    validFromMs: leaf.validFromDate.getTime(),
    validToMs: leaf.validToDate.getTime(),
  }
}
