import { FileError } from './file-store.ts'
import { isHiddenName } from './hidden-name.ts'

const longestNameOctets = 255

/** What systems take (4,096 on Linux), less room for the root before it. */
const longestPathOctets = 3072

/** Names that mean something else to Windows: other separators, streams of a file, wildcards, trailing dots and blanks. */
const impossible = process.platform === 'win32' ? /[\0-\x1f<>:"|?*\\]|[. ]$/ : /\0/

const checkName = (name: string): string => {
  if (impossible.test(name) || Buffer.byteLength(name) > longestNameOctets || isHiddenName(name)) {
    throw new FileError('bad-name', 'not a possible name')
  }
  return name
}

/**
 * The names that lead from the root to what the path means. `.` and `..` are resolved by the words alone, so `..` after a link is
 * the folder that holds the link, and never leads above the root.
 * @throws {FileError} bad-name: a NUL, a name over 255 octets, a path over 3,072, a name under which an upload lies
 */
export const resolvePath = (path: string): readonly string[] => {
  const names: string[] = []
  for (const name of path.split('/')) {
    if (name === '..') names.pop()
    else if (name !== '' && name !== '.') names.push(checkName(name))
  }
  if (names.length > 0 && Buffer.byteLength(names.join('/')) > longestPathOctets) {
    throw new FileError('bad-name', 'the path is too long')
  }
  return names
}
