/**
 * The mail store is made here, before the first child that serves mail is born, and once in a supervisor's life. Children only open it:
 * one that is started while the disk of the data folder is away would make another one in its place, and what it acknowledged into that
 * would be lost to sight when the disk is back.
 */
import { statSync } from 'node:fs'
import { mailFile } from '../../shared/mail/mail-files.ts'
import { makeMailStore } from '../../shared/mail/sqlite-mail-store.ts'
import type { Fork, Plan } from './child.ts'

const isThere = (file: string): boolean => (statSync(file, { throwIfNoEntry: false })?.size ?? 0) > 0

/** Makes it when there is none. @returns whether it is there; why not is what the child tells that does not find it */
const madeFor = (file: string): boolean => {
  try {
    if (!isThere(file)) makeMailStore(file)
    return true
  } catch (error) {
    // Of the store or of the system (a full disk, a folder that is gone): the next child's birth tries again.
    if (!(error instanceof Error && ('code' in error || 'errcode' in error))) throw error
    return false
  }
}

/** Children as `fork` makes them, with a mail store for those that are granted its file. */
export const withMailStore = (fork: Fork): Fork => {
  let seen = false
  const wantsMail = ({ service, settings }: Plan) => service.grants.files?.includes(mailFile(settings.data)) === true
  return (birth, events) => {
    if (!seen && wantsMail(birth.plan)) seen = madeFor(mailFile(birth.plan.settings.data))
    return fork(birth, events)
  }
}
