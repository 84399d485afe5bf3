import type { Guard } from './guard.ts'

/** What is kept from messages, mailboxes and reports, beside the conversation (`smtp.ts`). */
export const guards: readonly Guard[] = [
  {
    name: 'smtp: a message that runs in a circle is taken again and again',
    file: 'servers/smtp/intake.ts',
    guard: 'if (this.#received.count > hops) {',
    without: 'if (this.#received.count > 1e9) {',
    tests: ['test/smtp/loops.test.ts'],
    grep: 'past it',
  },
  {
    name: 'smtp: a full mailbox is told only once the whole message was sent',
    file: 'servers/smtp/transaction.ts',
    guard: '  if (accounts.length === 0) return refuse(replies.mailboxFull)\n',
    without: '',
    tests: ['test/smtp/quota.test.ts'],
    grep: 'at RCPT',
  },
  {
    name: 'smtp: somebody whose mailbox is full beside a list loses the message, and nobody is told',
    file: 'servers/smtp/intake.ts',
    guard: 'if (!(await this.#hasRoom())) await this.#refuse(replies.mailboxFull)',
    without: 'void this.#hasRoom',
    tests: ['test/smtp/quota.test.ts'],
    grep: 'beside a list',
  },
  {
    name: 'smtp: mail that no mailbox holds is to be sent again for ever',
    file: 'servers/smtp/intake.ts',
    guard: 'if (this.#storedOctets > largestOctets) return this.#refuse(replies.largerThanMailbox(largestOctets))',
    without: '',
    tests: ['test/smtp/quota.test.ts'],
    grep: 'told by the real store',
  },
  {
    name: 'smtp: an id for reports adds lines to the header of a report',
    file: 'servers/smtp/dsn-parameters.ts',
    guard: 'return printable.test(decoded) ? decoded : undefined',
    without: 'return decoded',
    tests: ['test/smtp/dsn-parameters.test.ts'],
    grep: 'ENVID is',
  },
  {
    name: 'smtp: a report is answered with a report (mail loop)',
    file: 'servers/smtp/reports.ts',
    guard: "  if (sender.address === '') return\n",
    without: '',
    tests: ['test/smtp/reports.test.ts'],
    grep: 'there is no sender',
  },
  {
    name: 'smtp: a few lines make a message of millions of recipients',
    file: 'servers/smtp/transaction.ts',
    guard:
      'if (taken.length > 0 && mailboxes > Math.max(mostMailboxes, options.recipients)) return refuse(replies.tooManyMailboxes)',
    without: 'void mailboxes',
    tests: ['test/smtp/limits.test.ts'],
    grep: 'lists of any length',
  },
  {
    name: 'smtp: who is told by a report that a message came may hear from the server that it did not',
    file: 'servers/smtp/intake.ts',
    guard: '    await report(this.#situation, {',
    without: "    this.#state = 'kept'\n    await report(this.#situation, {",
    tests: ['test/smtp/session.test.ts'],
    grep: 'while its report is written',
  },
]
