import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect } from 'chai'
import { AccountStoreError } from '../../shared/accounts/account-store.ts'
import { createRecipients, type RecipientOptions } from '../../shared/accounts/recipients.ts'
import { openAccountStore } from '../../shared/accounts/sqlite-account-store.ts'
import { MemoryAccountStore } from './memory-account-store.ts'

/** `alice` was first, then `bob`, `carol`, `dave`, `team`. */
const withAccounts = async (changes: Partial<RecipientOptions> = {}, names = ['alice', 'bob', 'carol', 'dave', 'team']) => {
  const store = new MemoryAccountStore()
  await store.add(...names.map((name) => ({ name, passwordHash: 'h' })))
  return createRecipients({ store, domains: ['havre.test', 'localhost', 'bücher.test'], aliases: {}, catchAll: null, ...changes })
}

/** What an answer says, in short: the accounts, or the other outcome. */
const brief = async (resolving: ReturnType<Awaited<ReturnType<typeof withAccounts>>['resolve']>): Promise<string> => {
  const answer = await resolving
  return answer.outcome === 'local' ? answer.accounts.join(' ') : answer.outcome
}

const table = (title: string, changes: Partial<RecipientOptions>, cases: Readonly<Record<string, string>>): void => {
  describe(title, () => {
    for (const [address, expected] of Object.entries(cases)) {
      it(`${JSON.stringify(address)}: ${expected}`, async () => {
        expect(await brief((await withAccounts(changes)).resolve(address))).to.equal(expected)
      })
    }
  })
}

describe('recipients', () => {
  table(
    'without aliases',
    {},
    {
      'alice@havre.test': 'alice',
      'Alice@HAVRE.Test': 'alice',
      'alice@localhost': 'alice',
      'bob+shop@havre.test': 'bob',
      'bob+a+b@havre.test': 'bob',
      'bob+@havre.test': 'bob',
      'alice@bücher.test': 'alice',
      'alice@BÜCHER.test': 'alice',
      'alice@xn--bcher-kva.test': 'alice',
      'alice@bu\u0308cher.test': 'alice',
      '"alice"@havre.test': 'alice',
      '"al\\ice"@havre.test': 'alice',
      '"alice+tag"@havre.test': 'alice',
      '"ALICE"@havre.test': 'alice',
      '" alice"@havre.test': 'unknown',
      '"alice@havre.test"@havre.test': 'unknown',
      '"alice@havre.test"@elsewhere.test': 'elsewhere',
      '"alice"@elsewhere.test': 'elsewhere',
      '""@havre.test': 'unknown',
      '"alice@havre.test': 'unknown',
      '"ali"ce@havre.test': 'unknown',
      'nobody@havre.test': 'unknown',
      '+tag@havre.test': 'unknown',
      'alice@elsewhere.test': 'elsewhere',
      'alice@sub.havre.test': 'elsewhere',
      'alice@havre.test.evil.test': 'elsewhere',
      'alice@havre.test@elsewhere.test': 'unknown',
      'alice%elsewhere.test@havre.test': 'unknown',
      'elsewhere.test!alice@havre.test': 'unknown',
      alice: 'unknown',
      '@havre.test': 'unknown',
      'alice@': 'unknown',
      '': 'unknown',
      '@': 'unknown',
      '"': 'unknown',
      '../alice@havre.test': 'unknown',
      'constructor@havre.test': 'unknown',
      '__proto__@havre.test': 'unknown',
    },
  )

  table(
    'postmaster, without an alias',
    {},
    {
      'postmaster@havre.test': 'alice',
      'POSTMASTER@Localhost': 'alice',
      postmaster: 'alice',
      PostMaster: 'alice',
      'postmaster+abuse@havre.test': 'alice',
      '"postmaster"@havre.test': 'alice',
      'postmaster@elsewhere.test': 'elsewhere',
    },
  )

  table(
    'aliases and lists',
    {
      aliases: {
        postmaster: ['bob'],
        sales: ['bob', 'carol', 'bob', 'Bob@havre.test'],
        everyone: ['sales', 'alice', 'team'],
        carol: ['carol', 'dave'],
        dave: ['alice'],
        loop1: ['loop2'],
        loop2: ['loop3', 'bob'],
        loop3: ['loop1'],
        self: ['self'],
        team: ['team', 'bob'],
        empty: [],
        nowhere: ['nobody'],
        outside: ['alice@elsewhere.test', 'bob'],
        only: ['alice@elsewhere.test'],
        tagged: ['alice+tagged', 'bob+x@localhost'],
        'first.last': ['alice'],
        'lists+news': ['dave2', 'alice', 'bob'],
        Büro: ['carol2', 'alice'],
        'webmaster@havre.test': ['bob'],
      },
    },
    {
      'postmaster@havre.test': 'bob',
      postmaster: 'bob',
      'sales@havre.test': 'bob carol alice',
      'SALES+q4@localhost': 'bob carol alice',
      'everyone@havre.test': 'bob carol alice team',
      'carol@havre.test': 'carol alice',
      'dave@havre.test': 'alice',
      'loop1@havre.test': 'bob',
      'loop3@havre.test': 'bob',
      'self@havre.test': 'unknown',
      'team@havre.test': 'team bob',
      'empty@havre.test': 'unknown',
      'nowhere@havre.test': 'unknown',
      'outside@havre.test': 'bob',
      'only@havre.test': 'unknown',
      'tagged@havre.test': 'alice bob',
      'first.last@havre.test': 'alice',
      '"first.last"@havre.test': 'alice',
      'lists+news@havre.test': 'alice bob',
      'büro@havre.test': 'alice',
      'BU\u0308RO@havre.test': 'alice',
      'webmaster@havre.test': 'bob',
      'sales@elsewhere.test': 'elsewhere',
    },
  )

  table(
    'with an account that catches the rest',
    { catchAll: 'carol', aliases: { nowhere: ['nobody'] } },
    {
      'alice@havre.test': 'alice',
      'nobody@havre.test': 'carol',
      'nowhere@havre.test': 'carol',
      'alice@elsewhere.test': 'carol',
      'anyone+x@any.test': 'carol',
      'postmaster@havre.test': 'carol',
      postmaster: 'carol',
      'postmaster@elsewhere.test': 'carol',
      'someone@[192.0.2.1]': 'carol',
      '"odd one"@elsewhere.test': 'carol',
      alice: 'unknown',
      '"alice@havre.test': 'unknown',
      'a@b@c': 'unknown',
    },
  )

  table(
    'with a catchAll that is no account',
    { catchAll: 'nobody' },
    {
      'x@havre.test': 'unknown',
      'x@elsewhere.test': 'elsewhere',
      'postmaster@havre.test': 'alice',
    },
  )

  it('sends postmaster to an account of that name before the oldest', async () => {
    expect(await brief((await withAccounts({}, ['alice', 'postmaster'])).resolve('Postmaster@havre.test'))).to.equal('postmaster')
  })

  it('knows no postmaster without any account', async () => {
    expect(await brief((await withAccounts({}, [])).resolve('postmaster'))).to.equal('unknown')
  })

  it('follows a list to its account once, however many ways lead there', async () => {
    const aliases: Record<string, readonly string[]> = { a29: ['alice', 'bob'] }
    for (let n = 0; n < 29; n++) aliases[`a${n}`] = [`a${n + 1}`, `a${n + 1}`]
    expect(await brief((await withAccounts({ aliases })).resolve('a0@havre.test'))).to.equal('alice bob')
  })

  it('finds the same for a list whether or not it was met before', async () => {
    const aliases = { all: ['left', 'right'], left: ['dave'], right: ['dave'], dave: ['alice'] }
    expect(await brief((await withAccounts({ aliases })).resolve('all@havre.test'))).to.equal('alice')
  })

  it('rejects when the accounts cannot be read, and calls nobody unknown', async () => {
    const store = new MemoryAccountStore()
    const recipients = createRecipients({ store, domains: ['havre.test'], aliases: {}, catchAll: null })
    await store.close()
    const error = await recipients.resolve('alice@havre.test').catch((reason: unknown) => reason)
    expect(error).to.be.instanceOf(AccountStoreError)
  })

  it('sees accounts that another process adds and removes', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'havre-recipients-'))
    const [store, other] = [await openAccountStore(join(folder, 'a.db')), await openAccountStore(join(folder, 'a.db'))]
    const recipients = createRecipients({ store, domains: ['havre.test'], aliases: {}, catchAll: null })
    expect(await brief(recipients.resolve('alice@havre.test'))).to.equal('unknown')
    await other.add({ name: 'alice', passwordHash: 'h' })
    expect(await brief(recipients.resolve('alice@havre.test'))).to.equal('alice')
    await other.remove('alice')
    expect(await brief(recipients.resolve('alice@havre.test'))).to.equal('unknown')
    await Promise.all([store.close(), other.close()])
    await rm(folder, { recursive: true })
  })

  it('tells settings that lead nowhere', async () => {
    const aliases = { sales: ['alice', 'nobody'], outside: ['x@elsewhere.test'], round: ['round'], fine: ['bob', 'sales'] }
    expect(await (await withAccounts({ aliases, catchAll: 'ghost' })).problems()).to.deep.equal([
      'mail.aliases: sales: nobody leads to no account',
      'mail.aliases: outside: x@elsewhere.test is not an address of a local domain',
      'mail.aliases: round: round leads to no account',
      'mail.catchAll: there is no account ghost',
    ])
    expect(await (await withAccounts({ aliases: { sales: ['alice'] }, catchAll: 'bob@localhost' })).problems()).to.deep.equal([])
  })
})
