/**
 * Writes a Maildir. Each message is written to `tmp/` and synced; when all of them are there, they are moved to `new/` (no flags) and
 * `cur/`. So what ends in the middle leaves nothing that a mail program would show.
 */
import { mkdir, open, readdir, rename, rmdir, unlink } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { syncFolder } from '../../../shared/files/sync-folder.ts'
import type { FolderWriter, OutgoingMessage } from '../folder.ts'
import { returnPathOf } from '../head-facts.ts'
import { inOrder } from '../in-order.ts'
import { surveyOf, withLineFeeds } from '../line-ends.ts'
import { nameFor, parseName } from './name.ts'
import { senderLine, sendersFile, sendersText } from './senders-file.ts'

/** Files that are written at a time: syncs of several files share what the disk does. */
const mostAtOnce = 32

interface Written {
  readonly base: string
  readonly flags: string
  /** Where it lies now. */
  path: string
}

const folders = ['tmp', 'new', 'cur'] as const

/**
 * Begins a Maildir at a path where nothing is, or an empty folder; or goes on with one that is there.
 * @throws the system's errors
 */
export const writeMaildir = async (path: string): Promise<FolderWriter> => {
  const made: string[] = []
  for (const folder of [path, ...folders.map((name) => join(path, name))])
    if ((await mkdir(folder, { recursive: true, mode: 0o700 })) !== undefined) made.push(folder)
  return new MaildirWriter(path, made, await lastPlace(path))
}

/** The highest place that a message of ours has there. */
const lastPlace = async (path: string): Promise<number> => {
  let last = 0
  for (const folder of ['new', 'cur'])
    for (const name of await readdir(join(path, folder), 'latin1')) last = Math.max(last, parseName(name).own?.place ?? 0)
  return last
}

class MaildirWriter implements FolderWriter {
  readonly #path: string
  /** Folders that were not there before, outermost first. */
  readonly #made: readonly string[]
  readonly #written: Written[] = []
  readonly #running = new Set<Promise<void>>()
  #place: number
  #failure: Error | null = null
  #senders = ''

  constructor(path: string, made: readonly string[], place: number) {
    this.#path = path
    this.#made = made
    this.#place = place
  }

  async add(message: OutgoingMessage): Promise<void> {
    if (this.#failure !== null) throw this.#failure
    this.#place += 1
    const writing = this.#write(message, this.#place).catch((error: Error) => {
      this.#failure ??= error
    })
    this.#running.add(writing)
    void writing.then(() => this.#running.delete(writing))
    if (this.#running.size >= mostAtOnce) await Promise.race(this.#running)
  }

  async finish(): Promise<void> {
    await Promise.all(this.#running)
    if (this.#failure !== null) throw this.#failure
    await this.#writeSenders()
    for await (const _ of inOrder(this.#written, mostAtOnce, (written) => this.#show(written)));
    for (const folder of [...folders.map((name) => join(this.#path, name)), this.#path]) await syncFolder(folder)
    if (this.#made.includes(this.#path)) await syncFolder(dirname(this.#path))
  }

  async abandon(): Promise<void> {
    await Promise.all(this.#running)
    for (const { path } of this.#written) await unlink(path).catch(() => undefined)
    for (const folder of [...this.#made].reverse()) await rmdir(folder).catch(() => undefined)
  }

  async #write(message: OutgoingMessage, place: number): Promise<void> {
    const { receivedAt, sender, flags, utf8 } = message
    const { isCanonical, octets, bareLineFeeds, head } = await surveyOf(message.open())
    const ownSender = (returnPathOf(head) ?? '') !== sender
    const temporary = join(this.#path, 'tmp', `${place}.havre.${process.pid}.${Date.now()}`)
    const file = await open(temporary, 'wx', 0o600)
    const written: Written = { base: '', flags, path: temporary }
    this.#written.push(written)
    let size = 0
    try {
      for await (const chunk of isCanonical ? withLineFeeds(message.open()) : message.open()) {
        await file.writeFile(chunk)
        size += chunk.length
      }
      // Programs that show when a message arrived take the time of its file.
      await file.utimes(receivedAt, receivedAt)
      await file.sync()
    } finally {
      await file.close()
    }
    const sizes = { file: size, wire: octets + bareLineFeeds }
    const base = nameFor(receivedAt, sizes, { place, asIs: !isCanonical, utf8, sender: ownSender })
    if (ownSender) this.#senders += senderLine(base, sender)
    Object.assign(written, { base })
  }

  async #show(written: Written): Promise<void> {
    const { base, flags } = written
    const path = flags === '' ? join(this.#path, 'new', base) : join(this.#path, 'cur', `${base}:2,${flags}`)
    await rename(written.path, path)
    written.path = path
  }

  async #writeSenders(): Promise<void> {
    if (this.#senders === '') return
    const temporary = join(this.#path, 'tmp', `${sendersFile}.${process.pid}.${Date.now()}`)
    const file = await open(temporary, 'wx', 0o600)
    try {
      await file.writeFile((await sendersText(this.#path)) + this.#senders)
      await file.sync()
    } finally {
      await file.close()
    }
    await rename(temporary, join(this.#path, sendersFile))
  }
}
