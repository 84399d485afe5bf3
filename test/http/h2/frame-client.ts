import { Client, ClientError } from '../../kit/client.ts'
import { errorName, type Frame, flags, frame, headOctets, readFrame, settings, statusIn, types } from './frame.ts'

const preface = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'

/** What the server said of a stream, or of the connection, in the end. */
export type Said = string

/** A client of HTTP/2 that sends frames as it is told, right ones and wrong ones. */
export class FrameClient implements Disposable {
  readonly client: Client

  constructor(client: Client) {
    this.client = client
  }

  /** Connects in clear, says the preface and these settings, and keeps the server's tables empty, so that `statusIn` can read. */
  static async connect(port: number, ...pairs: readonly (readonly [id: number, value: number])[]): Promise<FrameClient> {
    const frames = new FrameClient(await Client.connect(port))
    await frames.send(Buffer.from(preface), frame(types.settings, flags.none, 0, settings([1, 0], ...pairs)))
    return frames
  }

  async send(...frames: readonly Buffer[]): Promise<void> {
    await this.client.send(Buffer.concat(frames))
  }

  /** The next frame; null when the server has closed. */
  async next(): Promise<Frame | null> {
    try {
      const head = await this.client.octets(headOctets)
      return readFrame(head, await this.client.octets(head.readUIntBE(0, 3)))
    } catch (error) {
      if (error instanceof ClientError && error.why === 'closed') return null
      throw error
    }
  }

  /** Reads on to the first frame of this kind. @throws when the server closes before */
  async until(is: (frame: Frame) => boolean): Promise<Frame> {
    for (;;) {
      const next = await this.next()
      if (next === null) throw new Error('the server closed before')
      if (is(next)) return next
    }
  }

  /** What becomes of a stream: `200`, `RST_STREAM CANCEL`, `GOAWAY PROTOCOL_ERROR`, `closed`. */
  async outcome(stream: number): Promise<Said> {
    for (;;) {
      const next = await this.next()
      if (next === null) return 'closed'
      if (next.type === types.goaway) return `GOAWAY ${errorName(next.payload.readUInt32BE(4))}`
      if (next.stream !== stream) continue
      if (next.type === types.headers) return String(statusIn(next.payload))
      if (next.type === types.reset) return `RST_STREAM ${errorName(next.payload.readUInt32BE(0))}`
    }
  }

  /** All frames up to the end of the connection. */
  async rest(): Promise<Frame[]> {
    const all: Frame[] = []
    for (let next = await this.next(); next !== null; next = await this.next()) all.push(next)
    return all
  }

  [Symbol.dispose](): void {
    this.client[Symbol.dispose]()
  }
}
