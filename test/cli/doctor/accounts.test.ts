import { mkdir } from 'node:fs/promises'
import { expect } from 'chai'
import { accounts } from '../../../cli/doctor/accounts.ts'
import { createPasswords } from '../../../shared/accounts/password.ts'
import { openAccountStore } from '../../../shared/accounts/sqlite-account-store.ts'
import { temporaryFolder } from '../../kit/folder.ts'
import { troublesOf } from './patient.ts'

describe('doctor: accounts', () => {
  it('find settings for files of accounts that do not exist', async () => {
    await using folder = await temporaryFolder()
    await mkdir(folder.at('data'), { mode: 0o700 })
    const store = await openAccountStore(folder.at('data', 'accounts.db'))
    await store.add({
      name: 'alice',
      passwordHash: await createPasswords({ memoryKiB: 64, passes: 1, parallelism: 1 }).hash('tests only'),
    })
    await store.close()
    const sets = ['files.accounts.Alice.access=read-only', 'files.accounts.scaner.access=drop-box']
    expect(await troublesOf(accounts, folder, { sets })).to.deep.equal([
      'hint: files.accounts has settings for scaner, and there is no such account → `havre account add scaner`, or take it out of the configuration',
    ])
    const guests = ['files.accounts.anonymous.transfers=10']
    expect(await troublesOf(accounts, folder, { sets: guests })).to.have.length(1)
    expect(await troublesOf(accounts, folder, { sets: [...guests, 'services.ftp.anonymous=public'] })).to.deep.equal([])
  })
})
