/** Facts about files and folders as MLST and MLSD tell them (RFC 3659 §7.4, §7.5). */
import type { Access, FileStat } from '../../shared/files/file-store.ts'
import { timeValue } from './time-value.ts'

/**
 * All facts, in the order in which they are told. No owner and group: they would be those of the server's process, not of the account.
 */
export const factNames = ['type', 'size', 'modify', 'create', 'perm', 'unique', 'unix.mode'] as const
export type FactName = (typeof factNames)[number]

/** A file or folder, and where it stands to what is listed. */
export interface Described {
  readonly stat: FileStat
  /** `cdir`: the listed folder itself; `pdir`: the one around it. */
  readonly type: 'file' | 'dir' | 'cdir' | 'pdir'
  /** What may be done in the folder that it lies in; null: what that allows is not to be told, or it is the home itself. */
  readonly inFolder: Rights | null
}

/** What the system lets this process do with a file or folder. */
export interface Rights {
  readonly read: boolean
  readonly write: boolean
  /** Go into a folder. */
  readonly enter: boolean
}

/**
 * By the owner's bits: all that is in a home belongs to the account of the system that the server runs as. Whoever runs it as root may
 * do all.
 */
export const rightsOf = ({ mode }: FileStat, isRoot: boolean): Rights => ({
  read: isRoot || (mode & 0o400) !== 0,
  write: isRoot || (mode & 0o200) !== 0,
  enter: isRoot || (mode & 0o100) !== 0,
})

/**
 * What the account may do with it (RFC 3659 §7.5.5): what its access allows and the system does. A folder that is not empty counts as
 * one that may be deleted: looking into each would cost more than it tells.
 */
export const permOf = ({ stat, inFolder }: Described, access: Access, isRoot: boolean): string => {
  const { read, write, enter } = rightsOf(stat, isRoot)
  const removable = access === 'full' && inFolder !== null && inFolder.write && inFolder.enter
  const letters = (given: readonly (readonly [string, boolean])[]) => given.map(([letter, may]) => (may ? letter : '')).join('')
  if (stat.kind === 'file') {
    return letters([
      ['a', removable && write],
      ['d', removable],
      ['f', removable],
      ['r', access !== 'drop-box' && read],
      ['w', removable && write],
    ])
  }
  const makes = access !== 'read-only' && write && enter
  return letters([
    ['c', makes],
    ['d', removable],
    ['e', enter],
    ['f', removable],
    ['l', access !== 'drop-box' && read && enter],
    ['m', makes],
    ['p', access === 'full' && write && enter],
  ])
}

/** One fact's value; null where it does not apply. */
type Tell = (described: Described, access: Access, isRoot: boolean) => string | null

const values: Record<FactName, Tell> = {
  type: ({ type }) => type,
  size: ({ stat }) => (stat.kind === 'file' ? String(stat.octets) : null),
  modify: ({ stat }) => timeValue(stat.modifiedMs),
  // It never indicates a later time than the modify fact (RFC 3659 §7.5.4): a copy that kept its time has none.
  create: ({ stat: { createdMs, modifiedMs } }) => (createdMs === null || createdMs > modifiedMs ? null : timeValue(createdMs)),
  perm: permOf,
  unique: ({ stat }) => stat.unique,
  'unix.mode': ({ stat }) => `0${(stat.mode & 0o777).toString(8).padStart(3, '0')}`,
}

const runsAsRoot = process.geteuid?.() === 0

/** The type of what lies in a folder. */
export const typeOf = ({ kind }: FileStat): 'dir' | 'file' => (kind === 'folder' ? 'dir' : 'file')

/** What writes entries with these facts: `type=file;size=12; name`, without facts ` name` (RFC 3659 §7.2). */
export const factWriter = (facts: readonly FactName[], access: Access): ((described: Described, name: string) => string) => {
  const told = factNames.filter((name) => facts.includes(name)).map((name) => ({ start: `${name}=`, tell: values[name] }))
  return (described, name) => {
    let line = ''
    for (const { start, tell } of told) {
      const value = tell(described, access, runsAsRoot)
      if (value !== null) line += `${start}${value};`
    }
    return `${line} ${name}`
  }
}

/** The line of FEAT: facts told now have an asterisk (RFC 3659 §7.8). */
export const mlstFeature = (facts: readonly FactName[]): string =>
  `MLST ${factNames.map((name) => `${name}${facts.includes(name) ? '*' : ''};`).join('')}`

/** What a process that is not root, or is, may do in a folder. */
export const rightsIn = (folder: FileStat): Rights => rightsOf(folder, runsAsRoot)
