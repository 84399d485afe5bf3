/** A request for a file or a folder, as the files read it. */
import type { Asker } from '../asker.ts'
import type { Exchange } from '../exchange.ts'
import type { HttpRequest } from '../handler.ts'
import type { Target } from '../target.ts'
import type { Conditions } from './conditional.ts'

/** A GET or HEAD, read. */
export interface FileRequest {
  readonly head: boolean
  readonly target: Target
  readonly conditions: Conditions
  readonly range: string | undefined
  readonly ifRange: string | undefined
  readonly acceptEncoding: string | undefined
  readonly asker: Asker
}

/** What makes a request conditional. */
export const conditionsOf = (exchange: Exchange): Conditions => ({
  ifMatch: exchange.field('if-match'),
  ifNoneMatch: exchange.field('if-none-match'),
  ifModifiedSince: exchange.field('if-modified-since'),
  ifUnmodifiedSince: exchange.field('if-unmodified-since'),
})

/** Of a GET or HEAD. */
export const fileRequestOf = ({ exchange, head, target, asker }: HttpRequest): FileRequest => ({
  head,
  target,
  conditions: conditionsOf(exchange),
  range: exchange.field('range'),
  ifRange: exchange.field('if-range'),
  acceptEncoding: exchange.field('accept-encoding'),
  asker,
})
