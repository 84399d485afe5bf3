import { expect } from 'chai'
import { createLocalDomains } from '../../shared/accounts/local-domains.ts'
import { loginAccountName, readAccountName } from '../../shared/accounts/name.ts'
import { createRecipients } from '../../shared/accounts/recipients.ts'
import { addressGroup } from '../../shared/net/address-group.ts'
import { fuzzRounds, runSeed, type Seeded, seeded } from '../kit/seeded.ts'
import { MemoryAccountStore } from './memory-account-store.ts'

/** What addresses are made of, and what does not belong there. */
const pieces = [
  'alice',
  'bob',
  'sales',
  'postmaster',
  'havre.test',
  'localhost',
  'elsewhere.test',
  '@',
  '@',
  '+',
  '"',
  '\\',
  '.',
  '..',
]
const odd = [
  '/',
  '%',
  '\0',
  '\n',
  ' ',
  '[',
  ']',
  ':',
  'é',
  '\u0301',
  '\u{1f600}',
  '\ud800',
  '\u202e',
  'xn--',
  '__proto__',
  '=',
  '<',
  '>',
]

const mixture = (random: Seeded): string =>
  Array.from({ length: random.between(0, 8) }, () => random.pick(random.chance(0.8) ? pieces : odd)).join('')

describe('names and addresses at random', () => {
  const domains = ['havre.test', 'localhost']
  const harmless = /^[a-z0-9](?:[a-z0-9_-]|\.(?!\.|$)){0,63}$/

  it('never throw, and lead to nothing but accounts', async () => {
    const random = seeded(runSeed())
    const store = new MemoryAccountStore()
    await store.add({ name: 'alice', passwordHash: 'h' }, { name: 'bob', passwordHash: 'h' })
    const recipients = createRecipients({ store, domains, aliases: { sales: ['alice', 'bob'] }, catchAll: null })
    const local = createLocalDomains(domains)
    for (let round = 0; round < fuzzRounds(10_000); round++) {
      const text = mixture(random)
      const shown = JSON.stringify(text)
      const reading = readAccountName(text)
      if (reading.ok) expect(reading.name, shown).to.match(harmless)
      else expect(reading.reason, shown).to.match(/^[^\0-\x1f\x7f-\x9f\u202e]{10,200}$/)
      const login = loginAccountName(text, local)
      if (login !== null) expect(login, shown).to.match(harmless)
      const answer = await recipients.resolve(text)
      if (answer.outcome === 'local') expect(['alice', 'bob', 'alice,bob'], shown).to.include(answer.accounts.join())
      addressGroup(text)
    }
  })
})
