import { posix } from 'node:path'

/** What a client's path means, seen from its current folder: absolute within the home, without dots, never above the home. */
export const resolveFrom = (folder: string, path: string): string => posix.resolve('/', folder, path)

/** The folder that holds what the path means. */
export const parentOf = (path: string): string => posix.dirname(path)

/** The last name. */
export const baseName = (path: string): string => posix.basename(path)
