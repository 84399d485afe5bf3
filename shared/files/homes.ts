import { join } from 'node:path'
import { accountFiles } from '../config/account-files.ts'
import type { FileSettings } from '../config/settings.ts'
import { type DiskFileStore, openFileStore } from './disk-file-store.ts'
import type { Sync } from './disk-upload.ts'
import { FileError, type FileStore } from './file-store.ts'
import type { TakeTurn } from './turn.ts'

/** In the folder of the homes, where no account's home can be: what processes tell each other of how much the homes hold. */
const ledgerFolder = '.havre-usage'

/** The homes of all accounts, `<folder>/<account>`, each as its account may use it. */
export class Homes {
  readonly #folder: string
  readonly #settings: FileSettings
  readonly #sync: Sync | null
  readonly #turn: TakeTurn | null
  readonly #all: DiskFileStore
  /** One store an account: what it knows of the home's usage is shared by all sessions. */
  readonly #open = new Map<string, DiskFileStore>()
  #swept = false

  /**
   * @param folder absolute
   * @param sync   makes durable what lies at a path; used where the settings ask for it
   * @param turn   waits until nobody else changes a file, `alice/folder/a.txt`; null: who changes files waits himself
   */
  constructor(folder: string, settings: FileSettings, sync: Sync, turn: TakeTurn | null = null) {
    this.#turn = turn
    this.#folder = folder
    this.#settings = settings
    this.#sync = settings.sync === 'always' ? sync : null
    this.#all = openFileStore({ root: folder, sync: this.#sync })
  }

  /** @throws {FileError} where the folder of the homes cannot be used */
  async check(): Promise<void> {
    await this.#all.stat('/')
  }

  /** The home of an account, made if it is not there. @throws {FileError} */
  async open(account: string): Promise<FileStore> {
    try {
      await this.#all.makeFolder(`/${account}`)
    } catch (error) {
      if (!(error instanceof FileError) || error.code !== 'exists') throw error
    }
    const home = this.#open.get(account) ?? this.#home(account)
    if ((await home.stat('/')).kind !== 'folder') throw new FileError('not-folder', 'the home is not a folder')
    this.#open.set(account, home)
    return home
  }

  /**
   * Removes what is old of broken uploads, and makes those of processes that died partials to be continued.
   * @returns how many were removed
   */
  async sweep(signal: AbortSignal): Promise<number> {
    const removed = await this.#all.sweep({ olderThanMs: this.#settings.keepPartialsMs, signal })
    // Those who die from now on are replaced by processes that sweep.
    this.#swept = !signal.aborted
    for (const home of this.#open.values()) home.recount()
    return removed
  }

  #home(account: string): DiskFileStore {
    const turn = this.#turn
    const { quota, access } = accountFiles(this.#settings, account)
    return openFileStore({
      root: join(this.#folder, account),
      sync: this.#sync,
      account,
      access,
      quota: quota.octets,
      ledger: join(this.#folder, ledgerFolder, account),
      mayHaveLeftovers: () => !this.#swept,
      turn: turn === null ? null : (path) => turn(`${account}${path}`),
    })
  }
}
