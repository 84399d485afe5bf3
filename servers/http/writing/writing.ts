/** PUT, DELETE and MKCOL of an account below its own `/~account/` (RFC 9110 §9.3.4, §9.3.5; RFC 4918 §9.3), beside what reads there. */
import { posix } from 'node:path'
import { performance } from 'node:perf_hooks'
import { DeskError } from '../../../shared/accounts/desk.ts'
import { idleClock } from '../../../shared/clock.ts'
import { accountFiles } from '../../../shared/config/account-files.ts'
import type { FileSettings } from '../../../shared/config/settings.ts'
import { AccountTransfers, type TransferPlace } from '../../../shared/files/account-transfers.ts'
import { FileError, type FileStat, type FileStore, type Upload } from '../../../shared/files/file-store.ts'
import type { Journal } from '../../../shared/log/journal.ts'
import { ContentBroken, ContentTooLarge } from '../content.ts'
import { httpDate } from '../dates.ts'
import type { Handler, HttpRequest } from '../handler.ts'
import { failure, type Reply, withOctets, withoutBody } from '../replies.ts'
import type { Identity } from '../routing/basic-login.ts'
import { conditionsOf } from '../static/file-request.ts'
import { leadsToHidden } from '../static/files.ts'
import { webFolder } from '../static/places.ts'
import { validatorsOf } from '../static/validators.ts'
import { pathOf } from '../target.ts'
import { tellContinue } from '../transcript.ts'
import { mayChange, onlyIfNew, type Present } from './condition.ts'
import * as journal from './journal.ts'
import { type Place, placeOf } from './place.ts'
import { receive } from './receiving.ts'
import { refused } from './refusals.ts'
import { Turns } from './turns.ts'

/** What writing goes by. */
export interface WritingOptions {
  /** What answers all other methods, and says which of them a resource takes. */
  readonly reading: Handler
  readonly identify: (request: HttpRequest) => Promise<Identity>
  /** The home of an account. @throws {FileError} */
  readonly home: (account: string) => Promise<FileStore>
  /** Waits until nobody else, in whichever process, changes the file: its account and its path in the home. */
  readonly turn: (file: string) => Promise<Disposable>
  readonly settings: FileSettings
  readonly maxContentOctets: number
  readonly journal: Pick<Journal, 'settle'>
  /** Whether a name is never served, by the setting `hide`. */
  readonly isHidden: (name: string) => boolean
}

const methods = ['PUT', 'DELETE', 'MKCOL'] as const
type Method = (typeof methods)[number]
const isChange = (method: string): method is Method => methods.some((name) => name === method)

/** From so much on it is asked beforehand whether there is room: who sends less hears of it soon enough. */
const roomAskedOctets = 64 * 1024

/** The state changed between the look at it and the change. */
class ConditionFailed extends Error {
  override readonly name = 'ConditionFailed'
}

/** A change that may be made as far as its account goes. */
interface Task extends Place {
  readonly request: HttpRequest
  readonly files: FileStore
}

/** Wraps what reads, and adds the methods that change. Holds nothing that needs an end. */
export class Writing implements Handler {
  readonly #options: WritingOptions
  readonly #transfers: AccountTransfers
  readonly #turns: Turns

  constructor(options: WritingOptions) {
    this.#options = options
    this.#turns = new Turns(options.turn)
    this.#transfers = new AccountTransfers((account) => accountFiles(options.settings, account), idleClock)
  }

  allow(request: HttpRequest): readonly string[] | null {
    const read = this.#options.reading.allow(request)
    const place = placeOf(request.target, webFolder)
    return read === null || place === null ? read : [...read, ...changesOf(place)]
  }

  answer(request: HttpRequest): Reply | Promise<Reply> {
    const { method } = request.exchange
    return isChange(method) ? this.#change(method, request) : this.#options.reading.answer(request)
  }

  async #change(method: Method, request: HttpRequest): Promise<Reply> {
    const place = placeOf(request.target, webFolder)
    if (place === null) return failure(404, request.asker)
    const identity = request.account === null ? await this.#options.identify(request) : { account: request.account }
    if ('reply' in identity) return identity.reply
    return { ...(await this.#changeBy(identity.account, method, request, place)), account: identity.account }
  }

  async #changeBy(account: string, method: Method, request: HttpRequest, place: Place): Promise<Reply> {
    const { asker } = request
    if (account !== place.account)
      return failure(403, asker, { detail: 'An account may change what is its own, and nothing else.' })
    if (leadsToHidden(place.names) || place.names.some(this.#options.isHidden))
      return failure(403, asker, { detail: 'A file of this name would never be shown.' })
    try {
      const task = { ...place, request, files: await this.#options.home(place.account) }
      if (method === 'PUT') return await this.#put(task)
      using _turn = await this.#turns.take(fileOf(place))
      return await (method === 'DELETE' ? this.#remove(task) : this.#makeFolder(task))
    } catch (error) {
      if (error instanceof ConditionFailed) return failure(412, asker)
      // Somebody else was faster.
      if (error instanceof FileError && error.code === 'exists' && onlyIfNew(conditionsOf(request.exchange)))
        return failure(412, asker)
      // It has too much to do, or is gone; nothing has changed.
      if (error instanceof DeskError) return { ...failure(503, asker, { fields: ['Retry-After', '5'] }), cause: error }
      if (error instanceof FileError) return refused(error, method === 'DELETE' ? 'removing' : 'adding', asker)
      throw error
    }
  }

  async #put(task: Task): Promise<Reply> {
    const { request, files, path } = task
    const { exchange, asker, connection } = request
    const unfit = refusalOfContent(request, this.#options.maxContentOctets)
    if (unfit !== null) return unfit
    const before = await presentAt(files, path)
    if (before.kind === 'folder') return this.#notHere(task, ['DELETE'])
    if (!(await hasRoom(files, exchange.declaredOctets ?? 0, before)))
      return failure(507, asker, { detail: 'There is no room for so much.' })
    // RFC 9110 §15.5.12. No content is an empty file only where the client says so: with Content-Length (§8.6), or with END_STREAM, which in
    // HTTP/2 somebody has set. A request of HTTP/1 has no content because nothing was said of it.
    if (exchange.declaredOctets === null && exchange.content === null && exchange.version !== '2')
      return failure(411, asker, { detail: 'Say with Content-Length how long the file is, and 0 for an empty one.' })
    if (!mayChange(conditionsOf(exchange), before, Date.now())) return notNow(task)
    const transfer = this.#transfers.enter(task.account, 'upload')
    if (typeof transfer === 'number') {
      const detail = `The account has ${transfer} transfers under way, as many as it may.`
      return failure(429, asker, { detail, fields: ['Retry-After', '5'] })
    }
    try {
      using _busy = connection.busy()
      return await this.#store(task, transfer)
    } finally {
      transfer.leave()
      // What nobody wants any more is dropped.
      exchange.content?.destroy()
    }
  }

  /** The file has its name, whole and durable, and is on record before 201 or 204 is said; else nothing has changed. */
  async #store(task: Task, transfer: TransferPlace): Promise<Reply> {
    const { request, files, path, names } = task
    const { exchange, asker, connection } = request
    const startedAt = performance.now()
    const upload = await begin(files, path, names.length === 1, onlyIfNew(conditionsOf(exchange)))
    try {
      const { content } = exchange
      if (content !== null) {
        if (connection.transcript !== null) tellContinue(connection.transcript, exchange)
        exchange.continue()
        await receive(content, upload, {
          maxOctets: this.#options.maxContentOctets,
          declaredOctets: exchange.declaredOctets,
          paid: (octets) => transfer.pace?.pay(octets, connection.signal, () => connection.touch()),
        })
      }
      const octets = upload.octets
      const { stat, created } = await publish(task, upload, this.#turns)
      const durationMs = Math.round(performance.now() - startedAt)
      journal.stored(connection.log, { ...changeOf(task), octets, created, durationMs })
      this.#options.journal.settle()
      // What is stored is what was sent, octet for octet, so its validators may be told (RFC 9110 §9.3.4).
      const fields = stat === null ? [] : validatorFields(stat)
      return created ? made(fields) : withoutBody(204, fields)
    } catch (error) {
      const { octets } = upload
      await upload.abort()
      const reason = error instanceof FileError ? error.code : error instanceof Error ? error.name : 'unknown'
      journal.notStored(connection.log, { ...changeOf(task), octets, reason })
      if (error instanceof ContentBroken)
        return failure(error.status ?? 400, asker, {
          detail: 'The content broke off. What was there before is as it was.',
          ...(error.status === 408 ? { limit: 'request' } : {}),
        })
      if (error instanceof ContentTooLarge) return tooLarge(request, this.#options.maxContentOctets)
      throw error
    }
  }

  async #remove(task: Task): Promise<Reply> {
    const { request, files, path, names, folder } = task
    if (names.length === 0) return failure(403, request.asker, { detail: 'The web folder of an account stays.' })
    const present = await presentAt(files, path)
    if (present.kind === 'nothing' || (folder && present.kind === 'file')) return failure(404, request.asker)
    if (!mayChange(conditionsOf(request.exchange), present, Date.now())) {
      // RFC 9110 §13.2.1: what would be refused anyway is refused for that.
      if (present.kind === 'folder') for await (const _ of files.list(path)) throw new FileError('not-empty', 'it has entries')
      return failure(412, request.asker)
    }
    if (present.kind === 'folder') {
      await files.removeFolder(path)
      journal.folderRemoved(request.connection.log, changeOf(task))
    } else {
      await files.remove(path)
      journal.fileRemoved(request.connection.log, changeOf(task))
    }
    this.#options.journal.settle()
    return withoutBody(204, [])
  }

  async #makeFolder(task: Task): Promise<Reply> {
    const { request, files, path, names } = task
    const { exchange, asker } = request
    // RFC 4918 §9.3.1: what the content of an MKCOL would mean is not defined here.
    const { content } = exchange
    if (content !== null) {
      content.destroy()
      return failure(415, asker, { detail: 'MKCOL takes no content.' })
    }
    const present = await presentAt(files, path)
    if (present.kind !== 'nothing') return this.#notHere(task, present.kind === 'file' ? ['PUT', 'DELETE'] : ['DELETE'])
    if (!mayChange(conditionsOf(exchange), present, Date.now())) return notNow(task)
    if (names.length === 1) await makeWebFolder(files)
    await files.makeFolder(path)
    journal.folderMade(request.connection.log, changeOf(task))
    this.#options.journal.settle()
    return made(['Location', pathOf(request.target.segments, true)])
  }

  /** 405: by what is there now, the method cannot be carried out. */
  #notHere({ request }: Task, changes: readonly Method[]): Reply {
    const allowed = [...(this.#options.reading.allow(request) ?? []), ...changes, 'OPTIONS']
    const detail = request.exchange.method === 'PUT' ? 'It is a folder.' : 'The name is taken.'
    return failure(405, request.asker, { detail, fields: ['Allow', allowed.join(', ')] })
  }
}

const fileOf = ({ account, path }: Place): string => `${account}${path}`

/** What may be done at a place, by its address alone. */
const changesOf = ({ names, folder }: Place): readonly Method[] =>
  names.length === 0 ? ['MKCOL'] : folder ? ['DELETE', 'MKCOL'] : methods

const changeOf = ({ account, request }: Task): journal.Change => ({
  account,
  path: pathOf(request.target.segments, request.target.folder),
  request: request.id,
})

const made = (fields: readonly string[]): Reply => withOctets(201, fields, Buffer.alloc(0))

const tooLarge = ({ asker }: HttpRequest, octets: number): Reply =>
  failure(413, asker, { detail: `At most ${octets} octets are taken.`, limit: 'maxContent' })

/** What is wrong with the content, as its head tells (RFC 9110 §9.3.4, §14.5, §15.5.14, §15.5.16). */
const refusalOfContent = (request: HttpRequest, maxOctets: number): Reply | null => {
  const { exchange, asker } = request
  if (exchange.field('content-range') !== undefined)
    return failure(400, asker, { detail: 'A file is stored whole: PUT takes no Content-Range.' })
  const coding = exchange.field('content-encoding')?.trim().toLowerCase()
  if (coding !== undefined && coding !== '' && coding !== 'identity')
    return failure(415, asker, {
      detail: 'A file is stored as it is: send it without Content-Encoding.',
      fields: ['Accept-Encoding', 'identity'],
    })
  return (exchange.declaredOctets ?? 0) > maxOctets ? tooLarge(request, maxOctets) : null
}

const presentAt = async (files: FileStore, path: string): Promise<Present> => {
  try {
    const stat = await files.stat(path)
    if (stat.kind === 'folder') return { kind: 'folder' }
    return { kind: 'file', validators: validatorsOf(stat, Date.now()), octets: stat.octets }
  } catch (error) {
    if (error instanceof FileError && error.code === 'missing') return { kind: 'nothing' }
    throw error
  }
}

/** 412, where the folder that it would be in is there: what would be refused anyway is refused for that (RFC 9110 §13.2.1). */
const notNow = async ({ request, files, path, names }: Task): Promise<Reply> => {
  if (names.length > 1) await files.enter(posix.dirname(path))
  return failure(412, request.asker)
}

/** Whether there may be room for so much: what an upload finds out by itself is not asked here. */
const hasRoom = async (files: FileStore, octets: number, before: Present): Promise<boolean> => {
  if (octets < roomAskedOctets) return true
  const room = await files.space()
  return room === null || octets <= room + (before.kind === 'file' ? before.octets : 0)
}

/** The first file of an account makes its web folder. */
const makeWebFolder = async (files: FileStore): Promise<void> => {
  try {
    await files.makeFolder(`/${webFolder}`)
  } catch (error) {
    if (!(error instanceof FileError) || error.code !== 'exists') throw error
  }
}

const begin = async (files: FileStore, path: string, first: boolean, onlyNew: boolean): Promise<Upload> => {
  try {
    return await files.upload(path, 'replace', { onlyNew })
  } catch (error) {
    if (!first || !(error instanceof FileError) || error.code !== 'missing') throw error
    await makeWebFolder(files)
    return files.upload(path, 'replace', { onlyNew })
  }
}

/**
 * Judges once more, when the content is durable and it has the turn, and gives it its name.
 * @returns `stat`: null where somebody else has changed it since
 * @throws {ConditionFailed}
 */
const publish = async (task: Task, upload: Upload, turns: Turns): Promise<{ stat: FileStat | null; created: boolean }> => {
  const { request, files, path } = task
  let created = false
  const stat = await upload.commit(async () => {
    using held = new DisposableStack()
    held.use(await turns.take(fileOf(task)))
    const now = await presentAt(files, path)
    if (!mayChange(conditionsOf(request.exchange), now, Date.now())) throw new ConditionFailed('changed meanwhile')
    created = now.kind === 'nothing'
    return held.move()
  })
  return { stat: await asNamed(files, path, stat), created }
}

/** A file as it is since it has its name; null where somebody else has changed or removed it already. */
const asNamed = async (files: FileStore, path: string, { unique, octets, modifiedMs }: FileStat): Promise<FileStat | null> => {
  try {
    const now = await files.stat(path)
    return now.unique === unique && now.octets === octets && now.modifiedMs === modifiedMs ? now : null
  } catch (error) {
    if (error instanceof FileError) return null
    throw error
  }
}

const validatorFields = (stat: FileStat): readonly string[] => {
  const { etag, modifiedMs } = validatorsOf(stat, Date.now())
  return ['ETag', etag, 'Last-Modified', httpDate(modifiedMs)]
}
