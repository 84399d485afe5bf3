/** Who it is, and where: RFC 959 §4.1.1. */
import { always, type Command, command, loggedIn } from '../command.ts'
import * as files from '../file-commands.ts'
import * as grammar from '../grammar.ts'
import * as session from '../session-commands.ts'

export const accessRows: readonly Command[] = [
  command({
    name: 'USER',
    states: always,
    takes: grammar.userName,
    run: session.user,
    telling: 'account',
    source: 'RFC 959 §4.1.1',
  }),
  command({
    name: 'PASS',
    states: ['login'],
    takes: grammar.secret,
    run: session.pass,
    telling: 'credentials',
    source: 'RFC 959 §4.1.1',
  }),
  command({
    name: 'ACCT',
    states: always,
    takes: grammar.account,
    run: session.acct,
    telling: 'credentials',
    source: 'RFC 959 §4.1.1',
  }),
  command({ name: 'REIN', states: always, takes: grammar.nothing, run: session.rein, source: 'RFC 959 §4.1.1' }),
  command({
    name: 'HOST',
    states: ['login'],
    takes: grammar.namedHost,
    run: session.host,
    features: ['HOST'],
    source: 'RFC 7151 §3',
  }),
  command({ name: 'QUIT', states: always, takes: grammar.nothing, run: session.quit, source: 'RFC 959 §4.1.1' }),
  command({ name: 'CWD', also: ['XCWD'], states: loggedIn, takes: grammar.path, run: files.cwd, source: 'RFC 959 §4.1.1' }),
  command({ name: 'CDUP', also: ['XCUP'], states: loggedIn, takes: grammar.nothing, run: files.cdup, source: 'RFC 959 §4.1.1' }),
]
