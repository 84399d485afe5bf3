/** What a client sends goes into an upload. Memory is bounded whatever the speed of client and disk. */
import type { Readable } from 'node:stream'
import type { Upload } from '../../../shared/files/file-store.ts'
import { Gathered } from '../../../shared/files/gathered.ts'
import { ContentBroken, ContentTooLarge } from '../content.ts'

/** What limits how content comes. */
export interface Reception {
  readonly maxOctets: number
  /** What the client said; null: nothing. */
  readonly declaredOctets: number | null
  /** To be awaited for so many octets before more is read, where the account has a bandwidth. */
  paid(octets: number): Promise<void> | undefined
}

/**
 * Takes all of the content, and writes it.
 * @throws {ContentBroken} the client broke off, or sent another number of octets than it said
 * @throws {ContentTooLarge}
 * @throws {FileError} what the upload says
 */
export const receive = async (content: Readable, upload: Upload, reception: Reception): Promise<void> => {
  const { maxOctets, declaredOctets, paid } = reception
  const gathered = new Gathered(upload)
  let octets = 0
  const take = async () => {
    for await (const chunk of content as AsyncIterable<Buffer>) {
      octets += chunk.length
      if (octets > maxOctets) throw new ContentTooLarge('more content than is taken')
      const turn = paid(chunk.length)
      if (turn !== undefined) await turn
      await gathered.take(chunk)
    }
  }
  try {
    await Promise.race([take(), gathered.failing])
  } finally {
    content.destroy()
    try {
      await gathered.end()
    } finally {
      gathered.release()
    }
  }
  // RFC 9110 §8.6: a message of another length is not what its client meant.
  if (declaredOctets !== null && octets !== declaredOctets) throw new ContentBroken('not as many octets as were declared')
}
