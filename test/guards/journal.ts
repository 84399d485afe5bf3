import type { Guard } from './guard.ts'

export const guards: readonly Guard[] = [
  {
    name: 'journal: a password that is asked for is taken down',
    file: 'servers/host/told-line.ts',
    guard: "if (telling === 'secret') return { text: line.kind === 'line' && line.octets.equals(Buffer.from('*')) ? '*' : blot }",
    without: '',
    tests: ['test/smtp/login.test.ts'],
    grep: 'AUTH LOGIN',
  },
  {
    name: 'journal: a password behind its command is taken down',
    file: 'servers/host/told-line.ts',
    guard: "if (telling === 'credentials') return { text: `${command} ${withMechanism(command, rest)}` }",
    without: "if (telling === 'credentials') return whole(octets)",
    tests: ['test/smtp/login.test.ts'],
    grep: 'AUTH PLAIN',
  },
  {
    name: 'journal: a password in the wrong place is taken down',
    file: 'servers/host/told-line.ts',
    guard: '(!nearLogin && name.test(word) && !beforeSecrets.test(word))',
    without: 'name.test(word)',
    tests: ['test/pop3/session.test.ts'],
    grep: 'shows no word that may be a secret',
  },
  {
    name: 'journal: a client forges a line or moves the cursor of a terminal',
    file: 'shared/log/render.ts',
    guard: 'unsafe.test(whole) ? whole.replace(allUnsafe, asCode) : whole',
    without: 'whole === allUnsafe.source ? whole.replace(allUnsafe, asCode) : whole',
    tests: ['test/log/winston-journal.test.ts'],
    grep: 'escapes every control|in a line for people',
  },
  {
    name: 'journal: a client gives its record another time, level or event',
    file: 'shared/log/render.ts',
    guard: 'jsonText(own.has(name) ? `${name}_` : name)',
    without: 'jsonText(name)',
    tests: ['test/log/winston-journal.test.ts'],
    grep: 'lets a field of the event win',
  },
]
