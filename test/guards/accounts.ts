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
  {
    name: 'accounts: SCRAM lets in who does not know the password',
    file: 'shared/accounts/scram.ts',
    guard: 'const fits = timingSafeEqual(sha256(clientKey), storedKey)',
    without: 'const fits = true',
    tests: ['test/accounts/scram.test.ts', 'test/accounts/scram-desk.test.ts'],
    grep: 'prove the right password',
  },
  {
    name: 'accounts: SCRAM tells by the salt which names are accounts',
    file: 'shared/accounts/scram.ts',
    guard: 'salt: hmac(secret, `salt ${name}`).subarray(0, saltOctets),',
    without: 'salt: randomBytes(saltOctets),',
    tests: ['test/accounts/scram-desk.test.ts'],
    grep: 'asks a name that is not there',
  },
  {
    name: 'accounts: a proof of SCRAM can be said again',
    file: 'shared/accounts/scram-exchanges.ts',
    guard: '    this.#drop(id, waiting)\n    return waiting.exchange\n',
    without: '    return waiting.exchange\n',
    tests: ['test/accounts/scram-desk.test.ts'],
    grep: 'takes a proof once',
  },
  {
    name: 'accounts: proofs of SCRAM that come at once are guesses without number',
    file: 'shared/accounts/login-desk.ts',
    guard:
      '    // Before anything that takes time: of many that come at once no more are looked at than one after the other would be.\n' +
      '    const blocked = this.#blocked(address)\n    if (blocked !== null) return blocked\n',
    without: '',
    tests: ['test/accounts/scram-desk.test.ts'],
    grep: 'at once',
  },
  {
    name: 'accounts: somebody between client and server takes channel binding away from SCRAM',
    file: 'shared/accounts/scram-login.ts',
    guard: ' || final.binding !== header',
    without: '',
    tests: ['test/accounts/scram-desk.test.ts'],
    grep: 'channel binding',
  },
]
