/**
 * STRU R: a file on the wire is a row of records, and marks of two octets end each of them and the file (RFC 959 §3.4.1). Here a file has
 * no records: as text each of its lines is one, without the line feed that ends it; as octets all of it is one.
 */
import type { Conversion } from './conversion.ts'

const LF = 0x0a
/** Begins a mark; as data it is sent twice. */
const ESCAPE = 0xff
const END_OF_RECORD = 0x01
const END_OF_FILE = 0x02
const END_OF_BOTH = 0x03

/** What came is not marked as the standard says: something else than a mark, octets behind the last one, or none at the end. */
export class RecordError extends Error {
  override readonly name = 'RecordError'
}

/** @param lines whether each line is a record */
export const toRecords = (lines: boolean): Conversion => ({
  turn: (chunk) => {
    const turned = Buffer.allocUnsafe(chunk.length * 2)
    let octets = 0
    for (const octet of chunk) {
      const ends = lines && octet === LF
      if (ends || octet === ESCAPE) turned[octets++] = ESCAPE
      turned[octets++] = ends ? END_OF_RECORD : octet
    }
    return turned.subarray(0, octets)
  },
  end: () => Buffer.of(ESCAPE, lines ? END_OF_FILE : END_OF_BOTH),
})

/** The same, back. `turn` and `end` throw a `RecordError`. */
export const fromRecords = (lines: boolean): Conversion => {
  let state: 'text' | 'mark' | 'over' = 'text'
  /** @returns the octet that a mark stands for, if any */
  const marked = (mark: number): number | null => {
    state = mark === END_OF_FILE || mark === END_OF_BOTH ? 'over' : 'text'
    if (mark === ESCAPE) return ESCAPE
    if (mark === END_OF_RECORD || mark === END_OF_BOTH) return lines ? LF : null
    if (mark === END_OF_FILE) return null
    throw new RecordError(`no mark of a record: ${mark}`)
  }
  return {
    turn: (chunk) => {
      const turned = Buffer.allocUnsafe(chunk.length)
      let octets = 0
      for (const octet of chunk) {
        if (state === 'over') throw new RecordError('octets behind the end of the file')
        if (state === 'text' && octet === ESCAPE) {
          state = 'mark'
          continue
        }
        const kept = state === 'mark' ? marked(octet) : octet
        if (kept !== null) turned[octets++] = kept
      }
      return turned.subarray(0, octets)
    },
    end: () => {
      if (state !== 'over') throw new RecordError('no mark of the end of the file')
      return Buffer.alloc(0)
    },
  }
}
