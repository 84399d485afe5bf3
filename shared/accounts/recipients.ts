/** Where mail for an address goes: accounts, aliases and lists, `+tag`, postmaster, and the account that catches the rest. */
import type { AccountStore } from './account-store.ts'
import type { RecipientAnswer } from './desk.ts'
import { createLocalDomains, type LocalDomains } from './local-domains.ts'

export interface RecipientOptions {
  readonly store: Pick<AccountStore, 'find' | 'oldest'>
  /** Local mail domains. */
  readonly domains: readonly string[]
  /** A name, to accounts and further aliases; each as a name (`alice`) or an address of a local domain. */
  readonly aliases: Readonly<Record<string, readonly string[]>>
  /** An account that gets what nobody else gets, of any domain; null: nobody does. */
  readonly catchAll: string | null
}

export interface Recipients {
  /**
   * @param address as in the envelope, without angle brackets
   * @throws {AccountStoreError} it cannot be known now
   */
  resolve(address: string): Promise<RecipientAnswer>
  /** Settings that lead nowhere, as sentences for people: aliases that reach no account, a `catchAll` that is none. */
  problems(): Promise<readonly string[]>
}

export const createRecipients = ({ store, domains, aliases, catchAll }: RecipientOptions): Recipients => {
  const local = createLocalDomains(domains)
  const lists = new Map(Object.entries(aliases).map(([name, targets]) => [comparable(localNameOf(name, local) ?? name), targets]))

  const accountsOf = async (name: string): Promise<readonly string[]> => {
    const found = new Set<string>()
    await expand(name, { lists, local, store, found, followed: new Set(), begun: new Set() })
    return [...found]
  }

  const answerFor = (accounts: readonly string[]): RecipientAnswer | null =>
    accounts.length > 0 ? { outcome: 'local', accounts } : null

  const caught = async (): Promise<RecipientAnswer | null> => {
    const name = catchAll === null ? null : localNameOf(catchAll, local)
    return name === null ? null : answerFor(await accountsOf(name))
  }

  /** RFC 5321 §4.5.1: postmaster MUST be there, without a domain too. Whoever made the first account runs this server. */
  const oldest = async (): Promise<RecipientAnswer | null> => {
    const account = await store.oldest()
    return account === null ? null : answerFor([account.name])
  }

  return {
    async resolve(address) {
      const parts = splitAddress(address)
      if (parts === null) return { outcome: 'unknown' }
      const isPostmaster = comparable(parts.local).split('+', 1)[0] === 'postmaster'
      if (parts.domain === null && !isPostmaster) return { outcome: 'unknown' }
      const isOurs = parts.domain === null || local.has(parts.domain)
      return (
        (isOurs ? answerFor(await accountsOf(parts.local)) : null) ??
        (await caught()) ??
        (isOurs && isPostmaster ? await oldest() : null) ?? { outcome: isOurs ? 'unknown' : 'elsewhere' }
      )
    },
    async problems() {
      const told: string[] = []
      for (const [name, targets] of lists) {
        for (const target of targets) {
          const targetName = localNameOf(target, local)
          if (targetName === null) told.push(`mail.aliases: ${name}: ${target} is not an address of a local domain`)
          else if ((await accountsOf(targetName)).length === 0) told.push(`mail.aliases: ${name}: ${target} leads to no account`)
        }
      }
      if (catchAll !== null && (await caught()) === null) told.push(`mail.catchAll: there is no account ${catchAll}`)
      return told
    },
  }
}

interface Expansion {
  readonly lists: ReadonlyMap<string, readonly string[]>
  readonly local: LocalDomains
  readonly store: Pick<AccountStore, 'find'>
  /** Accounts, in the order in which they are met. */
  readonly found: Set<string>
  /** Aliases that were followed to their end: none is followed twice. */
  readonly followed: Set<string>
  /** Aliases that were begun: one that leads back to itself means the account of its name, so loops end. */
  readonly begun: Set<string>
}

/** An alias goes before an account of its name; the whole name before the one without its `+tag`. */
const expand = async (name: string, expansion: Expansion): Promise<void> => {
  const whole = comparable(name)
  const plus = whole.indexOf('+')
  for (const candidate of plus === -1 ? [whole] : [whole, whole.slice(0, plus)]) {
    const { lists, local, store, found, followed, begun } = expansion
    if (followed.has(candidate) || found.has(candidate)) return
    const targets = begun.has(candidate) ? undefined : lists.get(candidate)
    if (targets !== undefined) {
      begun.add(candidate)
      for (const target of targets) {
        const targetName = localNameOf(target, local)
        if (targetName !== null) await expand(targetName, expansion)
      }
      followed.add(candidate)
      return
    }
    const account = await store.find(candidate)
    if (account !== null) {
      found.add(account.name)
      return
    }
  }
}

/** `alice` and `alice@havre.test` are the same in the settings; null for an address elsewhere. */
const localNameOf = (text: string, domains: LocalDomains): string | null => {
  if (!text.includes('@')) return text
  const parts = splitAddress(text)
  return parts !== null && parts.domain !== null && domains.has(parts.domain) ? parts.local : null
}

/**
 * Names of mailboxes are compared without regard to case, as every client expects (RFC 5321 §2.4 leaves it to the receiving
 * host), and in normalization form C (RFC 6532 §3.1).
 */
const comparable = (name: string): string => name.normalize('NFC').toLowerCase()

/** The parts of an address: the local part without its quotes, the domain as written or null where there is none. */
interface AddressParts {
  readonly local: string
  readonly domain: string | null
}

/** Quoted-string = DQUOTE *QcontentSMTP DQUOTE (RFC 5321 §4.1.2): what it quotes is the name, `"al\ice"` is `alice`. */
const quoted = /^"((?:[^"\\]|\\.)*)"(?:@([^@]+))?$/su

/** @returns null when it is not of the form of an address */
const splitAddress = (address: string): AddressParts | null => {
  const [, inQuotes, domain = null] = quoted.exec(address) ?? []
  if (inQuotes !== undefined) return inQuotes === '' ? null : { local: inQuotes.replace(/\\(.)/gsu, '$1'), domain }
  if (address.startsWith('"')) return null
  const [local = '', ...rest] = address.split('@')
  const [after = null] = rest
  return local === '' || after === '' || rest.length > 1 ? null : { local, domain: after }
}
