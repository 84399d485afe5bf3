/** An upload that may stall for good: its client may have vanished without a word. */
export interface UploadUnderWay {
  /** Octets of the file so far. */
  readonly length: number
  /** Breaks it off; resolves when what came of it is kept. */
  giveUp(): Promise<void>
}

/** The uploads of all sessions of a service, so that who comes back after a lost connection need not wait until the old one is given up. */
export class UploadsUnderWay {
  readonly #uploads = new Map<string, Set<UploadUnderWay>>()

  /** @returns takes it away again */
  add(account: string, path: string, upload: UploadUnderWay): () => void {
    const key = keyOf(account, path)
    const uploads = this.#uploads.get(key) ?? new Set()
    this.#uploads.set(key, uploads.add(upload))
    return () => {
      uploads.delete(upload)
      if (uploads.size === 0 && this.#uploads.get(key) === uploads) this.#uploads.delete(key)
    }
  }

  /** The length of the longest one of that name; null for none. */
  octets(account: string, path: string): number | null {
    const uploads = this.#uploads.get(keyOf(account, path))
    return uploads === undefined ? null : Math.max(...[...uploads].map(({ length }) => length))
  }

  /** Breaks off the account's uploads of that name: somebody continues. The longest is kept. */
  async giveUp(account: string, path: string): Promise<void> {
    const uploads = [...(this.#uploads.get(keyOf(account, path)) ?? [])]
    for (const upload of uploads.sort((one, other) => one.length - other.length)) await upload.giveUp()
  }
}

/** No name of an account has a blank. */
const keyOf = (account: string, path: string): string => `${account} ${path}`
