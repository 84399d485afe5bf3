/** What lists files and folders: RFC 959 §4.1.3, RFC 3659 §7. */
import { type Command, command, loggedIn, loggedInAnytime } from '../command.ts'
import { optionalPath } from '../grammar.ts'
import * as lists from '../list-commands.ts'
import { listRequest } from '../list-request.ts'

export const listRows: readonly Command[] = [
  command({ name: 'LIST', states: loggedIn, takes: listRequest, run: lists.listLong, transfers: true, source: 'RFC 959 §4.1.3' }),
  command({ name: 'NLST', states: loggedIn, takes: listRequest, run: lists.listBare, transfers: true, source: 'RFC 959 §4.1.3' }),
  command({ name: 'MLSD', states: loggedIn, takes: optionalPath, run: lists.mlsd, transfers: true, source: 'RFC 3659 §7' }),
  command({ name: 'STAT', states: loggedInAnytime, takes: listRequest, run: lists.stat, source: 'RFC 959 §4.1.3' }),
]
