import type { Guard } from './guard.ts'

export const guards: readonly Guard[] = [
  {
    name: 'pop3: commands that came in clear are run behind STLS (injection)',
    file: 'servers/pop3/conversation.ts',
    guard: "        if (this.#session.state === 'securing') break\n",
    without: '',
    tests: ['test/pop3/tls.test.ts'],
  },
  {
    name: 'pop3: two sessions hold one mailbox',
    file: 'shared/mail/sqlite/mailboxes.ts',
    guard: '  if (database.get(held, uptimeMs(), mailbox) !== undefined) return null\n',
    without: '',
    tests: ['test/mail/sqlite-contract.test.ts'],
    grep: 'a held mailbox',
  },
  {
    name: 'pop3: a session whose hold was lost removes messages of the one that has it',
    file: 'shared/mail/sqlite/mailboxes.ts',
    guard: "  if (row === undefined) throw storeError('locked', { cause: 'the hold of the mailbox expired and was taken' })\n",
    without: '  if (row === undefined) return null\n',
    tests: ['test/mail/sqlite-lease.test.ts'],
    grep: 'was taken by another',
  },
  {
    name: 'pop3: marked messages are gone although the session did not QUIT',
    file: 'servers/pop3/conversation.ts',
    guard: "else if (before.state === 'transaction') await before.maildrop.release()",
    without: "else if (before.state === 'transaction') await before.maildrop.removeMarked().then(() => before.maildrop.release())",
    tests: ['test/pop3/session.test.ts', 'test/pop3/commands.test.ts', 'test/pop3/limits.test.ts'],
    grep: 'what is marked stays',
  },
  {
    name: 'pop3: a password crosses the network in clear',
    file: 'servers/pop3/session.ts',
    guard: "(context.requireTls === 'auto' && connection.withinMachine)",
    without: "context.requireTls === 'auto'",
    tests: ['test/pop3/login.test.ts'],
    grep: 'a login in clear is refused from elsewhere',
  },
  {
    name: 'pop3: a line of a message that is a dot ends the reply',
    file: 'shared/net/dot-stuffing.ts',
    guard: 'return begins || firstDot > 0 ? stuffed(chunk, firstDot) : chunk',
    without: 'return chunk',
    tests: ['test/net/dot-stuffing.test.ts'],
  },
  {
    name: 'pop3: an account other than the one that logs in is taken from AUTH PLAIN',
    file: 'servers/pop3/login.ts',
    guard: "if (authorization === '' || authorization === name) return logIn(client, 'PLAIN', name, password)",
    without: "return logIn(client, 'PLAIN', name, password)",
    tests: ['test/pop3/login.test.ts'],
    grep: 'nobody act for another',
  },
]
