/** `havre account`: adds, changes, removes and lists accounts, whether Havre runs or not. */
import { existsSync, mkdirSync, rmdirSync } from 'node:fs'
import { join } from 'node:path'
import { Argument, Command } from 'commander'
import { makeFolderFor } from '../servers/supervisor/privilege.ts'
import {
  type Account,
  type AccountStore,
  AccountStoreError,
  accountErrors,
  type StoredPassword,
} from '../shared/accounts/account-store.ts'
import { readAccountName } from '../shared/accounts/name.ts'
import { storedPassword } from '../shared/accounts/new-password.ts'
import { createPasswords } from '../shared/accounts/password.ts'
import { openAccountStore } from '../shared/accounts/sqlite-account-store.ts'
import type { Settings } from '../shared/config/settings.ts'
import { PermanentError } from '../shared/service.ts'
import { newPassword } from './ask-password.ts'
import { type ConfigurationOptions, configurationFrom, withConfigurationOptions } from './configuration-options.ts'
import { giveUpRoot } from './give-up-root.ts'

interface AccountOptions extends ConfigurationOptions {
  readonly json?: boolean
  readonly passwordStdin?: boolean
}

const rule = 'Names have letters, digits, dot, dash and underscore, begin with a letter or a digit and have at most 64 characters.'
const asking = 'The password is asked for where stdin is a terminal; else give it as one line with --password-stdin.'
const codes = 'Exit codes: 0 done, 100 it cannot be done this way, 111 try again later.'

/** `havre account add|password|remove|list`. */
export const accountCommand = (): Command =>
  new Command('account')
    .description('the accounts: each is a login, a mailbox, a folder and a web space')
    .addHelpText(
      'after',
      `
Needs no running Havre. A running one knows of a change at the next login.

Examples:
  $ havre account add carol
  $ havre account list
  $ havre account password carol --help`,
    )
    .addCommand(addCommand())
    .addCommand(passwordCommand())
    .addCommand(removeCommand())
    .addCommand(listCommand())

const name = (): Argument => new Argument('<name>', 'without a domain: carol')

const addCommand = (): Command =>
  withConfigurationOptions(
    new Command('add')
      .description('add an account, and make its folder')
      .addArgument(name())
      .option('--password-stdin', 'read the password from stdin, one line')
      .option('--json', 'print it as JSON')
      .addHelpText(
        'after',
        `
${rule}
${asking}

Examples:
  $ havre account add carol
  $ printf '%s' "$PASSWORD" | havre account add carol --password-stdin
  $ havre account add carol --password-stdin --set data=/srv/havre < password.txt

${codes}`,
      )
      .action(add),
  )

const passwordCommand = (): Command =>
  withConfigurationOptions(
    new Command('password')
      .description('change the password of an account')
      .addArgument(name())
      .option('--password-stdin', 'read the password from stdin, one line')
      .option('--json', 'print it as JSON')
      .addHelpText(
        'after',
        `
${asking}
Who is logged in stays so; the next login needs the new one.

Examples:
  $ havre account password carol
  $ printf '%s' "$PASSWORD" | havre account password carol --password-stdin

${codes}`,
      )
      .action(changePassword),
  )

const removeCommand = (): Command =>
  withConfigurationOptions(
    new Command('remove')
      .description('remove an account; its mail and files stay')
      .addArgument(name())
      .option('--json', 'print it as JSON')
      .addHelpText(
        'after',
        `
Its mailbox and its folder stay as they are: an account of the same name that is added later has them again.

Examples:
  $ havre account remove carol
  $ havre account remove carol --json

${codes}`,
      )
      .action(remove),
  )

const listCommand = (): Command =>
  withConfigurationOptions(
    new Command('list')
      .description('list the accounts, oldest first')
      .argument('[name]', 'only this one')
      .option('--json', 'print it as JSON')
      .addHelpText(
        'after',
        `
Examples:
  $ havre account list
  $ havre account list carol
  $ havre account list --json | jq -r '.accounts[].name'

${codes}`,
      )
      .action(list),
  )

const add = (text: string, options: AccountOptions): Promise<void> =>
  withAccounts(options, openAccountStore, async (store, settings) => {
    const account = nameOf(text)
    if ((await store.find(account)) !== null) throw taken(account)
    const password = await askedPassword(account, options, settings)
    const files = homeOf(settings, account)
    const isNew = !existsSync(files)
    makeHome(files)
    try {
      await store.add({ name: account, ...password })
    } catch (error) {
      if (isNew) rmdirSync(files)
      throw error instanceof AccountStoreError && error.code === 'exists' ? taken(account) : error
    }
    const address = `${account}@${settings.domains[0]}`
    if (options.json === true) return print({ account, address, files })
    console.log(`added ${account}: mail ${address}, files ${files}`)
    if (!isNew)
      console.log('The folder was there already: the account has the files in it, and the mail that was there for this name.')
  })

const changePassword = (text: string, options: AccountOptions): Promise<void> =>
  withAccounts(options, openIfThere, async (store, settings) => {
    const account = nameOf(text)
    if (store === null || (await store.find(account)) === null) throw missing(account)
    const { passwordHash, scramKeys } = await askedPassword(account, options, settings)
    await store.setPassword(account, passwordHash, scramKeys)
    if (options.json === true) print({ account })
    else console.log(`changed the password of ${account}`)
  })

const remove = (text: string, options: AccountOptions): Promise<void> =>
  withAccounts(options, openIfThere, async (store, settings) => {
    const account = nameOf(text)
    if (store === null || (await store.find(account)) === null) throw missing(account)
    await store.remove(account)
    const files = homeOf(settings, account)
    if (options.json === true) print({ account, files })
    else console.log(`removed ${account}; its mail and its files in ${files} stay`)
  })

const list = (text: string | undefined, options: AccountOptions): Promise<void> =>
  withAccounts(options, openIfThere, async (store) => {
    const all = store === null ? [] : await store.list()
    const account = text === undefined ? null : nameOf(text)
    const accounts = account === null ? all : all.filter((each) => each.name === account)
    if (account !== null && accounts.length === 0) throw missing(account)
    if (options.json === true) print({ accounts })
    else if (accounts.length === 0) console.error('There are no accounts. `havre account add NAME` adds one.')
    else console.log(table(accounts))
  })

const table = (accounts: readonly Account[]): string => {
  const minute = (date: Date) => `${date.toISOString().slice(0, 16).replace('T', ' ')}Z`
  const width = Math.max('NAME'.length, ...accounts.map((account) => account.name.length))
  const line = (first: string, created: string, changed: string) => `${first.padEnd(width)}  ${created.padEnd(17)}  ${changed}`
  const rows = accounts.map((account) => line(account.name, minute(account.createdAt), minute(account.passwordChangedAt)))
  return [line('NAME', 'ADDED', 'PASSWORD SET'), ...rows].join('\n')
}

const print = (value: object): void => console.log(JSON.stringify(value))

const homeOf = (settings: Settings, account: string): string => join(settings.data, 'files', account)

const makeHome = (folder: string): void => {
  try {
    mkdirSync(folder, { recursive: true })
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : null
    if (code === 'EEXIST' || code === 'ENOTDIR')
      throw new PermanentError(`${folder} cannot be made: a file is in its place`, { cause: error })
    if (code === 'EACCES' || code === 'EPERM' || code === 'EROFS')
      throw new PermanentError(`${folder} may not be made`, { cause: error })
    throw error
  }
}

const nameOf = (text: string): string => {
  const reading = readAccountName(text)
  if (reading.ok) return reading.name
  throw new PermanentError(`${JSON.stringify(text)} cannot be the name of an account: ${reading.reason}`)
}

const askedPassword = async (account: string, options: AccountOptions, { logins }: Settings): Promise<StoredPassword> =>
  storedPassword(createPasswords(), await newPassword(account, options.passwordStdin === true), logins.scram)

const taken = (account: string): PermanentError =>
  new PermanentError(`there is an account ${account} already; \`havre account password ${account}\` changes its password`)

const missing = (account: string): PermanentError =>
  new PermanentError(`there is no account ${account}; \`havre account list\` shows those that are there`)

/**
 * Opens the accounts as the user whose they are, and closes them. What cannot succeed later either becomes a `PermanentError`.
 *
 * @param open gets the database's path
 */
const withAccounts = async <Store extends AccountStore | null>(
  options: AccountOptions,
  open: (file: string) => Promise<Store>,
  work: (store: Store, settings: Settings) => Promise<void>,
): Promise<void> => {
  const { settings } = await configurationFrom(options)
  giveUpRoot(settings, (to) => makeFolderFor(settings.data, to))
  try {
    const store = await open(join(settings.data, 'accounts.db'))
    try {
      await work(store, settings)
    } finally {
      await store?.close()
    }
  } catch (error) {
    if (!(error instanceof AccountStoreError) || accountErrors[error.code] === 'temporary') throw error
    const advice =
      error.code === 'denied' ? `. Does ${settings.data} belong to another user? Run this as that user, or as root` : ''
    throw new PermanentError(`${error.message}${advice}`, { cause: error })
  }
}

/** @returns null where no account was ever added; nothing is made then */
const openIfThere = async (file: string): Promise<AccountStore | null> => {
  try {
    return await openAccountStore(file, { create: false })
  } catch (error) {
    if (error instanceof AccountStoreError && error.code === 'absent') return null
    throw error
  }
}
