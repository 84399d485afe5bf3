import { beforeLogin, type ExamplesByName, noArgument } from './example.ts'

export const parametersExamples: ExamplesByName = {
  PORT: {
    good: `
      C: PORT 127,0,0,1,200,1
      S: 200 PORT done
      C: PORT 127,0,0,2,200,1
      S: 504 Data connections go to the client's own address and to ports from 1024 on only
      C: PORT 127,0,0,1,3,255
      S: 504 …
      C: PORT 127,0,0,1,4,0
      S: 200 PORT done
    `,
    misplaced: beforeLogin('PORT 127,0,0,1,200,1'),
    malformed: `
      C: PORT
      S: 501 An address and port of six numbers is needed; syntax: PORT h1,h2,h3,h4,p1,p2
      C: PORT 127,0,0,1,200
      S: 501 …
      C: PORT 127,0,0,1,200,256
      S: 501 …
      C: PORT 127,0,0,1,200,1,1
      S: 501 …
      C: PORT 127,0,0,1,200,-1
      S: 501 …
    `,
  },
  PASV: {
    good: 'C: PASV\nS: 227 Entering Passive Mode (127,0,0,1,…,…)\nC: pasv \nS: 227 Entering Passive Mode (127,0,0,1,…,…)',
    misplaced: beforeLogin('PASV'),
    malformed: noArgument('PASV'),
  },
  EPRT: {
    good: `
      C: EPRT |1|127.0.0.1|50000|
      S: 200 EPRT done
      C: EPRT !1!127.0.0.1!50000!
      S: 200 EPRT done
      C: EPRT |1|127.0.0.2|50000|
      S: 504 …
      C: EPRT |1|127.0.0.1|1023|
      S: 504 …
      C: EPRT |2|::1|50000|
      S: 522 Network protocol not supported, use (1)
      C: EPRT |7|x|50000|
      S: 522 Network protocol not supported, use (1)
    `,
    misplaced: beforeLogin('EPRT |1|127.0.0.1|50000|'),
    malformed: `
      C: EPRT
      S: 501 A protocol, address and port are needed; syntax: EPRT |1 or 2|address|port|
      C: EPRT |1|127.0.0.1|65536|
      S: 501 …
      C: EPRT |1|localhost|50000|
      S: 501 The address is not of that protocol; …
      C: EPRT |1|127.0.0.1|50000
      S: 501 …
    `,
  },
  EPSV: {
    good: `
      C: EPSV
      S: 229 Entering Extended Passive Mode (|||…|)
      C: EPSV 1
      S: 229 Entering Extended Passive Mode (|||…|)
      C: EPSV 2
      S: 522 Network protocol not supported, use (1)
      C: EPSV all
      S: 200 From now on only EPSV is taken
      C: PASV
      S: 503 PASV is not taken after EPSV ALL
      C: PORT 127,0,0,1,200,1
      S: 503 PORT is not taken after EPSV ALL
      C: EPRT |1|127.0.0.1|50000|
      S: 503 EPRT is not taken after EPSV ALL
      C: EPSV
      S: 229 …
    `,
    misplaced: beforeLogin('EPSV'),
    malformed: 'C: EPSV x\nS: 501 A number, ALL or nothing is needed; syntax: EPSV [1 | 2 | ALL]',
  },
  TYPE: {
    good: `
      C: TYPE I
      S: 200 Type is I
      C: type a n
      S: 200 Type is A
      C: TYPE L 8
      S: 200 Type is I
      C: TYPE A \\c
      C: \\r\\n\\c
      S: 200 Type is A
      C: TYPE E
      S: 504 TYPE E is not offered
      C: TYPE A C
      S: 504 TYPE A C is not offered
      C: TYPE L 16
      S: 504 TYPE L 16 is not offered
    `,
    misplaced: beforeLogin('TYPE I'),
    malformed: 'C: TYPE\nS: 501 No such type; syntax: TYPE A [N] | I | L 8\nC: TYPE X\nS: 501 …\nC: TYPE I N\nS: 501 …',
  },
  MODE: {
    good: 'C: MODE S\nS: 200 MODE is S\nC: mode s \nS: 200 MODE is S\nC: MODE B\nS: 504 MODE B is not offered\nC: MODE Z\nS: 504 …',
    misplaced: beforeLogin('MODE S'),
    malformed: 'C: MODE\nS: 501 No such letter; syntax: MODE S\nC: MODE X\nS: 501 …',
  },
  STRU: {
    good: 'C: STRU F\nS: 200 STRU is F\nC: STRU R\nS: 200 STRU is R\nC: STRU P\nS: 504 STRU P is not offered',
    misplaced: beforeLogin('STRU F'),
    malformed: 'C: STRU\nS: 501 No such letter; syntax: STRU F | R\nC: STRU FF\nS: 501 …',
  },
}
