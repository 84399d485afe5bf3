import { existsSync } from 'node:fs'
import type { Settings } from '../../shared/config/settings.ts'
import { type CertificateFacts, type PairFacts, pairFacts } from '../../shared/tls/certificate-facts.ts'
import { renewBeforeMs } from '../../shared/tls/local-certificate.ts'
import { isNamed } from '../../shared/tls/material.ts'
import { type Check, type Finding, found, ok, type Patient } from './check.ts'

const dayMs = 86_400_000

/** Somebody else's authority renews about so long before the end; whoever has less left was forgotten. */
const endsSoonMs = 14 * dayMs

/** Whether a service speaks TLS, or can. */
export const speaksTls = ({ services }: Patient): boolean => services.some(({ tls }) => tls !== 'off')

const daysLeft = (untilMs: number, nowMs: number): string => {
  const days = Math.floor((untilMs - nowMs) / dayMs)
  return days === 1 ? '1 day' : `${days} days`
}

/** What is wrong with how long a certificate holds, or null. */
const ofTime = (what: string, read: CertificateFacts, auto: boolean, { nowMs, seen }: Patient): Finding | null => {
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

/** Names by which clients call this server and for which no certificate is. */
const ofNames = (all: readonly CertificateFacts[], { hostname, domains, tls }: Settings): Finding[] => {
  const lacks = (name: string) => !all.some(({ names }) => isNamed(names, name))
  const remedy =
    tls.certificate === 'auto'
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

const ofPair = ({ setting, auto, files, certificate, problem }: PairFacts, patient: Patient): Finding => {
  const what = auto ? 'the local certificate' : `the certificate ${files.certificate}`
  if (certificate === null) {
    if (auto && !existsSync(files.certificate)) return ok('the local certificate is not made yet: the first start makes it')
    const remedy = auto
      ? 'Havre makes it anew at its next start or reload'
      : `Set the files of ${setting} right; \`havre reload\` takes them over`
    return found('problem', problem ?? `${what} cannot be used`, remedy)
  }
  const fine = `${what} is for ${certificate.names.join(', ')} and ends in ${daysLeft(certificate.validToMs, patient.nowMs)}`
  return ofTime(what, certificate, auto, patient) ?? ok(fine)
}

const look = async (patient: Patient): Promise<Finding[]> => {
  if (!speaksTls(patient)) return [ok('no service speaks TLS')]
  const { settings } = patient.configuration
  const pairs = await pairFacts(settings)
  const read = pairs.flatMap(({ certificate }) => certificate ?? [])
  return [...pairs.map((pair) => ofPair(pair, patient)), ...(read.length === 0 ? [] : ofNames(read, settings))]
}

/** Whether certificates can be read, hold now and for some time, and are for the names that clients use. */
export const certificates: Check = { name: 'certificates', ofServices: false, look }
