import { join } from 'node:path'
import { accountsWithDemoPassword, demoPassword } from '../../servers/supervisor/demo.ts'
import { type AccountStore, AccountStoreError } from '../../shared/accounts/account-store.ts'
import { openAccountStore } from '../../shared/accounts/sqlite-account-store.ts'
import { type Check, type Finding, found, ok, type Patient } from './check.ts'
import { isExposed } from './names.ts'

/** Whether a service takes guests, who have settings of their own name without an account. */
const takesGuests = ({ configuration }: Patient): boolean =>
  configuration.services.some(
    ({ protocol, options }) =>
      protocol === 'ftp' && typeof options === 'object' && options !== null && 'anonymous' in options && options.anonymous !== null,
  )

/** Settings for accounts that nobody can log in to: misspelt, or removed. */
const ofFileSettings = async (accounts: AccountStore, patient: Patient): Promise<Finding[]> => {
  const { configuration } = patient
  const known = new Set((await accounts.list()).map(({ name }) => name))
  if (takesGuests(patient)) known.add('anonymous')
  return Object.keys(configuration.settings.files.accounts)
    .filter((name) => !known.has(name))
    .map((name) =>
      found(
        'hint',
        `files.accounts has settings for ${name}, and there is no such account`,
        `\`havre account add ${name}\`, or take it out of the configuration`,
      ),
    )
}

/** Paths that are for accounts which nobody can log in to. */
const ofNeeds = async (accounts: AccountStore, { services }: Patient): Promise<Finding[]> => {
  const known = new Set((await accounts.list()).map(({ name }) => name))
  return services.flatMap(({ name: service, needs }) =>
    needs.flatMap((need) =>
      need.kind !== 'account' || known.has(need.name)
        ? []
        : found(
            'warning',
            `services.${service}.${need.setting} lets ${need.name} in, and there is no such account`,
            `\`havre account add ${need.name}\`, or set it right`,
          ),
    ),
  )
}

const ofAccounts = async (accounts: AccountStore, patient: Patient): Promise<Finding[]> => {
  const count = await accounts.count()
  if (count === 0) {
    const made = patient.configuration.settings.demo && (await accounts.untouched())
    if (made) return [ok('there is no account yet: the first start makes alice and bob to try it with')]
    return [
      found(
        'hint',
        'there is no account: nobody can log in, and mail for accounts is refused',
        '`havre account add NAME` makes one',
      ),
    ]
  }
  const open = await accountsWithDemoPassword({ accounts })
  if (open.length === 0) return [ok(`${count} account${count === 1 ? '' : 's'}`)]
  const message = `${open.join(' and ')} ${open.length === 1 ? 'has' : 'have'} the demo password (${demoPassword}), which everybody knows`
  const commands = open.map((name) => `havre account password ${name}`).join('\n')
  if (!isExposed(patient)) return [found('hint', `${message}; only this machine reaches the services`, commands)]
  return [found('problem', `${message}, and other machines reach the services`, commands)]
}

const look = async (patient: Patient): Promise<Finding[]> => {
  const file = join(patient.configuration.settings.data, 'accounts.db')
  let accounts: AccountStore
  try {
    accounts = await openAccountStore(file, { readOnly: true })
  } catch (error) {
    if (!(error instanceof AccountStoreError)) throw error
    if (error.code === 'absent') return ofAbsent(patient)
    const remedy =
      error.code === 'denied' ? 'Run `havre doctor` as the user of Havre, or as root' : 'Restore it from a backup, if it is damaged'
    return [found('problem', error.message, remedy)]
  }
  try {
    return [
      ...(await ofAccounts(accounts, patient)),
      ...(await ofFileSettings(accounts, patient)),
      ...((await accounts.count()) > 0 ? await ofNeeds(accounts, patient) : []),
    ]
  } finally {
    await accounts.close()
  }
}

const ofAbsent = (patient: Patient): Finding[] => {
  const { demo } = patient.configuration.settings
  if (!demo) return [found('hint', 'there is no account yet', '`havre account add NAME` makes one')]
  if (!isExposed(patient)) return [ok('there is no account yet: the first start makes alice and bob to try it with')]
  const remedy = 'Set demo: false, then `havre account add NAME`'
  return [
    found(
      'problem',
      'a start is refused: alice and bob would get a password that everybody knows, where other machines reach them',
      remedy,
    ),
  ]
}

/** Whether accounts can be read, and nobody comes in with a password that everybody knows. */
export const accounts: Check = { name: 'accounts', ofServices: false, look }
