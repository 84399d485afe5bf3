/** Turns octets one way, chunk by chunk, however they are split. */
export interface Conversion {
  turn(chunk: Buffer): Buffer
  /** What was held back or has to follow, at the end. */
  end(): Buffer
}
