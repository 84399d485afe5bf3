/** What the header of a message tells of how it came. */
import { isUtf8 } from 'node:buffer'
import { fieldOf, headerFields } from '../../shared/mail/header.ts'

/** A path has at most 256 octets (RFC 5321 §4.5.3.1.3), in UTF-8 fewer characters. Nothing that breaks a line or a path. */
const address = /^[^\u0000-\u0020\u007f-\u009f<>]{1,256}$/

/** Whether it may stand where a sender stands. */
export const isSender = (text: string): boolean => address.test(text)

/** The sender in Return-Path (RFC 5321 §4.4), without the brackets; null when there is none, or none that is a path. */
export const returnPathOf = (head: Buffer): string | null => {
  const path = /^<(.*)>$/.exec(fieldOf(headerFields(head), 'return-path')?.trim() ?? '')?.[1]
  return path !== undefined && (path === '' || isSender(path)) ? path : null
}

/** Up to the empty line, it included; all of it when there is none. */
export const headerLength = (head: Buffer): number => {
  const empty = head.length > 1 && head[0] === 0x0d && head[1] === 0x0a ? 2 : head[0] === 0x0a ? 1 : 0
  if (empty > 0) return empty
  const [line, crlfLine] = [head.indexOf('\n\n'), head.indexOf('\n\r\n')]
  const ends = [...(line === -1 ? [] : [line + 2]), ...(crlfLine === -1 ? [] : [crlfLine + 3])]
  return ends.length === 0 ? head.length : Math.min(...ends)
}

const ascii = /^[\u0000-\u007f]*$/

/** Whether the header is written in UTF-8 (RFC 6532), as only SMTPUTF8 lets it pass. */
export const hasUtf8Header = (head: Buffer): boolean => {
  const header = head.subarray(0, headerLength(head))
  return !ascii.test(header.toString('latin1')) && isUtf8(header)
}
