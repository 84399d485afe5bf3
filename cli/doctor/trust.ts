/** How a client comes to trust the local authority. */
import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import process from 'node:process'
import { getCACertificates } from 'node:tls'
import { localFiles } from '../../shared/tls/local-certificate.ts'
import { speaksTls } from './certificates.ts'
import { type Check, codeOf, type Finding, found, ok, type Patient } from './check.ts'

/** A way to trust it: for whom, and the commands. */
interface Way {
  readonly who: string
  readonly commands: (file: string) => readonly string[]
}

/** By what is to trust it; whole systems first. */
const ways: readonly Way[] = [
  {
    who: 'Debian, Ubuntu',
    commands: (file) => [`sudo cp ${file} /usr/local/share/ca-certificates/havre.crt`, 'sudo update-ca-certificates'],
  },
  {
    who: 'Fedora, RHEL',
    commands: (file) => [`sudo cp ${file} /etc/pki/ca-trust/source/anchors/havre.pem`, 'sudo update-ca-trust'],
  },
  {
    who: 'macOS',
    commands: (file) => [`sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain ${file}`],
  },
  { who: 'Windows (as administrator)', commands: (file) => [`certutil -addstore -f Root ${file}`] },
  {
    who: 'Firefox, Thunderbird',
    commands: (file) => [`Settings, Certificates, View Certificates, Authorities, Import: ${file}`],
  },
  { who: 'Chrome on Linux', commands: (file) => [`certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n Havre -i ${file}`] },
  { who: 'curl, one command', commands: (file) => [`curl --cacert ${file} https://localhost:8443/`] },
  { who: 'Node', commands: (file) => [`export NODE_EXTRA_CA_CERTS=${file}`] },
  { who: 'Python', commands: (file) => [`export SSL_CERT_FILE=${file} REQUESTS_CA_BUNDLE=${file}`] },
  { who: 'Java', commands: (file) => [`keytool -importcert -cacerts -alias havre -file ${file} -noprompt`] },
]

const quoted = (file: string): string => (/^[\w./\\:-]+$/.test(file) ? file : `'${file.replaceAll("'", "'\\''")}'`)

const wayText = ({ who, commands }: Way, file: string): string =>
  [`${who}:`, ...commands(file).map((line) => `  ${line}`)].join('\n')

/** All ways, for `havre doctor --trust`. @param data the data folder, in which the authority lies */
export const trustText = (data: string): string => {
  const file = localFiles(data).authority.certificate
  return [
    `The local authority's certificate is ${file}: it is no secret, its key beside it is.`,
    'Copy it to each machine whose programs are to trust this server. Then:',
    ...ways.map((way) => `\n${wayText(way, quoted(file))}`),
  ].join('\n')
}

const whoIsHere = async (): Promise<string> => {
  if (process.platform === 'darwin') return 'macOS'
  if (process.platform === 'win32') return 'Windows (as administrator)'
  const release = await readFile('/etc/os-release', 'utf8').catch(() => '')
  return /^ID(?:_LIKE)?=.*(?:fedora|rhel|centos)/m.test(release) ? 'Fedora, RHEL' : 'Debian, Ubuntu'
}

/** Whether programs of this system that use its list of authorities trust this one. */
const isTrustedHere = (pem: string): boolean => {
  const { fingerprint256 } = new X509Certificate(pem)
  return getCACertificates('system').some((each) => new X509Certificate(each).fingerprint256 === fingerprint256)
}

const look = async (patient: Patient): Promise<Finding[]> => {
  const { data, tls } = patient.configuration.settings
  if (tls.certificate !== 'auto' || !speaksTls(patient)) return [ok('the local authority is not in use')]
  const file = localFiles(data).authority.certificate
  let pem: string
  try {
    pem = await readFile(file, 'utf8')
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
    return [ok('the local authority is not made yet: the first start makes it')]
  }
  if (isTrustedHere(pem)) return [ok('this system trusts the local authority')]
  const here = await whoIsHere()
  const way = ways.find(({ who }) => who === here)
  const commands = way === undefined ? '' : `${wayText(way, quoted(file))}\n`
  const message = 'clients ask about the certificate as long as they do not trust the local authority'
  return [found('hint', message, `${commands}\`havre doctor --trust\` says how for other systems and programs`)]
}

/** Whether this system trusts the local authority, and how it comes to. */
export const trust: Check = { name: 'trust', ofServices: false, look }
