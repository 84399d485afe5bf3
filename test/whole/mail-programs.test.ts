import { expect } from 'chai'
import { useFamily } from '../kit/family.ts'
import { describeWith } from '../kit/programs.ts'
import { withAccounts } from './accounts.ts'
import { asSent, idOf, testMessage } from './conversations.ts'
import { mailReaders } from './mail-readers.ts'
import { mailSenders } from './mail-senders.ts'
import { emptyMailbox } from './mailboxes.ts'

const login = { user: 'alice', password: 'mail secret 1' }

/** One message of each sender, in the order in which they are sent. */
const sent = new Map<string, Buffer>()
const idFor = (sender: string) => sender.toLowerCase().replaceAll(/[^a-z\d]+/g, '-')

const asText = (message: Buffer): string => message.toString('latin1').replaceAll('\r\n', '\n')

describe('the whole: mail that real programs send and fetch', function () {
  // Whole processes start and end here: on a machine that does other things too, that takes what it takes.
  this.timeout(60_000)
  const family = useFamily({ services: ['smtp', 'pop3'] })
  withAccounts(family, { alice: login.password })

  // What came with the account would be in the way.
  before('empty the mailbox', async () => {
    await emptyMailbox(family(), login)
  })

  for (const [name, { needs, send }] of Object.entries(mailSenders)) {
    describeWith(needs, `sent with ${name}`, () => {
      it('is taken', async () => {
        const message = testMessage(idFor(name), 3_000)
        await send(family(), message, login)
        sent.set(idFor(name), message)
      })
    })
  }

  for (const [name, { needs, gives, fetch }] of Object.entries(mailReaders)) {
    describeWith(needs, `fetched with ${name}`, () => {
      it('is each octet as it was sent', async () => {
        expect(sent.size).to.be.greaterThan(2)
        const fetched = await fetch(family(), login)
        expect(fetched.map(idOf)).to.have.members([...sent.keys()])
        for (const message of fetched) {
          const original = sent.get(idOf(message)) ?? Buffer.alloc(0)
          if (gives === 'exact') expect(asSent(message).toString('latin1')).to.equal(original.toString('latin1'))
          else expect(asText(asSent(message)).trimEnd()).to.equal(asText(original).trimEnd())
        }
      })
    })
  }
})
