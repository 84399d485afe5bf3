/** Attachments as files: names out of a message are anything, and must never lead anywhere but into the folder. */
import { type FileHandle, mkdir, open, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { ComingPart } from '../../shared/mail/message-parts.ts'

/** What fits into a name on every system, room for a number left. */
const mostNameOctets = 200

/** Names of devices on Windows, whatever stands behind the dot. */
const reserved = /^(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]|conin\$|conout\$|clock\$)(?:\.|$)/i

/** Separators, what Windows forbids, control characters, marks that turn text around, and what has no place in UTF-8. */
const forbidden =
  /[/\\:*?"<>|\u0000-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ufff9-\ufffb]|\p{Surrogate}/gu

/** Ends of names for parts that have none. */
const extensions: Readonly<Record<string, string>> = {
  'message/rfc822': '.eml',
  'message/delivery-status': '.txt',
  'text/plain': '.txt',
  'text/html': '.html',
  'text/calendar': '.ics',
  'text/csv': '.csv',
  'text/vcard': '.vcf',
  'application/pdf': '.pdf',
  'application/zip': '.zip',
  'application/json': '.json',
  'image/png': '.png',
  'image/jpeg': '.jpg',
  'image/gif': '.gif',
  'image/webp': '.webp',
  'image/svg+xml': '.svg',
}

/**
 * A name for a file that is only that: no separator, no dot at either end, no control character, no device of Windows, at most 200
 * octets. Of a path, what it is called in its folder.
 */
export const safeName = ({ filename, contentType }: ComingPart): string => {
  const last =
    (filename ?? '')
      .normalize('NFC')
      .split(/[/\\]/)
      .findLast((part) => part.trim() !== '') ?? ''
  const plain = last
    .replace(forbidden, '_')
    .replace(/\s+/gu, ' ')
    .replace(/^[ .]+|[ .]+$/g, '')
  const named = plain === '' ? `attachment${extensions[contentType] ?? '.bin'}` : plain
  return shortened(reserved.test(named) ? `_${named}` : named)
}

/** Cuts before what stands behind the last dot, where that is short. */
const shortened = (name: string): string => {
  const { stem, extension } = split(name)
  let [kept, octets] = ['', Buffer.byteLength(extension)]
  for (const character of stem) {
    octets += Buffer.byteLength(character)
    if (octets > mostNameOctets) break
    kept += character
  }
  return kept.trimEnd() + extension
}

/** What goes for an extension has at most 20 octets. */
const split = (name: string): { stem: string; extension: string } => {
  const dot = name.lastIndexOf('.')
  const isShort = dot > 0 && Buffer.byteLength(name.slice(dot)) <= 20
  return isShort ? { stem: name.slice(0, dot), extension: name.slice(dot) } : { stem: name, extension: '' }
}

/** A file that was written. */
export interface Saved {
  readonly path: string
  /** As the sender called it. */
  readonly filename: string | null
  readonly contentType: string
  readonly octets: number
}

/** A folder, made when it is missing, for the attachments of one message. @throws the system's errors */
export const savingInto = async (folder: string) => {
  await mkdir(folder, { recursive: true, mode: 0o700 })
  const saved: Saved[] = []
  const save = async (part: ComingPart, octets: AsyncIterable<Buffer>): Promise<void> => {
    const { file, path } = await createIn(folder, safeName(part))
    let size = 0
    try {
      for await (const chunk of octets) {
        await file.writeFile(chunk)
        size += chunk.length
      }
      await file.close()
    } catch (error) {
      await file.close().catch(() => undefined)
      await unlink(path)
      throw error
    }
    saved.push({ path, ...part, octets: size })
  }
  return { saved, save }
}

/** A new file: `wx` neither overwrites nor follows a link. `report.pdf`, `report-2.pdf`, … */
const createIn = async (folder: string, name: string): Promise<{ file: FileHandle; path: string }> => {
  const { stem, extension } = split(name)
  for (let number = 1; ; number += 1) {
    const path = join(folder, number === 1 ? name : `${stem}-${number}${extension}`)
    try {
      return { file: await open(path, 'wx', 0o600), path }
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
    }
  }
}
