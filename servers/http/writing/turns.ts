/** Changes to one file, one after the other: between the look at what is there and the change nobody comes in between. */
export class Turns {
  readonly #among: (file: string) => Promise<Disposable>
  readonly #last = new Map<string, Promise<void>>()

  /** @param among waits for those of other processes too; asked by one of this process at a time for a file */
  constructor(among: (file: string) => Promise<Disposable>) {
    this.#among = among
  }

  /** Resolves when those who asked before for the same file are done; the next one comes when what it resolves with is disposed of. */
  async take(file: string): Promise<Disposable> {
    const before = this.#last.get(file)
    const { promise: over, resolve } = Promise.withResolvers<void>()
    this.#last.set(file, over)
    using turn = new DisposableStack()
    turn.defer(() => {
      resolve()
      if (this.#last.get(file) === over) this.#last.delete(file)
    })
    await before
    turn.use(await this.#among(file))
    return turn.move()
  }

  /** Files that somebody changes. */
  get size(): number {
    return this.#last.size
  }
}
