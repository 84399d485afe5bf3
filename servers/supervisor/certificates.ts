import { randomBytes } from 'node:crypto'
import { stat } from 'node:fs/promises'
import type { Configuration, KeyFiles } from '../../shared/config/settings.ts'
import type { Log } from '../../shared/log/log.ts'
import { type ReadKey, readCertifiedKey, TlsFileError } from '../../shared/tls/certified-key.ts'
import { localCertificate, localFiles } from '../../shared/tls/local-certificate.ts'
import type { TlsMaterial } from '../../shared/tls/material.ts'
import { revocationUrl } from '../../shared/tls/public-files.ts'
import * as journal from './journal.ts'

/** How often is looked whether files have changed: on every file system, and through links (certbot's, Kubernetes'). */
const lookEveryMs = 5_000

/** How often is looked whether the local certificate is near its end; and ticket keys are changed (RFC 9325 §3.4). */
const renewEveryMs = 24 * 60 * 60 * 1000

/** The operator hears of files whose certificate has less left than this. */
const endsSoonMs = 14 * 24 * 60 * 60 * 1000

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
  #lastTrouble: string | null = null
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
    for (const files of [tls, ...tls.certificates]) {
      if (!isAuto(files)) this.#readAsRoot.set(files.certificate, await readCertifiedKey(files))
    }
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
      const { configuration, state } = this.#inForce ?? {}
      if (configuration === undefined) return
      if ((await stateOfAll(filesOf(configuration))) === state) return
      await this.#again(configuration)
    })
  }

  /** Renews the local certificate where it is near its end, changes the ticket keys, and warns of files that are near theirs. */
  renew(): Promise<void> {
    return this.#oneAtATime(async () => {
      const { configuration, pairs = [] } = this.#inForce ?? {}
      if (configuration === undefined) return
      this.#tickets.clear()
      await this.#again(configuration)
      for (const { names, validToMs } of pairs) {
        const leftMs = validToMs - this.#now()
        if (leftMs < endsSoonMs && this.#log !== null) journal.certificateEnds(this.#log, names, new Date(validToMs))
      }
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

  /** Reads anew; what is wrong with the files is told once, and what was in force goes on. */
  async #again(configuration: Configuration): Promise<void> {
    try {
      this.#take(await this.#read(configuration))
      this.#lastTrouble = null
    } catch (error) {
      // Whatever it is: services go on with what they have, and the next look tries again.
      const trouble = error instanceof Error ? error.message : String(error)
      if (trouble !== this.#lastTrouble && this.#log !== null) journal.certificatesNotTaken(this.#log, trouble)
      this.#lastTrouble = trouble
      this.onChange()
    }
  }

  async #read(configuration: Configuration): Promise<InForce> {
    const { settings, services } = configuration
    const hosts = [settings.host, ...services.filter(({ enabled }) => enabled).map(({ host }) => host)]
    // Before they are read: what changes meanwhile is seen at the next look.
    let state = await stateOfAll(filesOf(configuration))
    const pairs: ReadKey[] = []
    let anyMade = false
    for (const files of [settings.tls, ...settings.tls.certificates]) {
      if (!isAuto(files)) {
        pairs.push(await this.#readFile(files))
        continue
      }
      const { hostname, domains } = settings
      const wanted = { hostname, hosts, domains, revocationUrl: revocationUrl(hostname, services) }
      const { pair, made } = await localCertificate(settings.data, wanted, this.#now())
      pairs.push(pair)
      if (made === null) continue
      anyMade = true
      state = await stateOfAll(filesOf(configuration))
      if (this.#log !== null) journal.certificateMade(this.#log, pair.names, new Date(pair.validToMs), made.authority)
    }
    return { configuration, pairs, state, made: anyMade }
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
    this.onChange()
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
