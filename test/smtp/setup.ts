import { expect } from 'chai'
import { commands } from '../../servers/smtp/commands.ts'
import { protocol } from '../../servers/smtp/options.ts'
import { smtpServer } from '../../servers/smtp/service.ts'
import type { MailStore } from '../../shared/mail/mail-store.ts'
import { Client } from '../kit/client.ts'
import { type Dialogue, dialogue } from '../kit/dialogue.ts'
import { type Running, type Setup, serve } from '../kit/serving.ts'
import { FakeStore, type Faults } from './fake-store.ts'

/** How the server is set up: with a store in memory, unless another is given. */
export type SmtpSetup = Partial<Setup> & { readonly store?: MailStore }

const withStore = ({ store = new FakeStore(), ...setup }: SmtpSetup): Setup => ({
  service: 'smtp',
  ...setup,
  create: (context) => smtpServer({ ...context, options: protocol.options.parse(setup.options ?? {}) }, () => store),
})

/** Runs the SMTP server in this process. */
export const serveSmtp = (setup: SmtpSetup = {}): Promise<Running> => serve(withStore(setup))

const alone = new RegExp(
  `^(?:${commands
    .filter((row) => row.alone)
    .map(({ name }) => name)
    .join('|')})\\b`,
  'i',
)

/** What a dialogue of SMTP may say beside its lines. */
export interface SmtpDialogue extends Partial<Omit<Dialogue, 'after'>> {
  readonly faults?: Faults
  /** Makes the store, in place of an empty one with these faults. */
  readonly store?: () => FakeStore
  readonly after?: (running: Running, store: FakeStore) => void | Promise<void>
}

/** Plays a dialogue, each time with a store of its own. No delivery may be left open. */
export const smtpDialogue = (name: string, lines: string, what: SmtpDialogue = {}): void => {
  const { faults, after, store: make = () => new FakeStore(faults), ...more } = what
  let store = new FakeStore()
  dialogue(name, {
    ...more,
    service: 'smtp',
    lines,
    alone,
    serve: (setup) => {
      store = make()
      return serveSmtp({ ...setup, store })
    },
    after: async (running) => {
      await after?.(running, store)
      if (store.unended !== 0) throw new Error(`${store.unended} deliveries are left open`)
    },
  })
}

/** The same after EHLO. */
export const afterEhlo = (name: string, lines: string, what: SmtpDialogue = {}): void =>
  smtpDialogue(name, `C: EHLO client.test\nS* 250-…\nS: 250 HELP\n${lines}`, what)

/** The same after EHLO, MAIL and RCPT. */
export const afterRcpt = (name: string, lines: string, what: SmtpDialogue = {}): void =>
  afterEhlo(
    name,
    `C: MAIL FROM:<sender@example.org>\nS: 250 2.1.0 …\nC: RCPT TO:<alice@havre.test>\nS: 250 2.1.5 …\n${lines}`,
    what,
  )

/** A client that has been greeted and has said HELO. */
export const introduced = async (running: Running): Promise<Client> => {
  const client = await Client.connect(running.port)
  await client.reply()
  expect(await client.ask('HELO client.test')).to.match(/^250 /)
  return client
}

/** A client that has come as far as 354, with a message for alice. */
export const inData = async (running: Running): Promise<Client> => {
  const client = await introduced(running)
  await client.ask('MAIL FROM:<sender@example.org>')
  await client.ask('RCPT TO:<alice@havre.test>')
  expect(await client.ask('DATA')).to.match(/^354 /)
  return client
}
