/** What an engine refuses, told apart by its code, and the line in which it was found. */
import type { FailureStatus } from './statuses.ts'

/** What the parser, or its clock, refused. */
export interface Problem {
  readonly status: FailureStatus
  /** The engine's code, for the journal. */
  readonly code: string
  /** The request line, where the packet shows one. */
  readonly line: string | null
}

/** What was to come did not come in time; the code is the one that the engine's own clock has for it. */
export const tooLate: Problem = { status: 408, code: 'ERR_HTTP_REQUEST_TIMEOUT', line: null }

/** A character of a method's name (RFC 9110 §5.6.2). */
const tokenCharacter = /[!#$%&'*+.^_`|~0-9A-Za-z-]/
/** Nothing looser: in a request without line breaks a password could stand behind the target. */
const requestLine = /(?<=^(?:\r?\n)*)[!#$%&'*+.^_`|~0-9A-Za-z-]+ [^ \r\n]+ HTTP\/[0-9.]{0,8}(?=\r?\n|$)/
const version = /^(?:\d\.|\.?)\d$/

/** What an error of the parser means to the client; null for errors of the network. */
export const problemOf = (error: NodeJS.ErrnoException): Problem | null => {
  const code = error.code ?? ''
  const { packet, at } = packetOf(error)
  const text = packet.toString('latin1')
  const [line = null] = requestLine.exec(text.slice(beginOf(text, at))) ?? []
  const here = text.charAt(at)
  switch (code) {
    case tooLate.code:
      return { ...tooLate, line }
    case 'HPE_HEADER_OVERFLOW':
      // Only where the packet shows that the request line goes on beyond the limit can we know that it is the address.
      return { status: /^[A-Z]+ [^ \r\n]*$/.test(text.slice(0, at)) ? 414 : 431, code, line }
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return { status: 413, code, line }
    case 'HPE_INVALID_METHOD':
      // The parser stops at the first character that no method it knows has there.
      return { status: tokenCharacter.test(here) ? 501 : 400, code, line }
    case 'HPE_INVALID_VERSION':
      // Two digits were read and the line ended: a version, but not ours. Of a packet that begins with the second we see no more.
      return { status: version.test(text.slice(Math.max(0, at - 3), at)) && (here === '' || here === '\r') ? 505 : 400, code, line }
    case 'HPE_PAUSED_H2_UPGRADE':
      return { status: 505, code, line }
    default:
      return code.startsWith('HPE_') ? { status: 400, code, line } : null
  }
}

/** Where the request begins in which the parser failed: after the last head, if another one is in the packet. */
const beginOf = (text: string, at: number): number => {
  const end = text.lastIndexOf('\r\n\r\n', at - 1)
  return end === -1 ? 0 : end + 4
}

/** The packet that the parser failed in, and where in it. */
const packetOf = (error: object): { packet: Buffer; at: number } => ({
  packet: 'rawPacket' in error && Buffer.isBuffer(error.rawPacket) ? error.rawPacket : Buffer.alloc(0),
  at: 'bytesParsed' in error && typeof error.bytesParsed === 'number' ? error.bytesParsed : 0,
})
