/** The server itself: RFC 959 §4.1.3, RFC 2389. */
import { always, type Command, command, commandWithWords, loggedIn } from '../command.ts'
import * as grammar from '../grammar.ts'
import { replies } from '../replies.ts'
import * as session from '../session-commands.ts'
import { factOptionRows, factSiteRows } from './facts.ts'

/** What OPTS may be about. */
const optionRows: readonly Command[] = [
  command({
    name: 'OPTS UTF8',
    also: ['OPTS UTF-8'],
    states: always,
    takes: grammar.onOrOff,
    run: session.optsUtf8,
    features: ['UTF8'],
    source: 'RFC 2640 §3.2',
  }),
  ...factOptionRows,
]

/** What SITE may be about. */
const siteRows: readonly Command[] = [
  command({
    name: 'SITE HELP',
    states: loggedIn,
    takes: grammar.nothing,
    run: session.siteHelp(() => siteRows.map(({ syntax }) => syntax)),
    source: 'RFC 959 §4.1.3',
  }),
  ...factSiteRows,
]

export const serverRows: readonly Command[] = [
  command({ name: 'SYST', states: always, takes: grammar.nothing, run: session.syst, source: 'RFC 959 §4.1.3' }),
  command({ name: 'NOOP', states: always, takes: grammar.nothing, run: session.noop, source: 'RFC 959 §4.1.3' }),
  command({ name: 'CLNT', states: always, takes: grammar.client, run: session.clnt, source: 'RFC 959 §4.1.3' }),
  command({
    name: 'LANG',
    states: always,
    takes: grammar.language,
    run: session.lang,
    features: ['LANG EN*'],
    source: 'RFC 2640 §4.1',
  }),
  commandWithWords({ name: 'OPTS', states: always, source: 'RFC 2389 §4' }, optionRows, () => replies.optionUnknown),
  commandWithWords({ name: 'SITE', states: loggedIn, source: 'RFC 959 §4.1.3' }, siteRows, (word) =>
    replies.parameterNotOffered('SITE', word),
  ),
]
