import { FileTurns } from '../../servers/supervisor/file-turns.ts'
import {
  type Desk,
  DeskError,
  type LoginAnswer,
  type LoginAttempt,
  type RecipientAnswer,
  type ScramAnswer,
  type ScramQuestion,
} from '../../shared/accounts/desk.ts'
import { makeScramKeys, provenSignature, readScramKeys, type ScramKeys, unfittingScramKeys } from '../../shared/accounts/scram.ts'

/** The accounts that the fake desk knows unless told otherwise, with their passwords. */
export const testAccounts: Readonly<Record<string, string>> = { alice: 'wonder land:1', bob: 'builder-2' }

/** A desk in memory that writes down what it was asked. */
export interface FakeDesk extends Desk {
  readonly attempts: readonly LoginAttempt[]
  readonly recipients: readonly string[]
  /** Paths that were to be made durable. */
  readonly synced: readonly string[]
  /** From now on every call rejects with a `DeskError`, or no longer. */
  fail(failing: boolean): void
  /** From now on logins are answered `blocked`, or no longer. */
  block(retryAfterMs: number | null): void
}

/** What the desk knows. */
export interface FakeDeskOptions {
  /** Name to password. */
  readonly accounts?: Readonly<Record<string, string>>
  /** Local domains, lower case. */
  readonly domains?: readonly string[]
  readonly catchAll?: string | null
}

/**
 * A desk that answers at once: logins of these accounts (`alice`, `alice@havre.test`), recipients `account@domain`, `account+tag@domain`
 * and postmaster (alice) in these domains.
 */
export const fakeDesk = (options: FakeDeskOptions = {}): FakeDesk => {
  const { accounts = testAccounts, domains = ['havre.test', 'localhost'], catchAll = null } = options
  const attempts: LoginAttempt[] = []
  const recipients: string[] = []
  const synced: string[] = []
  const turns = new FileTurns()
  let lastToken = 0
  let failing = false
  let blockedMs: number | null = null
  const answer = <T>(value: T): Promise<T> =>
    failing ? Promise.reject(new DeskError('the desk does not answer (a test said so)')) : Promise.resolve(value)

  const split = (address: string): { local: string; domain: string } => {
    const at = address.lastIndexOf('@')
    return at === -1 ? { local: address, domain: '' } : { local: address.slice(0, at), domain: address.slice(at + 1).toLowerCase() }
  }
  const login = (attempt: LoginAttempt): LoginAnswer => {
    if (blockedMs !== null) return { outcome: 'blocked', retryAfterMs: blockedMs }
    const { local, domain } = split(attempt.name)
    const ours = domain === '' || domains.includes(domain)
    const account = local.toLowerCase()
    return ours && Object.hasOwn(accounts, account) && accounts[account] === attempt.password
      ? { outcome: 'accepted', account }
      : { outcome: 'refused' }
  }
  const exchanges = new Map<string, { readonly account: string; readonly keys: ScramKeys; readonly said: string }>()
  const scram = async (question: ScramQuestion): Promise<ScramAnswer> => {
    if (failing) throw new DeskError('the desk does not answer (a test said so)')
    if (question.step === 'first') {
      attempts.push({ name: question.name, password: '', address: question.address, service: question.service })
      if (blockedMs !== null) return { outcome: 'blocked', retryAfterMs: blockedMs }
      const account = split(question.name).local.toLowerCase()
      const password = Object.hasOwn(accounts, account) ? accounts[account] : undefined
      // Fewer iterations than the desk's: what is tested with it is the conversation.
      const keys =
        password === undefined
          ? unfittingScramKeys(Buffer.from('fake'), account)
          : readScramKeys(await makeScramKeys(password, 4_096))
      const nonce = `${question.nonce}desk`
      const message = `r=${nonce},s=${keys.salt.toString('base64')},i=${keys.iterations}`
      const exchange = String(exchanges.size)
      exchanges.set(exchange, { account, keys, said: `${question.bare},${message}` })
      return { outcome: 'challenge', exchange, nonce, message }
    }
    const exchange = exchanges.get(question.exchange)
    if (exchange === undefined) throw new DeskError('no such exchange')
    const { keys, said, account } = exchange
    const signature = provenSignature(keys, `${said},${question.withoutProof}`, Buffer.from(question.proof, 'base64'))
    return signature === null ? { outcome: 'refused' } : { outcome: 'accepted', account, signature: signature.toString('base64') }
  }
  const recipient = (address: string): RecipientAnswer => {
    const { local, domain } = split(address)
    const [account = ''] = local.toLowerCase().split('+')
    const ours = domains.includes(domain) || (domain === '' && account === 'postmaster')
    if (ours && Object.hasOwn(accounts, account)) return { outcome: 'local', accounts: [account] }
    if (catchAll !== null) return { outcome: 'local', accounts: [catchAll] }
    if (ours && account === 'postmaster') return { outcome: 'local', accounts: [Object.keys(accounts)[0] ?? 'alice'] }
    return ours ? { outcome: 'unknown' } : { outcome: 'elsewhere' }
  }
  return {
    attempts,
    recipients,
    synced,
    fail: (value) => {
      failing = value
    },
    block: (value) => {
      blockedMs = value
    },
    login: (attempt) => {
      attempts.push(attempt)
      return answer(login(attempt))
    },
    scram,
    recipient: (address) => {
      recipients.push(address)
      return answer(recipient(address))
    },
    turn: async (file) => {
      const token = ++lastToken
      if (failing) throw new DeskError('the desk does not answer (a test said so)')
      await turns.take(turns, token, file)
      return { [Symbol.dispose]: () => turns.over(turns, token) }
    },
    sync: (path) => {
      synced.push(path)
      return answer(undefined)
    },
  }
}
