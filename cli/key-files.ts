/** What `havre check` finds in the files of certificates and keys, which a start reads. */

import { type DateTrouble, dateState, dateText } from '../servers/supervisor/certificate-dates.ts'
import { protocols } from '../servers/supervisor/protocols.ts'
import type { Protocols } from '../shared/config/checking.ts'
import type { Configuration, KeyFiles } from '../shared/config/settings.ts'
import { type ReadKey, readCertifiedKey, settingOf, TlsFileError } from '../shared/tls/certified-key.ts'
import { isNamed } from '../shared/tls/material.ts'

/** What keeps a start from using the files, each with its setting, and what clients will mind. */
export interface KeyFileFindings {
  readonly problems: readonly { readonly setting: string; readonly message: string }[]
  /** A sentence for each: a start does not mind. */
  readonly warnings: readonly string[]
}

/** A pair of the configuration that Havre does not make itself, and what was read. */
interface Pair {
  readonly setting: string
  readonly files: KeyFiles
  readonly read: ReadKey | TlsFileError
}

const readPair = async (files: KeyFiles, at: number): Promise<Pair> => {
  const setting = settingOf(at, files)
  try {
    return { setting, files, read: await readCertifiedKey(files) }
  } catch (error) {
    if (!(error instanceof TlsFileError)) throw error
    return { setting, files, read: error }
  }
}

const all: Protocols = protocols

/** Root reads them before it becomes `user`: that who asks may not is no answer. */
const onlyRootMay = ({ cause }: TlsFileError, { settings }: Configuration): boolean =>
  settings.user !== null && process.getuid?.() !== 0 && cause instanceof Error && 'code' in cause && cause.code === 'EACCES'

/** Hosts for which clients will be shown a certificate that is for others. */
const namesMissing = ({ settings, services }: Configuration, pairs: readonly Pair[]): readonly string[] => {
  const speaking = services.filter(({ enabled, tls }) => enabled && tls !== 'off')
  const hosts = speaking.flatMap(({ name: service, protocol, options }) =>
    (all[protocol]?.hosts?.(options) ?? []).map((host) => ({ ...host, service })),
  )
  const own = hosts.flatMap(({ name, service, keyFiles }) => {
    const pair = pairs.find(({ files }) => files.certificate === keyFiles?.certificate && files.key === keyFiles.key)
    if (keyFiles === null || pair === undefined || pair.read instanceof Error || isNamed(pair.read.names, name)) return []
    const is = pair.read.names.join(', ')
    return [`services.${service}.${keyFiles.setting}.certificate: ${keyFiles.certificate} is for ${is}, and not for ${name}`]
  })
  // The one that Havre makes is for all the others.
  if (settings.tls.certificate === 'auto' || pairs.some(({ read }) => read instanceof Error)) return own
  const lacks = (name: string) => !pairs.some(({ read }) => !(read instanceof Error) && isNamed(read.names, name))
  const others = [...new Set([settings.hostname, ...hosts.filter(({ keyFiles }) => keyFiles === null).map(({ name }) => name)])]
  return [...own, ...others.filter(lacks).map((name) => `no certificate is for ${name}: clients that call it so will refuse it`)]
}

/** Reads the files, as a start does. Nothing where no service would speak TLS. */
export const keyFileFindings = async (configuration: Configuration, nowMs = Date.now()): Promise<KeyFileFindings> => {
  const { settings, services } = configuration
  if (!services.some(({ enabled, tls }) => enabled && tls !== 'off')) return { problems: [], warnings: [] }
  const given = [settings.tls, ...settings.tls.certificates].map((files, at) => ({ files, at }))
  const named = given.filter(({ files }) => files.certificate !== 'auto')
  const pairs = await Promise.all(named.map(({ files, at }) => readPair(files, at)))
  const problems: KeyFileFindings['problems'][number][] = []
  const warnings: string[] = []
  for (const { setting, files, read: pair } of pairs) {
    if (pair instanceof TlsFileError) {
      const place = `${setting}.${pair.part}`
      if (onlyRootMay(pair, configuration)) warnings.push(`${place}: ${pair.message}; root, which starts it, may read it`)
      else problems.push({ setting: place, message: pair.message })
      continue
    }
    const state: DateTrouble['state'] | null = dateState(pair, nowMs)
    if (state !== null) warnings.push(dateText({ setting, file: files.certificate, pair, state }))
  }
  return { problems, warnings: [...warnings, ...namesMissing(configuration, pairs)] }
}
