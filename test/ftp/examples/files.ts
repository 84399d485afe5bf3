import { beforeLogin, type ExamplesByName, noArgument } from './example.ts'

export const filesExamples: ExamplesByName = {
  RNFR: {
    good: `
      C: RNFR a.txt
      S: 350 Ready for RNTO
      C: RNTO folder/"new" name
      S: 250 Renamed
      C: SIZE a.txt
      S: 550 …
      C: RNFR folder
      S: 350 Ready for RNTO
      C: NOOP
      S: 200 OK
      C: RNTO elsewhere
      S: 503 RNFR first
      C: RNFR nothing
      S: 550 No such file or folder
    `,
    misplaced: beforeLogin('RNFR a.txt'),
    malformed: 'C: RNFR\nS: 501 A path is needed; syntax: RNFR path',
  },
  RNTO: {
    good: `
      C: RNFR folder
      S: 350 …
      C: RNTO folder/empty/folder
      S: 553 Not a possible name
      C: RNFR folder
      S: 350 …
      C: RNTO a.txt
      S: 550 The name is taken
      C: RNFR folder
      S: 350 …
      C: RNTO renamed
      S: 250 Renamed
      C: CWD renamed/empty
      S: 250 …
    `,
    misplaced: { as: 'alice', lines: 'C: RNTO b.txt\nS: 503 RNFR first' },
    malformed: 'C: RNFR a.txt\nS: 350 …\nC: RNTO\nS: 501 A path is needed; syntax: RNTO path\nC: RNTO b.txt\nS: 503 RNFR first',
  },
  DELE: {
    good: 'C: DELE a.txt\nS: 250 Removed\nC: DELE a.txt\nS: 550 No such file or folder\nC: DELE folder\nS: 550 It is a folder\nC: DELE folder/b "quoted".txt\nS: 250 Removed',
    misplaced: beforeLogin('DELE a.txt'),
    malformed: 'C: DELE\nS: 501 A path is needed; syntax: DELE path',
  },
  RMD: {
    good: `
      C: RMD folder
      S: 550 The folder is not empty
      C: RMD folder/empty
      S: 250 Removed
      C: XRMD folder/empty
      S: 550 No such file or folder
      C: RMD a.txt
      S: 550 Not a folder
      C: RMD /
      S: 550 Not permitted
    `,
    misplaced: beforeLogin('RMD folder'),
    malformed: 'C: RMD\nS: 501 A path is needed; syntax: RMD path',
  },
  MKD: {
    good: `
      C: MKD new
      S: 257 "/new" made
      C: MKD new
      S: 550 The name is taken
      C: CWD new
      S: 250 …
      C: XMKD with "quotes" and …
      S: 257 "/new/with ""quotes"" and …" made
      C: CWD with "quotes" and …
      S: 250 …
      C: PWD
      S: 257 "/new/with ""quotes"" and …" is the current folder
      C: MKD a/b/c
      S: 550 No such file or folder
    `,
    misplaced: beforeLogin('MKD new'),
    malformed: 'C: MKD\nS: 501 A path is needed; syntax: MKD path',
  },
  PWD: { good: 'C: PWD\nS: 257 "/" is the current folder', misplaced: beforeLogin('PWD'), malformed: noArgument('PWD') },
}
