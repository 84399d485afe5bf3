/** Why an upstream server gave no answer, or not all of one. */

/**
 * `unreachable`: no connection; `connect-timeout`: none in time; `timeout`: connected, but silent for too long; `broken`: it closed or
 * reset the connection; `malformed`: what it said is no answer that may be passed on; `given-up`: nobody wanted the answer any more.
 */
export type UpstreamErrorCode = 'unreachable' | 'connect-timeout' | 'timeout' | 'broken' | 'malformed' | 'given-up'

/** An exchange with an upstream server failed. */
export class UpstreamError extends Error {
  override readonly name = 'UpstreamError'
  readonly code: UpstreamErrorCode
  constructor(code: UpstreamErrorCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
