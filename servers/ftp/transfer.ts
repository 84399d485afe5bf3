/** The octets of a transfer between a file, or a list, and a data connection. Memory is bounded whatever the client's speed. */
import type { Socket } from 'node:net'
import { FileError, type FileReader, type Upload } from '../../shared/files/file-store.ts'
import { Gathered } from '../../shared/files/gathered.ts'
import { transferBuffer } from '../../shared/files/transfer-buffers.ts'
import type { Conversion } from './conversion.ts'
import type { Sink } from './direct-reading.ts'
import type { NameCodec } from './name-encoding.ts'
import { fromWire, type Representation, toWire } from './representation.ts'

/** The data connection broke, or the transfer was aborted. */
export class BrokenTransferError extends Error {
  override readonly name = 'BrokenTransferError'
}

/** The file became shorter while it was sent. */
export class FileShrankError extends Error {
  override readonly name = 'FileShrankError'
}

/** Is told of octets on the wire as they go, and says how fast they may. */
export interface Progress {
  /** Octets to move at once, at most. */
  readonly pieceOctets: number
  /** @returns to be awaited before more is moved, where there is a limit */
  moved(octets: number): Promise<void> | undefined
}

/** Octets of lines that are sent at once. */
const lineOctets = 64 * 1024

/** Resolves when the system has taken the octets: until then no more are read. */
const write = (socket: Socket, octets: Buffer): Promise<void> =>
  new Promise((resolve, reject) => {
    socket.write(octets, (error) =>
      error ? reject(new BrokenTransferError('the data connection broke', { cause: error })) : resolve(),
    )
  })

/** Sends the last octets, if there are any, and says that no more come; resolves when the system has taken all. */
const end = (socket: Socket, last: Buffer | null = null): Promise<void> =>
  new Promise((resolve, reject) => {
    const broken = (cause?: Error) => reject(new BrokenTransferError('the data connection broke', { cause }))
    if (socket.destroyed) return broken()
    const closed = () => broken()
    socket.once('error', broken)
    socket.once('close', closed)
    const done = (error?: Error | null) => {
      socket.off('error', broken)
      socket.off('close', closed)
      if (error) broken(error)
      else resolve()
    }
    if (last === null) socket.end(done)
    else socket.end(last, done)
  })

/** A file's octets from one position to another. */
interface Range {
  readonly from: number
  readonly to: number
}

/** Sends octets of a file, and ends the connection's sending side. */
export const sendFile = async (
  handle: FileReader,
  range: Range,
  socket: Socket,
  representation: Representation,
  progress: Progress,
): Promise<void> => {
  const conversion = toWire(representation)
  const wanted = Math.min(progress.pieceOctets, range.to - range.from)
  using one = transferBuffer(wanted)
  // All of a small file goes in one piece.
  using other = one.octets.length < range.to - range.from ? transferBuffer(wanted) : null
  const size = Math.min(one.octets.length, progress.pieceOctets)
  const read = async (buffer: Buffer, position: number): Promise<Buffer> => {
    const { bytesRead } = await handle.read(buffer, 0, Math.min(size, range.to - position), position)
    if (bytesRead === 0) throw new FileShrankError('the file ended early')
    return buffer.subarray(0, bytesRead)
  }
  let sending: Promise<void> = Promise.resolve()
  let reading = one.octets
  let free = other?.octets ?? one.octets
  try {
    for (let position = range.from; position < range.to; ) {
      // There is one only, and the system gave less than it has.
      if (other === null) await sending
      const octets = await read(reading, position)
      await sending
      position += octets.length
      ;[reading, free] = [free, reading]
      const isLast = position === range.to
      sending = send(socket, conversion === null ? octets : converted(conversion, octets, isLast), isLast, progress)
      sending.catch(() => undefined)
    }
  } finally {
    // The buffers are the system's until it has taken them.
    await sending
  }
  if (range.from < range.to) return
  const marks = conversion?.end() ?? nothing
  await (marks.length > 0 ? send(socket, marks, true, progress) : end(socket))
}

const nothing = Buffer.alloc(0)

const converted = (conversion: Conversion, octets: Buffer, isLast: boolean): Buffer =>
  isLast ? Buffer.concat([conversion.turn(octets), conversion.end()]) : conversion.turn(octets)

const send = async (socket: Socket, octets: Buffer, isLast: boolean, progress: Progress): Promise<void> => {
  await (isLast ? end(socket, octets) : write(socket, octets))
  await progress.moved(octets.length)
}

/** Sends lines, each with CR LF, many at once, and ends the connection's sending side. */
export const sendLines = async (
  lines: AsyncIterable<readonly string[]>,
  socket: Socket,
  { encode }: NameCodec,
  progress: Progress,
): Promise<void> => {
  let held = ''
  for await (const some of lines) {
    if (held.length >= lineOctets) {
      await send(socket, encode(held), false, progress)
      held = ''
    }
    if (some.length > 0) held += `${some.join('\r\n')}\r\n`
  }
  await (held === '' ? end(socket) : send(socket, encode(held), true, progress))
}

/** A data connection that can be read in more than one way. */
export interface DirectReading {
  /** @returns the socket that reads into the sink from now on; null: this connection cannot be read so */
  readInto(socket: Socket, sink: Sink): Socket | null
}

/** Takes what the client sends until it ends its side. What came of it is written also when it breaks off. */
export const receiveFile = async (
  { socket, data }: { readonly socket: Socket; readonly data: DirectReading },
  upload: Upload,
  representation: Representation,
  progress: Progress,
): Promise<void> => {
  const conversion = fromWire(representation)
  const gathered = new Gathered(upload)
  const directly = conversion === null ? takeDirectly(socket, data, gathered, progress) : null
  try {
    const taken = directly?.taken ?? takeAll(socket, conversion, gathered, progress)
    await Promise.race([taken, gathered.failing])
  } catch (error) {
    // Nothing more comes into memory that is another transfer's next.
    directly?.socket.destroy()
    throw error
  } finally {
    try {
      await gathered.end()
    } finally {
      gathered.release()
    }
  }
}

/** As it is, without a copy. @returns null where that cannot be */
const takeDirectly = (
  connection: Socket,
  data: DirectReading,
  gathered: Gathered,
  progress: Progress,
): { readonly socket: Socket; readonly taken: Promise<void> } | null => {
  const over = Promise.withResolvers<void>()
  const socket = data.readInto(connection, {
    get room() {
      return gathered.room.subarray(0, progress.pieceOctets)
    },
    came: (octets) => {
      const paid = progress.moved(octets)
      const behind = gathered.came(octets)
      if (paid === undefined && behind === undefined) return true
      void Promise.all([paid, behind]).then(() => socket?.resume(), over.reject)
      return false
    },
  })
  if (socket === null) return null
  let ended = false
  socket.once('end', () => {
    ended = true
    over.resolve()
  })
  socket.once('error', (cause) => over.reject(new BrokenTransferError('the data connection broke', { cause })))
  socket.once('close', () => {
    if (!ended) over.reject(new BrokenTransferError('the data connection broke'))
  })
  return { socket, taken: over.promise }
}

/** Through the socket's stream. */
const takeAll = async (socket: Socket, conversion: Conversion | null, gathered: Gathered, progress: Progress): Promise<void> => {
  await take(socket, async (chunk) => {
    const paid = progress.moved(chunk.length)
    if (paid !== undefined) await paid
    await gathered.take(conversion === null ? chunk : conversion.turn(chunk))
  })
  if (conversion !== null) await gathered.take(conversion.end())
}

/** @throws {BrokenTransferError} and what `taking` throws */
const take = async (socket: Socket, taking: (chunk: Buffer) => Promise<void>): Promise<void> => {
  try {
    for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) await taking(chunk)
  } catch (error) {
    // The stream's own errors: a reset, or that we closed it.
    if (socket.destroyed && !(error instanceof FileError)) {
      throw new BrokenTransferError('the data connection broke', { cause: error })
    }
    throw error
  }
}
