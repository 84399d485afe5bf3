import { closeSync, fstatSync, mkdirSync, openSync, readSync, statSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'

/** So many lines a millisecond are each written the moment they come, and as many at once after a pause; the others share writes. */
const singleWritesPerMs = 0.1
const singleWritesAtOnce = 20
/** Lines that share a write wait at most this long. */
const batchMs = 5
/** So many characters are written without waiting. */
const batchCharacters = 64 * 1024
/** What may wait while the file cannot be written. */
const failingBacklogCharacters = 4 * 1024 * 1024
/** How often a file that failed is tried again, and how often is checked whether it was moved away or removed. */
const checkMs = 1_000

const LF = 0x0a

/** What the owner of an appender is told. */
export interface AppenderEvents {
  /** The file cannot be written; told once until it can be again. */
  failing(error: NodeJS.ErrnoException): void
  /** It can be written again; so many lines were dropped meanwhile. */
  recovered(dropped: number): void
  /** It was closed while it could not be written; so many lines are lost. */
  lost(dropped: number): void
}

/** How a file of a journal is. */
export interface JournalHealth {
  /** Whether the last try to write it worked. */
  readonly ok: boolean
  /** The system's code for why it did not: `ENOSPC`; null when all is well. */
  readonly error: string | null
  /** Lines that found no room, since the process began. */
  readonly dropped: number
}

/** How several files are, taken together. */
export const together = (all: readonly JournalHealth[]): JournalHealth => {
  const failing = all.find(({ ok }) => !ok)
  const dropped = all.reduce((sum, health) => sum + health.dropped, 0)
  return { ok: failing === undefined, error: failing?.error ?? null, dropped }
}

/**
 * Appends lines to a file, in their order. Several processes may append to one file, and whoever rotates may move it away under
 * them. Writes are synchronous: a line that was written survives the death of the process, and a few lines take less time so than
 * handing them to a thread would. `add` never throws; a file that fails is tried again once a second. Whoever opens it closes it.
 */
export class Appender {
  #path: string
  readonly #events: AppenderEvents
  /** The lines that wait, each with its line break. */
  #text = ''
  #lines = 0
  #timer: NodeJS.Timeout | null = null
  #fd: number | null = null
  #checkedAt = Number.NEGATIVE_INFINITY
  #failedAt: number | null = null
  #error: string | null = null
  /** Since the file failed; and since the process began. */
  #dropped = 0
  #droppedEver = 0
  /** The file ends in the middle of a line: the next write begins with a line break. */
  #torn = false
  #closed = false
  #singleWrites = singleWritesAtOnce
  #addedAt = 0

  constructor(path: string, events: AppenderEvents) {
    this.#path = path
    this.#events = events
  }

  get health(): JournalHealth {
    return { ok: this.#failedAt === null, error: this.#error, dropped: this.#droppedEver }
  }

  /** Adds a line, without its line break. */
  add(line: string): void {
    if (this.#closed || (this.#failedAt !== null && this.#text.length + line.length >= failingBacklogCharacters)) {
      this.#dropped += 1
      this.#droppedEver += 1
      return
    }
    this.#text += `${line}\n`
    this.#lines += 1
    // It goes with those that wait.
    if (this.#timer !== null && this.#text.length < batchCharacters) return
    if (this.#failedAt !== null) this.#later(Math.max(0, this.#failedAt + checkMs - performance.now()))
    else if (this.#mayWriteAtOnce() || this.#text.length >= batchCharacters) this.#write()
    else this.#later(batchMs)
  }

  /** Writes all lines added until now; while the file fails, tries. Never throws. */
  flush(): void {
    if (this.#lines > 0) this.#write()
  }

  /** The same where the file works; one that fails is tried at its own time. Never throws. */
  settle(): void {
    if (this.#failedAt === null) this.flush()
  }

  /** Flushes and lets go of the file: the next line goes to the one that has the name by then. Never throws. */
  reopen(): void {
    this.flush()
    this.#release()
  }

  /** The same, and goes on in another file; what the one until now could not take comes there. Never throws. */
  moveTo(path: string): void {
    this.reopen()
    this.#path = path
  }

  /** Flushes and closes; what is added later is lost. Never throws. */
  close(): void {
    if (this.#closed) return
    this.flush()
    this.#closed = true
    if (this.#timer !== null) clearTimeout(this.#timer)
    this.#droppedEver += this.#lines
    const lost = this.#dropped + this.#lines
    this.#text = ''
    this.#lines = 0
    if (lost > 0) this.#events.lost(lost)
    this.#release()
  }

  /** Bounds what single writes can cost, however many lines come. */
  #mayWriteAtOnce(): boolean {
    const now = performance.now()
    this.#singleWrites = Math.min(singleWritesAtOnce, this.#singleWrites + (now - this.#addedAt) * singleWritesPerMs)
    this.#addedAt = now
    if (this.#singleWrites < 1) return false
    this.#singleWrites -= 1
    return true
  }

  #later(ms: number): void {
    if (this.#timer !== null) return
    this.#timer = setTimeout(() => {
      this.#timer = null
      this.flush()
      if (this.#lines > 0) this.#later(checkMs)
    }, ms)
    // A file that fails must not keep the process alive; what else waits is written at its exit too.
    this.#timer.unref()
  }

  #write(): void {
    try {
      const fd = this.#opened()
      const octets = Buffer.from(this.#torn ? `\n${this.#text}` : this.#text)
      let at = 0
      try {
        while (at < octets.length) at += writeSync(fd, octets, at)
      } catch (error) {
        this.#keepUnwritten(octets, at)
        throw error
      }
      this.#text = ''
      this.#lines = 0
      this.#torn = false
    } catch (error) {
      this.#failed(error instanceof Error ? error : new Error(String(error)))
      return
    }
    if (this.#failedAt !== null) this.#worked()
  }

  /** The disk took a part: the whole lines in it are done, a line that was cut comes again on a line of its own. */
  #keepUnwritten(octets: Buffer, written: number): void {
    if (written === 0) return
    const done = octets.subarray(0, written)
    const from = done.lastIndexOf(LF) + 1
    this.#text = octets.subarray(Math.max(from, this.#torn ? 1 : 0)).toString()
    this.#lines = this.#text.split('\n').length - 1
    this.#torn = from < written
  }

  #opened(): number {
    const now = performance.now()
    if (this.#fd !== null && now - this.#checkedAt > checkMs) {
      if (!this.#stillThere(this.#fd)) this.#release()
      this.#checkedAt = now
    }
    if (this.#fd !== null) return this.#fd
    mkdirSync(dirname(this.#path), { recursive: true })
    const fd = openSync(this.#path, 'a+', 0o640)
    this.#fd = fd
    this.#checkedAt = now
    // Of ours, or of a process that was killed while it wrote.
    this.#torn = endsTorn(fd)
    return fd
  }

  /** Whether the name still means the file that is open: whoever rotates logs moves them away, and people remove them. */
  #stillThere(fd: number): boolean {
    const named = statSync(this.#path, { throwIfNoEntry: false })
    if (named === undefined) return false
    const open = fstatSync(fd)
    return open.ino === named.ino && open.dev === named.dev
  }

  #failed(error: NodeJS.ErrnoException): void {
    const first = this.#failedAt === null
    this.#failedAt = performance.now()
    this.#error = error.code ?? error.name
    this.#release()
    this.#later(checkMs)
    if (first) this.#events.failing(error)
  }

  #worked(): void {
    const dropped = this.#dropped
    this.#failedAt = null
    this.#error = null
    this.#dropped = 0
    this.#events.recovered(dropped)
  }

  #release(): void {
    const fd = this.#fd
    this.#fd = null
    try {
      if (fd !== null) closeSync(fd)
    } catch {
      // Nothing hangs on it: what it says about earlier writes was told by them.
    }
  }
}

/** So often a file that grows is looked at. */
const looks = 20

/** Whether a file's last line has no end and nobody is writing it just now. What is no file (a pipe, a device) has no last line. */
const endsTorn = (fd: number): boolean => {
  const last = Buffer.alloc(1)
  for (let look = 0; look < looks; look++) {
    const { size } = fstatSync(fd)
    if (size === 0 || readSync(fd, last, 0, 1, size - 1) === 0 || last[0] === LF) return false
    // A write of another process can be seen half done, but this one has to wait until it is over.
    writeSync(fd, last, 0, 0)
    if (fstatSync(fd).size === size) return true
  }
  return false
}
