/** What the store's refusals are in HTTP, where something was to be changed. */
import type { FileError, FileErrorCode } from '../../../shared/files/file-store.ts'
import type { Asker } from '../asker.ts'
import { failure, type Reply } from '../replies.ts'
import type { FailureStatus } from '../statuses.ts'

interface Refused {
  readonly status: FailureStatus
  readonly detail?: string
  /** When it is worth another try. */
  readonly retrySeconds?: number
}

const noParent: Refused = { status: 409, detail: 'The folder that it would be in is not there: make it first, with MKCOL.' }

/** Of PUT and MKCOL: something new is to stand there (RFC 4918 §9.3.1, §9.7.1, §11.5). */
const whenAdding: Record<FileErrorCode, Refused> = {
  missing: noParent,
  'not-folder': noParent,
  denied: { status: 403, detail: 'The file system, or the access of this account, does not allow it.' },
  'read-only': { status: 403, detail: 'This account may read and nothing else.' },
  exists: { status: 409, detail: 'The name is taken.' },
  'not-empty': { status: 409, detail: 'The name is that of a folder with something in it.' },
  'is-folder': { status: 409, detail: 'The name is that of a folder.' },
  'bad-name': { status: 400, detail: 'No file can have this name.' },
  'over-quota': { status: 507, detail: 'The account holds as much as it may. What was there before is as it was.' },
  full: { status: 507, detail: 'The disk is full. What was there before is as it was.' },
  'too-many-open': { status: 503, retrySeconds: 5 },
  busy: { status: 503, retrySeconds: 5 },
  failed: { status: 500 },
}

/** Of DELETE. */
const whenRemoving: Record<FileErrorCode, Refused> = {
  ...whenAdding,
  missing: { status: 404 },
  'not-folder': { status: 404 },
  'bad-name': { status: 404 },
  'not-empty': { status: 409, detail: 'The folder is not empty, and only an empty one is removed.' },
}

/** The answer to a change that the store refused. */
export const refused = (error: FileError, change: 'adding' | 'removing', asker: Asker): Reply => {
  const { status, detail, retrySeconds } = (change === 'adding' ? whenAdding : whenRemoving)[error.code]
  const reply = failure(status, asker, {
    ...(detail === undefined ? {} : { detail }),
    ...(retrySeconds === undefined ? {} : { fields: ['Retry-After', String(retrySeconds)] }),
  })
  return status === 500 ? { ...reply, cause: error } : reply
}
