import type { Guard } from './guard.ts'

export const guards: readonly Guard[] = [
  {
    name: 'mail: a message is acknowledged before it is on disk',
    file: 'shared/mail/sqlite/database.ts',
    guard: "'PRAGMA synchronous = FULL' : 'PRAGMA synchronous = NORMAL'",
    without: "'PRAGMA synchronous = NORMAL' : 'PRAGMA synchronous = NORMAL'",
    tests: ['test/mail/sqlite-sync.test.ts'],
  },
  {
    name: 'mail: a message is acknowledged before it is on disk, from the first',
    file: 'shared/mail/sqlite/database.ts',
    guard: '  PRAGMA synchronous = FULL;\n',
    without: '  PRAGMA synchronous = NORMAL;\n',
    tests: ['test/mail/sqlite-sync.test.ts'],
  },
  {
    name: 'mail: a database is attached by its file name',
    file: 'shared/mail/sqlite/database.ts',
    guard: 'action === constants.SQLITE_ATTACH ? constants.SQLITE_DENY : constants.SQLITE_OK',
    without: 'action === -1 ? constants.SQLITE_DENY : constants.SQLITE_OK',
    tests: ['test/mail/sqlite-schema.test.ts', 'test/mail/sqlite-failures.test.ts', 'test/mail/sqlite-limits.test.ts'],
    grep: 'cannot attach',
  },
  {
    name: 'mail: mail goes to a database file that was replaced',
    file: 'shared/mail/sqlite/database.ts',
    guard: '      this.#check()\n',
    without: '',
    tests: ['test/mail/sqlite-failures.test.ts'],
    grep: 'notices that the file was taken away',
  },
  {
    name: 'mail: octets that rotted on disk are read as the message',
    file: 'shared/mail/sqlite/mailboxes.ts',
    guard: 'if (data.length !== expected || crc32(data) !== row.crc)',
    without: 'if (data.length !== expected)',
    tests: ['test/mail/sqlite-failures.test.ts'],
    grep: 'says damaged for octets',
  },
]
