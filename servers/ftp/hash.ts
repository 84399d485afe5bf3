/** Hashes of files' content. */
import { createHash } from 'node:crypto'
import { crc32 } from 'node:zlib'
import type { FileReader } from '../../shared/files/file-store.ts'

/** Names as HASH has them (draft-bryan-ftpext-hash-02; RFC 5797's registry of hash names), the one first that holds unless another is chosen. */
export const hashNames = ['SHA-256', 'SHA-512', 'SHA-1', 'MD5', 'CRC32'] as const
export type HashName = (typeof hashNames)[number]

interface Hashing {
  update(octets: Buffer): void
  digest(): string
}

const crc = (): Hashing => {
  let value = 0
  return {
    update: (octets) => {
      value = crc32(octets, value)
    },
    digest: () => value.toString(16).padStart(8, '0'),
  }
}

const begin = (name: HashName): Hashing => {
  if (name === 'CRC32') return crc()
  const hash = createHash(name.replace('-', '').toLowerCase())
  return { update: (octets) => void hash.update(octets), digest: () => hash.digest('hex') }
}

/** Octets hashed at once: less than a millisecond, so that other sessions hardly wait. */
const chunkOctets = 128 * 1024

/**
 * Hashes a file's octets from one position up to another, which is not included. Holds one chunk; between two, others get their turn.
 * @param progress told of each chunk's octets
 * @param signal   ends it
 * @returns hexadecimal digits in lower case; null when the signal aborted
 */
export const hashOf = async (
  handle: FileReader,
  { from, to }: { readonly from: number; readonly to: number },
  name: HashName,
  progress: (octets: number) => void,
  signal: AbortSignal,
): Promise<string | null> => {
  const hashing = begin(name)
  const buffer = Buffer.allocUnsafeSlow(Math.max(1, Math.min(chunkOctets, to - from)))
  for (let position = from; position < to; ) {
    if (signal.aborted) return null
    const { bytesRead } = await handle.read(buffer, 0, Math.min(buffer.length, to - position), position)
    // It became shorter: what there is counts.
    if (bytesRead === 0) break
    hashing.update(buffer.subarray(0, bytesRead))
    position += bytesRead
    progress(bytesRead)
  }
  return signal.aborted ? null : hashing.digest()
}
