import type { StoredPassword } from './account-store.ts'
import type { Passwords } from './password.ts'
import { makeScramKeys } from './scram.ts'

/** What is stored of a new password: its hash and, where SCRAM is offered (`logins.scram`), its keys. */
export const storedPassword = async (passwords: Passwords, password: string, scram: boolean): Promise<StoredPassword> => {
  const [passwordHash, scramKeys] = await Promise.all([passwords.hash(password), scram ? makeScramKeys(password) : null])
  return { passwordHash, scramKeys }
}
