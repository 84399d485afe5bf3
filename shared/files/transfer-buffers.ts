/**
 * Buffers for the octets of files on their way. What is large moves fastest half a mebibyte at a time (Node 26.10, measured: in pieces
 * of 64 KiB twice the time of a processor); many transfers at once get by with less, so that all of them together stay bounded.
 */

/** A buffer of a transfer; disposed of when nobody, the system neither, reads or writes it any more. */
export interface TransferBuffer extends Disposable {
  readonly octets: Buffer
}

const largeOctets = 512 * 1024
const smallOctets = 64 * 1024

/** Large buffers that are lent at once: 32 MiB. Whoever comes then gets a small one. */
const mostLent = 64

/** Large buffers kept for the next transfer: 4 MiB. */
const mostKept = 8

/** Small buffers kept for the next uploads: 2 MiB. Each new one would be memory of its own, which V8's collector has to find. */
const mostSmallKept = 32

const kept: Buffer[] = []
const smallKept: Buffer[] = []
let lent = 0

const nobodys = (octets: Buffer): TransferBuffer => ({ octets, [Symbol.dispose]: () => undefined })

/** A buffer that is to be given back, once. */
const lentBuffer = (octets: Buffer, giveBack: () => void): TransferBuffer => {
  let given = false
  return {
    octets,
    [Symbol.dispose]: () => {
      // Twice given back it would be two transfers' buffer.
      if (given) return
      given = true
      giveBack()
    },
  }
}

/** For the first octets of an upload, and all of a small one. */
export const firstBuffer = (): TransferBuffer => {
  const octets = smallKept.pop() ?? Buffer.allocUnsafeSlow(smallOctets)
  return lentBuffer(octets, () => {
    if (smallKept.length < mostSmallKept) smallKept.push(octets)
  })
}

/** @param wanted octets that there are to move; a large transfer says how many it has left */
export const transferBuffer = (wanted: number): TransferBuffer => {
  if (wanted <= smallOctets) return nobodys(Buffer.allocUnsafe(Math.max(1, wanted)))
  if (lent >= mostLent) return nobodys(Buffer.allocUnsafeSlow(smallOctets))
  const octets = kept.pop() ?? Buffer.allocUnsafeSlow(largeOctets)
  lent += 1
  return lentBuffer(octets, () => {
    lent -= 1
    if (kept.length < mostKept) kept.push(octets)
  })
}
