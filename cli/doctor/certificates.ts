import { X509Certificate } from 'node:crypto'
import { isIP } from 'node:net'
import type { KeyFiles, Settings } from '../../shared/config/settings.ts'
import { type ReadKey, readCertifiedKey, TlsFileError } from '../../shared/tls/certified-key.ts'
import { localFiles, renewBeforeMs } from '../../shared/tls/local-certificate.ts'
import { type Check, codeOf, type Finding, found, ok, type Patient } from './check.ts'

const dayMs = 86_400_000

/** Somebody else's authority renews about so long before the end; whoever has less left was forgotten. */
const endsSoonMs = 14 * dayMs

const isAuto = ({ certificate }: KeyFiles): boolean => certificate === 'auto'

/** Whether a service speaks TLS, or can. */
export const speaksTls = ({ services }: Patient): boolean => services.some(({ tls }) => tls !== 'off')

const daysLeft = (untilMs: number, nowMs: number): string => {
  const days = Math.floor((untilMs - nowMs) / dayMs)
  return days === 1 ? '1 day' : `${days} days`
}

/** What is wrong with how long a certificate holds, or null. */
const ofTime = (what: string, read: ReadKey, auto: boolean, { nowMs, seen }: Patient): Finding | null => {
  const remedy = auto
    ? 'Havre makes a new one at its next start or reload'
    : 'Put a new certificate and its key in the place of the old files: they are taken over while Havre runs'
  const until = new Date(read.validToMs).toISOString().slice(0, 10)
  const willRenew = auto && seen.kind !== 'running'
  if (read.validFromMs > nowMs) {
    const from = new Date(read.validFromMs).toISOString()
    return found(
      'problem',
      `${what} holds only from ${from} on`,
      `Set the clock of this machine right, if it is wrong; else: ${remedy}`,
    )
  }
  if (read.validToMs <= nowMs) return found(willRenew ? 'hint' : 'problem', `${what} has ended on ${until}`, remedy)
  const leftMs = read.validToMs - nowMs
  // The local one is renewed a day after it has come so near to its end, at the latest.
  const soonMs = auto ? renewBeforeMs - 2 * dayMs : endsSoonMs
  if (leftMs < soonMs) return found(willRenew ? 'hint' : 'warning', `${what} ends in ${daysLeft(read.validToMs, nowMs)}`, remedy)
  return null
}

const isFor = (certificate: X509Certificate, name: string): boolean =>
  (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined

/** Names by which clients call this server and for which no certificate is. */
const ofNames = (all: readonly ReadKey[], { hostname, domains, tls }: Settings): Finding[] => {
  const certificates = all.map(({ certificate }) => new X509Certificate(certificate))
  const lacks = (name: string) => !certificates.some((certificate) => isFor(certificate, name))
  const remedy = isAuto(tls)
    ? '`havre reload` makes one that is'
    : 'Have a certificate made that names it, or add one under tls.certificates'
  if (lacks(hostname)) {
    return [found('problem', `no certificate is for ${hostname}, which the servers call themselves (hostname)`, remedy)]
  }
  const others = domains.filter(lacks)
  if (others.length === 0) return []
  const message = `no certificate is for the mail domain${others.length > 1 ? 's' : ''} ${others.join(', ')}`
  return [found('hint', message, `Clients that are told ${hostname} as their server have no need of it; else: ${remedy}`)]
}

const readOne = async (files: KeyFiles, patient: Patient): Promise<{ read: ReadKey | null; findings: readonly Finding[] }> => {
  const { data } = patient.configuration.settings
  const auto = isAuto(files)
  const paths = auto ? localFiles(data).server : files
  const what = auto ? 'the local certificate' : `the certificate ${paths.certificate}`
  try {
    const read = await readCertifiedKey(paths)
    const wrong = ofTime(what, read, auto, patient)
    const fine = ok(`${what} is for ${read.names.join(', ')} and ends in ${daysLeft(read.validToMs, patient.nowMs)}`)
    return { read, findings: [wrong ?? fine] }
  } catch (error) {
    if (!(error instanceof TlsFileError)) throw error
    if (auto && codeOf(error.cause) === 'ENOENT') {
      return { read: null, findings: [ok('the local certificate is not made yet: the first start makes it')] }
    }
    const remedy = auto
      ? 'Havre makes it anew at its next start or reload'
      : 'Set the files under tls right; `havre reload` takes them over'
    return { read: null, findings: [found('problem', error.message, remedy)] }
  }
}

const look = async (patient: Patient): Promise<Finding[]> => {
  if (!speaksTls(patient)) return [ok('no service speaks TLS')]
  const { settings } = patient.configuration
  const all = await Promise.all([settings.tls, ...settings.tls.certificates].map((files) => readOne(files, patient)))
  const findings = all.flatMap((one) => one.findings)
  const read = all.flatMap((one) => one.read ?? [])
  return read.length === 0 ? findings : [...findings, ...ofNames(read, settings)]
}

/** Whether certificates can be read, hold now and for some time, and are for the names that clients use. */
export const certificates: Check = { name: 'certificates', ofServices: false, look }
