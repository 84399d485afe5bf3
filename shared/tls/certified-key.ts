/** PEM files → a certificate and its key that are known to belong together. For the supervisor: it reads private keys. */
import { createPrivateKey, type KeyObject, X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { KeyFiles } from '../config/settings.ts'
import { PermanentError } from '../service.ts'
import type { CertifiedKey } from './material.ts'

/** A pair that was read, and how long it holds. */
export interface ReadKey extends CertifiedKey {
  readonly validFromMs: number
  readonly validToMs: number
}

/** Files that hold no certificate with its key. Names the file, never what is in it. */
export class TlsFileError extends PermanentError {
  override readonly name = 'TlsFileError'
}

/** The names and addresses of a certificate, as `DNS:localhost, IP Address:127.0.0.1` tells them. */
const namesOf = ({ subjectAltName, subject }: X509Certificate): readonly string[] => {
  const alternative = subjectAltName?.split(', ').flatMap((entry) => /^(?:DNS|IP Address):(.+)$/.exec(entry)?.[1] ?? [])
  const names = alternative ?? [/^CN=(.+)$/m.exec(subject)?.[1] ?? '']
  return names.map((name) => name.toLowerCase())
}

const read = async (file: string, what: string): Promise<string> => {
  try {
    return await readFile(file, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : error
    throw new TlsFileError(`${file}: the ${what} cannot be read (${String(code)})`, { cause: error })
  }
}

const parse = <Value>(file: string, what: string, make: () => Value): Value => {
  try {
    return make()
  } catch {
    // Without the cause: what the parser says may quote what it read.
    throw new TlsFileError(
      `${file}: holds no ${what} in PEM that can be used here${what === 'private key' ? ' (one without a password is needed)' : ''}`,
    )
  }
}

/** Whether a chain of PEM certificates has others behind the first. */
const pemBlocks = (text: string): readonly string[] =>
  text.match(/-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g) ?? []

const checkKind = (file: string, key: KeyObject): void => {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key
  if (type === 'rsa' && (details?.modulusLength ?? 0) < 2048) throw new TlsFileError(`${file}: an RSA key needs 2048 bits`)
}

/**
 * Reads a certificate and its key.
 * @throws {TlsFileError} which file is wrong, and how
 */
export const readCertifiedKey = async ({ certificate: certificateFile, key: keyFile }: KeyFiles): Promise<ReadKey> => {
  const [chain, key] = await Promise.all([read(certificateFile, 'certificate'), read(keyFile, 'private key')])
  const blocks = pemBlocks(chain)
  const [leaf] = parse(certificateFile, 'certificate', () => blocks.map((block) => new X509Certificate(block)))
  if (leaf === undefined) throw new TlsFileError(`${certificateFile}: holds no certificate in PEM that can be used here`)
  const privateKey = parse(keyFile, 'private key', () => createPrivateKey(key))
  if (!leaf.checkPrivateKey(privateKey)) throw new TlsFileError(`${keyFile}: is not the key of ${certificateFile}`)
  checkKind(keyFile, privateKey)
  return {
    // The blocks and nothing else: what else is in the file (often the key) goes nowhere.
    certificate: `${blocks.join('\n')}\n`,
    key,
    names: namesOf(leaf),
    validFromMs: leaf.validFromDate.getTime(),
    validToMs: leaf.validToDate.getTime(),
  }
}
