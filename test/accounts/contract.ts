/** What any implementation of `AccountStore` must do. Each test gets a store of its own, empty, with its own handles. */
import { expect } from 'chai'
import { type AccountErrorCode, type AccountStore, AccountStoreError } from '../../shared/accounts/account-store.ts'

/** One store under test. */
export interface StoreUnderTest {
  /** Opens another handle of the same store, as another process would. */
  open(now?: () => Date): Promise<AccountStore>
  /** Closes every handle that was opened and removes the store. */
  dispose(): Promise<void>
}

/** The code of the error that this rejects with. */
export const codeOf = async (promise: Promise<unknown>): Promise<AccountErrorCode> => {
  try {
    await promise
  } catch (error) {
    if (error instanceof AccountStoreError) return error.code
    throw error
  }
  throw new Error('it did not reject')
}

/** Defines the suite for one implementation. */
export const accountStoreContract = (implementation: string, create: () => Promise<StoreUnderTest>): void => {
  describe(`the contract of AccountStore, kept by ${implementation}`, () => {
    let under: StoreUnderTest
    let store: AccountStore
    beforeEach(async () => {
      under = await create()
      store = await under.open()
    })
    afterEach(() => under.dispose())

    it('is empty and untouched at first', async () => {
      expect(await store.list()).to.deep.equal([])
      expect(await store.count()).to.equal(0)
      expect(await store.find('alice')).to.equal(null)
      expect(await store.oldest()).to.equal(null)
      expect(await store.untouched()).to.equal(true)
    })

    it('finds what was added, with its hash and times', async () => {
      const at = new Date('2026-11-21T10:00:00.123Z')
      const other = await under.open(() => at)
      await other.add({ name: 'alice', passwordHash: 'hash a' })
      expect(await store.find('alice')).to.deep.equal({
        name: 'alice',
        passwordHash: 'hash a',
        scramKeys: null,
        createdAt: at,
        passwordChangedAt: at,
      })
      expect(await store.find('bob')).to.equal(null)
      expect(await store.count()).to.equal(1)
      expect(await store.untouched()).to.equal(false)
    })

    it('lists the oldest first, whatever the names, and without hashes', async () => {
      for (const name of ['mallory', 'alice', 'zoe']) await store.add({ name, passwordHash: 'h' })
      const accounts = await store.list()
      expect(accounts.map(({ name }) => name)).to.deep.equal(['mallory', 'alice', 'zoe'])
      for (const account of accounts) expect(Object.keys(account)).to.have.members(['name', 'createdAt', 'passwordChangedAt'])
      expect((await store.oldest())?.name).to.equal('mallory')
      await store.remove('mallory')
      expect((await store.oldest())?.name).to.equal('alice')
    })

    it('refuses a name that is taken, and leaves the account as it was', async () => {
      await store.add({ name: 'alice', passwordHash: 'first' })
      expect(await codeOf(store.add({ name: 'alice', passwordHash: 'second' }))).to.equal('exists')
      expect((await store.find('alice'))?.passwordHash).to.equal('first')
    })

    it('adds all of several accounts, in their order, or none', async () => {
      await store.add({ name: 'carol', passwordHash: 'c' })
      expect(await codeOf(store.add({ name: 'alice', passwordHash: 'a' }, { name: 'carol', passwordHash: 'x' }))).to.equal('exists')
      expect(await codeOf(store.add({ name: 'bob', passwordHash: 'b' }, { name: 'bob', passwordHash: 'b' }))).to.equal('exists')
      expect(await codeOf(store.add({ name: 'bob', passwordHash: 'b' }, { name: '../x', passwordHash: 'b' }))).to.equal('bad-name')
      expect((await store.list()).map(({ name }) => name)).to.deep.equal(['carol'])
      await store.add({ name: 'bob', passwordHash: 'b' }, { name: 'alice', passwordHash: 'a' })
      expect((await store.list()).map(({ name }) => name)).to.deep.equal(['carol', 'bob', 'alice'])
    })

    it('refuses names that break the rule', async () => {
      for (const name of ['', '..', 'a/b', 'Alice', 'a b', 'alice@havre.test', 'é']) {
        expect(await codeOf(store.add({ name, passwordHash: 'h' })), JSON.stringify(name)).to.equal('bad-name')
      }
      expect(await store.count()).to.equal(0)
      expect(await store.untouched()).to.equal(true)
    })

    it('changes a password, and the time at which it was changed', async () => {
      await (await under.open(() => new Date(1_000))).add(
        { name: 'alice', passwordHash: 'old' },
        { name: 'bob', passwordHash: 'b' },
      )
      await (await under.open(() => new Date(2_000))).setPassword('alice', 'new')
      expect(await store.find('alice')).to.deep.equal({
        name: 'alice',
        passwordHash: 'new',
        scramKeys: null,
        createdAt: new Date(1_000),
        passwordChangedAt: new Date(2_000),
      })
      expect((await store.find('bob'))?.passwordHash).to.equal('b')
      expect(await codeOf(store.setPassword('carol', 'new'))).to.equal('missing')
    })

    it('keeps keys of SCRAM with the hash that they belong to, until the password changes', async () => {
      await store.add({ name: 'alice', passwordHash: 'first', scramKeys: 'keys 1' }, { name: 'bob', passwordHash: 'b' })
      const keys = async () => (await store.find('alice'))?.scramKeys
      expect(await keys()).to.equal('keys 1')
      expect(await store.setScramKeys('alice', 'first', 'keys 2')).to.equal(true)
      expect(await store.setScramKeys('alice', 'another', 'keys 3')).to.equal(false)
      expect(await store.setScramKeys('nobody', 'first', 'keys 3')).to.equal(false)
      expect(await store.replaceHash('alice', 'first', 'stronger')).to.equal(true)
      expect(await keys()).to.equal('keys 2')
      await store.setPassword('alice', 'second')
      expect(await keys()).to.equal(null)
      await store.setPassword('alice', 'third', 'keys 4')
      expect(await keys()).to.equal('keys 4')
      expect((await store.find('bob'))?.scramKeys).to.equal(null)
    })

    it('has one secret of its own, whoever asks and however often', async () => {
      const secret = await store.secret()
      expect(secret).to.have.length(32)
      expect((await store.secret()).equals(secret)).to.equal(true)
      expect((await (await under.open()).secret()).equals(secret)).to.equal(true)
      expect(secret.equals(Buffer.alloc(32))).to.equal(false)
    })

    it('replaces a hash only while it is the one that was seen, and leaves the time', async () => {
      await (await under.open(() => new Date(1_000))).add({ name: 'alice', passwordHash: 'old' })
      expect(await store.replaceHash('alice', 'old', 'stronger')).to.equal(true)
      expect(await store.replaceHash('alice', 'old', 'late')).to.equal(false)
      expect(await store.replaceHash('bob', 'old', 'late')).to.equal(false)
      const account = await store.find('alice')
      expect(account?.passwordHash).to.equal('stronger')
      expect(account?.passwordChangedAt).to.deep.equal(new Date(1_000))
    })

    it('removes an account, and one that is not there is missing', async () => {
      await store.add({ name: 'alice', passwordHash: 'a' }, { name: 'bob', passwordHash: 'b' })
      await store.remove('alice')
      expect(await store.find('alice')).to.equal(null)
      expect(await store.count()).to.equal(1)
      expect(await codeOf(store.remove('alice'))).to.equal('missing')
    })

    it('stays touched when its last account is removed', async () => {
      await store.add({ name: 'alice', passwordHash: 'a' })
      await store.remove('alice')
      expect(await store.count()).to.equal(0)
      expect(await store.untouched()).to.equal(false)
    })

    it('puts an account that is added again last', async () => {
      await store.add({ name: 'alice', passwordHash: 'a' }, { name: 'bob', passwordHash: 'b' })
      await store.remove('alice')
      await store.add({ name: 'alice', passwordHash: 'a' })
      expect((await store.oldest())?.name).to.equal('bob')
    })

    it('shows each change to another handle at its next call', async () => {
      const other = await under.open()
      await store.add({ name: 'alice', passwordHash: 'a' })
      expect((await other.find('alice'))?.passwordHash).to.equal('a')
      await other.setPassword('alice', 'b')
      expect((await store.find('alice'))?.passwordHash).to.equal('b')
      await store.remove('alice')
      expect(await other.find('alice')).to.equal(null)
      expect(await other.count()).to.equal(0)
    })

    it('keeps what several handles write at once', async () => {
      const handles = await Promise.all([under.open(), under.open(), under.open()])
      const names = Array.from({ length: 60 }, (_, n) => `user${n}`)
      await Promise.all(names.map((name, n) => (handles[n % 3] ?? store).add({ name, passwordHash: name })))
      expect((await store.list()).map(({ name }) => name)).to.have.members(names)
    })

    it('lets one of two win who add the same name at once', async () => {
      const other = await under.open()
      const results = await Promise.allSettled([
        store.add({ name: 'alice', passwordHash: 'a' }),
        other.add({ name: 'alice', passwordHash: 'b' }),
      ])
      expect(results.map(({ status }) => status)).to.have.members(['fulfilled', 'rejected'])
      expect(await store.count()).to.equal(1)
    })

    it('rejects calls after close, and closes twice without a word', async () => {
      await store.close()
      await store.close()
      expect(await codeOf(store.find('alice'))).to.equal('closed')
      expect(await codeOf(store.add({ name: 'alice', passwordHash: 'a' }))).to.equal('closed')
      expect(await codeOf(store.list())).to.equal('closed')
      expect(await codeOf(store.untouched())).to.equal('closed')
    })

    it('keeps its accounts when it is closed and opened again', async () => {
      await store.add({ name: 'alice', passwordHash: 'a' })
      await store.close()
      expect((await (await under.open()).find('alice'))?.passwordHash).to.equal('a')
    })
  })
}
