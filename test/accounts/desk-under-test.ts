/** A login desk with a clock, a store and passwords of the test's own, so that its policy can be read off without waiting. */
import { expect } from 'chai'
import type { AccountStore } from '../../shared/accounts/account-store.ts'
import type { LoginAnswer } from '../../shared/accounts/desk.ts'
import { createLoginDesk, type LoginDesk } from '../../shared/accounts/login-desk.ts'
import type { Passwords } from '../../shared/accounts/password.ts'
import type { LoginLimits } from '../../shared/config/settings.ts'
import { MemoryAccountStore } from './memory-account-store.ts'

export const limits: LoginLimits = {
  delayMs: 250,
  maxDelayMs: 4_000,
  windowMs: 600_000,
  accountThreshold: 10,
  blockAfter: 20,
  blockMs: 600_000,
  scram: false,
}

export interface DeskUnderTest {
  readonly desk: LoginDesk
  /** Has alice with the password `secret` and bob with `other`, unless the test brought one. */
  readonly store: AccountStore
  /** What the desk takes for the time. */
  nowMs: number
  /** Delays, in the order in which they began. */
  slept: number[]
  /** Events. */
  readonly told: Record<string, unknown>[]
  /** The stored hashes that passwords were checked against: one entry for each hash that was paid for. */
  readonly verified: string[]
  readonly passwords: Passwords
  login(name: string, password: string, address?: string): Promise<LoginAnswer>
  /** So many bad logins, one after the other. @returns the delays of their answers */
  fail(times: number, name?: string, address?: string): Promise<readonly number[]>
  /** Every check waits until the function that this returns is called. */
  hold(): () => void
}

/** A hash that costs nothing, so that what is counted is the policy. `stale:` stands for one made at another cost. */
const plainPasswords = (verified: string[], gate: () => Promise<void>): Passwords => ({
  hash: async (password) => `hash:${password}`,
  async verify(password, hash) {
    verified.push(hash)
    await gate()
    return hash === `hash:${password}` || hash === `stale:${password}`
  },
  outdated: (hash) => hash.startsWith('stale:'),
  unfitting: 'unfitting',
})

/** What a test brings. */
export interface OwnParts {
  readonly store?: AccountStore
  readonly passwords?: Passwords
  readonly limits?: Partial<LoginLimits>
  readonly makeScramKeys?: (password: string) => Promise<string>
}

export const deskUnderTest = async (own: OwnParts = {}): Promise<DeskUnderTest> => {
  const store = own.store ?? new MemoryAccountStore()
  if (own.store === undefined) {
    await store.add({ name: 'alice', passwordHash: 'hash:secret' }, { name: 'bob', passwordHash: 'hash:other' })
  }
  let gate = Promise.resolve()
  const told: Record<string, unknown>[] = []
  const verified: string[] = []
  const passwords = own.passwords ?? plainPasswords(verified, () => gate)
  const under: DeskUnderTest = {
    ...{ store, told, verified, passwords, nowMs: 1_000_000, slept: [] },
    desk: createLoginDesk({
      ...{ store, passwords, limits: { ...limits, ...own.limits }, domains: ['havre.test', 'localhost'] },
      makeScramKeys: own.makeScramKeys ?? (() => Promise.reject(new Error('no keys are to be made'))),
      events: {
        addressBlocked: (event) => told.push({ blocked: event }),
        hashRenewed: (event) => told.push({ renewed: event }),
        hashNotRenewed: (event) => told.push({ notRenewed: event }),
      },
      now: () => under.nowMs,
      sleep: async (ms) => {
        under.slept.push(ms)
      },
    }),
    login: (name, password, address = '192.0.2.1') => under.desk.login({ name, password, address, service: 'pop3' }),
    async fail(times, name = 'alice', address = '192.0.2.1') {
      under.slept = []
      for (let n = 0; n < times; n++) expect(await under.login(name, 'wrong', address)).to.deep.equal(refused)
      return under.slept
    },
    hold() {
      const { promise, resolve } = Promise.withResolvers<void>()
      gate = promise
      return () => {
        gate = Promise.resolve()
        resolve()
      }
    },
  }
  return under
}

export const accepted = (account: string): LoginAnswer => ({ outcome: 'accepted', account })
export const refused: LoginAnswer = { outcome: 'refused' }
