/** What a client offers before anything is agreed on: the versions in its ClientHello (RFC 8446 §4.1.2, §4.2.1). */
import type { Socket } from 'node:net'
import { firstOctets, type Look } from '../net/first-octets.ts'

/** As it stands in a hello: TLS 1.2 is 3.3. */
const tls12 = 0x0303

/** No hello is longer; of what is, nobody asks for more. */
const longestOctets = 16 * 1024

/** So far: not enough to tell, or whether the client knows TLS 1.2 or older. What is no hello is for the handshake to refuse. */
export type Offered = 'incomplete' | 'older' | 'newer-only'

const recordHeader = 5
/** Of a handshake message: its kind and length; then version and random of a hello. */
const beforeSession = recordHeader + 4 + 2 + 32
const supportedVersions = 43

/** Reads on behind lists whose lengths stand before them; a `RangeError` where they lead out of what is there. */
const behindLists = (hello: Buffer): number => {
  const session = beforeSession + 1 + hello.readUInt8(beforeSession)
  const suites = session + 2 + hello.readUInt16BE(session)
  return suites + 1 + hello.readUInt8(suites)
}

const versionsIn = (hello: Buffer): readonly number[] => {
  for (let at = behindLists(hello) + 2; at + 4 <= hello.length; at += 4 + hello.readUInt16BE(at + 2)) {
    if (hello.readUInt16BE(at) !== supportedVersions) continue
    const octets = hello.readUInt8(at + 4)
    return Array.from({ length: octets >> 1 }, (_, nth) => hello.readUInt16BE(at + 5 + 2 * nth))
  }
  return [tls12]
}

/** @param octets all that came so far */
export const offeredIn = (octets: Buffer): Offered => {
  if (octets.length < recordHeader) return octets.length === 0 || octets[0] === 22 ? 'incomplete' : 'older'
  const whole = recordHeader + octets.readUInt16BE(3)
  if (octets[0] !== 22 || whole > longestOctets) return 'older'
  if (octets.length < whole) return 'incomplete'
  try {
    return versionsIn(octets.subarray(0, whole)).some((version) => version <= tls12) ? 'older' : 'newer-only'
  } catch (error) {
    if (error instanceof RangeError) return 'older'
    throw error
  }
}

/** The hello, which stays in the socket. Where it does not come in time, or its client goes, it is `incomplete`. */
export const awaitHello = async (socket: Socket, waitMs: number, signal: AbortSignal): Promise<Offered> => {
  const hello = await firstOctets(socket, seenIn, waitMs, signal)
  return hello.state === 'told' ? hello.value : 'incomplete'
}

const seenIn = (octets: Buffer): Look<Offered> => {
  const offered = offeredIn(octets)
  return offered === 'incomplete' ? { state: offered, least: octets.length + 1 } : { state: 'told', value: offered, used: 0 }
}
