/** How a client comes to trust the local authority. */
import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import process from 'node:process'
import { getCACertificates } from 'node:tls'
import type { Settings } from '../../shared/config/settings.ts'
import { type TrustFacts, trustFacts } from '../../shared/tls/certificate-facts.ts'
import { speaksTls } from './certificates.ts'
import { type Check, type Finding, found, ok, type Patient } from './check.ts'

const wayText = ({ program, how }: TrustFacts['ways'][number]): string =>
  [`${program}:`, ...how.split('\n').map((line) => `  ${line}`)].join('\n')

/** All ways, for `havre doctor --trust`. */
export const trustText = async (settings: Settings): Promise<string> => {
  const { file, authority, ways } = await trustFacts(settings)
  const what =
    authority === null ? 'It is not made yet: the first start makes it.' : `Its fingerprint (SHA-256) is ${authority.fingerprint}`
  return [
    `The certificate of the local authority is ${file}: it is no secret, its key beside it is.`,
    what,
    'Copy it to each machine whose programs are to trust this server. Then:',
    ...ways.map((way) => `\n${wayText(way)}`),
  ].join('\n')
}

/** The way for this very system, by its place among the ways. */
const wayHere = async (ways: TrustFacts['ways']): Promise<TrustFacts['ways'][number] | undefined> => {
  const named = (word: string) => ways.find(({ program }) => program.includes(word))
  if (process.platform === 'darwin') return named('macOS')
  if (process.platform === 'win32') return named('Windows')
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '')
  return named(/^ID(?:_LIKE)?=.*(?:fedora|rhel|centos)/m.test(release) ? 'Fedora' : 'Debian')
}

/** Whether programs of this system that use its list of authorities trust this one. */
const isTrustedHere = (fingerprint: string): boolean =>
  getCACertificates('system').some((each) => new X509Certificate(each).fingerprint256 === fingerprint)

const look = async (patient: Patient): Promise<Finding[]> => {
  const { settings } = patient.configuration
  if (settings.tls.certificate !== 'auto' || !speaksTls(patient)) return [ok('the local authority is not in use')]
  const { authority, ways } = await trustFacts(settings)
  if (authority === null) return [ok('the local authority is not made yet: the first start makes it')]
  if (isTrustedHere(authority.fingerprint)) return [ok('this system trusts the local authority')]
  const way = await wayHere(ways)
  const commands = way === undefined ? '' : `${wayText(way)}\n`
  const message = 'clients ask about the certificate as long as they do not trust the local authority'
  return [found('hint', message, `${commands}\`havre doctor --trust\` says how for other systems and programs`)]
}

/** Whether this system trusts the local authority, and how it comes to. */
export const trust: Check = { name: 'trust', ofServices: false, look }
