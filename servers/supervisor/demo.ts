/**
 * What a newcomer finds: the accounts alice and bob, a message for each, a front page and a few files. Made once, at the first
 * start of a new data folder; the texts are in `config/welcome`.
 */
import { randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import type { AccountStore } from '../../shared/accounts/account-store.ts'
import { storedPassword } from '../../shared/accounts/new-password.ts'
import { createPasswords, type Passwords } from '../../shared/accounts/password.ts'
import { defaultFile } from '../../shared/config/load.ts'
import type { Configuration, Settings } from '../../shared/config/settings.ts'
import type { MailStore } from '../../shared/mail/mail-store.ts'
import { openMailStore } from '../../shared/mail/sqlite-mail-store.ts'
import { endpointText, isLoopback } from '../../shared/net/endpoint.ts'
import { PermanentError } from '../../shared/service.ts'
import { packageVersion } from '../../shared/version.ts'
import { isFolderEmpty, placeFile } from './place-file.ts'

/** The password of both accounts. It is in the README: whoever reaches a server that has it may come in. */
export const demoPassword = 'havre-demo'
export const demoAccounts = ['alice', 'bob'] as const

/** A service as the texts name it. */
export interface DemoService {
  readonly name: string
  readonly protocol: string
  readonly host: string
  readonly port: number
}

export interface DemoOptions {
  readonly settings: Settings
  /** Those that are switched on, where they listen. */
  readonly services: readonly DemoService[]
  readonly accounts: AccountStore
  readonly passwords?: Passwords
  /** Called only when there is mail to put; what it opened is closed before `createDemo` resolves. */
  readonly openMail?: () => Promise<MailStore>
  readonly now?: () => Date
}

/**
 * Everything about the demo that a start does, in its order: refuses, makes, tells.
 *
 * @param services those that are switched on, where they listen
 * @param say takes a line for the terminal
 * @throws {PermanentError} as `refuseDemoBeyondLoopback` does
 */
export const prepareDemo = async (
  { settings }: Pick<Configuration, 'settings'>,
  services: readonly DemoService[],
  accounts: AccountStore,
  say: (line: string) => void,
): Promise<void> => {
  const options = { settings, services, accounts }
  await refuseDemoBeyondLoopback(options)
  const made = await createDemo(options)
  const open = made ? demoAccounts : await accountsWithDemoPassword(options)
  if (open.length > 0) say(`accounts: ${open.join(' and ')}, password ${demoPassword}`)
}

/**
 * Refuses to serve other machines with a password that everybody knows. Without `demo`, and with the accounts' passwords
 * changed, any host is fine.
 *
 * @throws {PermanentError} what is wrong and what to do
 */
export const refuseDemoBeyondLoopback = async (
  options: Pick<DemoOptions, 'settings' | 'services' | 'accounts' | 'passwords'>,
): Promise<void> => {
  const exposed = options.services.find(({ host }) => !isLoopback(host))
  if (exposed === undefined) return
  const where = `while the service ${exposed.name} listens on ${exposed.host}, where other machines reach it`
  if (await isWanted(options)) {
    throw new PermanentError(
      `demo: alice and bob would get a password that everybody knows, ${where}. ` +
        'Start with --set demo=false (then `havre account add NAME`), or with --set host=127.0.0.1',
    )
  }
  const open = await accountsWithDemoPassword(options)
  if (open.length === 0) return
  const commands = open.map((name) => `\`havre account password ${name}\``).join(' and ')
  throw new PermanentError(
    `${open.join(' and ')} still ${open.length === 1 ? 'has' : 'have'} the demo password, which everybody knows, ${where}. ` +
      `Change it with ${commands}, or start with --set host=127.0.0.1`,
  )
}

/**
 * Makes the demo where it is wanted: with `demo`, in a store that never had an account. The accounts come last and together,
 * each step before looks at what is there: a start that was killed half-way is finished by the next one, and nothing is
 * overwritten or delivered twice.
 *
 * @returns whether it was made
 */
export const createDemo = async (options: DemoOptions): Promise<boolean> => {
  if (!(await isWanted(options))) return false
  const { accounts, passwords = createPasswords() } = options
  // Once for both: everybody knows the password, and the keys of SCRAM take a while.
  const [password] = await Promise.all([
    storedPassword(passwords, demoPassword, options.settings.logins.scram),
    placeFiles(options),
    deliverMail(options),
  ])
  await accounts.add(...demoAccounts.map((name) => ({ name, ...password })))
  return true
}

const isWanted = async ({ settings, accounts }: Pick<DemoOptions, 'settings' | 'accounts'>): Promise<boolean> =>
  settings.demo && (await accounts.untouched())

/** Which of the demo accounts still have the password that everybody knows. */
export const accountsWithDemoPassword = async ({
  accounts,
  passwords = createPasswords(),
}: Pick<DemoOptions, 'accounts' | 'passwords'>): Promise<readonly string[]> => {
  const checked = demoAccounts.map(async (name) => {
    const account = await accounts.find(name)
    return account !== null && (await passwords.verify(demoPassword, account.passwordHash)) ? [name] : []
  })
  return (await Promise.all(checked)).flat()
}

const placeFiles = async (options: DemoOptions): Promise<void> => {
  const { data } = options.settings
  const page = join(data, 'www', 'index.html')
  // Whoever has put a site there already wants that one, listed folder and all.
  if (await isFolderEmpty(dirname(page))) await placeFile(page, await frontPage(options))
  for (const account of demoAccounts) {
    const home = join(data, 'files', account)
    const values = { ...valuesOf(options), account, services: listOf(options.services) }
    await placeFile(join(home, 'readme.txt'), filled(await template('readme.txt'), values))
    await placeFile(join(home, 'public_html', 'index.html'), filled(await template('account.html'), escaped(values)))
  }
}

const frontPage = async (options: DemoOptions): Promise<string> => {
  const cards = await Promise.all(
    options.services.map(async (service) => {
      const { name, protocol, host, port } = service
      const card = await template(join('services', `${Object.hasOwn(schemes, protocol) ? protocol : 'other'}.html`))
      return filled(card, escaped({ ...valuesOf(options), name, protocol, host, port: String(port), address: addressOf(service) }))
    }),
  )
  return filled(await template('index.html'), { ...escaped(valuesOf(options)), services: cards.join('').trimEnd() })
}

const deliverMail = async ({ settings, services, now = () => new Date(), openMail }: DemoOptions): Promise<void> => {
  const mail = await (openMail ?? (() => openMailStore({ file: join(settings.data, 'mail.db') })))()
  try {
    for (const account of demoAccounts) {
      if ((await mail.list(account)).length > 0) continue
      const values = { ...valuesOf({ settings }), account, services: listOf(services) }
      const message = messageFor(values, filled(await template('mail.txt'), values), now())
      const delivery = mail.deliver({
        sender: `postmaster@${values.domain}`,
        recipients: [{ address: `${account}@${values.domain}`, account }],
      })
      try {
        await delivery.write(Buffer.from(message))
        await delivery.commit()
      } catch (error) {
        await delivery.abort()
        throw error
      }
    }
  } finally {
    await mail.close()
  }
}

/** RFC 5322, with the trace header of the final delivery (RFC 5321 §4.4). */
const messageFor = ({ account, domain }: { account: string; domain: string }, text: string, now: Date): string =>
  [
    `Return-Path: <postmaster@${domain}>`,
    `Date: ${now.toUTCString().replace(/GMT$/, '+0000')}`,
    `From: Havre <postmaster@${domain}>`,
    `To: ${account}@${domain}`,
    'Subject: Welcome to Havre',
    `Message-ID: <${randomUUID()}@${domain}>`,
    'MIME-Version: 1.0',
    'Content-Type: text/plain; charset=utf-8',
    'Content-Transfer-Encoding: 8bit',
    '',
    text,
  ]
    .join('\n')
    .replace(/\r?\n/g, '\r\n')

type Values = Readonly<Record<string, string>>

const valuesOf = ({ settings }: Pick<DemoOptions, 'settings'>) => ({
  password: demoPassword,
  domain: settings.domains[0] ?? 'localhost',
  version: packageVersion(),
})

const addressOf = ({ host, port }: DemoService): string => endpointText({ address: host, port })

/** What a person types to reach a protocol; one without is named by its address alone. */
const schemes: Values = { http: 'http://', ftp: 'ftp://', smtp: 'smtp://', pop3: 'pop3://' }

const listOf = (services: readonly DemoService[]): string => {
  const width = Math.max(...services.map(({ name }) => name.length))
  return services
    .map((service) => `    ${service.name.padEnd(width)}  ${schemes[service.protocol] ?? ''}${addressOf(service)}`)
    .join('\n')
}

const folder = join(dirname(defaultFile), 'welcome')

const template = (name: string): Promise<string> => readFile(join(folder, name), 'utf8')

const filled = (text: string, values: Values): string =>
  text.replace(/\{\{(\w+)\}\}/g, (_, name: string) => {
    const value = values[name]
    if (value === undefined) throw new Error(`config/welcome: there is no value named ${name}`)
    return value
  })

const escaped = (values: Values): Values =>
  Object.fromEntries(
    Object.entries(values).map(([name, value]) => [
      name,
      value.replace(/[&<>"']/g, (character) => `&#${character.charCodeAt(0)};`),
    ]),
  )
