import { randomBytes } from 'node:crypto'
import { stat } from 'node:fs/promises'
import type { Configuration, KeyFiles } from '../../shared/config/settings.ts'
import type { Log } from '../../shared/log/log.ts'
import { type ReadKey, readCertifiedKey, settingOf, TlsFileError } from '../../shared/tls/certified-key.ts'
import { localCertificate, localFiles } from '../../shared/tls/local-certificate.ts'
import type { TlsMaterial } from '../../shared/tls/material.ts'
import { revocationUrl } from '../../shared/tls/public-files.ts'
import { type DateTrouble, dateState, dateText } from './certificate-dates.ts'
import * as journal from './journal.ts'

/** How often is looked whether files have changed: on every file system, and through links (certbot's, Kubernetes'). */
const lookEveryMs = 5_000

/** How often is looked whether the local certificate is near its end; and ticket keys are changed (RFC 9325 §3.4). */
const renewEveryMs = 24 * 60 * 60 * 1000

/** What a test sets otherwise. */
export interface Clock {
  readonly nowMs?: () => number
  readonly lookEveryMs?: number
  readonly renewEveryMs?: number
}

const isAuto = ({ certificate }: KeyFiles): boolean => certificate === 'auto'

const anyTls = ({ services }: Configuration): boolean => services.some(({ enabled, tls }) => enabled && tls !== 'off')

/** The files that a configuration names, the local ones for `auto`. */
const filesOf = ({ settings }: Configuration): readonly KeyFiles[] =>
  [settings.tls, ...settings.tls.certificates].map((files) => (isAuto(files) ? localFiles(settings.data).server : files))

/** A file's state as far as it shows that it was replaced or written: each in one word. */
const stateOf = async (file: string): Promise<string> => {
  try {
    const { ino, mtimeMs, size } = await stat(file)
    return `${ino}-${mtimeMs}-${size}`
  } catch (error) {
    // Missing, or not to be reached: that is a state too, and reading it will tell.
    return error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
  }
}

const stateOfAll = async (files: readonly KeyFiles[]): Promise<string> =>
  (await Promise.all(files.flatMap(({ certificate, key }) => [stateOf(certificate), stateOf(key)]))).join(' ')

/** What is in force. */
interface InForce {
  readonly configuration: Configuration
  readonly pairs: readonly ReadKey[]
  /** Of the files that the pairs were read from. */
  readonly state: string
  /** Whether one of them was made for it. */
  readonly made: boolean
  /** What is wrong with files in whose place the pair of before goes on. */
  readonly troubles: readonly string[]
}

/** What a pair's files are wrong with, told with the setting that names them. */
const withSetting = async (at: number, files: KeyFiles, pair: Promise<ReadKey>): Promise<ReadKey> => {
  try {
    return await pair
  } catch (error) {
    if (!(error instanceof TlsFileError)) throw error
    throw new TlsFileError(error.part, `${settingOf(at, files)}.${error.part}: ${error.message}`, { cause: error.cause })
  }
}

/**
 * The certificates and ticket keys of all services: read or made at the start and at a reload, taken over when files change, renewed
 * and rotated while Havre runs. `begin` starts the clocks, `close` stops them.
 */
export class Certificates {
  readonly #now: () => number
  readonly #clock: Clock
  readonly #tickets = new Map<string, string>()
  /** What was read while we were root and cannot be read any more. */
  readonly #readAsRoot = new Map<string, ReadKey>()
  #log: Log | null = null
  #inForce: InForce | null = null
  #timers: NodeJS.Timeout[] = []
  #working: Promise<void> = Promise.resolve()
  /** As the last look found the files. */
  #seen = ''
  #lastTrouble = ''
  /** Called when services have to be told of other keys. */
  onChange: () => void = () => undefined

  constructor(clock: Clock = {}) {
    this.#clock = clock
    this.#now = clock.nowMs ?? Date.now
  }

  /** Reads the files that the configuration names, while that may need root. @throws {TlsFileError} */
  async readFiles(configuration: Configuration): Promise<void> {
    const { tls } = configuration.settings
    if (!anyTls(configuration)) return
    for (const [at, files] of [tls, ...tls.certificates].entries()) {
      if (!isAuto(files)) this.#readAsRoot.set(files.certificate, await withSetting(at, files, readCertifiedKey(files)))
    }
  }

  /** The file with which programs trust the certificate that Havre made; null where there is none. */
  get authority(): string | null {
    const { settings } = this.#inForce?.configuration ?? {}
    return settings !== undefined && isAuto(settings.tls) ? localFiles(settings.data).authority.certificate : null
  }

  /** What the operator should hear of at the start: certificates that clients refuse, or soon will. */
  warnings(): readonly string[] {
    return this.#dateTroubles().map(dateText)
  }

  /** Looks after them from now on. */
  begin(log: Log): void {
    this.#log = log
    const { lookEveryMs: look = lookEveryMs, renewEveryMs: renew = renewEveryMs } = this.#clock
    this.#timers = [setInterval(() => void this.look(), look), setInterval(() => void this.renew(), renew)]
    for (const timer of this.#timers) timer.unref()
  }

  close(): void {
    for (const timer of this.#timers) clearInterval(timer)
    this.#timers = []
  }

  /**
   * Reads, and where needed makes, what a configuration asks for. Nothing changes until what it returns is called.
   * @throws {TlsFileError} which file is wrong
   */
  async prepare(configuration: Configuration): Promise<() => void> {
    if (!anyTls(configuration)) return () => this.#take(null)
    const inForce = await this.#oneAtATime(() => this.#prepare(configuration))
    return () => this.#take(inForce)
  }

  /** What a service needs to speak TLS; null as long as there is nothing, and where none does. */
  material(service: string): TlsMaterial | null {
    if (this.#inForce === null) return null
    const certificates = this.#inForce.pairs.map(({ certificate, key, names }) => ({ certificate, key, names }))
    return { certificates, ticketKeys: this.#ticketKeys(service) }
  }

  /** Takes over files that changed. */
  look(): Promise<void> {
    return this.#oneAtATime(async () => {
      if (this.#inForce === null) return
      const { configuration, state, troubles } = this.#inForce
      const now = await stateOfAll(filesOf(configuration))
      // Files that are written one after the other do not fit for a moment: told only when they stay so.
      const settled = now === this.#seen
      this.#seen = now
      if (now !== state || troubles.length > 0) await this.#again(configuration, settled)
    })
  }

  /** Renews the local certificate where it is near its end, changes the ticket keys, and warns of files that are near theirs. */
  renew(): Promise<void> {
    return this.#oneAtATime(async () => {
      if (this.#inForce === null) return
      this.#tickets.clear()
      await this.#again(this.#inForce.configuration, true)
      this.#tellDates()
    })
  }

  async #prepare(configuration: Configuration): Promise<InForce> {
    const prepared = await this.#read(configuration)
    // What was made just now is for the configuration to come: a look must not make it anew for the one that is in force still.
    if (prepared.made && this.#inForce !== null) {
      this.#inForce = { ...this.#inForce, state: await stateOfAll(filesOf(this.#inForce.configuration)) }
    }
    return prepared
  }

  /** Reads anew. Files that cannot be used are told of once, and what they held goes on; the next look tries again. */
  async #again(configuration: Configuration, tell: boolean): Promise<void> {
    let troubles: readonly string[]
    try {
      const inForce = await this.#read(configuration, this.#inForce?.pairs)
      troubles = inForce.troubles
      this.#take(inForce)
    } catch (error) {
      // Whatever it is (no room for a new certificate): services go on with what they have.
      troubles = [error instanceof Error ? error.message : String(error)]
      this.onChange()
    }
    const trouble = troubles.join('; ')
    if (trouble !== '' && !tell) return
    if (trouble !== '' && trouble !== this.#lastTrouble && this.#log !== null) journal.certificatesNotTaken(this.#log, trouble)
    this.#lastTrouble = trouble
  }

  /**
   * @param before pairs that go on where their files cannot be used; without them, that is an error
   * @throws {TlsFileError} naming the setting
   */
  async #read(configuration: Configuration, before: readonly ReadKey[] = []): Promise<InForce> {
    const { settings } = configuration
    // Before they are read: what changes meanwhile is seen at the next look.
    let state = await stateOfAll(filesOf(configuration))
    const pairs: ReadKey[] = []
    const troubles: string[] = []
    let anyMade = false
    for (const [at, files] of [settings.tls, ...settings.tls.certificates].entries()) {
      if (!isAuto(files)) {
        pairs.push(await this.#readOrKeep(at, files, before[at], troubles))
        continue
      }
      const { pair, made } = await this.#local(configuration)
      pairs.push(pair)
      if (!made) continue
      anyMade = true
      state = await stateOfAll(filesOf(configuration))
    }
    return { configuration, pairs, state, made: anyMade, troubles }
  }

  async #local({ settings, services }: Configuration): Promise<{ readonly pair: ReadKey; readonly made: boolean }> {
    const { data, host, hostname, domains } = settings
    const hosts = [host, ...services.filter(({ enabled }) => enabled).map((service) => service.host)]
    const wanted = {
      hostname,
      hosts,
      domains: [...domains, ...(settings.tls.hosts ?? [])],
      revocationUrl: revocationUrl(hostname, services),
    }
    const { pair, made } = await localCertificate(data, wanted, this.#now())
    if (made !== null && this.#log !== null)
      journal.certificateMade(this.#log, pair.names, new Date(pair.validToMs), made.authority)
    return { pair, made: made !== null }
  }

  async #readOrKeep(at: number, files: KeyFiles, before: ReadKey | undefined, troubles: string[]): Promise<ReadKey> {
    try {
      return await withSetting(at, files, this.#readFile(files))
    } catch (error) {
      if (before === undefined || !(error instanceof TlsFileError)) throw error
      troubles.push(error.message)
      return before
    }
  }

  async #readFile(files: KeyFiles): Promise<ReadKey> {
    try {
      return await readCertifiedKey(files)
    } catch (error) {
      const before = this.#readAsRoot.get(files.certificate)
      const denied =
        error instanceof TlsFileError && error.cause instanceof Error && 'code' in error.cause && error.cause.code === 'EACCES'
      if (before === undefined || !denied) throw error
      return before
    }
  }

  #take(inForce: InForce | null): void {
    const before = this.#inForce
    this.#inForce = inForce
    if (inForce === null) return
    const same =
      before?.pairs.map(({ certificate }) => certificate).join() === inForce.pairs.map(({ certificate }) => certificate).join()
    if (before !== null && !same && this.#log !== null) {
      journal.certificatesTaken(
        this.#log,
        inForce.pairs.flatMap(({ names }) => names),
      )
    }
    if (!same) this.#tellDates()
    this.onChange()
  }

  #dateTroubles(): readonly DateTrouble[] {
    const { configuration, pairs = [] } = this.#inForce ?? {}
    const { tls } = configuration?.settings ?? {}
    return pairs.flatMap((pair, at) => {
      const files = at === 0 ? tls : tls?.certificates[at - 1]
      const state = dateState(pair, this.#now())
      // The local one is renewed, and told of where that fails.
      if (files === undefined || isAuto(files) || state === null) return []
      return [{ setting: settingOf(at, files), file: files.certificate, pair, state }]
    })
  }

  #tellDates(): void {
    const log = this.#log
    if (log === null) return
    for (const { pair, state } of this.#dateTroubles())
      journal.certificateDates(log, pair.names, state, new Date(pair.validFromMs), new Date(pair.validToMs))
  }

  #ticketKeys(service: string): string {
    const keys = this.#tickets.get(service) ?? randomBytes(48).toString('base64')
    this.#tickets.set(service, keys)
    return keys
  }

  /** Two that make the local certificate at once would leave the key of one beside the certificate of the other. */
  #oneAtATime<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#working.then(work)
    // Whoever asked hears of a failure; the next one only waits.
    this.#working = done.then(
      () => undefined,
      () => undefined,
    )
    return done
  }
}
