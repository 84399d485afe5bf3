/**
 * A process that makes `PLACE` lead now to one thing, now to another, as fast as it can: `node link-swapper.ts PLACE TARGET…`, each
 * target as a link has it. Says `swapping` once it does. Ends when nobody listens any more, or with its parent.
 */
import { renameSync, rmSync, symlinkSync } from 'node:fs'
import process from 'node:process'

const [place = '', ...targets] = process.argv.slice(2)
const next = `${place}.next`
process.stdin.resume().once('end', () => process.exit())
let turn = 0
const swap = (): void => {
  for (let n = 0; n < 20; n += 1) {
    turn += 1
    rmSync(next, { force: true })
    symlinkSync(targets[turn % targets.length] ?? '', next)
    try {
      renameSync(next, place)
    } catch (error) {
      // A client has made a folder there, or removed the link: that is its right.
      if (!(error instanceof Error && 'code' in error && ['EISDIR', 'ENOENT', 'ENOTEMPTY', 'EEXIST'].includes(String(error.code))))
        throw error
      rmSync(place, { force: true, recursive: true })
    }
  }
  setImmediate(swap)
}
swap()
process.stdout.write('swapping\n')
