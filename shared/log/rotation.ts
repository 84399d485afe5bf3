/**
 * Puts logs away when they are large or of yesterday, compresses what was put away, and removes the oldest. One process does it for
 * all who write: a file is renamed under its writers, who notice within a second (`Appender`) or are told, and go on in a new one.
 *
 * Nothing is lost on the way. A file is compressed only when nobody can write to it any more: some time after it was renamed, and,
 * where the system can tell, when no process has it open for writing. The original is removed when the compressed one is whole and on
 * the disk; where a crash leaves both, the original holds. Whoever makes a `Rotation` closes it.
 */
import { type FileHandle, open, readdir, rename, stat, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import type { LogRotation } from '../config/settings.ts'
import { isMissing, type MeasuredFile, measuredIn, parseRotatedName, rotatedIn, rotatedName, sizeOf } from './rotated-file.ts'
import { openForWriting } from './writers.ts'

/** How often the sizes are looked at, and the time of day. */
const lookMs = 1_000

/** How often is looked for what is to be compressed or removed, where nothing was put away meanwhile. */
const tidyMs = 60_000

/** Writers look every second whether their file was renamed: after so long they have. */
const settledMs = 10_000

const dayMs = 86_400_000

/** Which logs there are, and what is to become of them. */
export interface RotationPlan extends LogRotation {
  /** Absolute. */
  readonly folder: string
  /** Services whose logs they are, the supervisor among them. */
  readonly services: readonly string[]
}

/** What the owner of a rotation is told. */
export interface RotationEvents {
  /** A log was put away. */
  rotated(file: string, octets: number): void
  /** The oldest of what was put away had to go, to keep the logs within their bounds. */
  removed(file: string, octets: number): void
  /** It could not be done; told once until it can be again, since it is tried again and again. */
  failing(error: unknown): void
}

/** The files that a service writes. */
export const logsOf = (service: string): readonly string[] => [`${service}.log`, `${service}.access.log`, `${service}.transfer.log`]

/** Keeps the logs of one folder. */
export class Rotation {
  #plan: RotationPlan
  readonly #events: RotationEvents
  readonly #settledMs: number
  readonly #ending = new AbortController()
  #timer: NodeJS.Timeout | null = null
  #work: Promise<void> = Promise.resolve()
  #busy = false
  #tidyAt = Number.NEGATIVE_INFINITY
  #failing = false

  /** @param waitMs how long a file stays as it is once it was renamed */
  constructor(plan: RotationPlan, events: RotationEvents, waitMs: number = settledMs) {
    this.#plan = plan
    this.#events = events
    this.#settledMs = waitMs
  }

  /** Begins: what an earlier process left half done is finished. */
  start(): void {
    void this.look()
    this.#timer = setInterval(() => {
      if (!this.#busy) void this.look()
    }, lookMs)
    this.#timer.unref()
  }

  /** Goes on by other settings. */
  configure(plan: RotationPlan): void {
    this.#plan = plan
    this.#tidyAt = Number.NEGATIVE_INFINITY
  }

  /** Does what is due now; resolves when it is done. Never rejects. */
  look(): Promise<void> {
    this.#work = this.#work.then(() => this.#look())
    return this.#work
  }

  /** Stops; what is being compressed is given up, the next start finds the original. Never rejects. */
  async close(): Promise<void> {
    if (this.#timer !== null) clearInterval(this.#timer)
    this.#ending.abort()
    await this.#work
  }

  async #look(): Promise<void> {
    if (this.#ending.signal.aborted) return
    this.#busy = true
    try {
      const some = await this.#putAway()
      if (some) this.#tidyAt = Math.min(this.#tidyAt, performance.now() + this.#settledMs)
      if (performance.now() >= this.#tidyAt) {
        this.#tidyAt = performance.now() + tidyMs
        await this.#tidy()
      }
      this.#failing = false
    } catch (error) {
      // Whatever it is, the services go on; the files are as they were, or put away and not compressed.
      if (!this.#failing && !this.#ending.signal.aborted) this.#events.failing(error)
      this.#failing = true
    } finally {
      this.#busy = false
    }
  }

  async #putAway(): Promise<boolean> {
    const { folder, services } = this.#plan
    let some = false
    for (const name of services.flatMap(logsOf)) {
      const octets = await this.#dueOctets(join(folder, name))
      if (octets === null) continue
      const target = await freeName(folder, name)
      await rename(join(folder, name), join(folder, target))
      this.#events.rotated(target, octets)
      some = true
    }
    return some
  }

  /** How large a file is that is to be put away; null where none is. */
  async #dueOctets(path: string): Promise<number | null> {
    const { sizeOctets, daily } = this.#plan
    try {
      const { size, birthtimeMs, mtimeMs } = await stat(path)
      if (size === 0) return null
      const today = Math.floor(Date.now() / dayMs)
      // Some file systems do not know when a file was made: then it is when it was last written.
      const since = birthtimeMs > 0 ? Math.min(birthtimeMs, mtimeMs) : mtimeMs
      const due = (sizeOctets !== null && size >= sizeOctets) || (daily && Math.floor(since / dayMs) < today)
      return due ? size : null
    } catch (error) {
      if (isMissing(error)) return null
      throw error
    }
  }

  async #tidy(): Promise<void> {
    const { folder, compress } = this.#plan
    await removeHalfDone(folder)
    const settled = await this.#settled()
    // First, since a disk that is full has no room for a compressed file.
    await this.#removeOldest(settled)
    if (!compress) return
    for (const { name, compressed } of await rotatedIn(folder)) {
      if (compressed || !settled.has(name)) continue
      this.#ending.signal.throwIfAborted()
      await compressFile(join(folder, name), this.#ending.signal)
    }
    await this.#removeOldest(settled)
  }

  /** The files that nobody writes to any more, by their names. */
  async #settled(): Promise<ReadonlySet<string>> {
    const { folder } = this.#plan
    const before = Date.now() - this.#settledMs
    const old = (await rotatedIn(folder)).filter(({ atMs, compressed }) => compressed || atMs <= before)
    const plain = old.filter(({ compressed }) => !compressed).map(({ name }) => join(folder, name))
    const written = plain.length === 0 ? new Set<string>() : await openForWriting(plain)
    return new Set(old.map(({ name }) => name).filter((name) => !written.has(join(folder, name))))
  }

  async #removeOldest(settled: ReadonlySet<string>): Promise<void> {
    const { folder, services } = this.#plan
    const files = await measuredIn(folder)
    const live = await Promise.all(services.flatMap(logsOf).map((name) => sizeOf(join(folder, name))))
    const liveOctets = live.reduce<number>((sum, octets) => sum + (octets ?? 0), 0)
    for (const { name, octets } of tooMuch(files, liveOctets, this.#plan)) {
      // One that may still be written to goes the next time. Compressed meanwhile: the same file.
      if (!settled.has(name) && !settled.has(name.replace(/\.gz$/, ''))) continue
      await unlink(join(folder, name))
      this.#events.removed(name, octets)
    }
  }
}

/** Which files are to go, oldest first. @param files oldest first @param liveOctets of the logs that are in use */
export const tooMuch = (
  files: readonly MeasuredFile[],
  liveOctets: number,
  { keep, totalOctets }: Pick<LogRotation, 'keep' | 'totalOctets'>,
): readonly MeasuredFile[] => {
  const byLog = Map.groupBy(files, ({ log }) => log)
  const beyond = new Set([...byLog.values()].flatMap((all) => all.slice(0, Math.max(0, all.length - keep))))
  const left = files.filter((file) => !beyond.has(file))
  let total = left.reduce((sum, { octets }) => sum + octets, liveOctets)
  for (const file of left) {
    if (total <= totalOctets) break
    beyond.add(file)
    total -= file.octets
  }
  return files.filter((file) => beyond.has(file))
}

/** A name by the time it is now, or a moment later where one is put away already. */
const freeName = async (folder: string, log: string): Promise<string> => {
  for (let atMs = Date.now(); ; atMs++) {
    const name = rotatedName(log, atMs)
    const taken = await Promise.all([name, `${name}.gz`].map((other) => sizeOf(join(folder, other))))
    if (taken.every((octets) => octets === null)) return name
  }
}

const half = '.gz.part'

/** So much of a file is in memory while it is compressed, two or three times. */
const blockOctets = 64 * 1024

/** What a crash left: compressed files that were not finished, and whole ones whose original is still there. */
const removeHalfDone = async (folder: string): Promise<void> => {
  const names = await namesIn(folder)
  const there = new Set(names)
  const left = names.filter((name) =>
    name.endsWith(half)
      ? parseRotatedName(name.slice(0, -half.length)) !== null
      : parseRotatedName(name)?.compressed === true && there.has(name.slice(0, -'.gz'.length)),
  )
  for (const name of left) await unlink(join(folder, name))
}

const namesIn = async (folder: string): Promise<readonly string[]> => {
  try {
    return await readdir(folder)
  } catch (error) {
    if (isMissing(error)) return []
    throw error
  }
}

/** Compresses one file; where that fails the original stays. */
const compressFile = async (path: string, signal: AbortSignal): Promise<void> => {
  const part = `${path}${half}`
  const source = await open(path, 'r')
  try {
    const octets = await writeCompressed(source, part, signal)
    // Somebody wrote to it after all: the next time.
    if ((await source.stat()).size !== octets) return await unlink(part)
    await rename(part, `${path}.gz`)
    await unlink(path)
  } catch (error) {
    await removeIfThere(part)
    throw error
  } finally {
    await source.close()
  }
}

/** @returns how many octets of the source are in it */
const writeCompressed = async (source: FileHandle, part: string, signal: AbortSignal): Promise<number> => {
  // Loaded once a file is to be compressed: most days of most families know none.
  const { createGzip } = await import('node:zlib')
  const target = await open(part, 'wx', 0o640)
  try {
    let octets = 0
    const input = async function* () {
      for (;;) {
        const { buffer, bytesRead } = await source.read(Buffer.allocUnsafe(blockOctets), 0, blockOctets, octets)
        if (bytesRead === 0) return
        octets += bytesRead
        yield buffer.subarray(0, bytesRead)
      }
    }
    const output = async (compressed: AsyncIterable<Buffer>) => {
      for await (const chunk of compressed) await target.appendFile(chunk)
    }
    await pipeline(input, createGzip(), output, { signal })
    await target.sync()
    return octets
  } finally {
    await target.close()
  }
}

const removeIfThere = async (path: string): Promise<void> => {
  try {
    await unlink(path)
  } catch (error) {
    if (!isMissing(error)) throw error
  }
}
