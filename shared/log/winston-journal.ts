import { join } from 'node:path'
import winston from 'winston'
import Transport from 'winston-transport'
import { Appender, type AppenderEvents, type JournalHealth, together } from './appender.ts'
import type { Journal, JournalOptions, LineFile } from './journal.ts'
import type { Fields, Level, Log } from './log.ts'
import { escapeControls, isoTime, jsonFields, jsonText, plainLine } from './render.ts'

/** From the most serious to the least. */
const levels: Readonly<Record<Level, number>> = { error: 0, warn: 1, info: 2, debug: 3 }

/** A record on its way through winston. */
interface Info {
  readonly level: Level
  /** The line for the file. */
  readonly message: string
  readonly event: string
  readonly fields: Fields
  readonly timeMs: number
}

/** winston's last station: hands the lines to the appender. */
class FileTransport extends Transport {
  readonly #appender: Appender
  /** What was given to winston's stream, which holds some back after a burst, and is not with the appender. */
  #awaited: Info[] = []
  #given = 0
  #arrived = 0
  #whenArrived: (() => void) | null = null

  constructor(appender: Appender) {
    super()
    this.#appender = appender
  }

  /** This one goes into winston's stream now. */
  await(info: Info): void {
    this.#awaited.push(info)
    this.#given += 1
  }

  override log(info: Info, next: () => void): void {
    // Records keep their order; one that is not there was fetched before it came.
    const at = this.#awaited.indexOf(info)
    for (const { message } of this.#awaited.splice(0, at + 1)) this.#appender.add(message)
    this.#arrived += 1
    this.#whenArrived?.()
    next()
  }

  /** Whether all records are with the appender. */
  get hasAll(): boolean {
    return this.#awaited.length === 0
  }

  /** Hands the appender now what is still on its way. */
  fetch(): void {
    for (const { message } of this.#awaited) this.#appender.add(message)
    this.#awaited = []
  }

  /** Resolves when all that was given until now came through winston's stream. */
  async allArrived(): Promise<void> {
    const given = this.#given
    while (this.#arrived < given) {
      await new Promise<void>((resolve) => {
        this.#whenArrived = resolve
      })
    }
    this.#whenArrived = null
  }
}

/** Shows records to people, on stdout. */
class ConsoleTransport extends Transport {
  readonly #service: string
  readonly #colourful = process.stdout.isTTY === true && process.env['NO_COLOR'] === undefined
  #gone = false

  constructor(service: string) {
    super({ level: 'info' })
    this.#service = service
    // Nobody reads any more (`havre start | head`): the files go on.
    process.stdout.on('error', this.#stop)
  }

  readonly #stop = () => {
    this.#gone = true
  }

  override log(info: Info, next: () => void): void {
    if (!this.#gone) process.stdout.write(`${plainLine({ ...info, service: this.#service }, this.#colourful)}\n`)
    next()
  }

  override close(): void {
    process.stdout.off('error', this.#stop)
  }
}

/**
 * Opens the logs of one service: `<service>.log`, JSON lines, through winston, and the field's own formats beside it. Nothing is
 * waited for; a file that cannot be written never stops the service: stderr says so once, and when it can be written again a
 * record `log.dropped` counts what is missing.
 */
export const openJournal = (options: JournalOptions): Promise<Journal> => Promise.resolve(new WinstonJournal(options))

class WinstonJournal implements Journal {
  readonly log: Log
  readonly #options: JournalOptions
  /** Its name as JSON. */
  readonly #service: string
  #folder: string
  readonly #logger: winston.Logger
  readonly #transport: FileTransport
  readonly #main: Appender
  readonly #files = new Map<'access' | 'transfer', Appender>()
  #level: Level
  #open = true
  #closing: Promise<void> | null = null

  constructor(options: JournalOptions) {
    this.#options = options
    this.#folder = options.folder
    this.#level = options.level
    this.#main = this.#appender(this.#mainName)
    this.#transport = new FileTransport(this.#main)
    this.#logger = winston.createLogger({
      levels,
      level: options.level,
      // The line is made once, for the file; nothing is left for winston to render.
      format: { transform: (info) => info },
      transports: [this.#transport, ...(options.console ? [new ConsoleTransport(options.service)] : [])],
    })
    this.#service = jsonText(options.service)
    this.log = new BoundLog(this, {})
    process.on('exit', this.#lastWrite)
  }

  lines(kind: 'access' | 'transfer'): LineFile {
    const appender = this.#files.get(kind) ?? this.#appender(this.#lineFileName(kind))
    this.#files.set(kind, appender)
    return { write: (line) => appender.add(escapeControls(line)) }
  }

  get health(): JournalHealth {
    return together(this.#appenders().map(({ health }) => health))
  }

  settle(): void {
    this.#transport.fetch()
    for (const file of this.#files.values()) file.settle()
    this.#main.settle()
  }

  async flush(): Promise<void> {
    await this.#transport.allArrived()
    // The journal's own file last: what happened to the others is a record in it.
    for (const file of this.#files.values()) file.flush()
    await this.#transport.allArrived()
    this.#main.flush()
  }

  keepFrom(level: Level): void {
    this.#level = level
    this.#logger.level = level
  }

  reopen(): void {
    for (const appender of this.#appenders()) appender.reopen()
  }

  moveTo(folder: string): void {
    if (folder === this.#folder) return
    this.#folder = folder
    for (const [kind, file] of this.#files) file.moveTo(join(folder, this.#lineFileName(kind)))
    this.#main.moveTo(join(folder, this.#mainName))
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.flush()
    this.#open = false
    this.#logger.close()
    for (const appender of this.#appenders()) appender.close()
    process.off('exit', this.#lastWrite)
  }

  get #mainName(): string {
    return `${this.#options.service}.log`
  }

  #lineFileName(kind: 'access' | 'transfer'): string {
    return `${this.#options.service}.${kind}.log`
  }

  /** The journal's own file last: what happens to the others is a record in it. */
  #appenders(): readonly Appender[] {
    return [...this.#files.values(), this.#main]
  }

  /** Whether records of this level are kept. */
  keeps(level: Level): boolean {
    return levels[level] <= levels[this.#level]
  }

  /** Writes a record. @param bound fields that all records of its log have @param boundJson the same as they are written */
  record(level: Level, event: string, fields: Fields | undefined, bound: Fields, boundJson: string): void {
    if (!this.#open) return
    const timeMs = Date.now()
    const tail =
      fields === undefined
        ? boundJson
        : clashes(bound, fields)
          ? jsonFields({ ...bound, ...fields })
          : boundJson + jsonFields(fields)
    const message = `{"time":"${isoTime(timeMs)}","level":"${level}","service":${this.#service},"event":${jsonText(event)}${tail}}`
    if (this.#goesDirectly(level)) this.#main.add(message)
    else this.#goThroughWinston({ level, message, event, fields: { ...bound, ...fields }, timeMs })
  }

  /**
   * The many records of a busy service need nothing of winston: without it they cost half. Not while records before them are still in
   * winston's stream: the file keeps their order.
   */
  #goesDirectly(level: Level): boolean {
    return levels[level] >= levels.info && !this.#options.console && this.#transport.hasAll
  }

  #goThroughWinston(info: Info): void {
    this.#transport.await(info)
    this.#logger.write(info)
  }

  #appender(name: string): Appender {
    const path = () => join(this.#folder, name)
    const events: AppenderEvents = {
      failing: (error) =>
        say(
          `the log ${path()} cannot be written (${error.code ?? error.message}); the service goes on, its records wait or are dropped until it can`,
        ),
      recovered: (dropped) => {
        if (dropped > 0) recordsDropped(this.log, name, dropped)
      },
      lost: (dropped) => say(`the log ${path()} could not be written: ${dropped} record(s) are lost`),
    }
    return new Appender(path(), events)
  }

  /** A process that ends without closing its journal still leaves what it had to say. */
  readonly #lastWrite = () => {
    this.#transport.fetch()
    for (const appender of this.#appenders()) appender.flush()
  }
}

/** A log whose records all carry some fields. There is one for each connection: what is written of them is made once they are written. */
class BoundLog implements Log {
  readonly #journal: WinstonJournal
  readonly #bound: Fields
  #json: string | null = null

  constructor(journal: WinstonJournal, bound: Fields) {
    this.#journal = journal
    this.#bound = bound
  }

  keeps(level: Level): boolean {
    return this.#journal.keeps(level)
  }

  with(fields: Fields): Log {
    return new BoundLog(this.#journal, { ...this.#bound, ...fields })
  }

  write(level: Level, event: string, fields?: Fields): void {
    if (!this.#journal.keeps(level)) return
    this.#json ??= jsonFields(this.#bound)
    this.#journal.record(level, event, fields, this.#bound, this.#json)
  }
}

/** Whether a field of the event is a bound one too: then it may be named once only. Those that are bound are the fewer ones. */
const clashes = (bound: Fields, fields: Fields): boolean => {
  for (const name in bound) if (Object.hasOwn(fields, name)) return true
  return false
}

/** A log could not be written for a while, and so many records did not find room meanwhile. */
const recordsDropped = (log: Log, file: string, records: number): void => log.write('error', 'log.dropped', { file, records })

const say = (text: string): void => {
  process.stderr.write(`havre: ${text}\n`)
}
