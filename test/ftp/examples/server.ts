import { beforeLogin, type ExamplesByName, noArgument } from './example.ts'

export const serverExamples: ExamplesByName = {
  SYST: { good: 'C: SYST\nS: 215 UNIX Type: L8', misplaced: null, malformed: noArgument('SYST') },
  NOOP: { good: 'C: NOOP\nS: 200 OK\nC: noop  \nS: 200 OK', misplaced: null, malformed: noArgument('NOOP') },
  CLNT: {
    good: 'C: CLNT Some Client 1.0 (tests)\nS: 200 OK',
    misplaced: null,
    malformed: 'C: CLNT\nS: 501 A name is needed; syntax: CLNT name',
  },
  LANG: {
    good: `
      C: LANG
      S: 200 Replies are in English
      C: LANG en-GB
      S: 200 …
      C: lang EN
      S: 200 …
      C: LANG fr
      S: 504 LANG FR is not offered
      C: LANG eng
      S: 504 …
    `,
    misplaced: null,
    malformed: 'C: LANG e_n\nS: 501 The tag of a language is needed; syntax: LANG [language]\nC: LANG en de\nS: 501 …',
  },
  OPTS: {
    good: 'C: OPTS UTF8 ON\nS: 200 Names are UTF-8',
    misplaced: null,
    malformed: 'C: OPTS\nS: 501 A word is needed; syntax: OPTS …\nC: OPTS XYZZY type;\nS: 501 No such option',
  },
  'OPTS UTF8': {
    good: 'C: OPTS UTF8 ON\nS: 200 Names are UTF-8\nC: opts utf8\nS: 200 …\nC: OPTS  utf-8 on \nS: 200 …\nC: OPTS UTF8 OFF\nS: 504 OPTS UTF8 OFF is not offered',
    misplaced: null,
    malformed: 'C: OPTS UTF8 MAYBE\nS: 501 ON or OFF is needed; syntax: OPTS UTF8 ON | OFF',
  },
  HELP: {
    good: `
      C: HELP
      S: 214-Commands:
      S*  …
      S: 214 End of help
      C: HELP retr
      S: 214 Syntax: RETR path
      C: HELP XPWD
      S: 214 Syntax: PWD
      C: HELP SITE HELP
      S: 214 Syntax: SITE HELP
      C: HELP XYZZY
      S: 501 No such command
    `,
    misplaced: null,
    malformed: 'C: HELP \\xff\\xff\nS: 501 Names are UTF-8; …',
  },
  FEAT: {
    good: `
      C: FEAT
      S: 211-Features:
      S:  AVBL
      S:  EPRT
      S*  …
      S: 211 End
    `,
    misplaced: null,
    malformed: noArgument('FEAT'),
  },
  SITE: {
    good: 'C: SITE HELP\nS: 214-Words of SITE:\nS*  …\nS: 214 End of help\nC: SITE WHO\nS: 504 SITE WHO is not offered',
    misplaced: beforeLogin('SITE HELP'),
    malformed: 'C: SITE\nS: 501 A word is needed; syntax: SITE …\nC: SITE  \nS: 501 …',
  },
  'SITE HELP': {
    good: 'C: site help\nS: 214-Words of SITE:\nS*  …\nS: 214 End of help',
    misplaced: beforeLogin('SITE HELP'),
    malformed: 'C: SITE HELP x\nS: 501 No argument is taken; syntax: SITE HELP',
  },
}
