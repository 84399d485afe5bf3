/** What changes files and folders: RFC 959 §4.1.3. */
import { type Command, command, loggedIn } from '../command.ts'
import * as files from '../file-commands.ts'
import * as grammar from '../grammar.ts'

export const fileRows: readonly Command[] = [
  command({ name: 'RNFR', states: loggedIn, takes: grammar.path, run: files.rnfr, source: 'RFC 959 §4.1.3' }),
  command({ name: 'RNTO', states: ['renaming'], takes: grammar.path, run: files.rnto, source: 'RFC 959 §4.1.3' }),
  command({ name: 'DELE', states: loggedIn, takes: grammar.path, run: files.dele, source: 'RFC 959 §4.1.3' }),
  command({ name: 'RMD', also: ['XRMD'], states: loggedIn, takes: grammar.path, run: files.rmd, source: 'RFC 959 §4.1.3' }),
  command({ name: 'MKD', also: ['XMKD'], states: loggedIn, takes: grammar.path, run: files.mkd, source: 'RFC 959 §4.1.3' }),
  command({ name: 'PWD', also: ['XPWD'], states: loggedIn, takes: grammar.nothing, run: files.pwd, source: 'RFC 959 §4.1.3' }),
]
