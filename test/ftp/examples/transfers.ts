import { beforeLogin, type ExamplesByName, noArgument } from './example.ts'

export const transfersExamples: ExamplesByName = {
  RETR: {
    good: 'C: RETR a.txt\nS: 425 No data connection: send EPSV, PASV, EPRT or PORT first\nC: RETR nothing\nS: 550 No such file or folder\nC: RETR folder\nS: 550 It is a folder',
    misplaced: beforeLogin('RETR a.txt'),
    malformed: 'C: RETR\nS: 501 A path is needed; syntax: RETR path',
  },
  STOR: {
    good: 'C: STOR new\nS: 425 …\nC: STOR folder\nS: 550 It is a folder\nC: STOR no/new\nS: 550 No such file or folder\nC: STOR .havre-upload-x\nS: 553 Not a possible name',
    misplaced: beforeLogin('STOR new'),
    malformed: 'C: STOR\nS: 501 A path is needed; syntax: STOR path\nC: STOR a\\x00b\nS: 501 …\nC: STOR a\\rb\nS: 501 …',
  },
  APPE: {
    good: 'C: APPE a.txt\nS: 425 …\nC: APPE folder\nS: 550 It is a folder',
    misplaced: beforeLogin('APPE new'),
    malformed: 'C: APPE\nS: 501 A path is needed; syntax: APPE path',
  },
  STOU: {
    good: 'C: STOU\nS: 425 …\nC: STOU a.txt\nS: 425 …\nC: STOU nothing/a\nS: 550 …',
    misplaced: beforeLogin('STOU'),
    malformed: 'C: STOU a\\tb\nS: 501 A name with control characters is not taken; syntax: STOU [path]',
  },
  ALLO: {
    good: 'C: ALLO 1234\nS: 200 …\nC: ALLO 1234 R 80\nS: 200 …\nC: allo 1 \nS: 200 …\nC: ALLO 999999999999999\nS: 552 There is room for … octets',
    misplaced: beforeLogin('ALLO 1'),
    malformed:
      'C: ALLO\nS: 501 A number of octets is needed; syntax: ALLO octets [R octets]\nC: ALLO x\nS: 501 …\nC: ALLO 1 R\nS: 501 …',
  },
  REST: {
    good: 'C: REST 100\nS: 350 The next transfer starts at octet 100\nC: REST 0\nS: 350 …',
    misplaced: beforeLogin('REST 1'),
    malformed:
      'C: REST\nS: 501 A number of octets is needed; syntax: REST octets\nC: REST -1\nS: 501 …\nC: REST 9999999999999999\nS: 501 …',
  },
  ABOR: {
    good: 'C: ABOR\nS: 226 Abort done\nC: \\xff\\xf4\\xff\\xf2ABOR\nS: 226 Abort done\nC: \\xff\\xf4\\xf2ABOR\nS: 226 Abort done\nC: NOOP\nS: 200 OK',
    misplaced: beforeLogin('ABOR'),
    malformed: noArgument('ABOR'),
  },
}
