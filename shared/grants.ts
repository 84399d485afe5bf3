/** What a child may touch; the supervisor turns it into flags of Node's permission model and makes the folders first. */
export interface Grants {
  /** Folders it may read, absolute. Its logs and the program itself are always among them. */
  readonly read: readonly string[]
  /** Folders it may read and write, absolute. */
  readonly write: readonly string[]
  /** Single files it may read and write, absolute; they need not exist yet and are not made for it. */
  readonly files?: readonly string[]
  /** `accept`: the network is dropped after listening, all but accepted connections; `connect`: it also opens sockets of its own. */
  readonly network: 'accept' | 'connect'
  /** Whether it starts worker threads. */
  readonly workers: boolean
}
