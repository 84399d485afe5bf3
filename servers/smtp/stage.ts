/** What the octets of a message go through on their way to the store, however they came (DATA, BDAT). */
export interface Stage {
  /**
   * Takes octets of the message, in the order in which they came.
   * @param chunk the stage's from then on
   * @returns what goes on to the next stage: the chunk itself, a view of it or another buffer; may be empty
   */
  push(chunk: Buffer): Buffer
  /** The message is whole: what was held back, and what belongs behind it. Called once, nothing is pushed after it. */
  end(): Buffer
}

/** Several stages as one, in this order. */
export const inTurn = (stages: readonly Stage[]): Stage => ({
  push: (chunk) => stages.reduce((octets, stage) => (octets.length === 0 ? octets : stage.push(octets)), chunk),
  end: () =>
    stages.reduce<Buffer>((held, stage) => {
      const octets = held.length === 0 ? held : stage.push(held)
      const last = stage.end()
      return last.length === 0 ? octets : Buffer.concat([octets, last])
    }, Buffer.alloc(0)),
})
