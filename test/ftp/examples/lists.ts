import { beforeLogin, type ExamplesByName } from './example.ts'

export const listsExamples: ExamplesByName = {
  LIST: {
    good: 'C: LIST -la\nS: 425 …\nC: LIST nothing\nS: 550 No such file or folder\nC: LIST -l a.txt\nS: 425 …',
    misplaced: beforeLogin('LIST'),
    malformed: 'C: LIST a\\tb\nS: 501 A name with control characters is not taken; syntax: LIST [-options] [path]',
  },
  NLST: {
    good: 'C: NLST\nS: 425 …\nC: NLST nothing\nS: 550 No such file or folder',
    misplaced: beforeLogin('NLST'),
    malformed: 'C: NLST \\xc3\nS: 501 Names are UTF-8; syntax: NLST [-options] [path]',
  },
  MLSD: {
    good: `
      C: MLSD
      S: 425 …
      C: MLSD folder
      S: 425 …
      C: MLSD a.txt
      S: 501 MLSD is of folders: MLST tells of a file
      C: MLSD nothing
      S: 550 No such file or folder
      C: MLSD *.txt
      S: 550 No such file or folder
      C: MLSD -l
      S: 550 No such file or folder
    `,
    misplaced: beforeLogin('MLSD'),
    malformed: 'C: MLSD \\xff\nS: 501 Names are UTF-8; syntax: MLSD [path]\nC: MLSD a\\x7fb\nS: 501 …',
  },
  STAT: {
    good: `
      C: STAT
      S: 211-Status:
      S:  Connected from 127.0.0.1:…
      S:  Logged in as alice
      S:  TYPE: ASCII, STRU: File, MODE: Stream
      S:  No transfer under way
      S: 211 End of status
      C: STAT -l .
      S: 212-Status follows:
      S: -rw-r--r--   1 alice    alice              12 Feb 29  2024 a.txt
      S: drwxr-xr-x   1 alice    alice    … folder
      S: 212 End of status
      C: STAT -t
      S: 212-Status follows:
      S: drwxr-xr-x   1 alice    alice    … folder
      S: -rw-r--r--   1 alice    alice              12 Feb 29  2024 a.txt
      S: 212 End of status
      C: STAT a.txt
      S: 213-Status follows:
      S: -rw-r--r--   1 alice    alice              12 Feb 29  2024 a.txt
      S: 213 End of status
      C: STAT -d folder
      S: 213-Status follows:
      S: drwxr-xr-x   1 alice    alice    … folder
      S: 213 End of status
      C: STAT nothing
      S: 550 No such file or folder
    `,
    misplaced: beforeLogin('STAT'),
    malformed: 'C: STAT \\xff\\xffx\nS: 501 Names are UTF-8; syntax: STAT [-options] [path]',
  },
}
