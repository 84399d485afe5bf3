/** How the next transfer goes: RFC 959 §4.1.2, RFC 2428. */
import { type Command, command, loggedIn } from '../command.ts'
import * as data from '../data-commands.ts'
import * as grammar from '../grammar.ts'

export const parameterRows: readonly Command[] = [
  command({ name: 'PORT', states: loggedIn, takes: grammar.hostPort, run: data.port, source: 'RFC 959 §4.1.2' }),
  command({ name: 'PASV', states: loggedIn, takes: grammar.nothing, run: data.pasv, source: 'RFC 959 §4.1.2' }),
  command({
    name: 'EPRT',
    states: loggedIn,
    takes: grammar.extendedHostPort,
    run: data.eprt,
    features: ['EPRT'],
    source: 'RFC 2428 §2',
  }),
  command({
    name: 'EPSV',
    states: loggedIn,
    takes: grammar.extendedPassive,
    run: data.epsv,
    features: ['EPSV'],
    source: 'RFC 2428 §3',
  }),
  command({ name: 'TYPE', states: loggedIn, takes: grammar.type, run: data.type, source: 'RFC 959 §4.1.2' }),
  command({ name: 'MODE', states: loggedIn, takes: grammar.mode, run: data.mode, source: 'RFC 959 §4.1.2' }),
  command({ name: 'STRU', states: loggedIn, takes: grammar.structure, run: data.structure, source: 'RFC 959 §4.1.2' }),
]
