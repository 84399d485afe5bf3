/** The built family as a user starts it (`bin/havre.js`), in a temporary folder, with an account for each client of a crowd. */
import { mkdir, writeFile } from 'node:fs/promises'
import process from 'node:process'
import { storedPassword } from '../../shared/accounts/new-password.ts'
import { createPasswords } from '../../shared/accounts/password.ts'
import { openAccountStore } from '../../shared/accounts/sqlite-account-store.ts'
import type { Family } from '../../test/kit/family.ts'
import { temporaryFolder } from '../../test/kit/folder.ts'

/** Clients of each kind, and accounts: u1, u2, … with one password. */
export const crowd = 20
export const password = 'labpass'
/** A machine with much to do starts five processes slowly. */
const readyMs = 180_000

/** Starts a family with the crowd's accounts, and a page to get. `await using` ends it and removes its folder. */
export const startCrowd = async (env: Readonly<Record<string, string>>, args: readonly string[] = []): Promise<Family> => {
  // Read when the module is loaded: what is measured is the built program.
  process.env['HAVRE_TEST_BUILT'] = '1'
  const { startFamily } = await import('../../test/kit/family.ts')
  const folder = await temporaryFolder()
  try {
    await mkdir(folder.at('data', 'www'), { recursive: true })
    await writeFile(folder.at('data', 'www', 'index.html'), Buffer.alloc(10_240, '<p>page\n'))
    const accounts = await openAccountStore(folder.at('data', 'accounts.db'))
    // With keys of SCRAM, or each account's first login would make them.
    const stored = await storedPassword(createPasswords(), password, true)
    await accounts.add(...Array.from({ length: crowd }, (_, index) => ({ name: `u${index + 1}`, ...stored })))
    await accounts.close()
    const family = await startFamily({ folder, env, args, deadlineMs: readyMs })
    const stop = family[Symbol.asyncDispose]
    return Object.assign(family, {
      [Symbol.asyncDispose]: async () => {
        await stop()
        await folder.remove()
      },
    })
  } catch (error) {
    await folder.remove()
    throw error
  }
}
