import { randomBytes } from 'node:crypto'
import { closeSync, constants, fstatSync, mkdirSync, openSync, readSync, unlinkSync, writeSync } from 'node:fs'
import { dirname } from 'node:path'
import process from 'node:process'
import { refusal, systemCode } from './file-failure.ts'
import { isRunning } from './hidden-name.ts'

/** A file larger than this is begun anew. */
const largestOctets = 1024 * 1024

/** A line: which process, how the sum changes, and how what that process has claimed changes. */
const linePattern = /^(\d{1,10}-[0-9a-f]{12}) (-?\d{1,15}) (-?\d{1,15})$/

/**
 * A sum that several processes change, by a file to which each adds a line for each change: the system puts lines that are appended
 * one behind another, whole (`O_APPEND`). A change is counted by everybody once it is in the file, so of two that come at once one is
 * the later. Each line says as well what of the sum its process has only claimed: of one that died, nothing is claimed any more. The
 * file is small and in memory: asked directly it takes some twenty microseconds.
 */
export class Tally {
  readonly #path: string | null
  readonly #key = `${process.pid}-${randomBytes(6).toString('hex')}`
  /** Which file was read, how far, and what its last line began with. */
  #mark = ''
  #position = 0
  #rest = ''
  #sum = 0
  #epoch = 0
  /** What this process has claimed, and what each has by the file. */
  #own = 0
  readonly #claims = new Map<string, number>()

  /** @param path null: only this process changes the sum */
  constructor(path: string | null) {
    this.#path = path
  }

  /** All changes since the epoch began, as far as they were read. */
  get sum(): number {
    return this.#sum
  }

  /** What of the sum is claimed by processes that run. */
  get claimed(): number {
    if (this.#path === null) return this.#own
    let all = 0
    for (const [key, claimed] of this.#claims) {
      if (key === this.#key || isRunning(Number.parseInt(key, 10))) all += claimed
      else this.#claims.delete(key)
    }
    return all
  }

  /** What of it this process has claimed. */
  get ownClaimed(): number {
    return this.#own
  }

  /** Which file the sum is of: where this changes, changes were missed. */
  get epoch(): number {
    return this.#epoch
  }

  /**
   * Adds a change, and reads those of others.
   * @param claimed how what this process has claimed changes with it
   * @throws the system's error, or a `FileError`: nothing was added
   */
  add(change: number, claimed = 0): void {
    if (this.#path === null) this.#sum += change
    else this.#with(this.#path, change === 0 && claimed === 0 ? null : { change, claimed })
    this.#own += claimed
  }

  /** Reads the changes of others. @throws the system's error */
  read(): void {
    if (this.#path !== null) this.#with(this.#path, null)
  }

  #with(path: string, added: { readonly change: number; readonly claimed: number } | null): void {
    for (;;) {
      const descriptor = opened(path)
      try {
        this.#recognize(path, descriptor)
        if (added !== null) this.#write(path, descriptor, added.change, added.claimed)
        this.#readOn(descriptor)
        // Another process may have begun it anew: then this one is nobody's.
        if (fstatSync(descriptor).nlink > 0) return
      } finally {
        closeSync(descriptor)
      }
    }
  }

  /** A new file does not know yet what is claimed here. */
  #recognize(path: string, descriptor: number): void {
    const { dev, ino, birthtimeMs, size } = fstatSync(descriptor)
    const mark = `${dev}:${ino}:${birthtimeMs}`
    if (mark === this.#mark && size >= this.#position) return
    this.#mark = mark
    this.#position = 0
    this.#rest = ''
    this.#sum = 0
    this.#epoch += 1
    this.#claims.clear()
    if (this.#own !== 0) this.#write(path, descriptor, this.#own, this.#own)
  }

  #write(path: string, descriptor: number, change: number, claimed: number): void {
    const line = `${this.#key} ${change} ${claimed}\n`
    if (writeSync(descriptor, line) === line.length) return
    // On a full disk a line may be cut off, and the next would go on in it.
    remove(path)
    throw refusal('full')
  }

  #readOn(descriptor: number): void {
    const buffer = Buffer.allocUnsafe(4096)
    for (;;) {
      const octets = readSync(descriptor, buffer, 0, buffer.length, this.#position)
      if (octets === 0) return
      this.#position += octets
      const lines = (this.#rest + buffer.toString('latin1', 0, octets)).split('\n')
      this.#rest = lines.pop() ?? ''
      for (const line of lines) this.#take(line)
    }
  }

  #take(line: string): void {
    const [, key, change, claimed] = linePattern.exec(line) ?? []
    // What is no change was written by somebody else, and may stand in the place of one.
    if (key === undefined) {
      this.#epoch += 1
      return
    }
    this.#sum += Number(change)
    const all = (this.#claims.get(key) ?? 0) + Number(claimed)
    if (all === 0) this.#claims.delete(key)
    else this.#claims.set(key, all)
  }
}

const flags = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | (constants.O_NOFOLLOW ?? 0)

const opened = (path: string): number => {
  const descriptor = openedOrNull(path) ?? openedAnew(path)
  if (fstatSync(descriptor).size <= largestOctets) return descriptor
  closeSync(descriptor)
  remove(path)
  return opened(path)
}

const openedOrNull = (path: string): number | null => {
  try {
    return openSync(path, flags, 0o600)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
    return null
  }
}

const openedAnew = (path: string): number => {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
  return openSync(path, flags, 0o600)
}

const remove = (path: string): void => {
  try {
    unlinkSync(path)
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
  }
}
