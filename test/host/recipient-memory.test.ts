import { expect } from 'chai'
import { memoryMs, rememberRecipients } from '../../servers/host/recipient-memory.ts'
import type { RecipientAnswer } from '../../shared/accounts/desk.ts'

const alice: RecipientAnswer = { outcome: 'local', accounts: ['alice'] }

/** A desk that answers what it is told to, and what it was asked. */
const make = () => {
  const asked: string[] = []
  const desk = { answer: alice as RecipientAnswer | Error, now: 0 }
  const recipient = rememberRecipients(
    async (address) => {
      asked.push(address)
      if (desk.answer instanceof Error) throw desk.answer
      return desk.answer
    },
    () => desk.now,
  )
  return { asked, desk, recipient }
}

describe('recipients that a child remembers', () => {
  it('are asked for once where several ask at once, and again when the moment is over', async () => {
    const { asked, desk, recipient } = make()
    expect(await Promise.all([recipient('alice@a.test'), recipient('alice@a.test')])).to.deep.equal([alice, alice])
    desk.now = memoryMs - 1
    await recipient('alice@a.test')
    expect(asked).to.have.length(1)
    desk.now = memoryMs
    desk.answer = { outcome: 'unknown' }
    expect(await recipient('alice@a.test'), 'removed meanwhile').to.deep.equal({ outcome: 'unknown' })
    expect(asked).to.have.length(2)
  })

  it('are each their own', async () => {
    const { asked, recipient } = make()
    await recipient('alice@a.test')
    await recipient('Alice@a.test')
    expect(asked).to.deep.equal(['alice@a.test', 'Alice@a.test'])
  })

  for (const outcome of ['unknown', 'elsewhere'] as const)
    it(`are not remembered where the answer is ${outcome}: a new account has its mail at once`, async () => {
      const { desk, recipient } = make()
      desk.answer = { outcome }
      expect(await recipient('alice@a.test')).to.deep.equal({ outcome })
      desk.answer = alice
      expect(await recipient('alice@a.test')).to.deep.equal(alice)
    })

  it('are asked for again after the desk failed', async () => {
    const { desk, recipient } = make()
    desk.answer = new Error('away')
    const failed = await recipient('alice@a.test').catch((error: unknown) => error)
    expect(failed).to.equal(desk.answer)
    desk.answer = alice
    expect(await recipient('alice@a.test')).to.deep.equal(alice)
  })

  it('are bounded in number', async () => {
    const { asked, recipient } = make()
    for (let number = 0; number < 1_001; number++) await recipient(`u${number}@a.test`)
    await recipient('u0@a.test')
    expect(asked).to.have.length(1_002)
  })
})
