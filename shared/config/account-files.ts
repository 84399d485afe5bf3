import type { AccountFiles, FileSettings } from './settings.ts'

/** What holds for one account: its own settings, else those of all. */
export const accountFiles = ({ quota, access, bandwidth, transfers, accounts }: FileSettings, account: string): AccountFiles => ({
  quota,
  access,
  bandwidth,
  transfers,
  ...(Object.hasOwn(accounts, account) ? accounts[account] : {}),
})
