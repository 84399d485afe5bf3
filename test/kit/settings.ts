import type { Settings } from '../../shared/config/settings.ts'

/** Settings to change for one test: any of them, nested ones one by one. */
export type SettingsChanges = { readonly [K in keyof Settings]?: Settings[K] extends object ? Partial<Settings[K]> : Settings[K] }

/** The settings that tests run with: the defaults of `config/default.yaml`, but everything in one folder, and nobody waits for a bad login. */
export const testSettings = (folder: string, changes: SettingsChanges = {}): Settings => {
  const base: Settings = {
    host: '127.0.0.1',
    ports: 'any',
    hostname: 'localhost',
    data: `${folder}/data`,
    logs: `${folder}/logs`,
    user: null,
    domains: ['havre.test', 'localhost'],
    demo: false,
    tls: { certificate: 'auto', key: 'auto', certificates: [] },
    drainMs: 30_000,
    mail: {
      aliases: {},
      catchAll: null,
      maxSizeOctets: 50_000_000,
      quota: { octets: 1024 ** 3, messages: 100_000 },
      retention: { ageMs: null, messages: null, octets: null },
      bareNewlines: 'reject',
    },
    files: {
      sync: 'always',
      keepPartialsMs: 86_400_000,
      quota: { octets: null },
      access: 'full',
      bandwidth: { uploadOctets: null, downloadOctets: null },
      transfers: null,
      accounts: {},
    },
    logins: { delayMs: 0, maxDelayMs: 0, windowMs: 600_000, accountThreshold: 10, blockAfter: 20, blockMs: 600_000, scram: true },
    log: { level: 'debug', rotate: { sizeOctets: 50_000_000, daily: true, keep: 14, totalOctets: 1024 ** 3, compress: true } },
  }
  return {
    ...base,
    ...changes,
    tls: { ...base.tls, ...changes.tls },
    mail: { ...base.mail, ...changes.mail },
    files: { ...base.files, ...changes.files },
    logins: { ...base.logins, ...changes.logins },
    log: { ...base.log, ...changes.log },
    domains: changes.domains ? [...changes.domains].filter((domain) => domain !== undefined) : base.domains,
  }
}
