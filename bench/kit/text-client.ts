/** A client of a protocol of lines, as light as can be: the load generator shares the machine with what it measures. */
import { once } from 'node:events'
import { connect, type Socket } from 'node:net'

const endOfText = '\r\n.\r\n'

/** A reply that says no, or a connection that ended before a reply. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError'
}

/** One connection on loopback. Whoever connects ends it. */
export class TextClient {
  readonly #socket: Socket
  // latin1: a character an octet.
  #held = ''
  #wake: (() => void) | null = null
  #ended = false

  /** @param from the address to come from: all of 127.0.0.0/8 is this machine */
  static async connect(port: number, from = '127.0.0.1'): Promise<TextClient> {
    const socket = connect({ port, host: '127.0.0.1', localAddress: from, noDelay: true })
    await once(socket, 'connect')
    return new TextClient(socket)
  }

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.setEncoding('latin1')
    socket.on('data', (text: string) => {
      this.#held += text
      this.#wake?.()
    })
    const ended = () => {
      this.#ended = true
      this.#wake?.()
    }
    socket.on('close', ended).on('error', ended)
  }

  write(octets: string | Buffer): void {
    this.#socket.write(octets)
  }

  /** The last line of one reply, which may have several as SMTP and FTP have them. @throws {RefusedError} 4yz, 5yz, -ERR, or the end */
  async reply(): Promise<string> {
    for (;;) {
      const line = await this.#line()
      if (/^(?:[45]\d\d|-ERR)/.test(line)) throw new RefusedError(line)
      if (!/^\d{3}-|^ /.test(line)) return line
    }
  }

  async ask(command: string): Promise<string> {
    this.write(`${command}\r\n`)
    return this.reply()
  }

  /** What follows a +OK, up to the line that is a lone dot. @returns its octets as they came */
  async text(): Promise<number> {
    for (;;) {
      const end = this.#held.indexOf(endOfText)
      if (end !== -1) {
        this.#held = this.#held.slice(end + endOfText.length)
        return end + endOfText.length
      }
      await this.#more()
    }
  }

  /** All until the other side ends. @returns its octets */
  async rest(): Promise<number> {
    let octets = 0
    for (;;) {
      octets += this.#held.length
      this.#held = ''
      if (this.#ended) return octets
      await this.#wait()
    }
  }

  async end(): Promise<void> {
    this.#socket.end()
    if (!this.#ended) await once(this.#socket, 'close')
  }

  destroy(): void {
    this.#socket.destroy()
  }

  async #line(): Promise<string> {
    for (;;) {
      const end = this.#held.indexOf('\r\n')
      if (end !== -1) {
        const line = this.#held.slice(0, end)
        this.#held = this.#held.slice(end + 2)
        return line
      }
      await this.#more()
    }
  }

  async #more(): Promise<void> {
    if (this.#ended) throw new RefusedError(`the connection ended after: ${this.#held}`)
    await this.#wait()
  }

  #wait(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = () => {
        this.#wake = null
        resolve()
      }
    })
  }
}
