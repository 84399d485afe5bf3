/** What moves octets, and what prepares or ends that: RFC 959 §4.1.3. */
import { type Command, command, loggedIn, loggedInAnytime } from '../command.ts'
import * as data from '../data-commands.ts'
import * as grammar from '../grammar.ts'
import * as transfers from '../transfer-commands.ts'
import * as uploads from '../upload-commands.ts'

export const transferRows: readonly Command[] = [
  command({ name: 'RETR', states: loggedIn, takes: grammar.path, run: transfers.retr, transfers: true, source: 'RFC 959 §4.1.3' }),
  command({ name: 'STOR', states: loggedIn, takes: grammar.path, run: uploads.stor, transfers: true, source: 'RFC 959 §4.1.3' }),
  command({ name: 'APPE', states: loggedIn, takes: grammar.path, run: uploads.appe, transfers: true, source: 'RFC 959 §4.1.3' }),
  command({
    name: 'STOU',
    states: loggedIn,
    takes: grammar.optionalPath,
    run: uploads.stou,
    transfers: true,
    source: 'RFC 1123 §4.1.2.9',
  }),
  command({ name: 'ALLO', states: loggedIn, takes: grammar.allocation, run: data.allo, source: 'RFC 959 §4.1.3' }),
  command({
    name: 'REST',
    states: loggedIn,
    takes: grammar.restartPoint,
    run: data.rest,
    features: ['REST STREAM'],
    source: 'RFC 3659 §5',
  }),
  command({
    name: 'ABOR',
    states: loggedInAnytime,
    takes: grammar.nothing,
    run: data.abor,
    source: 'RFC 959 §4.1.3',
  }),
]
