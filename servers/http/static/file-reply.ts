/** A file in one of its forms as an answer: conditions, then ranges, then all of it (RFC 9110 §13.2.2). */
import type { OpenFile } from '../../../shared/files/file-store.ts'
import type { Asker } from '../asker.ts'
import { httpDate } from '../dates.ts'
import { failure, type Reply, withFile, withOctets, withoutBody, withParts } from '../replies.ts'
import { poolFor } from './buffers.ts'
import { type Conditions, judge, rangeCounts } from './conditional.ts'
import { type Multipart, multipart } from './multipart.ts'
import { type RangeReading, readRange, type Span } from './ranges.ts'
import { fill } from './reading.ts'
import type { Representation } from './representation.ts'

/** What a GET or HEAD says about the form of its answer. */
export interface FileWish {
  readonly head: boolean
  readonly conditions: Conditions
  readonly range: string | undefined
  readonly ifRange: string | undefined
  readonly asker: Asker
}

/** What an answer says about its file, beside what the file says itself. */
export interface FileFacts {
  /** Value of `Content-Type`. */
  readonly type: string
  /** Names of the request's fields that the answer depends on; empty for none. */
  readonly vary: string
  /** The address of this very file, where it is not the one that was asked for (RFC 9110 §8.7). */
  readonly location: string | null
}

/** Up to so many octets are read at once and go out with the head; more are streamed. */
const wholeOctets = 128 * 1024

/** The client checks back before it uses what it has kept: an answer is never older than the file. */
const cacheFields: readonly string[] = ['Cache-Control', 'no-cache']

/** Fields of 200, 206 and 304 alike (RFC 9110 §15.4.5). */
const stateFields = ({ validators }: Representation, { vary, location }: FileFacts): readonly string[] => [
  'ETag',
  validators.etag,
  'Last-Modified',
  httpDate(validators.modifiedMs),
  ...cacheFields,
  ...(vary === '' ? [] : ['Vary', vary]),
  ...(location === null ? [] : ['Content-Location', location]),
]

/** Which part of the representation is to be sent. Range is defined for GET only (RFC 9110 §14.2). */
const rangeOf = ({ head, range, ifRange }: FileWish, { validators, size }: Representation, nowMs: number): RangeReading =>
  !head && range !== undefined && rangeCounts(ifRange, validators, nowMs) ? readRange(range, size) : { kind: 'whole' }

/**
 * The answer. The file stays the caller's, to be closed when the answer is out.
 * @throws {FileChanged} when the file became shorter
 */
export const fileReply = (wish: FileWish, form: Representation, facts: FileFacts, nowMs: number): Reply | Promise<Reply> => {
  const verdict = judge(wish.conditions, form.validators, nowMs)
  if (verdict === 'failed') return failure(412, wish.asker)
  const state = stateFields(form, facts)
  if (verdict === 'unchanged') return withoutBody(304, state)
  const coded = form.coding === null ? [] : ['Content-Encoding', form.coding]
  const fields = [...coded, 'Accept-Ranges', 'bytes', ...state]
  const { type } = facts
  const { size } = form
  if (wish.head) return withoutBody(200, ['Content-Type', type, ...fields, 'Content-Length', String(size)])
  const asked = rangeOf(wish, form, nowMs)
  switch (asked.kind) {
    case 'whole':
      return part(200, ['Content-Type', type, ...fields], form, { from: 0, octets: size })
    case 'part': {
      const range = `bytes ${asked.from}-${asked.from + asked.octets - 1}/${size}`
      return part(206, ['Content-Type', type, ...fields, 'Content-Range', range], form, asked)
    }
    case 'parts': {
      const body = multipart(asked.parts, type, size)
      // What is in memory is all clients' own: no copy of much of it is made for each (RFC 9110 §14.2 lets a server send the whole).
      if (form.octets !== null && body.octets > wholeOctets) return withOctets(200, ['Content-Type', type, ...fields], form.octets)
      return parts(fields, form, body)
    }
    case 'unsatisfiable':
      return failure(416, wish.asker, { detail: `It has ${size} octets.`, fields: ['Content-Range', `bytes */${size}`] })
  }
}

const part = (status: 200 | 206, fields: readonly string[], form: Representation, span: Span): Reply | Promise<Reply> => {
  if (form.octets !== null) return withOctets(status, fields, form.octets.subarray(span.from, span.from + span.octets))
  return span.octets > wholeOctets
    ? withFile(status, fields, { file: form.file, ...spanOf(span) })
    : read(status, fields, form.file, span)
}

/** Without what else a reading of a range tells. */
const spanOf = ({ from, octets }: Span): Span => ({ from, octets })

const read = async (status: 200 | 206, fields: readonly string[], file: OpenFile, { from, octets }: Span): Promise<Reply> => {
  const pool = poolFor(octets)
  const buffer = pool?.take() ?? Buffer.allocUnsafe(octets)
  const filled = buffer.subarray(0, octets)
  await fill(filled, file, from)
  return withOctets(status, fields, filled, () => pool?.give(buffer))
}

/** Several parts, in one piece where they are short. */
const parts = async (fields: readonly string[], { octets: content, file }: Representation, body: Multipart): Promise<Reply> => {
  if (content === null && body.octets > wholeOctets) return withParts(fields, file, body)
  const octets = Buffer.allocUnsafe(body.octets)
  let at = 0
  for (const { head, from, octets: length } of body.parts) {
    at += head.copy(octets, at)
    if (content === null) await fill(octets.subarray(at, at + length), file, from)
    else content.copy(octets, at, from, from + length)
    at += length
  }
  return withOctets(206, ['Content-Type', body.type, ...fields], octets)
}
