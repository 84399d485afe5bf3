/** What running processes write, name, sync and say, in the order in which it happens: strace, attached to them and read. */
import { type ChildProcess, spawn } from 'node:child_process'
import { createReadStream, readdirSync } from 'node:fs'
import { createInterface } from 'node:readline'

/** One thing that a process did. Names are those of the file when it was opened. */
export type DiskEvent =
  /** Octets of a file; in memory until the file is synced. */
  | { readonly kind: 'write'; readonly file: string; readonly offset: number; readonly octets: Buffer }
  | { readonly kind: 'truncate'; readonly file: string; readonly length: number }
  /** A sync begins: what was written before it is on disk when it is over. */
  | { readonly kind: 'sync-begins'; readonly file: string; readonly thread: string }
  | { readonly kind: 'sync-over'; readonly file: string; readonly thread: string; readonly ok: boolean }
  | { readonly kind: 'removed'; readonly file: string }
  /** A name was opened that may have been made by that; emptied says whether what was there is gone. */
  | { readonly kind: 'made'; readonly file: string; readonly emptied: boolean }
  | { readonly kind: 'folder-made'; readonly file: string }
  | { readonly kind: 'folder-removed'; readonly file: string }
  | { readonly kind: 'renamed' | 'linked'; readonly file: string; readonly to: string }
  /** Octets that the system copied, to the same place of another file. */
  | { readonly kind: 'copied'; readonly file: string; readonly to: string; readonly offset: number; readonly octets: number }
  /** Octets that go to a client; the port is the client's. */
  | { readonly kind: 'said'; readonly port: number; readonly text: string }

const calls = [
  ...['pwrite64', 'pwritev', 'pwritev2', 'write', 'writev', 'sendto', 'sendmsg', 'ftruncate', 'fsync', 'fdatasync', 'fallocate'],
  ...['unlink', 'unlinkat', 'rename', 'renameat2', 'openat', 'mkdir', 'rmdir', 'link', 'copy_file_range', 'sendfile', 'ioctl'],
].join(',')

/** A page of a database and more, or what an upload writes at once: what is longer would be cut. */
const mostOctets = 1_100_000

const octetsOf = (escaped: string): Buffer => Buffer.from(escaped.replaceAll('\\x', ''), 'hex')
const textOf = (escaped: string): string => octetsOf(escaped).toString()

/** A call at its begin: thread, name, descriptor with what it leads to, the rest. */
const begun =
  /^(?<thread>\d+) +(?<name>\w+)\((?:(?<fd>\d+)<(?<place>TCP(?:v6)?:\[[^\]]*(?:\][^\]]*)*?\]|(?:\\x[\da-f]{2})*|[^>]*)>)?(?<rest>.*)$/
const resumed = /^(?<thread>\d+) +<\.\.\. (?<name>\w+) resumed>(?<rest>.*)$/
const result = / = (?<value>-?\d+)(?:<(?<place>[^>]*)>)?(?: E[A-Z0-9]+ .*| \(.*)?$/
const stringOf = (rest: string): string => /"(?<escaped>(?:\\x[\da-f]{2})*)"(?<cut>\.\.\.)?/.exec(rest)?.groups?.['escaped'] ?? ''
const stringsOf = (rest: string): string[] =>
  [...rest.matchAll(/"((?:\\x[\da-f]{2})*)"/g)].map(([, escaped]) => textOf(escaped ?? ''))

/** Cuts are failures: the replay would be of other octets. */
const wholeString = (rest: string): Buffer => {
  if (/"\.\.\./.test(rest)) throw new Error(`a write longer than ${mostOctets} octets`)
  return octetsOf(stringOf(rest))
}

const numberAt = (rest: string, pattern: RegExp): number => {
  const found = pattern.exec(rest)?.[1]
  if (found === undefined) throw new Error(`strace wrote what is not understood: ${rest.slice(0, 200)}`)
  return Number(found)
}

const unfinished = / <unfinished \.\.\.>$/

/** One call, its two halves put together where others came between them. */
interface Call {
  readonly thread: string
  readonly name: string
  /** What its descriptor leads to, escaped. */
  readonly place: string
  readonly rest: string
}

const isSync = (name: string): boolean => name === 'fsync' || name === 'fdatasync'

/** What a descriptor led to when it was decoded, without what the system says of a file that has no name any more. */
const pathOf = (place: string): string => (place.startsWith('\\x') ? textOf(place).replace(/ ?\(deleted\)$/, '') : '')

/** Reads the lines of strace for what happens below one folder. */
class Lines {
  readonly #folder: string
  /** The process of each thread: descriptors are a process's. */
  readonly #processes: ReadonlyMap<string, number>
  readonly #unfinished = new Map<string, Call>()
  readonly #opened = new Map<string, string>()

  constructor(folder: string, processes: ReadonlyMap<string, number>) {
    this.#folder = folder
    this.#processes = processes
  }

  *events(line: string): Generator<DiskEvent> {
    const end = resumed.exec(line)?.groups
    if (end !== undefined) {
      const { thread = '', rest = '' } = end
      const call = this.#unfinished.get(thread)
      this.#unfinished.delete(thread)
      if (call !== undefined) yield* this.#over({ ...call, rest: `${call.rest}${rest}` })
      return
    }
    const groups = begun.exec(line)?.groups
    if (groups === undefined) return
    const { thread = '', name = '', place = '', rest = '' } = groups
    const isOpen = unfinished.test(rest)
    const call = { thread, name, place, rest: rest.replace(unfinished, '') }
    yield* this.#begins(call)
    if (isOpen) this.#unfinished.set(thread, call)
    else yield* this.#over(call)
  }

  /** What may have happened from its begin on. */
  *#begins({ thread, name, place, rest }: Call): Generator<DiskEvent> {
    if (place.startsWith('TCP')) {
      if (/^(?:write|writev|sendto|sendmsg)$/.test(name))
        yield { kind: 'said', port: numberAt(place, /->.*:(\d+)\]$/), text: stringsOf(rest).join('') }
      return
    }
    const file = pathOf(place)
    if (!this.#isOurs(file)) return
    if (name === 'pwrite64')
      yield { kind: 'write', file, octets: wholeString(rest), offset: numberAt(rest, /", ?\d+, (\d+)(?:\)|$)/) }
    else if (name === 'ftruncate') yield { kind: 'truncate', file, length: numberAt(rest, /^, (\d+)/) }
    else if (isSync(name)) yield { kind: 'sync-begins', file, thread }
    else if (!['copy_file_range', 'ioctl', 'sendfile'].includes(name))
      throw new Error(`${name} on ${file}: the replay does not know it`)
  }

  /** What is certain when it is over. */
  *#over({ thread, name, place, rest }: Call): Generator<DiskEvent> {
    const { value = '-1', place: opened = '' } = result.exec(rest)?.groups ?? {}
    const ok = !value.startsWith('-')
    const file = pathOf(place)
    if (isSync(name) && this.#isOurs(file)) yield { kind: 'sync-over', file, thread, ok }
    if (!ok) return
    if (name === 'openat') yield* this.#open(thread, value, pathOf(opened), rest)
    const [from = '', to = ''] = stringsOf(rest).map((path) => this.#resolved(thread, path))
    if (name.startsWith('unlink') && this.#isOurs(from)) yield { kind: 'removed', file: from }
    if (name === 'mkdir' && this.#isOurs(from)) yield { kind: 'folder-made', file: from }
    if (name === 'rmdir' && this.#isOurs(from)) yield { kind: 'folder-removed', file: from }
    if (name.startsWith('rename') && this.#isOurs(from)) yield { kind: 'renamed', file: from, to }
    if (name === 'link' && this.#isOurs(from)) yield { kind: 'linked', file: from, to }
    if (['copy_file_range', 'sendfile', 'ioctl'].includes(name)) yield* this.#copied(name, thread, file, Number(value), rest)
  }

  *#open(thread: string, descriptor: string, file: string, rest: string): Generator<DiskEvent> {
    this.#opened.set(`${this.#processes.get(thread)} ${descriptor}`, file)
    if (this.#isOurs(file) && /\bO_CREAT\b/.test(rest)) yield { kind: 'made', file, emptied: /\bO_TRUNC\b/.test(rest) }
  }

  /** As libuv copies: all of it shared, or part by part, each to where it stood. */
  *#copied(name: string, thread: string, first: string, octets: number, rest: string): Generator<DiskEvent> {
    if (name === 'ioctl') {
      if (!this.#isOurs(first) || !rest.includes('FICLONE')) return
      const from = this.#opened.get(`${this.#processes.get(thread)} ${numberAt(rest, /FICLONE, (\d+)/)}`) ?? ''
      yield { kind: 'copied', file: from, to: first, offset: 0, octets: Number.POSITIVE_INFINITY }
      return
    }
    const second = pathOf(/\d+<([^>]*)>/.exec(rest)?.[1] ?? '')
    const [file, to] = name === 'sendfile' ? [second, first] : [first, second]
    if (this.#isOurs(to)) yield { kind: 'copied', file, to, offset: numberAt(rest, /\[(\d+)/), octets }
  }

  /** A path through a descriptor of the process, as the system follows it. */
  #resolved(thread: string, path: string): string {
    const [, descriptor, behind = ''] = /^\/proc\/self\/fd\/(\d+)(.*)$/s.exec(path) ?? []
    return descriptor === undefined ? path : `${this.#opened.get(`${this.#processes.get(thread)} ${descriptor}`) ?? ''}${behind}`
  }

  #isOurs(path: string): boolean {
    return path.startsWith(this.#folder)
  }
}

/** Turns the lines of strace into events; the file is read once. */
async function* eventsOf(file: string, folder: string, processes: ReadonlyMap<string, number>): AsyncGenerator<DiskEvent> {
  const lines = new Lines(folder, processes)
  for await (const line of createInterface({ input: createReadStream(file, 'latin1'), crlfDelay: Number.POSITIVE_INFINITY }))
    yield* lines.events(line)
}

const threadsOf = (pids: readonly number[]): ReadonlyMap<string, number> =>
  new Map(pids.flatMap((pid) => readdirSync(`/proc/${pid}/task`).map((thread) => [thread, pid] as const)))

/** strace at work. `stop` ends it. */
export interface DiskTrace {
  /** Ends the tracing; what it saw is then read. @returns events of files below `folder`, and of clients */
  stop(folder: string): AsyncGenerator<DiskEvent>
}

/** Attaches to all threads of these processes, and resolves when it has. @param file where strace writes; tens of megabytes */
export const traceDisk = async (pids: readonly number[], file: string): Promise<DiskTrace> => {
  const options = ['-f', '-yy', '-xx', '-s', String(mostOctets), '-o', file, '-e', `trace=${calls}`, '-e', 'signal=none']
  const child: ChildProcess = spawn('strace', [...options, ...pids.flatMap((pid) => ['-p', String(pid)])], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  let said = ''
  await new Promise<void>((resolve, reject) => {
    child.stderr?.on('data', (chunk: Buffer) => {
      said += chunk.toString()
      if (pids.every((pid) => new RegExp(`Process ${pid} attached`).test(said))) resolve()
    })
    child.once('error', reject)
    child.once('exit', () => reject(new Error(`strace does not attach:\n${said}`)))
  })
  return {
    async *stop(folder) {
      const processes = threadsOf(pids)
      child.kill('SIGINT')
      await ended
      yield* eventsOf(file, folder, processes)
    },
  }
}
