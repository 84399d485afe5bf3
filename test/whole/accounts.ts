import { expect } from 'chai'
import type { Family } from '../kit/family.ts'

/** Makes accounts, or gives those that are there these passwords, before the tests of a group run. */
export const withAccounts = (family: () => Family, accounts: Readonly<Record<string, string>>): void => {
  before('make accounts', async function () {
    this.timeout(120_000)
    const { stdout } = await family().havre(['account', 'list', '--json'])
    for (const [name, password] of Object.entries(accounts)) {
      const verb = stdout.toString().includes(`"${name}"`) ? 'password' : 'add'
      const { code, stderr } = await family().havre(['account', verb, name, '--password-stdin'], { input: `${password}\n` })
      expect(code, stderr).to.equal(0)
    }
  })
}
