/**
 * The control connection is a TELNET connection (RFC 959 §3.3, RFC 854). No option is negotiated; what clients send of TELNET is
 * taken out, so that it ends up in no command: mostly the interrupt and the mark before ABOR.
 */
const IAC = 0xff
const WILL = 0xfb
const DONT = 0xfe
const SB = 0xfa
const SE = 0xf0
const LF = 0x0a

type State = 'text' | 'command' | 'option' | 'subnegotiation' | 'subnegotiation-command'

/** Takes TELNET's commands out of a stream of octets, however it is split. */
export class TelnetFilter {
  #state: State = 'text'

  /** The octets that are text. The same buffer where nothing has to be taken out. */
  filter(chunk: Buffer): Buffer {
    if (this.#state === 'text' && !chunk.includes(IAC)) return chunk
    const kept = Buffer.allocUnsafe(chunk.length + 1)
    let octets = 0
    for (const octet of chunk) {
      const [next, keep] = step(this.#state, octet)
      this.#state = next
      for (const value of keep) octets = kept.writeUInt8(value, octets)
    }
    return kept.subarray(0, octets)
  }
}

const none: readonly number[] = []

/** What follows an octet, and which octets are text after all. */
const step = (state: State, octet: number): readonly [State, readonly number[]] => {
  switch (state) {
    case 'text':
      return octet === IAC ? ['command', none] : ['text', [octet]]
    case 'command':
      if (octet === IAC) return ['text', [IAC]]
      if (octet === SB) return ['subnegotiation', none]
      if (octet >= WILL && octet <= DONT) return ['option', none]
      // No TELNET command: a client that does not double the octet, in a name that is not UTF-8.
      return octet < SE ? ['text', [IAC, octet]] : ['text', none]
    case 'option':
      return ['text', none]
    case 'subnegotiation':
      // One that is not ended would swallow all that follows: it ends with its line at the latest.
      if (octet === LF) return ['text', [LF]]
      return [octet === IAC ? 'subnegotiation-command' : 'subnegotiation', none]
    case 'subnegotiation-command':
      return [octet === SE ? 'text' : 'subnegotiation', none]
  }
}
