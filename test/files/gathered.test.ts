import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import type { Upload } from '../../shared/files/file-store.ts'
import { Gathered } from '../../shared/files/gathered.ts'
import { runSeed, seeded } from '../kit/seeded.ts'

/** An upload that keeps a copy of what a write was given, made when that write ends. */
const slow = (waitMs: () => number, failsAt = Number.POSITIVE_INFINITY): Upload & { readonly pieces: Buffer[] } => {
  const pieces: Buffer[] = []
  let octets = 0
  return {
    pieces,
    get octets() {
      return octets
    },
    write: async (chunk) => {
      await sleep(waitMs())
      if (octets + chunk.length > failsAt) throw new Error('full')
      octets += chunk.length
      pieces.push(Buffer.from(chunk))
    },
    commit: () => Promise.reject(new Error('not asked for')),
    abort: () => Promise.resolve(),
  }
}

describe('what is gathered of an upload', () => {
  it('is written in its order, octet for octet, however it comes and however slow the disk is', async () => {
    const random = seeded(runSeed())
    for (let round = 0; round < 6; round += 1) {
      const upload = slow(() => (random.chance(0.5) ? 0 : random.between(1, 40)))
      const gathered = new Gathered(upload)
      const all = random.octets(random.pick([0, 1, 65_536, 65_537, 700_000, 3_000_000]))
      for (let from = 0; from < all.length; ) {
        const octets = Math.min(all.length - from, random.between(1, 200_000))
        if (random.chance(0.5)) {
          await gathered.take(all.subarray(from, from + octets))
          from += octets
        } else {
          const { room } = gathered
          const put = Math.min(octets, room.length)
          all.copy(room, 0, from, from + put)
          from += put
          const behind = gathered.came(put)
          // Not a moment longer than was asked for: a buffer that is being written would be overwritten.
          if (behind !== undefined) await behind
        }
        if (random.chance(0.1)) await sleep(25)
      }
      await gathered.end()
      gathered.release()
      expect(Buffer.concat(upload.pieces).equals(all), `round ${round}, ${all.length} octets`).to.equal(true)
    }
  })

  it('is written when no more comes for a moment, without an end of it', async () => {
    const upload = slow(() => 0)
    const gathered = new Gathered(upload)
    await gathered.take(Buffer.from('one'))
    while (upload.octets < 3) await sleep(1)
    await gathered.take(Buffer.from('two'))
    await gathered.end()
    expect(Buffer.concat(upload.pieces).toString()).to.equal('onetwo')
  })

  it('tells what the disk refuses to whoever waits, takes or ends, and writes nothing behind it', async () => {
    const upload = slow(() => 1, 100_000)
    const gathered = new Gathered(upload)
    const refused = gathered.failing.then(
      () => 'nothing',
      (error: unknown) => String(error),
    )
    const taken = (async () => {
      for (;;) await gathered.take(Buffer.alloc(50_000))
    })().catch((error: unknown) => String(error))
    expect([await taken, await refused]).to.deep.equal(['Error: full', 'Error: full'])
    expect(await gathered.end().catch((error: unknown) => String(error))).to.equal('Error: full')
    expect(upload.octets).to.equal(65_536)
    gathered.release()
  })
})
