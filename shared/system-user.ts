import { execFileSync } from 'node:child_process'
import { PermanentError } from './service.ts'

/** A user of the system. */
export interface SystemUser {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

/** Looks a user up. @throws {PermanentError} when there is none of that name */
export const findUser = (name: string): SystemUser => {
  const id = (flag: string): number => {
    try {
      return Number(execFileSync('id', [flag, '--', name], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] }))
    } catch (error) {
      throw new PermanentError(`user: this system has no user ${name}`, { cause: error })
    }
  }
  return { name, uid: id('-u'), gid: id('-g') }
}
