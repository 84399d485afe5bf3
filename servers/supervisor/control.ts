/**
 * The control socket: one line of JSON in, one line out, then it is closed. Whoever asks shows that he can read the data folder: a child
 * runs as the same user, and one that may open connections could connect here too.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { chmodSync, existsSync, lstatSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { asUser, type Identity } from '../../shared/as-user.ts'
import { PermanentError } from '../../shared/service.ts'
import { runFolder } from './lock.ts'

/** `sun_path` holds 108 octets, the last of them NUL (unix(7)). */
const maxPathOctets = 107

/** A supervisor answers a status at once; one that was stopped (SIGSTOP) or hangs never does. */
const statusMs = 10_000

/** A request is a short line; whoever sends more is no client of ours. */
const maxRequestOctets = 4_096

/** What the command line asks. */
export type Request =
  | { readonly command: 'status' }
  | { readonly command: 'reload' }
  | { readonly command: 'restart'; readonly name: string }
  | { readonly command: 'stop' }

/** The answer: what was asked for, or an exit code with the reason. */
export type Response =
  | { readonly ok: true; readonly result: unknown }
  | { readonly ok: false; readonly exitCode: number; readonly message: string }

/** Carries out a request. */
export type Answerer = (request: Request) => Promise<Response>

/** A listening control socket. */
export interface Control {
  close(): void
}

const noteFile = (data: string): string => join(runFolder(data), 'control.path')

/** What a request has to bring, new with each supervisor. */
const keyFile = (data: string): string => join(runFolder(data), 'control.key')

const newKey = (data: string): string => {
  const key = randomBytes(32).toString('hex')
  // A file of before may have been anybody's to read.
  rmSync(keyFile(data), { force: true })
  writeFileSync(keyFile(data), key, { mode: 0o600, flag: 'wx' })
  return key
}

/** Empty where no supervisor has made one. @throws {PermanentError} when it is another user's */
const keyOf = (data: string): string => {
  try {
    return readFileSync(keyFile(data), 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && denied.includes(String(error.code))) throw othersFamily(data, error)
    if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR')) return ''
    throw error
  }
}

/** Where the socket of a data folder is made: beside the lock or, where that path is too long, in a short one. */
const placeFor = (data: string): string => {
  if (process.platform === 'win32') return `\\\\.\\pipe\\havre-${createHash('sha256').update(data).digest('hex').slice(0, 16)}`
  const usual = join(runFolder(data), 'control.sock')
  if (Buffer.byteLength(usual) <= maxPathOctets) return usual
  const hash = createHash('sha256').update(data).digest('hex').slice(0, 12)
  return join(tmpdir(), `havre-${process.getuid?.() ?? 0}-${hash}`, 'control.sock')
}

/** Where to find the socket of a data folder. */
const placeOf = (data: string): string => {
  const note = noteFile(data)
  return existsSync(note) ? readFileSync(note, 'utf8').trim() : placeFor(data)
}

/** Listens. The caller holds the lock on the data folder, so a socket that is left over is nobody's. */
export const openControl = async (data: string, answer: Answerer): Promise<Control> => {
  const path = placeFor(data)
  const usual = path === join(runFolder(data), 'control.sock')
  if (usual) rmSync(noteFile(data), { force: true })
  else {
    makeOwnFolder(join(path, '..'))
    writeFileSync(noteFile(data), path, { mode: 0o600 })
  }
  rmSync(path, { force: true })
  const key = newKey(data)
  const server = createServer((socket) => serve(socket, key, answer))
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(path, resolve)
  })
  if (process.platform !== 'win32') chmodSync(path, 0o600)
  return { close: () => closeControl(server, path) }
}

/** Below a folder that all users share, somebody else may have been there first. @throws {PermanentError} */
const makeOwnFolder = (folder: string): void => {
  if (process.platform === 'win32') return
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const stats = lstatSync(folder)
  if (stats.isDirectory() && stats.uid === process.getuid?.() && (stats.mode & 0o077) === 0) return
  throw new PermanentError(`${folder}, where the control socket would be, belongs to somebody else or is open to others: remove it`)
}

const closeControl = (server: Server, path: string): void => {
  server.close()
  rmSync(path, { force: true })
}

const serve = (socket: Socket, key: string, answer: Answerer): void => {
  let text = ''
  socket.setEncoding('utf8')
  // Whoever asked may be gone before the answer: there is nobody left to tell.
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk: string) => {
    text += chunk
    if (text.length > maxRequestOctets) socket.destroy()
    const end = text.indexOf('\n')
    if (end === -1) return
    socket.pause()
    reply(socket, text.slice(0, end), key, answer).catch(() => socket.destroy())
  })
}

const reply = async (socket: Socket, line: string, key: string, answer: Answerer): Promise<void> => {
  const request = parseRequest(line, key)
  const response: Response = request === null ? { ok: false, exitCode: 100, message: 'not a request' } : await answer(request)
  socket.end(`${JSON.stringify(response)}\n`)
}

const isKey = (value: unknown, key: string): boolean =>
  typeof value === 'string' && value.length === key.length && timingSafeEqual(Buffer.from(value, 'latin1'), Buffer.from(key))

const parseRequest = (line: string, key: string): Request | null => {
  const value: unknown = parseJson(line)
  if (typeof value !== 'object' || value === null || !('command' in value)) return null
  if (!('key' in value) || !isKey(value.key, key)) return null
  switch (value.command) {
    case 'status':
    case 'reload':
    case 'stop':
      return { command: value.command }
    case 'restart':
      return 'name' in value && typeof value.name === 'string' ? { command: 'restart', name: value.name } : null
    default:
      return null
  }
}

const parseJson = (line: string): unknown => {
  try {
    return JSON.parse(line)
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}

/** Root asks as whoever has the folder: what lies there may lead to what only root may read, and goes to whoever listens there. */
const ownerOf = (folder: string): Identity | null => statSync(folder, { throwIfNoEntry: false }) ?? null

/** No supervisor answers on the data folder's socket. */
export class NotRunningError extends Error {
  override readonly name = 'NotRunningError'
}

/** Codes of a socket that is not there, that nobody listens on, or whose folder is none. */
const absent = ['ENOENT', 'ECONNREFUSED', 'ENOTDIR']

/** Codes of a connection whose other end went away: a supervisor that ended had it in its queue. */
const broken = ['ECONNRESET', 'EPIPE']
const endedMeanwhile = 'the supervisor ended before it answered'

/** Codes of a socket, or a folder above it, that this user may not use. */
const denied = ['EACCES', 'EPERM']

const othersFamily = (data: string, cause: Error): PermanentError =>
  new PermanentError(`${data} is another user's: ask as the user that Havre runs as, or as root`, { cause })

/**
 * Asks the supervisor of a data folder.
 * @throws {NotRunningError} when none runs. @throws {PermanentError} when it is another user's
 */
export const askSupervisor = (data: string, request: Request): Promise<Response> =>
  new Promise((resolve, reject) => {
    const { key, place } = asUser(ownerOf(runFolder(data)), () => ({ key: keyOf(data), place: placeOf(data) }))
    const socket = connect(place)
    let text = ''
    socket.setEncoding('utf8')
    socket.on('connect', () => socket.write(`${JSON.stringify({ ...request, key })}\n`))
    if (request.command === 'status') {
      const late = () => socket.destroy(new Error(`the Havre on ${data} does not answer; its process may have been stopped`))
      const timer = setTimeout(late, statusMs)
      socket.once('close', () => clearTimeout(timer))
    }
    socket.on('data', (chunk: string) => {
      text += chunk
    })
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (absent.includes(error.code ?? '')) reject(new NotRunningError(`no Havre runs on ${data}`))
      else if (broken.includes(error.code ?? '')) reject(new NotRunningError(endedMeanwhile))
      else reject(denied.includes(error.code ?? '') ? othersFamily(data, error) : error)
    })
    socket.on('close', () => {
      const value: unknown = parseJson(text)
      if (!isResponse(value)) return reject(new NotRunningError(endedMeanwhile))
      resolve(value)
    })
  })

const isResponse = (value: unknown): value is Response => typeof value === 'object' && value !== null && 'ok' in value
