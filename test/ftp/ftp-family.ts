import { mkdir } from 'node:fs/promises'
import { createPasswords } from '../../shared/accounts/password.ts'
import { openAccountStore } from '../../shared/accounts/sqlite-account-store.ts'
import { type Family, startFamily } from '../kit/family.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'

/** The password of alice and bob here: nothing that a program's command line or a URL has to quote. */
export const password = 'tests-only-4711'

/** The real supervisor with the FTP service alone, and a folder for the clients' own files. */
export interface FtpFamily extends AsyncDisposable {
  readonly family: Family
  readonly folder: TemporaryFolder
  readonly port: number
  /** Absolute path in alice's home. */
  home(...names: string[]): string
  /** Absolute path in the clients' folder. */
  local(...names: string[]): string
  /** `ftp://alice:…@127.0.0.1:…` */
  readonly url: string
}

/** Makes the accounts alice and bob, whose password costs little to check. */
export const makeFtpAccounts = async (folder: TemporaryFolder): Promise<void> => {
  await mkdir(folder.at('data'), { mode: 0o700, recursive: true })
  const store = await openAccountStore(folder.at('data', 'accounts.db'))
  const passwordHash = await createPasswords({ memoryKiB: 64, passes: 1, parallelism: 1 }).hash(password)
  await store.add({ name: 'alice', passwordHash }, { name: 'bob', passwordHash })
  await store.close()
}

/** Starts it, with the accounts alice and bob. */
export const startFtpFamily = async (args: readonly string[] = []): Promise<FtpFamily> => {
  const folder = await temporaryFolder()
  await mkdir(folder.at('local'))
  await makeFtpAccounts(folder)
  const others = ['http', 'smtp', 'pop3'].flatMap((name) => ['--set', `services.${name}.enabled=false`])
  const family = await startFamily({ folder, args: [...others, '--set', 'demo=false', ...args] })
  const port = family.port('ftp')
  return {
    family,
    folder,
    port,
    home: (...names) => folder.at('data', 'files', 'alice', ...names),
    local: (...names) => folder.at('local', ...names),
    url: `ftp://alice:${password}@127.0.0.1:${port}`,
    [Symbol.asyncDispose]: async () => {
      await family[Symbol.asyncDispose]()
      await folder.remove()
    },
  }
}
