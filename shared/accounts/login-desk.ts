/**
 * The one place where passwords are checked and bad logins counted, for all protocols (DESIGN "One account, everything").
 *
 * A login takes one of two ways. The fast one, for a password that was right lately, costs an indexed read and an HMAC and waits
 * for nobody. The other leads through the queue: one hash at a time for each address, a few in all. Who comes from an address that
 * failed lately, or to an account where others did, lets all others go before, and such attempts share one hash at a time: however
 * many guess from however many addresses, a good login finds a place. At its turn an attempt looks again whether its address is
 * blocked by now (what waited behind the bad login that caused it costs no hash) or its password was found right meanwhile (200 equal
 * logins at once cost one hash).
 */
import { randomBytes } from 'node:crypto'
import { availableParallelism } from 'node:os'
import { setTimeout as wait } from 'node:timers/promises'
import type { LoginLimits } from '../config/settings.ts'
import { addressGroup } from '../net/address-group.ts'
import type { AccountStore, AccountWithHash } from './account-store.ts'
import { DeskError, type LoginAnswer, type LoginAttempt, type LoginOrigin, type ScramAnswer, type ScramQuestion } from './desk.ts'
import { FailureTable } from './failure-table.ts'
import { FairQueue, type Lane, QueueClosedError, QueueFullError } from './fair-queue.ts'
import { createLocalDomains, type LocalDomains } from './local-domains.ts'
import { LoginGaps } from './login-gaps.ts'
import { loginAccountName } from './name.ts'
import { type Passwords, passwordMaxOctets } from './password.ts'
import { makeScramKeys, provenSignature, readScramKeys, type ScramKeys, scramKeysOutdated, unfittingScramKeys } from './scram.ts'
import { ScramExchanges } from './scram-exchanges.ts'
import { SuccessCache } from './success-cache.ts'

/** What the desk tells beside its answers; each refused login is journalled by the service that asked. */
export interface LoginEvents {
  /** The address, `192.0.2.1` or `2001:db8::/64`, is refused from now on. */
  addressBlocked(event: { address: string; failures: number; blockMs: number; service: string }): void
  /** A password that was right got a new hash, or keys of SCRAM, as new ones are made. */
  hashRenewed(event: { account: string }): void
  /** It got none; the next login with it tries again. */
  hashNotRenewed(event: { account: string; error: unknown }): void
}

/** What may change at a reload. */
export interface LoginDeskSettings {
  readonly limits: LoginLimits
  /** Local mail domains. */
  readonly domains: readonly string[]
}

export interface LoginDeskOptions extends LoginDeskSettings {
  readonly store: AccountStore
  readonly passwords: Passwords
  readonly events: LoginEvents
  /** `makeScramKeys` unless given. For tests. */
  readonly makeScramKeys?: (password: string) => Promise<string>
  /** Milliseconds of a clock that never goes back. For tests. */
  readonly now?: () => number
  /** Resolves after so long, or at once when the signal aborts. For tests. */
  readonly sleep?: (ms: number, signal: AbortSignal) => Promise<void>
}

export interface LoginDesk {
  /**
   * @throws {DeskError} too many logins wait, or the desk was closed
   * @throws {AccountStoreError} @throws {PasswordHashError} the account could not be read
   */
  login(attempt: LoginAttempt): Promise<LoginAnswer>
  /**
   * One step of a login by SCRAM-SHA-256. Costs no hash, so it waits for nobody; failures count and delay as those of passwords do.
   * @throws {DeskError} the exchange is over or unknown
   * @throws {AccountStoreError} @throws {ScramKeysError} the account could not be read
   */
  scram(question: ScramQuestion): Promise<ScramAnswer>
  /** Goes on with other settings; failures, blocks and successes stay remembered. */
  configure(settings: LoginDeskSettings): void
  /** Logins that wait are rejected, delays end at once; resolves when no hash is under way. The store stays open. */
  close(): Promise<void>
}

/**
 * Hashes at once: each takes 19 MiB and one of libuv's four threads, which the supervisor also needs for syncing files. The
 * bounds on what waits are beyond any family of clients; they keep a flood from taking all memory.
 */
const atOnce = Math.min(2, availableParallelism())
const queueLimits = { atOnce, laterAtOnce: Math.max(1, atOnce - 1), waitingPerKey: 1_024, waiting: 4_096, passedOver: 8 }

/** Who asked waits for 30 s (`servers/host/desk-client.ts`), the delay of a bad login included: what comes later is for nobody. */
const longestWaitMs = 25_000

/** Beyond 2^24 times the first delay nothing grows: the doubling has met its maximum long before. */
const doublings = 24

export const createLoginDesk = (options: LoginDeskOptions): LoginDesk => new Desk(options)

type First = Extract<ScramQuestion, { step: 'first' }>
type Final = Extract<ScramQuestion, { step: 'final' }>

/** A login by SCRAM that waits for its proof. */
interface Exchange extends LoginOrigin {
  readonly name: string | null
  /** As they are stored; null: no proof can fit. */
  readonly scramKeys: string | null
  readonly keys: ScramKeys
  /** What was said so far, as it is signed. */
  readonly said: string
}

/** The outcome of a check, before its delay. */
type Verdict = LoginAnswer & { readonly delayMs?: number }

class Desk implements LoginDesk {
  readonly #store: AccountStore
  readonly #passwords: Passwords
  readonly #events: LoginEvents
  readonly #makeScramKeys: (password: string) => Promise<string>
  readonly #now: () => number
  readonly #sleep: (ms: number, signal: AbortSignal) => Promise<void>
  readonly #queue = new FairQueue(queueLimits)
  readonly #successes = new SuccessCache()
  readonly #byAddress: FailureTable
  readonly #byAccount: FailureTable
  /** Until when an address is blocked, in the order in which the blocks began. */
  readonly #blocks = new Map<string, number>()
  readonly #renewals = new Map<string, Promise<void>>()
  readonly #exchanges = new ScramExchanges<Exchange>()
  readonly #gaps = new LoginGaps()
  readonly #closing = new AbortController()
  #limits: LoginLimits
  #domains: LocalDomains

  constructor(options: LoginDeskOptions) {
    this.#store = options.store
    this.#passwords = options.passwords
    this.#events = options.events
    this.#makeScramKeys = options.makeScramKeys ?? makeScramKeys
    this.#now = options.now ?? (() => performance.now())
    this.#sleep = options.sleep ?? sleepUnlessAborted
    this.#limits = options.limits
    this.#domains = createLocalDomains(options.domains)
    this.#byAddress = new FailureTable(addressTableLimits(options.limits))
    this.#byAccount = new FailureTable(accountTableLimits(options.limits))
  }

  configure({ limits, domains }: LoginDeskSettings): void {
    this.#limits = limits
    this.#domains = createLocalDomains(domains)
    this.#byAddress.limits = addressTableLimits(limits)
    this.#byAccount.limits = accountTableLimits(limits)
  }

  async login(attempt: LoginAttempt): Promise<LoginAnswer> {
    const { password } = attempt
    const address = addressGroup(attempt.address)
    const blocked = this.#blocked(address)
    if (blocked !== null) return blocked
    // No account has a password of that length; a name that nobody can have costs what any unknown name costs.
    const name = Buffer.byteLength(password) > passwordMaxOctets ? null : loginAccountName(attempt.name, this.#domains)
    const account = await this.#find(name)
    if (account !== null && this.#successes.has(account.name, account.passwordHash, password))
      return this.#accept(address, account, attempt)
    const { delayMs = 0, ...answer } = await this.#inTurn(
      address,
      () => this.#check({ ...attempt, address, name }),
      () => this.#lane(address, name),
    )
    await this.#pause(delayMs)
    return answer
  }

  async scram(question: ScramQuestion): Promise<ScramAnswer> {
    return question.step === 'first' ? this.#challenge(question) : this.#finish(question)
  }

  /** An account without keys, and a name without account, is asked for a proof as well: with a salt that is always the same. */
  async #challenge({ name: written, nonce: own, bare, ...origin }: First): Promise<ScramAnswer> {
    const address = addressGroup(origin.address)
    const blocked = this.#blocked(address)
    if (blocked !== null) return blocked
    const name = loginAccountName(written, this.#domains)
    const scramKeys = (await this.#find(name))?.scramKeys ?? null
    const keys = scramKeys === null ? unfittingScramKeys(await this.#store.secret(), name ?? written) : readScramKeys(scramKeys)
    const nonce = own + randomBytes(18).toString('base64')
    const message = `r=${nonce},s=${keys.salt.toString('base64')},i=${keys.iterations}`
    const said = `${bare},${message}`
    const exchange = this.#exchanges.add(address, { ...origin, address, name, scramKeys, keys, said }, this.#now())
    return { outcome: 'challenge', exchange, nonce, message }
  }

  async #finish({ exchange: id, withoutProof, proof }: Final): Promise<ScramAnswer> {
    const exchange = this.#exchanges.take(id, this.#now())
    if (exchange === null) throw new DeskError('the exchange is over or unknown')
    const { address, name, service } = exchange
    // Before anything that takes time: of many that come at once no more are looked at than one after the other would be.
    const blocked = this.#blocked(address)
    if (blocked !== null) return blocked
    const message = `${exchange.said},${withoutProof}`
    const signature = provenSignature(exchange.keys, message, Buffer.from(proof, 'base64'))
    if (signature !== null && exchange.scramKeys !== null) {
      // The password may have changed meanwhile.
      const account = await this.#find(name)
      if (account !== null && account.scramKeys === exchange.scramKeys) {
        const answer = this.#accept(address, account, exchange)
        return answer.outcome === 'accepted' ? { ...answer, signature: signature.toString('base64') } : answer
      }
    }
    await this.#pause(this.#fail(address, name, service))
    return { outcome: 'refused' }
  }

  async close(): Promise<void> {
    this.#closing.abort()
    await this.#queue.close()
    await Promise.all(this.#renewals.values())
  }

  async #pause(delayMs: number): Promise<void> {
    if (delayMs > 0) await this.#sleep(delayMs, this.#closing.signal)
  }

  async #find(name: string | null): Promise<AccountWithHash | null> {
    return name === null ? null : this.#store.find(name)
  }

  /** Names that are not there are counted like others, so the lane tells nothing of which are. */
  #lane(address: string, name: string | null): Lane {
    const nowMs = this.#now()
    if (this.#byAddress.has(address, nowMs)) return 'last'
    return name === null || this.#byAccount.has(name, nowMs) ? 'second' : 'first'
  }

  async #inTurn<T>(key: string, work: () => Promise<T>, lane: () => Lane): Promise<T> {
    const cameMs = this.#now()
    const inTime = () => {
      if (this.#now() - cameMs > longestWaitMs) throw new DeskError('too many logins were waiting before this one')
      return work()
    }
    try {
      return await this.#queue.run(key, inTime, lane)
    } catch (error) {
      if (error instanceof QueueFullError) throw new DeskError('too many logins are waiting', { cause: error })
      if (error instanceof QueueClosedError) throw new DeskError('the supervisor is stopping', { cause: error })
      throw error
    }
  }

  /** Runs at its turn in the queue. Whether the account is there or not, the same is computed. */
  async #check(attempt: Omit<LoginAttempt, 'name'> & { name: string | null }): Promise<Verdict> {
    const { address, name, password, service } = attempt
    const blocked = this.#blocked(address)
    if (blocked !== null) return blocked
    const account = await this.#find(name)
    if (account !== null && this.#successes.has(account.name, account.passwordHash, password))
      return this.#accept(address, account, attempt)
    const fits = await this.#passwords.verify(boundedPassword(password), account?.passwordHash ?? this.#passwords.unfitting)
    if (account === null || !fits) return { outcome: 'refused', delayMs: this.#fail(address, name, service) }
    this.#successes.add(account.name, account.passwordHash, password)
    if (this.#passwords.outdated(account.passwordHash) || this.#lacksKeys(account)) this.#renew(account, password)
    return this.#accept(address, account, attempt)
  }

  /**
   * A success takes back the failures of this address on this account, and no others: who mistyped and then got in is not held
   * to it (NIST SP 800-63B §5.2.2: disregard previous failures of that user from the same address), while an attacker who
   * has an account of its own cannot wipe its guesses at others' away by logging in between, nor another's success hide them.
   */
  #accept(address: string, { name }: AccountWithHash, { gapMs = 0 }: Pick<LoginAttempt, 'gapMs'>): LoginAnswer {
    this.#byAddress.forget(address, name)
    this.#byAccount.forget(name, address)
    const retryAfterMs = gapMs > 0 ? this.#gaps.enter(name, gapMs, this.#now()) : 0
    return retryAfterMs > 0 ? { outcome: 'blocked', retryAfterMs, tooSoon: true } : { outcome: 'accepted', account: name }
  }

  /** Counts a bad login. @returns the delay of its answer */
  #fail(address: string, name: string | null, service: string): number {
    const { delayMs, maxDelayMs, accountThreshold, blockAfter, blockMs } = this.#limits
    const nowMs = this.#now()
    const ofAddress = this.#byAddress.add(address, name ?? '', nowMs)
    // Names that are not there count as well: else the delay would tell which are.
    const ofAccount = name === null ? 0 : this.#byAccount.add(name, address, nowMs)
    if (ofAddress >= blockAfter) {
      this.#block(address, nowMs + blockMs)
      this.#events.addressBlocked({ address, failures: ofAddress, blockMs, service })
    }
    const doubled = (times: number) => (times < 0 ? 0 : Math.min(maxDelayMs, delayMs * 2 ** Math.min(times, doublings)))
    return Math.max(doubled(ofAddress - 1), doubled(ofAccount - accountThreshold))
  }

  #block(address: string, untilMs: number): void {
    this.#blocks.delete(address)
    this.#blocks.set(address, untilMs)
    const nowMs = this.#now()
    for (const [oldest, endMs] of this.#blocks) {
      if (endMs > nowMs && this.#blocks.size <= maxBlocks) return
      this.#blocks.delete(oldest)
    }
  }

  #blocked(address: string): Extract<LoginAnswer, { outcome: 'blocked' }> | null {
    const untilMs = this.#blocks.get(address)
    if (untilMs === undefined) return null
    const retryAfterMs = Math.ceil(untilMs - this.#now())
    if (retryAfterMs > 0) return { outcome: 'blocked', retryAfterMs }
    this.#blocks.delete(address)
    return null
  }

  /** Whether a login with the password should leave keys of SCRAM behind. */
  #lacksKeys({ scramKeys }: AccountWithHash): boolean {
    return this.#limits.scram && (scramKeys === null || scramKeysOutdated(scramKeys))
  }

  /** Hashes anew what was hashed at another cost, and makes keys of SCRAM where there are none of today's. Nobody waits for it; it takes its own turns in the queue. */
  #renew(account: AccountWithHash, password: string): void {
    const { name } = account
    if (this.#renewals.has(name)) return
    const renewal = this.#renewed(account, password).finally(() => this.#renewals.delete(name))
    this.#renewals.set(name, renewal)
  }

  async #renewed(before: AccountWithHash, password: string): Promise<void> {
    const account = before.name
    const inLastTurn = (work: () => Promise<string>) => this.#inTurn('', work, () => 'last')
    try {
      let { passwordHash } = before
      if (this.#passwords.outdated(passwordHash)) {
        const to = await inLastTurn(() => this.#passwords.hash(password))
        if (!(await this.#store.replaceHash(account, passwordHash, to))) return
        this.#successes.add(account, to, password)
        passwordHash = to
      }
      if (this.#lacksKeys(before)) {
        const keys = await inLastTurn(() => this.#makeScramKeys(password))
        if (!(await this.#store.setScramKeys(account, passwordHash, keys))) return
      }
      this.#events.hashRenewed({ account })
    } catch (error) {
      // The login it belongs to has its answer: whatever failed is told, and tried again at the next one.
      this.#events.hashNotRenewed({ account, error })
    }
  }
}

/** Blocks remembered at once. */
const maxBlocks = 10_000

const addressTableLimits = ({ windowMs, blockAfter }: LoginLimits) => ({ windowMs, perKey: Math.max(blockAfter, doublings) })

const accountTableLimits = ({ windowMs, accountThreshold }: LoginLimits) => ({ windowMs, perKey: accountThreshold + doublings })

/** What no account can have as its password is not worth more work than what one can. */
const boundedPassword = (password: string): string => (Buffer.byteLength(password) > passwordMaxOctets ? '' : password)

const sleepUnlessAborted = async (ms: number, signal: AbortSignal): Promise<void> => {
  try {
    await wait(ms, undefined, { signal })
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
