import { beforeLogin, type ExamplesByName, noArgument } from './example.ts'

export const accessExamples: ExamplesByName = {
  USER: {
    good: 'C: USER alice\nS: 331 Password required\nC: user  bob\nS: 331 Password required',
    misplaced: null,
    malformed: 'C: USER\nS: 501 A name is needed; syntax: USER name\nC: USER  \nS: 501 …\nC: USER \\xff\nS: 501 Names are UTF-8; …',
  },
  PASS: {
    good: `
      C: USER alice@havre.test
      S: 331 …
      C: PASS wonder land:1
      S: 230 Welcome, alice
    `,
    misplaced: { as: 'alice', lines: 'C: PASS x\nS: 503 Already logged in' },
    malformed: null,
  },
  ACCT: {
    good: 'C: ACCT more\nS: 202 No account is needed\nC: USER alice\nS: 331 …\nC: ACCT more\nS: 503 PASS first',
    misplaced: { lines: 'C: ACCT more\nS: 503 USER first' },
    malformed: 'C: ACCT\nS: 501 An account is needed; syntax: ACCT account',
  },
  REIN: {
    good: `
      C: CWD folder
      S: 250 …
      C: EPSV ALL
      S: 200 …
      C: TYPE I
      S: 200 …
      C: REST 5
      S: 350 …
      C: REIN
      S: 220 localhost FTP server ready
      C: PWD
      S: 530 Log in first, with USER and PASS
      C: HOST localhost
      S: 220 …
      C: USER alice
      S: 331 …
      C: REIN
      S: 220 …
      C: PASS wonder land:1
      S: 503 USER first
      C: USER alice
      S: 331 …
      C: PASS wonder land:1
      S: 230 Welcome, alice
      C: PWD
      S: 257 "/" is the current folder
      C: STAT
      S: 211-Status:
      S:  Connected from …
      S:  Logged in as alice
      S:  TYPE: ASCII, STRU: File, MODE: Stream
      S:  No transfer under way
      S: 211 End of status
      C: PASV
      S: 227 …
    `,
    misplaced: null,
    malformed: noArgument('REIN'),
  },
  HOST: {
    good: `
      C: HOST localhost
      S: 220 localhost FTP server ready
      C: host LocalHost.
      S: 220 …
      C: HOST 127.0.0.1
      S: 220 127.0.0.1 FTP server ready
      C: HOST 127.0.0.2
      S: 504 No such host here
      C: HOST [::1]
      S: 504 No such host here
      C: HOST elsewhere.example
      S: 504 No such host here
      C: USER alice
      S: 331 …
      C: HOST localhost
      S: 503 HOST comes before USER
      C: PASS wonder land:1
      S: 230 …
    `,
    misplaced: { as: 'alice', lines: 'C: HOST localhost\nS: 503 Already logged in' },
    malformed: `
      C: HOST
      S: 501 The name of a host is needed; syntax: HOST name | IPv4 address | [IPv6 address]
      C: HOST ::1
      S: 501 …
      C: HOST [127.0.0.1]
      S: 501 Not an IPv6 address; …
      C: HOST localhost:21
      S: 501 …
      C: HOST a..b
      S: 501 …
      C: HOST 127.0.1
      S: 501 …
      C: HOST bücher.example
      S: 501 …
      C: HOST localhost x
      S: 501 …
    `,
  },
  QUIT: { good: 'C: QUIT\nS: 221 Goodbye\nS closes', misplaced: null, malformed: noArgument('QUIT') },
  CWD: {
    good: `
      C: CWD folder
      S: 250 Folder changed
      C: CWD empty/
      S: 250 Folder changed
      C: PWD
      S: 257 "/folder/empty" is the current folder
      C: XCWD /../../folder/./../folder
      S: 250 Folder changed
      C: PWD
      S: 257 "/folder" is the current folder
      C: CWD ..
      S: 250 Folder changed
      C: CWD ../../..
      S: 250 Folder changed
      C: PWD
      S: 257 "/" is the current folder
      C: CWD a.txt
      S: 550 Not a folder
      C: CWD nowhere
      S: 550 No such file or folder
      C: CWD folder
      S: 250 …
    `,
    misplaced: beforeLogin('CWD folder'),
    malformed:
      'C: CWD\nS: 501 A path is needed; syntax: CWD path\nC: CWD a\\tb\nS: 501 A name with control characters is not taken; …',
  },
  CDUP: {
    good: `
      C: CWD folder/empty
      S: 250 …
      C: CDUP
      S: 250 Folder changed
      C: XCUP
      S: 250 Folder changed
      C: CDUP
      S: 250 Folder changed
      C: XPWD
      S: 257 "/" is the current folder
    `,
    misplaced: beforeLogin('CDUP'),
    malformed: noArgument('CDUP'),
  },
}
