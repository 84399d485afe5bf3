import { expect } from 'chai'
import { startFamily } from '../kit/family.ts'
import { flood, visits } from './bystanders.ts'

/** The same at length, with times: attacks.alone.ts. */
describe('under attack, for a moment', function () {
  this.timeout(120_000)

  it('others are served: idle connections, connecting and closing, guessing passwords, all from one address', async () => {
    await using family = await startFamily({ services: ['pop3'], args: ['--set', 'logins.delay=0s'] })
    const port = family.port('pop3')
    const refused = async () => (await family.status()).services[0]?.refused ?? {}
    using idle = await flood('idle', port, '127.0.0.3')
    using guessing = await flood('passwords', port, '127.0.0.4')
    using closing = await flood('connect-and-close', port, '127.0.0.5')
    for (;;) {
      for (let n = 0; n < 20; n++) await visits.pop3(port)
      const { connectionsPerAddress = 0, blockAfter = 0 } = await refused()
      if (connectionsPerAddress >= 1_900 && blockAfter >= 100) break
    }
    expect((await closing.end())['connected']).to.be.greaterThan(100)
    expect((await guessing.end())['refused'] ?? 0).to.be.at.most(40)
    expect((await idle.end())['closed']).to.be.at.least(1_900)
    expect((await family.status()).services[0]).to.include({ state: 'ready', restarts: 0 })
  })
})
