import { spawnSync } from 'node:child_process'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { Settings } from '../../shared/config/settings.ts'

/** Alice's home on a file system of its own, of 2 MiB. Only root may mount one. */
export class SmallDisk implements Disposable {
  #folder: string | null = null

  /** For `Setup.prepare`. */
  readonly prepare = async ({ data }: Settings): Promise<void> => {
    const folder = join(data, 'files', 'alice')
    await mkdir(folder, { recursive: true })
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', folder]).status === 0) this.#folder = folder
  }

  /** Where it is mounted; null where that was not allowed. */
  get folder(): string | null {
    return this.#folder
  }

  [Symbol.dispose](): void {
    if (this.#folder !== null) spawnSync('umount', ['-l', this.#folder])
  }
}
