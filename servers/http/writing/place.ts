/** What an address below `/~account/` means to who changes it. */
import { readAccountName } from '../../../shared/accounts/name.ts'
import type { Target } from '../target.ts'

/** A place in the web folder of an account. */
export interface Place {
  readonly account: string
  /** Below the web folder; none: that folder itself. */
  readonly names: readonly string[]
  /** In the account's home. */
  readonly path: string
  /** Whether the address is that of a folder. */
  readonly folder: boolean
}

/** The place; null for an address that is not below one of an account. @param webFolder its name in the home */
export const placeOf = ({ segments, folder }: Target, webFolder: string): Place | null => {
  const [first = '', ...names] = segments
  if (!first.startsWith('~')) return null
  const account = readAccountName(first.slice(1))
  if (!account.ok) return null
  return { account: account.name, names, path: `/${[webFolder, ...names].join('/')}`, folder: folder || names.length === 0 }
}
