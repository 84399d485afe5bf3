/** What takes long without being a transfer: at most one a session. */
export class InterruptibleWork {
  #controller: AbortController | null = null

  get underWay(): boolean {
    return this.#controller !== null
  }

  /**
   * Carries it out.
   * @param tooLate whether it is to end before it begins
   */
  async run<T>(work: (signal: AbortSignal) => Promise<T>, tooLate: boolean): Promise<T> {
    const controller = new AbortController()
    if (tooLate) controller.abort()
    this.#controller = controller
    try {
      return await work(controller.signal)
    } finally {
      this.#controller = null
    }
  }

  /** Ends it early, if it is under way. */
  abort(): void {
    this.#controller?.abort()
  }
}
