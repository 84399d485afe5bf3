import type { Guard } from './guard.ts'

export const guards: readonly Guard[] = [
  {
    name: 'accounts: bad logins are answered at once, however many',
    file: 'shared/accounts/login-desk.ts',
    guard: 'if (delayMs > 0) await this.#sleep(delayMs, this.#closing.signal)',
    without: '',
    tests: ['test/accounts/login-limits.test.ts'],
    grep: 'delays',
  },
  {
    name: 'accounts: an address may try for ever',
    file: 'shared/accounts/login-desk.ts',
    guard: '      this.#block(address, nowMs + blockMs)\n',
    without: '',
    tests: ['test/accounts/login-limits.test.ts'],
    grep: 'blocks',
  },
  {
    name: 'accounts: an attacker with an account of its own wipes its guesses away',
    file: 'shared/accounts/failure-table.ts',
    guard: 'const left = failures.filter((failure) => failure.mark !== mark)',
    without: 'const left: Failure[] = []',
    tests: ['test/accounts/failure-table.test.ts'],
    grep: 'forgets by mark',
  },
  {
    name: 'accounts: the time of an answer tells which names are accounts',
    file: 'shared/accounts/login-desk.ts',
    guard:
      'const fits = await this.#passwords.verify(boundedPassword(password), account?.passwordHash ?? this.#passwords.unfitting)',
    without: 'const fits = account !== null && (await this.#passwords.verify(boundedPassword(password), account.passwordHash))',
    tests: ['test/accounts/login-desk.test.ts'],
    grep: 'computes one hash',
  },
  {
    name: 'accounts: the database of passwords is there for everybody to read',
    file: 'shared/accounts/sqlite-account-store.ts',
    guard: "  if (process.platform !== 'win32' && (mode & 0o077) !== 0) await chmod(file, mode & 0o700)\n",
    without: '',
    tests: ['test/accounts/account-store.test.ts'],
    grep: 'the accounts. database',
  },
]
