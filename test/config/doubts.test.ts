import { expect } from 'chai'
import { doubtsOf } from '../../shared/config/doubts.ts'
import type { MailRetention } from '../../shared/config/settings.ts'
import { testSettings } from '../kit/settings.ts'

describe('settings that can hardly be meant', () => {
  const none: MailRetention = { ageMs: null, messages: null, octets: null }
  const told = (retention: Partial<MailRetention>): readonly string[] => {
    const settings = testSettings('/nowhere')
    return doubtsOf({ ...settings, mail: { ...settings.mail, retention: { ...none, ...retention } } })
  }

  it('are none by default, nor with a rule that is of use', () => {
    expect(told({})).to.deep.equal([])
    expect(told({ ageMs: 86_400_000, messages: 1_000, octets: 200_000_000 })).to.deep.equal([])
  })

  for (const [what, retention, begins] of [
    ['an age that no mail program is as quick as', { ageMs: 60_000 }, 'mail.retention.age is 1 minutes'],
    ['a count that the quota never lets a mailbox reach', { messages: 100_000 }, 'mail.retention.messages is never reached'],
    ['a size that the quota never lets it reach', { octets: 2 ** 31 }, 'mail.retention.size is never reached'],
    ['a size that the largest message is over', { octets: 1_000 }, 'mail.retention.size is less than mail.maxSize'],
  ] as const)
    it(`are told: ${what}`, () => {
      const [doubt, ...more] = told(retention)
      expect(doubt).to.match(new RegExp(`^${begins}`))
      expect(more).to.deep.equal([])
    })
})
