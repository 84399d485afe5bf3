import { join } from 'node:path'
import { expect } from 'chai'
import { Room } from '../../servers/smtp/room.ts'
import { StoreError } from '../../shared/mail/mail-store.ts'
import { openMailStore } from '../../shared/mail/sqlite-mail-store.ts'
import { fakeDesk } from '../kit/fake-desk.ts'
import { serve } from '../kit/serving.ts'
import { FakeStore } from './fake-store.ts'
import { afterEhlo, afterRcpt, introduced, type SmtpDialogue } from './setup.ts'

const quota = { settings: { mail: { quota: { octets: 1_000, messages: 10 } } } }

/** A store in which mailboxes hold so many octets. */
const holding = (octets: Readonly<Record<string, number>>) => (): FakeStore => {
  const store = new FakeStore()
  for (const [account, held] of Object.entries(octets)) store.octets.set(account, held)
  return store
}

const fullAtTheEnd =
  (...accounts: readonly string[]) =>
  (): FakeStore => {
    const store = new FakeStore()
    for (const account of accounts) store.full.add(account)
    return store
  }

/** `everybody@havre.test` is both. */
const withList = () => {
  const desk = fakeDesk()
  return {
    ...desk,
    recipient: async (address: string) =>
      address === 'everybody@havre.test' ? ({ outcome: 'local', accounts: ['alice', 'bob'] } as const) : desk.recipient(address),
  }
}

describe('SMTP: full mailboxes', () => {
  const mail = (name: string, lines: string, more: SmtpDialogue) =>
    afterEhlo(name, `C: MAIL FROM:<a@example.org> SIZE=100\nS: 250 2.1.0 …\n${lines}`, { ...quota, ...more })

  mail(
    'are told at RCPT, and the others get the message',
    `C: RCPT TO:<alice@havre.test>
      S: 452 4.2.2 The mailbox is full; try again later
      C: RCPT TO:<bob@havre.test>
      S: 250 2.1.5 …
      C: DATA
      S: 354 …
      C: x
      C: .
      S: 250 2.0.0 …`,
    {
      store: holding({ alice: 901, bob: 900 }),
      after: ({ journal }, store) => {
        expect(store.kept[0]?.envelope.recipients.map(({ account }) => account)).to.deep.equal(['bob'])
        expect(journal.of('recipient.refused')[0]?.fields).to.include({ recipient: 'alice@havre.test' })
      },
    },
  )
  afterEhlo(
    'are told also to a client that does not say the size',
    'C: MAIL FROM:<a@example.org>\nS: 250 2.1.0 …\nC: RCPT TO:<alice@havre.test>\nS: 452 4.2.2 …\nC: RCPT TO:<bob@havre.test>\nS: 250 2.1.5 …',
    { ...quota, store: holding({ alice: 1_000, bob: 999 }) },
  )
  afterEhlo(
    'are none for what would fit into no mailbox: it is refused for good, at once where its size is told',
    `C: MAIL FROM:<a@example.org> SIZE=1001
      S: 552 5.2.2 A mailbox holds at most 1000 octets: the message does not fit into an empty one
      C: MAIL FROM:<a@example.org> SIZE=1000
      S: 250 2.1.0 …
      C: RCPT TO:<alice@havre.test>
      S: 250 2.1.5 …
      C: RCPT TO:<bob@havre.test>
      S: 250 2.1.5 …
      C: DATA
      S: 354 …
      C: ${'x'.repeat(1_000)}
      C: .
      S: 552 5.2.2 …
      C: NOOP
      S: 250 2.0.0 …`,
    {
      ...quota,
      after: ({ journal }, { kept }) => {
        expect(kept).to.have.length(0)
        expect(journal.of('sender.refused')).to.have.length(1)
        expect(journal.of('message.refused')).to.have.length(1)
      },
    },
  )
  afterEhlo(
    'are none for it in chunks either',
    `C: MAIL FROM:<a@example.org>
      S: 250 2.1.0 …
      C: RCPT TO:<alice@havre.test>
      S: 250 2.1.5 …
      C: BDAT 1000 LAST
      C: ${'x'.repeat(998)}
      S: 552 5.2.2 …
      C: NOOP
      S: 250 2.0.0 …`,
    { ...quota, after: (_running, { kept }) => void expect(kept).to.have.length(0) },
  )
  mail(
    'that the store cannot tell of are a failure of the moment',
    'C: RCPT TO:<alice@havre.test>\nS: 451 4.3.0 …\nC: NOOP\nS: 250 2.0.0 …',
    {
      store: () => new FakeStore({ usage: new StoreError('locked', 'a test said so') }),
      errors: true,
    },
  )
  afterRcpt(
    'that have become so meanwhile are told at the end, and nobody gets the message, so that it can be sent again',
    'C: RCPT TO:<bob@havre.test>\nS: 250 2.1.5 …\nC: DATA\nS: 354 …\nC: x\nC: .\nS: 452 4.2.2 …\nC: NOOP\nS: 250 2.0.0 …',
    { store: fullAtTheEnd('alice'), after: (_running, { kept }) => void expect(kept).to.have.length(0) },
  )
  mail(
    'of members of a list leave the list open: the others get the message',
    `C: RCPT TO:<everybody@havre.test>
      S: 250 2.1.5 …
      C: DATA
      S: 354 …
      C: x
      C: .
      S: 250 2.0.0 …`,
    {
      desk: withList(),
      store: holding({ alice: 950 }),
      after: ({ journal }, store) => {
        expect(store.kept[0]?.envelope.recipients.map(({ account }) => account)).to.deep.equal(['bob'])
        expect(journal.of('mailbox.full')[0]?.fields).to.deep.include({ accounts: ['alice'] })
      },
    },
  )
  mail('of all members close it', 'C: RCPT TO:<everybody@havre.test>\nS: 452 4.2.2 …', {
    desk: withList(),
    store: holding({ alice: 950, bob: 901 }),
  })
  mail(
    'of a member that became so meanwhile keep the message from that one only',
    `C: RCPT TO:<everybody@havre.test>
      S: 250 2.1.5 …
      C: DATA
      S: 354 …
      C: x
      C: .
      S: 250 2.0.0 …`,
    {
      desk: withList(),
      store: fullAtTheEnd('alice'),
      after: (_running, store) => void expect(store.kept.map(({ envelope }) => envelope.recipients.length)).to.deep.equal([1]),
    },
  )
  mail(
    'of somebody who is named beside a list keep it from all, so that it can be sent again',
    `C: RCPT TO:<everybody@havre.test>
      S: 250 2.1.5 …
      C: RCPT TO:<alice@havre.test>
      S: 250 2.1.5 …
      C: DATA
      S: 354 …
      C: ${'x'.repeat(200)}
      C: .
      S: 452 4.2.2 …`,
    {
      desk: withList(),
      // The client said 100.
      store: holding({ alice: 850 }),
      after: (_running, store) => void expect(store.kept).to.have.length(0),
    },
  )

  it('are told by the real store alike, and are full no longer once there is room', async () => {
    await using running = await serve({ service: 'smtp', settings: { mail: { quota: { octets: 4_000, messages: 2 } } } })
    const send = async (octets: number): Promise<string> => {
      using client = await introduced(running)
      await client.ask('MAIL FROM:<a@example.org>')
      const rcpt = await client.ask('RCPT TO:<alice@havre.test>')
      if (!rcpt.startsWith('250')) return `RCPT ${rcpt}`
      await client.ask('DATA')
      return await client.ask(`${'x'.repeat(octets)}\r\n.`)
    }
    expect(await send(5_000)).to.match(/^552 5\.2\.2 A mailbox holds at most 4000 octets/)
    // It would fit, and not with the trace lines, which the mailbox holds too.
    expect(await send(3_950)).to.match(/^552 5\.2\.2 /)
    expect(await send(10)).to.match(/^250 /)
    expect(await send(10)).to.match(/^250 /)
    // What it holds is known to be less for a second: then it is the store that says so.
    expect(await send(10)).to.match(/^(?:RCPT )?452 4\.2\.2 /)
    const store = await openMailStore({ file: join(running.settings.data, 'mail.db') })
    const maildrop = await store.open('alice')
    await maildrop?.remove(maildrop.messages.slice(0, 1))
    await maildrop?.release()
    await store.close()
    expect(await send(10)).to.match(/^250 /)
  })
})

describe('SMTP: room in mailboxes', () => {
  it('is asked for once a second while there is some, and each time while there is none', async () => {
    const store = new FakeStore()
    const room = new Room(store, { octets: 1_000, messages: 10 })
    for (let count = 0; count < 5; count++) expect(await room.has('alice', 100)).to.equal(true)
    expect(store.asked.length).to.be.at.most(2)
    store.octets.set('bob', 1_000)
    expect(await room.has('bob', 0)).to.equal(false)
    store.octets.set('bob', 999)
    expect(await room.has('bob', 0)).to.equal(true)
    expect(await room.has('bob', 2)).to.equal(false)
    expect(store.asked.filter((account) => account === 'bob')).to.have.length(3)
  })

  it('is never asked for where there is no quota', async () => {
    const store = new FakeStore()
    expect(await new Room(store, null).has('alice', 1e9)).to.equal(true)
    expect(store.asked).to.have.length(0)
  })
})
