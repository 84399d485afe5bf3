/** Errors in a site's own words: the setting `pages`, by the status a page of the site. */
import { openFileStore } from '../../../shared/files/disk-file-store.ts'
import { FileError, type FileStore } from '../../../shared/files/file-store.ts'
import { preferred } from '../accept.ts'
import type { HttpRequest } from '../handler.ts'
import * as journal from '../journal.ts'
import { type Reply, withFile } from '../replies.ts'
import { targetOf } from '../routing/path-pattern.ts'
import { mediaTypeOf } from '../static/media-types.ts'

/** What a site says of its pages. */
export interface OwnPagesOptions {
  /** By the status, a path of the site: `{ 404: '/404.html' }`. */
  readonly pages: Readonly<Record<string, string>>
  /** The folder of the site. */
  readonly root: string
}

/** The own pages of a site; null where it has none. */
export const ownPages = ({ pages, root }: OwnPagesOptions): OwnPages | null =>
  Object.keys(pages).length === 0 ? null : new OwnPages(pages, openFileStore({ root, sync: null }))

/** Tells failures in the site's own words. */
export class OwnPages {
  /** The names of each page's path. */
  readonly #pages: ReadonlyMap<number, readonly string[]>
  readonly #store: FileStore

  constructor(pages: Readonly<Record<string, string>>, store: FileStore) {
    this.#pages = new Map(Object.entries(pages).map(([status, path]) => [Number(status), targetOf(path)?.segments ?? []]))
    this.#store = store
  }

  /** The reply, or the site's page where it is a failure that has one. To be asked once: a page that cannot be read is journalled. */
  told(request: HttpRequest, reply: Reply): Reply | Promise<Reply> {
    const names = reply.explains === undefined ? undefined : this.#pages.get(reply.status)
    if (names === undefined) return reply
    const type = mediaTypeOf(names.at(-1) ?? '')
    const [form = ''] = type.split(';')
    // Programs that ask for another form are told in that one.
    const chosen = preferred(request.asker.accept, [
      form,
      'text/plain',
      'text/html',
      'application/json',
      'application/problem+json',
    ])
    return chosen === form ? this.#page(request, reply, `/${names.join('/')}`, type) : reply
  }

  /** An error on the way to the page changes nothing of what is told: the page is ours then. */
  async #page({ connection }: HttpRequest, reply: Reply, path: string, type: string): Promise<Reply> {
    try {
      const file = await this.#store.open(path)
      const fields = ['Content-Type', type, ...(reply.explains ?? [])]
      const { cause, limit } = reply
      const own = withFile(reply.status, fields, { file, from: 0, octets: file.stat.octets })
      return { ...own, opened: file, ...(cause === undefined ? {} : { cause }), ...(limit === undefined ? {} : { limit }) }
    } catch (error) {
      if (!(error instanceof FileError)) throw error
      journal.ownPageFailed(connection, reply.status, path, error.code)
      return reply
    }
  }
}
