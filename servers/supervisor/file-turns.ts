/** Whose turn it is to change a file, among the processes that write the homes: between a look at what is there and the change nobody comes in. */

/** One change that has its turn, or waits for it. */
interface Place {
  readonly owner: object
  readonly token: number
  readonly begin: () => void
}

/** The turns of all files. What a process holds or waits for is given free by `left`. */
export class FileTurns {
  /** The first place has its turn. */
  readonly #queues = new Map<string, Place[]>()
  readonly #files = new Map<object, Map<number, string>>()

  /**
   * Resolves when it is this one's turn.
   * @param owner the process
   * @param token the owner's own word for it, by which `over` ends it
   */
  take(owner: object, token: number, file: string): Promise<void> {
    return new Promise((begin) => {
      const tokens = this.#files.get(owner) ?? new Map<number, string>()
      this.#files.set(owner, tokens.set(token, file))
      const queue = this.#queues.get(file) ?? []
      this.#queues.set(file, queue)
      queue.push({ owner, token, begin })
      if (queue.length === 1) begin()
    })
  }

  /** It is over, or not waited for any more. */
  over(owner: object, token: number): void {
    const tokens = this.#files.get(owner)
    const file = tokens?.get(token)
    if (tokens === undefined || file === undefined) return
    tokens.delete(token)
    if (tokens.size === 0) this.#files.delete(owner)
    const queue = this.#queues.get(file) ?? []
    const at = queue.findIndex((place) => place.owner === owner && place.token === token)
    const [place] = queue.splice(at, 1)
    // Nobody waits for the answer any more, and nothing is to wait for ever.
    place?.begin()
    if (queue.length === 0) this.#queues.delete(file)
    else if (at === 0) queue[0]?.begin()
  }

  /** The process is gone. */
  left(owner: object): void {
    for (const token of [...(this.#files.get(owner)?.keys() ?? [])]) this.over(owner, token)
  }

  /** Files that somebody changes. */
  get size(): number {
    return this.#queues.size
  }
}
