/** Content of files in memory, read as a whole. */
import { modifiedMsOf } from '../../../shared/files/file-stat.ts'
import type { OpenFile } from '../../../shared/files/file-store.ts'

/** A file is no longer what its head says: while nothing is sent, the client can be told so. */
export class FileChanged extends Error {
  override readonly name = 'FileChanged'
}

/** Fills a buffer from a place in an open file. @throws {FileChanged} when the file ends before it is full */
export const fill = async (buffer: Buffer, { handle, content }: OpenFile, from: number): Promise<void> => {
  if (content !== undefined) return void content.copy(buffer, 0, from, from + buffer.length)
  for (let at = 0; at < buffer.length; ) {
    const { bytesRead } = await handle.read(buffer, at, buffer.length - at, from + at)
    if (bytesRead === 0) throw new FileChanged('the file became shorter')
    at += bytesRead
  }
}

/** All of an open file. @throws {FileChanged} when it was written to since it was opened */
export const contentOf = async (file: OpenFile): Promise<Buffer> => {
  if (file.content !== undefined) return file.content
  const octets = Buffer.allocUnsafeSlow(file.stat.octets)
  await fill(octets, file, 0)
  const now = file.handle.stat()
  if (now.size !== file.stat.octets || modifiedMsOf(now) !== file.stat.modifiedMs) throw new FileChanged('the file was written to')
  return octets
}
