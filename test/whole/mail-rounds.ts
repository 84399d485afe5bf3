/** A round of all mail programs: each sends one message each way, and then each fetches all of them. */
import { writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { defaultWith } from '../kit/default-services.ts'
import { type Family, useFamily } from '../kit/family.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'
import { describeWith } from '../kit/programs.ts'
import { withAccounts } from './accounts.ts'
import { asSent, idOf, testMessage } from './conversations.ts'
import { mailReaders } from './mail-readers.ts'
import { type Route, routeTo } from './mail-route.ts'
import { mailSenders } from './mail-senders.ts'
import { emptyMailbox } from './mailboxes.ts'

const login = { user: 'alice', password: 'Geheim-42+x' }
const submits = { login, from: 'alice@havre.test' }

/** The ways that senders go: title, service, and how. */
const sendingWays = {
  clear: ['in clear', 'smtp', {}],
  plain: ['in clear, AUTH PLAIN', 'smtp', { login, method: 'PLAIN' }],
  login: ['in clear, AUTH LOGIN', 'smtp', { login, method: 'LOGIN' }],
  starttls: ['with STARTTLS, to submission', 'submission', { tls: 'starttls', ...submits }],
  implicit: ['with TLS from the first octet, to smtps', 'smtps', { tls: 'implicit', ...submits }],
} as const satisfies Readonly<Record<string, readonly [title: string, service: string, way: Partial<Route>]>>

const fetchingWays = { off: 'in clear', starttls: 'with STLS', implicit: 'with TLS from the first octet' } as const

/** What a round goes through. */
export interface Round {
  readonly sending: readonly (keyof typeof sendingWays)[]
  readonly fetching: readonly Route['tls'][]
}

/** A message that was sent, and whether it arrives as it was. */
interface Sent {
  readonly message: Buffer
  readonly exact: boolean
}

const asText = (message: Buffer): string => message.toString('latin1').replaceAll('\r\n', '\n')

const expectSame = (stored: Buffer, { message, exact }: Sent, gives: 'exact' | 'text'): void => {
  if (!exact) expect(asText(stored)).to.include('\n\nText of s-nail,\n.with a dot.')
  else if (gives === 'exact') expect(asSent(stored).toString('latin1')).to.equal(message.toString('latin1'))
  else expect(asText(asSent(stored)).trimEnd()).to.equal(asText(message).trimEnd())
}

/** The service that encrypts that way. */
const pop3At = (family: Family, tls: Route['tls']): Route & { login: typeof login } => ({
  ...routeTo(family, tls === 'implicit' ? 'pop3s' : 'pop3', { tls }),
  login,
})

/** A family with all services of mail, as a user takes them into use, and an empty mailbox. */
const useMail = (): (() => Family) => {
  let folder: TemporaryFolder
  before('write the configuration', async () => {
    folder = await temporaryFolder()
    await writeFile(folder.at('my.yaml'), await defaultWith(['submission', 'smtps', 'pop3s']))
  })
  after('remove it', () => folder?.remove())
  const family = useFamily(() => ({ services: ['smtp', 'pop3'], args: ['--config', folder.at('my.yaml')] }))
  withAccounts(family, { alice: login.password })
  // What came with the account would be in the way.
  before('empty the mailbox', () => emptyMailbox(family(), login))
  return family
}

/** Defines the tests of a round, with a family of its own. */
export const mailRound = ({ sending, fetching }: Round): void => {
  const family = useMail()
  const sent = new Map<string, Sent>()

  for (const [name, { needs, makes, send }] of Object.entries(mailSenders)) {
    describeWith(needs, `${name} sends`, () => {
      for (const way of sending) {
        const [title, service, route] = sendingWays[way]
        it(title, async () => {
          // Short: some programs fold long lines.
          const id = `${name} ${way}`.toLowerCase().replaceAll(/[^a-z\d]+/g, '-')
          const message = testMessage(id, 3_000)
          await send(routeTo(family(), service, route), message)
          sent.set(id, { message, exact: makes === 'exact' })
        })
      }
    })
  }

  for (const [name, { needs, gives, ways, fetch }] of Object.entries(mailReaders)) {
    const possible = ways.filter((way) => fetching.includes(way))
    if (possible.length === 0) continue
    describeWith(needs, `${name} fetches each octet as it was sent`, () => {
      for (const way of possible) {
        it(fetchingWays[way], async () => {
          expect(sent.size).to.be.greaterThan(2)
          const fetched = await fetch(pop3At(family(), way))
          expect(fetched.map(idOf)).to.have.members([...sent.keys()])
          for (const stored of fetched)
            expectSame(stored, sent.get(idOf(stored)) ?? { message: Buffer.alloc(0), exact: true }, gives)
        })
      }
    })
  }
}
