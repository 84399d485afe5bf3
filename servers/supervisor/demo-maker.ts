/**
 * Makes the demo in a process of its own: the passwords' hashes and the mail store take 50 MiB once, which the supervisor would
 * never give back.
 */
import { join } from 'node:path'
import type { Settings } from '../../shared/config/settings.ts'
import { workElsewhere, workHere } from '../../shared/own-process.ts'
import type { DemoService } from './demo.ts'

interface Input {
  readonly settings: Settings
  readonly services: readonly DemoService[]
}

/**
 * Everything about the demo that a start does; see `prepareDemo`.
 * @returns lines for the terminal
 * @throws {PermanentError} as `refuseDemoBeyondLoopback` does
 */
export const makeDemo = (settings: Settings, services: readonly DemoService[]): Promise<readonly string[]> =>
  workElsewhere<Input, readonly string[]>(import.meta.filename, { settings, services })

await workHere(import.meta.filename, async ({ settings, services }: Input): Promise<readonly string[]> => {
  // Imported here: who only asks for the work need not load what it takes.
  const { openAccountStore } = await import('../../shared/accounts/sqlite-account-store.ts')
  const { prepareDemo } = await import('./demo.ts')
  const lines: string[] = []
  const accounts = await openAccountStore(join(settings.data, 'accounts.db'))
  try {
    await prepareDemo({ settings }, services, accounts, (line) => lines.push(line))
  } finally {
    await accounts.close()
  }
  return lines
})
