/** A message on its way out, chunk by chunk. */
import { chunkOctets } from './schema.ts'
import type { StoreThread } from './thread.ts'

const bufferOf = (data: Uint8Array): Buffer => Buffer.from(data.buffer, data.byteOffset, data.byteLength)

/** The octets of a message; the next chunk is fetched while one is used. @throws {StoreError} missing, damaged */
export async function* readMessage(thread: StoreThread, account: string, id: number): AsyncGenerator<Buffer, void> {
  const first = await thread.ask('chunk', { account, id, chunk: 0 })
  const chunks = Math.ceil(first.octets / chunkOctets)
  let data = first.data
  for (let chunk = 1; chunk < chunks; chunk += 1) {
    const next = thread.ask('chunk', { account, id, chunk })
    next.catch(() => undefined) // thrown below, unless the reader stops before
    yield bufferOf(data)
    data = (await next).data
  }
  if (data.length > 0) yield bufferOf(data)
}
