/** Messages on their way out: one chunk by chunk, headers many at a time. */
import type { Head, StoredMessage } from '../mail-store.ts'
import { headStates } from './requests.ts'
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

/** Headers that are asked for together: 4 MiB, if each were as long as can be. */
const headsTogether = 64

/** Headers; the next ones are fetched while some are used. */
export async function* readHeads(
  thread: StoreThread,
  account: string,
  messages: readonly StoredMessage[],
): AsyncGenerator<Head, void> {
  const ask = (begin: number) => {
    const group = messages.slice(begin, begin + headsTogether)
    const answer = thread.ask('heads', { account, ids: Float64Array.from(group, ({ id }) => Number(id)) })
    answer.catch(() => undefined) // thrown below, unless the reader stops before
    return { group, answer }
  }
  let next = ask(0)
  for (let begin = 0; begin < messages.length; begin += headsTogether) {
    const { group, answer } = next
    const { data, ends, states } = await answer
    if (begin + headsTogether < messages.length) next = ask(begin + headsTogether)
    const all = bufferOf(data)
    for (const [place, message] of group.entries()) {
      const why = headStates[states[place] ?? 1] ?? 'missing'
      if (why === 'read') yield { message, octets: all.subarray(ends[place - 1] ?? 0, ends[place]) }
      else yield { message, octets: null, why }
    }
  }
}
