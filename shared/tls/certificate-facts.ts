/** What there is to tell about certificates and about how to trust them: for `havre doctor`, `havre start` and the journal. */
import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { KeyFiles, Settings } from '../config/settings.ts'
import { readCertifiedKey, settingOf, TlsFileError } from './certified-key.ts'
import { localFiles } from './local-certificate.ts'
import { namesOf } from './names.ts'

/** One certificate, for people. */
export interface CertificateFacts {
  /** The names and addresses it is for, lower case. */
  readonly names: readonly string[]
  /** Who signed it, in one line: `Havre local authority of localhost`, `Let's Encrypt R11`. */
  readonly issuer: string
  readonly selfSigned: boolean
  readonly validFromMs: number
  readonly validToMs: number
  /** `EC prime256v1`, `RSA 2048`. */
  readonly key: string
  /** SHA-256, as programs show it: `AB:CD:…`. */
  readonly fingerprint: string
}

/** A pair of the configuration: what it holds, or what is wrong with it. */
export interface PairFacts {
  /** Its place in the configuration: `tls`, `tls.certificates[0]`. */
  readonly setting: string
  /** Whether Havre makes it. */
  readonly auto: boolean
  /** Absolute paths. */
  readonly files: KeyFiles
  readonly certificate: CertificateFacts | null
  /** Why it cannot be used, naming the file; null where it can. */
  readonly problem: string | null
}

/** How programs come to trust the local certificate. */
export interface TrustFacts {
  /** The authority's certificate, PEM, absolute: what a program that is to trust this server gets. */
  readonly file: string
  /** null: it was not made yet. */
  readonly authority: CertificateFacts | null
  /** Ways to use the file, each for one kind of system or program: commands, a line each. */
  readonly ways: readonly { readonly program: string; readonly how: string }[]
}

const describeKey = ({ publicKey: { asymmetricKeyType: type, asymmetricKeyDetails: details } }: X509Certificate): string =>
  [type?.toUpperCase() ?? 'unknown', details?.namedCurve ?? details?.modulusLength].filter((word) => word !== undefined).join(' ')

/** The last and the most telling words of a name: the organisation and the common name. */
const shortName = (name: string): string => {
  const part = (key: string) => new RegExp(`^${key}=(.+)$`, 'm').exec(name)?.[1]
  const [organisation, common] = [part('O'), part('CN')]
  if (common === undefined) return organisation ?? name.replaceAll('\n', ', ')
  return organisation === undefined || common.includes(organisation) ? common : `${organisation} ${common}`
}

/** @param pem the first certificate in it counts. @throws where it holds none */
export const certificateFacts = (pem: string): CertificateFacts => {
  const certificate = new X509Certificate(pem)
  return {
    names: namesOf(certificate),
    issuer: shortName(certificate.issuer),
    selfSigned: certificate.checkIssued(certificate),
    validFromMs: certificate.validFromDate.getTime(),
    validToMs: certificate.validToDate.getTime(),
    key: describeKey(certificate),
    fingerprint: certificate.fingerprint256,
  }
}

/** All pairs of a configuration as they lie on the disk. Makes nothing. */
export const pairFacts = ({ tls, data }: Pick<Settings, 'tls' | 'data'>): Promise<readonly PairFacts[]> =>
  Promise.all(
    [tls, ...tls.certificates].map(async (given, at): Promise<PairFacts> => {
      const auto = given.certificate === 'auto'
      const files = auto ? localFiles(data).server : { certificate: given.certificate, key: given.key }
      const place = { setting: settingOf(at, given), auto, files }
      try {
        return { ...place, certificate: certificateFacts((await readCertifiedKey(files)).certificate), problem: null }
      } catch (error) {
        if (!(error instanceof TlsFileError)) throw error
        return { ...place, certificate: null, problem: error.message }
      }
    }),
  )

/** Whole systems first. @param file as a shell takes it */
const waysToTrust = (file: string): TrustFacts['ways'] => [
  { program: 'Debian, Ubuntu', how: `sudo cp ${file} /usr/local/share/ca-certificates/havre.crt\nsudo update-ca-certificates` },
  { program: 'Fedora, RHEL', how: `sudo cp ${file} /etc/pki/ca-trust/source/anchors/havre.pem\nsudo update-ca-trust` },
  { program: 'macOS', how: `sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain ${file}` },
  { program: 'Windows (as administrator)', how: `certutil -addstore -f Root ${file}` },
  { program: 'Firefox, Thunderbird', how: `Settings, Certificates, View Certificates, Authorities, Import: ${file}` },
  { program: 'Chrome on Linux', how: `certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n Havre -i ${file}` },
  { program: 'curl', how: `curl --cacert ${file} https://localhost:8443/` },
  { program: 'Node', how: `NODE_EXTRA_CA_CERTS=${file} node program.js` },
  { program: 'Python, OpenSSL', how: `export SSL_CERT_FILE=${file} REQUESTS_CA_BUNDLE=${file}` },
  { program: 'Java', how: `keytool -importcert -cacerts -alias havre -file ${file} -noprompt` },
]

/** How to trust the local authority. Makes nothing. */
export const trustFacts = async ({ data }: Pick<Settings, 'data'>): Promise<TrustFacts> => {
  const file = localFiles(data).authority.certificate
  return {
    file,
    authority: await readAuthority(file),
    ways: waysToTrust(/^[\w./\\:-]+$/.test(file) ? file : `'${file.replaceAll("'", "'\\''")}'`),
  }
}

const readAuthority = async (file: string): Promise<CertificateFacts | null> => {
  try {
    return certificateFacts(await readFile(file, 'utf8'))
  } catch (error) {
    // Missing or not to be read, or damaged: it is made anew at the next start.
    if (error instanceof Error && 'code' in error) return null
    throw error
  }
}
