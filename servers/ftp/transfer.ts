/** The octets of a transfer between a file, or a list, and a data connection. Memory is bounded whatever the client's speed. */
import type { FileHandle } from 'node:fs/promises'
import type { Socket } from 'node:net'
import { FileError, type Upload } from '../../shared/files/file-store.ts'
import type { TransferType } from './grammar.ts'
import { fromNetwork, toNetwork } from './line-ends.ts'

/** The data connection broke, or the transfer was aborted. */
export class BrokenTransferError extends Error {
  override readonly name = 'BrokenTransferError'
}

/** The file became shorter while it was sent. */
export class FileShrankError extends Error {
  override readonly name = 'FileShrankError'
}

/** Is told of octets on the wire as they go. */
export type Progress = (octets: number) => void

/** Octets read from a file at once. Two such buffers a download: one is filled while the other is sent. */
const chunkOctets = 256 * 1024

/** Octets of lines that are sent at once. */
const lineOctets = 64 * 1024

/** Resolves when the system has taken the octets: until then no more are read. */
const write = (socket: Socket, octets: Buffer): Promise<void> =>
  new Promise((resolve, reject) => {
    socket.write(octets, (error) =>
      error ? reject(new BrokenTransferError('the data connection broke', { cause: error })) : resolve(),
    )
  })

/** Says that no more comes; resolves when the system has taken all. */
const end = (socket: Socket): Promise<void> =>
  new Promise((resolve, reject) => {
    const broken = (cause?: Error) => reject(new BrokenTransferError('the data connection broke', { cause }))
    if (socket.destroyed) return broken()
    socket.once('error', broken)
    socket.once('close', () => broken())
    socket.end(resolve)
  })

/** Sends a file's octets from one position to another, and ends the connection's sending side. */
export const sendFile = async (
  handle: FileHandle,
  range: { readonly from: number; readonly to: number },
  socket: Socket,
  type: TransferType,
  progress: Progress,
): Promise<void> => {
  const ends = type === 'ascii' ? toNetwork() : null
  const size = Math.max(1, Math.min(chunkOctets, range.to - range.from))
  const buffers: readonly [Buffer, Buffer] = [Buffer.allocUnsafeSlow(size), Buffer.allocUnsafeSlow(size)]
  let sending: Promise<void> = Promise.resolve()
  try {
    for (let position = range.from, turn = 0; position < range.to; turn += 1) {
      const buffer = buffers[turn % 2 === 0 ? 0 : 1]
      const { bytesRead } = await handle.read(buffer, 0, Math.min(size, range.to - position), position)
      await sending
      if (bytesRead === 0) throw new FileShrankError('the file ended early')
      position += bytesRead
      const octets = ends === null ? buffer.subarray(0, bytesRead) : ends.turn(buffer.subarray(0, bytesRead))
      sending = write(socket, octets).then(() => progress(octets.length))
      sending.catch(() => undefined)
    }
  } finally {
    // The buffers are the system's until it has taken them.
    await sending
  }
  await end(socket)
}

/** Sends lines, each with CR LF, many at once, and ends the connection's sending side. */
export const sendLines = async (lines: AsyncIterable<string>, socket: Socket, progress: Progress): Promise<void> => {
  let held: string[] = []
  let characters = 0
  const flush = async () => {
    const octets = Buffer.from(held.join(''))
    held = []
    characters = 0
    if (octets.length === 0) return
    await write(socket, octets)
    progress(octets.length)
  }
  for await (const line of lines) {
    held.push(line, '\r\n')
    characters += line.length + 2
    if (characters >= lineOctets) await flush()
  }
  await flush()
  await end(socket)
}

/** Takes what the client sends until it ends its side. */
export const receiveFile = async (socket: Socket, upload: Upload, type: TransferType, progress: Progress): Promise<void> => {
  const ends = type === 'ascii' ? fromNetwork() : null
  try {
    for await (const chunk of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      progress(chunk.length)
      await upload.write(ends === null ? chunk : ends.turn(chunk))
    }
  } catch (error) {
    // The stream's own errors: a reset, or that we closed it.
    if (socket.destroyed && !(error instanceof FileError)) {
      throw new BrokenTransferError('the data connection broke', { cause: error })
    }
    throw error
  }
  if (ends !== null) await upload.write(ends.end())
}
