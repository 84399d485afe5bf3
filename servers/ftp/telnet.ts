/**
 * The control connection is a TELNET connection (RFC 959 §3.3, RFC 854). Every option is refused; what clients send of TELNET is
 * taken out, so that it ends up in no command: mostly the interrupt and the mark before ABOR.
 */
const IAC = 0xff
const WILL = 0xfb
const WONT = 0xfc
const DO = 0xfd
const DONT = 0xfe
const SB = 0xfa
const SE = 0xf0
const LF = 0x0a

type State = 'text' | 'command' | 'will' | 'do' | 'no-option' | 'subnegotiation' | 'subnegotiation-command'

/** Takes TELNET's commands out of a stream of octets, however it is split. */
export class TelnetFilter {
  readonly #answer: (octets: Buffer) => void
  #state: State = 'text'
  /** Options that were refused: each is once for each side, so that no client gets more answers than that. */
  readonly #refused = new Set<number>()

  /** @param answer sends what refuses an option (RFC 1123 §3.2.1) */
  constructor(answer: (octets: Buffer) => void) {
    this.#answer = answer
  }

  /** The octets that are text. The same buffer where nothing has to be taken out. */
  filter(chunk: Buffer): Buffer {
    if (this.#state === 'text' && !chunk.includes(IAC)) return chunk
    const kept = Buffer.allocUnsafe(chunk.length + 1)
    let octets = 0
    for (const octet of chunk) {
      if (this.#state === 'will') this.#refuse(DONT, octet)
      else if (this.#state === 'do') this.#refuse(WONT, octet)
      const [next, keep] = step(this.#state, octet)
      this.#state = next
      for (const value of keep) octets = kept.writeUInt8(value, octets)
    }
    return kept.subarray(0, octets)
  }

  #refuse(how: number, option: number): void {
    const key = how * 256 + option
    if (this.#refused.has(key)) return
    this.#refused.add(key)
    this.#answer(Buffer.of(IAC, how, option))
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
      if (octet === WILL) return ['will', none]
      if (octet === DO) return ['do', none]
      if (octet === WONT || octet === DONT) return ['no-option', none]
      // No TELNET command: a client that does not double the octet, in a name that is not UTF-8.
      return octet < SE ? ['text', [IAC, octet]] : ['text', none]
    case 'will':
    case 'do':
    case 'no-option':
      return ['text', none]
    case 'subnegotiation':
      // One that is not ended would swallow all that follows: it ends with its line at the latest.
      if (octet === LF) return ['text', [LF]]
      return [octet === IAC ? 'subnegotiation-command' : 'subnegotiation', none]
    case 'subnegotiation-command':
      return [octet === SE ? 'text' : 'subnegotiation', none]
  }
}
