/** Which version of HTTP a client begins with, where nothing else has told (RFC 9113 §3.3, §3.4). */
import type { Look } from '../../../shared/net/first-octets.ts'

/** What a client says first that knows the server to speak HTTP/2. */
export const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1')

/** Told by the first octet that differs; the octets stay where they are. */
export const versionIn = (octets: Buffer): Look<'1.1' | '2'> => {
  const common = Math.min(octets.length, preface.length)
  if (octets.compare(preface, 0, common, 0, common) !== 0) return { state: 'told', value: '1.1', used: 0 }
  return common < preface.length ? { state: 'incomplete', least: common + 1 } : { state: 'told', value: '2', used: 0 }
}
