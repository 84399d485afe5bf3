/**
 * Writes an mbox in the form *mboxrd*, which is the one that can be read back without a doubt. A new file has a temporary name until it is
 * whole; behind a file that is there the messages come under the lock that mail programs share, and go again when it fails.
 */
import { randomBytes } from 'node:crypto'
import { type FileHandle, open, rename, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { syncFolder } from '../../../shared/files/sync-folder.ts'
import { PermanentError } from '../../../shared/service.ts'
import type { FolderWriter, OutgoingMessage } from '../folder.ts'
import { surveyOf, withLineFeeds } from '../line-ends.ts'
import { fromLine, parseFromLine } from './from-line.ts'
import { markLines } from './mark.ts'
import { quoted } from './quoting.ts'

/** Octets that go to the file together. */
const blockOctets = 256 * 1024

/** How often, and for how long, the lock of another program is waited for. */
const lockTryMs = 250
const lockTries = 40

/** How it is written. */
export interface MboxOptions {
  /** Behind the messages that are there. */
  readonly append: boolean
  /** Without the lines that only Havre reads. */
  readonly plain: boolean
}

/** Opens it. @throws {PermanentError} what is there is no mbox; the system's errors */
export const writeMbox = async (path: string, { append, plain }: MboxOptions): Promise<FolderWriter> => {
  if (append) return appended(path, plain)
  const temporary = `${path}.havre-${randomBytes(6).toString('hex')}`
  const file = await open(temporary, 'wx', 0o600)
  return new MboxWriter(file, plain, {
    finished: async () => {
      await rename(temporary, path)
      await syncFolder(dirname(path))
    },
    abandoned: () => unlink(temporary),
  })
}

const appended = async (path: string, plain: boolean): Promise<FolderWriter> => {
  const lock = await locked(path)
  try {
    const file = await open(path, 'r+')
    const { size } = await file.stat()
    const start = Buffer.alloc(5)
    const end = Buffer.alloc(2)
    await file.read(start, 0, 5, 0)
    await file.read(end, 0, 2, Math.max(0, size - 2))
    if (size > 0 && start.toString('latin1') !== 'From ') {
      await file.close()
      throw new PermanentError(`${path} is no mbox: it does not begin with "From "`)
    }
    const gap = size === 0 || end.toString('latin1') === '\n\n' ? '' : end[1] === 0x0a ? '\n' : '\n\n'
    const writer = new MboxWriter(file, plain, {
      finished: () => unlink(lock),
      abandoned: async () => {
        const again = await open(path, 'r+')
        await again.truncate(size)
        await again.close()
        await unlink(lock)
      },
    })
    await writer.begin(gap, size)
    return writer
  } catch (error) {
    await unlink(lock)
    throw error
  }
}

/** Mail programs hold a file by `FILE.lock` beside it. @returns its path */
const locked = async (path: string): Promise<string> => {
  const lock = `${path}.lock`
  for (let tries = 1; ; tries += 1) {
    try {
      await (await open(lock, 'wx', 0o600)).close()
      return lock
    } catch (error) {
      const isThere = error instanceof Error && 'code' in error && error.code === 'EEXIST'
      if (!isThere) throw error
      if (tries === lockTries) throw new Error(`another program holds ${path}: ${lock} is there`, { cause: error })
      await sleep(lockTryMs)
    }
  }
}

interface Ends {
  finished(): Promise<void>
  abandoned(): Promise<void>
}

class MboxWriter implements FolderWriter {
  readonly #file: FileHandle
  readonly #plain: boolean
  readonly #ends: Ends
  #block: Buffer[] = []
  #blockOctets = 0
  #position = 0

  constructor(file: FileHandle, plain: boolean, ends: Ends) {
    this.#file = file
    this.#plain = plain
    this.#ends = ends
  }

  /** Where to begin, and what comes before the first message. */
  async begin(gap: string, position: number): Promise<void> {
    this.#position = position
    await this.#write(Buffer.from(gap))
  }

  async add(message: OutgoingMessage): Promise<void> {
    const { receivedAt, sender, flags, utf8 } = message
    const { isCanonical, isOpen } = await surveyOf(message.open())
    const line = fromLine(sender, receivedAt)
    const named = parseFromLine(line.trimEnd())?.sender ?? ''
    const mark = { receivedAt, sender, flags, utf8, asIs: !isCanonical, isOpen }
    await this.#write(Buffer.from(this.#plain ? line : line + markLines(mark, named)))
    const octets = isCanonical ? withLineFeeds(message.open()) : message.open()
    for await (const chunk of quoted(octets)) await this.#write(chunk)
    // The empty line behind each message is no part of it.
    await this.#write(Buffer.from(isOpen ? '\n\n' : '\n'))
  }

  async finish(): Promise<void> {
    await this.#flush()
    await this.#file.sync()
    await this.#file.close()
    await this.#ends.finished()
  }

  async abandon(): Promise<void> {
    await this.#file.close().catch(() => undefined)
    await this.#ends.abandoned().catch(() => undefined)
  }

  async #write(octets: Buffer): Promise<void> {
    if (octets.length === 0) return
    this.#block.push(octets)
    this.#blockOctets += octets.length
    if (this.#blockOctets >= blockOctets) await this.#flush()
  }

  async #flush(): Promise<void> {
    const octets = Buffer.concat(this.#block)
    this.#block = []
    this.#blockOctets = 0
    for (let done = 0; done < octets.length; ) {
      const { bytesWritten } = await this.#file.write(octets, done, octets.length - done, this.#position)
      done += bytesWritten
      this.#position += bytesWritten
    }
  }
}
