/** Which files some process has open for writing, as `/proc` tells. */
import { readdirSync, readFileSync, readlinkSync, realpathSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { setImmediate as turn } from 'node:timers/promises'

/** Bits of the flags that say how a file was opened (open(2), octal in `/proc/PID/fdinfo`). */
const accessMode = 0o3

/**
 * Those of these files that some process has open for writing. Processes that may not be looked at (other users', or on systems
 * without `/proc` all) are taken to have none. Each question is answered out of memory at once, so a process is looked at in one go.
 * @param paths absolute
 */
export const openForWriting = async (paths: readonly string[]): Promise<ReadonlySet<string>> => {
  const real = new Map(paths.map((path) => [realPath(path), path]))
  const found = new Set<string>()
  for (const process of list('/proc')) {
    if (!/^\d+$/.test(process)) continue
    for (const fd of list(`/proc/${process}/fd`)) {
      const path = real.get(orElse(() => readlinkSync(`/proc/${process}/fd/${fd}`), ''))
      if (path !== undefined && isWriter(`/proc/${process}/fdinfo/${fd}`)) found.add(path)
    }
    await turn()
  }
  return found
}

/** As the system writes it; the file itself may be gone already. */
const realPath = (path: string): string =>
  join(
    orElse(() => realpathSync(dirname(path)), dirname(path)),
    basename(path),
  )

const list = (folder: string): readonly string[] => orElse(() => readdirSync(folder), [])

const isWriter = (path: string): boolean => {
  const [, flags] = /^flags:\s*([0-7]+)$/m.exec(orElse(() => readFileSync(path, 'utf8'), '')) ?? []
  return flags !== undefined && (Number.parseInt(flags, 8) & accessMode) !== 0
}

/** Processes end while they are looked at, and not all may be looked at. */
const unseen: readonly unknown[] = ['ENOENT', 'ESRCH', 'EACCES', 'EPERM', 'ENOTDIR', 'EINVAL']

const orElse = <Value>(value: () => Value, otherwise: Value): Value => {
  try {
    return value()
  } catch (error) {
    if (error instanceof Error && 'code' in error && unseen.includes(error.code)) return otherwise
    throw error
  }
}
