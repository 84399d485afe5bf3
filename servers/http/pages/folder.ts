/** A folder without index.html as an answer: its entries as a page, or as JSON for programs that ask for it. */
import { createHash } from 'node:crypto'
import { setImmediate as others } from 'node:timers/promises'
import type { FileEntry, FileStore } from '../../../shared/files/file-store.ts'
import { preferred } from '../accept.ts'
import { failure, type Reply, withOctets, withoutBody } from '../replies.ts'
import { acceptedCodings, type Coding } from '../static/codings.ts'
import { type Compression, codedTag } from '../static/compression.ts'
import { type Conditions, judge } from '../static/conditional.ts'
import type { FileRequest } from '../static/file-request.ts'
import { type Listing, listingAsJson, readSorting, renderListing } from './listing.ts'
import { pageFields } from './page.ts'

/** A page with more entries helps nobody, and each costs memory while it is made. */
const listedEntries = 10_000

/** What is asked of a list; the rest of a request is nothing to it. */
export type FolderRequest = Pick<FileRequest, 'target' | 'head' | 'asker' | 'conditions' | 'acceptEncoding'>

/** The folder that is shown. */
export interface ShownFolder {
  readonly store: FileStore
  /** In the store: `/`, or `/a/b` without a slash at its end. */
  readonly path: string
  /** Whether a name is in no list. */
  readonly isHidden: (name: string) => boolean
  /** Null: lists go out as they are. */
  readonly compression: Compression | null
}

/** A list has no date: what its folder's says changes with names only, not with the sizes that are shown too (RFC 9110 §13.1.4). */
const withoutDates = ({ ifMatch, ifNoneMatch }: Conditions): Conditions => ({
  ifMatch,
  ifNoneMatch,
  ifModifiedSince: undefined,
  ifUnmodifiedSince: undefined,
})

/**
 * The list of a folder. Its tag is made of its octets, so whoever kept the page is told in a few of them that nothing has changed.
 * @throws {FileError} of the store, where the folder cannot be read
 */
export const folderReply = async (request: FolderRequest, folder: ShownFolder): Promise<Reply> => {
  const { target, asker } = request
  const { entries, more } = await gathered(folder.store.list(folder.path), folder.isHidden)
  const listing: Listing = { segments: target.segments, entries, more, sorting: readSorting(target.query) }
  const form = preferred(asker.accept, ['text/html', 'application/json'])
  const plain = await whole(form === 'text/html' ? renderListing(listing) : listingAsJson(listing))
  const fields = form === 'text/html' ? pageFields : ['Content-Type', form]
  const { compression } = folder
  if (compression === null) return replyOf(request, plain, fields, 'Accept')
  return replyOf(request, await codedForm(request, plain, compression), fields, 'Accept, Accept-Encoding')
}

/** A list in the form in which it is sent. */
interface Rendered {
  readonly octets: Buffer
  readonly etag: string
  readonly coding: Coding | null
}

const codedForm = async ({ acceptEncoding }: FolderRequest, plain: Rendered, compression: Compression): Promise<Rendered> => {
  const [coding] = acceptedCodings(acceptEncoding)
  const octets = coding === undefined ? null : await compression.passing(plain.octets, coding)
  return coding === undefined || octets === null ? plain : { octets, etag: codedTag(plain.etag, coding), coding }
}

const replyOf = (
  { conditions, head, asker }: FolderRequest,
  { octets, etag, coding }: Rendered,
  ofForm: readonly string[],
  vary: string,
): Reply => {
  const verdict = judge(withoutDates(conditions), { etag, modifiedMs: 0 }, Date.now())
  if (verdict === 'failed') return failure(412, asker)
  const state = ['ETag', etag, 'Cache-Control', 'no-cache', 'Vary', vary]
  if (verdict === 'unchanged') return withoutBody(304, state)
  const fields = [...ofForm, ...(coding === null ? [] : ['Content-Encoding', coding]), ...state]
  return head ? withoutBody(200, [...fields, 'Content-Length', String(octets.length)]) : withOctets(200, fields, octets)
}

/** A long list is made in steps, and others have their turn between them. */
const whole = async (pieces: Iterable<string>): Promise<Rendered> => {
  const digest = createHash('sha256')
  const parts: Buffer[] = []
  for (const piece of pieces) {
    if (parts.length > 2) await others()
    const part = Buffer.from(piece)
    digest.update(part)
    parts.push(part)
  }
  return { octets: Buffer.concat(parts), etag: `"${digest.digest('base64url').slice(0, 22)}"`, coding: null }
}
const gathered = async (
  found: AsyncIterable<readonly FileEntry[]>,
  isHidden: (name: string) => boolean,
): Promise<Pick<Listing, 'entries' | 'more'>> => {
  const entries: FileEntry[] = []
  for await (const some of found) {
    for (const entry of some) {
      if (isHidden(entry.name)) continue
      if (entries.length >= listedEntries) return { entries, more: true }
      entries.push(entry)
    }
  }
  return { entries, more: false }
}
