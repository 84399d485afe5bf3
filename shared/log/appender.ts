import { type FileHandle, mkdir, open, stat } from 'node:fs/promises'
import { dirname } from 'node:path'

/** Lines wait at most this long for others to share their write. */
const batchMs = 20
/** So many characters are written without waiting. */
const batchCharacters = 64 * 1024
/** One write holds at most about so much. */
const blockCharacters = 256 * 1024
/** What may wait while the file takes it; more is dropped and counted. Room for some 300,000 records. */
const backlogCharacters = 64 * 1024 * 1024
/** What may wait while the file cannot be written. */
const failingBacklogCharacters = 4 * 1024 * 1024
/** How often a file that failed is tried again, and how often is checked whether it was moved away or removed. */
const retryMs = 1_000

/** What the owner of an appender is told. */
export interface AppenderEvents {
  /** The file cannot be written; told once until it can be again. */
  failing(error: NodeJS.ErrnoException): void
  /** It can be written again; so many lines were dropped meanwhile. */
  recovered(dropped: number): void
  /** It was closed while it could not be written; so many lines are lost. */
  lost(dropped: number): void
}

/** Lines that are written at once. */
interface Block {
  readonly lines: string[]
  characters: number
}

/**
 * Appends lines to a file in few writes, in their order. Several processes may append to one file. `add` never throws and never
 * waits; a file that fails is tried again once a second. Whoever opens it closes it.
 */
export class Appender {
  readonly path: string
  readonly #events: AppenderEvents
  #blocks: Block[] = []
  /** Taken out of `#blocks`, but not yet handed to the system. */
  #inHand: Block | null = null
  #waiting = 0
  #timer: NodeJS.Timeout | null = null
  #writing: Promise<void> | null = null
  #handle: FileHandle | null = null
  #checkedAt = Number.NEGATIVE_INFINITY
  #failedAt: number | null = null
  #dropped = 0
  /** The last write stopped in the middle of a line: the next one begins with a line break. */
  #torn = false
  #closed = false

  constructor(path: string, events: AppenderEvents) {
    this.path = path
    this.#events = events
  }

  /** Adds a line, without its line break. */
  add(line: string): void {
    const characters = line.length + 1
    const bound = this.#failedAt === null ? backlogCharacters : failingBacklogCharacters
    if (this.#closed || this.#waiting + characters > bound) {
      this.#dropped += 1
      return
    }
    const last = this.#blocks.at(-1)
    if (last !== undefined && last.characters + characters <= blockCharacters) {
      last.lines.push(line)
      last.characters += characters
    } else this.#blocks.push({ lines: [line], characters })
    this.#waiting += characters
    this.#schedule()
  }

  /** Resolves when all lines added until now are in the file, or, while it fails, when it was tried again. Never rejects. */
  async flush(): Promise<void> {
    // What is being written now may have begun before the last line was added: then one more round.
    await this.#writing
    await this.#drain()
  }

  /** Flushes and closes; what is added later is lost. Never rejects. */
  async close(): Promise<void> {
    if (this.#closed) return
    await this.flush()
    this.#closed = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    const lost = this.#dropped + this.#blocks.reduce((sum, { lines }) => sum + lines.length, 0)
    this.#blocks = []
    if (lost > 0) this.#events.lost(lost)
    await this.#release()
  }

  /** What a process that ends right now has to say: the lines that wait, for a last synchronous write. */
  takeWaiting(): string {
    if (this.#inHand !== null) this.#blocks.unshift(this.#inHand)
    const text = this.#blocks.map(({ lines }) => `${lines.join('\n')}\n`).join('')
    this.#blocks = []
    this.#waiting = 0
    return text
  }

  #schedule(): void {
    if (this.#writing !== null) return
    if (this.#failedAt !== null) this.#later(Math.max(0, this.#failedAt + retryMs - performance.now()), true)
    else if (this.#waiting >= batchCharacters) this.#begin()
    else this.#later(batchMs, false)
  }

  #later(ms: number, failing: boolean): void {
    if (this.#timer !== null) return
    this.#timer = setTimeout(() => {
      this.#timer = null
      this.#begin()
    }, ms)
    // A file that fails must not keep the process alive.
    if (failing) this.#timer.unref()
  }

  #begin(): void {
    if (this.#writing === null && this.#blocks.length > 0) void this.#drain()
  }

  #drain(): Promise<void> {
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = null
      if (this.#blocks.length > 0 && !this.#closed) this.#schedule()
    })
    return this.#writing
  }

  /** Writes until nothing waits or a write fails. */
  async #writeAll(): Promise<void> {
    for (let block = this.#blocks[0]; block !== undefined; block = this.#blocks[0]) {
      // From now on the block takes no more lines.
      this.#blocks.shift()
      this.#inHand = block
      try {
        await this.#write(block)
        this.#waiting -= block.characters
      } catch (error) {
        this.#inHand = null
        this.#blocks.unshift(block)
        await this.#failed(error instanceof Error ? error : new Error(String(error)))
        return
      }
      this.#worked()
    }
  }

  async #write(block: Block): Promise<void> {
    const handle = await this.#opened()
    const octets = Buffer.from(`${this.#torn ? '\n' : ''}${block.lines.join('\n')}\n`)
    let at = 0
    this.#inHand = null
    try {
      while (at < octets.length) at += (await handle.write(octets, at)).bytesWritten
      this.#torn = false
    } catch (error) {
      if (at > 0) this.#keepUnwritten(block, octets.subarray(0, at))
      throw error
    }
  }

  /** The disk took a part of it: the whole lines in it are done, a line that was cut comes again on a line of its own. */
  #keepUnwritten(block: Block, written: Buffer): void {
    const text = written.toString('latin1')
    const whole = text.split('\n').length - 1 - (this.#torn ? 1 : 0)
    const done = block.lines.splice(0, Math.max(0, whole))
    const characters = done.reduce((sum, line) => sum + line.length + 1, 0)
    block.characters -= characters
    this.#waiting -= characters
    this.#torn = !text.endsWith('\n')
  }

  async #opened(): Promise<FileHandle> {
    const now = performance.now()
    if (this.#handle !== null && now - this.#checkedAt > retryMs && !(await this.#stillThere(this.#handle))) await this.#release()
    if (this.#handle === null) {
      await mkdir(dirname(this.path), { recursive: true })
      this.#handle = await open(this.path, 'a', 0o640)
      // A new file begins with a whole line.
      if (this.#torn && (await this.#handle.stat()).size === 0) this.#torn = false
    }
    if (now - this.#checkedAt > retryMs) this.#checkedAt = now
    return this.#handle
  }

  /** Whether the name still means the file that is open: whoever rotates logs moves them away, and people remove them. */
  async #stillThere(handle: FileHandle): Promise<boolean> {
    try {
      const [open, named] = await Promise.all([handle.stat(), stat(this.path)])
      return open.ino === named.ino && open.dev === named.dev
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false
      throw error
    }
  }

  async #failed(error: NodeJS.ErrnoException): Promise<void> {
    const first = this.#failedAt === null
    this.#failedAt = performance.now()
    await this.#release()
    this.#shrink()
    if (first) this.#events.failing(error)
  }

  /** While the file fails less may wait: the newest is dropped, since how a trouble began tells most. */
  #shrink(): void {
    while (this.#waiting > failingBacklogCharacters && this.#blocks.length > 1) {
      const block = this.#blocks.pop()
      this.#waiting -= block?.characters ?? 0
      this.#dropped += block?.lines.length ?? 0
    }
  }

  #worked(): void {
    if (this.#failedAt === null && this.#dropped === 0) return
    const dropped = this.#dropped
    this.#failedAt = null
    this.#dropped = 0
    this.#events.recovered(dropped)
  }

  async #release(): Promise<void> {
    const handle = this.#handle
    this.#handle = null
    try {
      await handle?.close()
    } catch {
      // Nothing hangs on it: what it says about earlier writes was told by them.
    }
  }
}
