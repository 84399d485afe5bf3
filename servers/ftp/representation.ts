/** How the octets of a file are written on the wire: TYPE and STRU together (RFC 959 §3.1). */
import type { Conversion } from './conversion.ts'
import { fromNetwork, toNetwork } from './line-ends.ts'
import { fromRecords, toRecords } from './records.ts'

/** TYPE: lines of text, or octets as they are. */
export type TransferType = 'ascii' | 'binary'

/** STRU: octets one behind another, or records. */
export type Structure = 'file' | 'record'

/** See above. */
export interface Representation {
  readonly type: TransferType
  readonly structure: Structure
}

/** Whether the octets on the wire are those of the file: only then lengths and offsets mean the same at both ends. */
export const isExact = ({ type, structure }: Representation): boolean => type === 'binary' && structure === 'file'

/** What a file's octets go through on their way out; null: they go as they are. */
export const toWire = (representation: Representation): Conversion | null => {
  if (isExact(representation)) return null
  return representation.structure === 'record' ? toRecords(representation.type === 'ascii') : toNetwork()
}

/** The same on their way in. */
export const fromWire = (representation: Representation): Conversion | null => {
  if (isExact(representation)) return null
  return representation.structure === 'record' ? fromRecords(representation.type === 'ascii') : fromNetwork()
}
