/** One dialogue each in which a row's command succeeds, comes in the wrong state, and has bad arguments; null where there is none. */
export interface Examples {
  readonly good: string
  /** Who is logged in when it is misplaced. */
  readonly misplaced: { readonly as?: 'alice'; readonly lines: string } | null
  readonly malformed: string | null
}

const beforeLogin = (command: string) => ({ lines: `C: ${command}\nS: 530 Log in first, with USER and PASS` })
const noArgument = (name: string) => `C: ${name} x\nS: 501 No argument is taken; syntax: ${name}`

const inClear = (command: string, reply: string, malformed: string) =>
  ({ good: `C: ${command}\nS: ${reply}`, misplaced: null, malformed: `C: ${malformed}` }) as const

// Above 400 lines: one example for each row of the command table.

/** By the name of the row. Alice's home holds `a.txt` (12 octets), `folder/b "quoted".txt` and `folder/empty`. */
export const examples: Readonly<Record<string, Examples>> = {
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
    good: 'C: STRU F\nS: 200 STRU is F\nC: STRU R\nS: 504 STRU R is not offered\nC: STRU P\nS: 504 …',
    misplaced: beforeLogin('STRU F'),
    malformed: 'C: STRU\nS: 501 No such letter; syntax: STRU F\nC: STRU FF\nS: 501 …',
  },
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
  ALLO: {
    good: 'C: ALLO 1234\nS: 200 …\nC: ALLO 1234 R 80\nS: 200 …\nC: allo 1 \nS: 200 …',
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
  ABOR: {
    good: 'C: ABOR\nS: 226 Abort done\nC: \\xff\\xf4\\xff\\xf2ABOR\nS: 226 Abort done\nC: \\xff\\xf4\\xf2ABOR\nS: 226 Abort done\nC: NOOP\nS: 200 OK',
    misplaced: beforeLogin('ABOR'),
    malformed: noArgument('ABOR'),
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
  SIZE: {
    good: `
      C: TYPE I
      S: 200 …
      C: SIZE a.txt
      S: 213 12
      C: SIZE /folder/../a.txt
      S: 213 12
      C: SIZE folder
      S: 550 Not a file
      C: SIZE nothing
      S: 550 No such file or folder
      C: TYPE A
      S: 200 …
      C: SIZE a.txt
      S: 550 SIZE needs TYPE I
    `,
    misplaced: beforeLogin('SIZE a.txt'),
    malformed: 'C: SIZE\nS: 501 A path is needed; syntax: SIZE path',
  },
  MDTM: {
    good: 'C: MDTM a.txt\nS: 213 20240229123456\nC: MDTM folder\nS: 550 Not a file\nC: MDTM nothing\nS: 550 …',
    misplaced: beforeLogin('MDTM a.txt'),
    malformed: 'C: MDTM\nS: 501 A path is needed; syntax: MDTM path',
  },
  SYST: { good: 'C: SYST\nS: 215 UNIX Type: L8', misplaced: null, malformed: noArgument('SYST') },
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
      S: 213-Status follows:
      S: -rw-r--r--   1 alice    alice              12 Feb 29  2024 a.txt
      S: drwxr-xr-x   1 alice    alice    … folder
      S: 213 End of status
      C: STAT a.txt
      S: 213-Status follows:
      S: -rw-r--r--   1 alice    alice              12 Feb 29  2024 a.txt
      S: 213 End of status
      C: STAT nothing
      S: 550 No such file or folder
    `,
    misplaced: beforeLogin('STAT'),
    malformed: 'C: STAT \\xff\\xffx\nS: 501 Names are UTF-8; syntax: STAT [-options] [path]',
  },
  HELP: {
    good: `
      C: HELP
      S: 214-Commands:
      S:  ABOR ALLO APPE AUTH CDUP CWD  DELE EPRT
      S*  …
      S: 214 End of help
      C: HELP retr
      S: 214 Syntax: RETR path
      C: HELP XPWD
      S: 214 Syntax: PWD
      C: HELP SITE
      S: 504 No such command
    `,
    misplaced: null,
    malformed: 'C: HELP \\xff\\xff\nS: 501 Names are UTF-8; …',
  },
  NOOP: { good: 'C: NOOP\nS: 200 OK\nC: noop  \nS: 200 OK', misplaced: null, malformed: noArgument('NOOP') },
  // With TLS: tls.test.ts.
  AUTH: inClear('AUTH TLS', '502 AUTH is not offered', 'AUTH\nS: 501 The name of a mechanism is needed; syntax: AUTH TLS'),
  PBSZ: inClear('PBSZ 0', '503 AUTH TLS first', 'PBSZ x\nS: 501 A number of octets is needed; syntax: PBSZ octets'),
  PROT: inClear('PROT P', '503 AUTH TLS first', 'PROT X\nS: 501 No such letter; syntax: PROT C | P'),
  FEAT: {
    good: `
      C: FEAT
      S: 211-Features:
      S:  EPRT
      S:  EPSV
      S:  MDTM
      S:  REST STREAM
      S:  SIZE
      S:  TVFS
      S:  UTF8
      S: 211 End
    `,
    misplaced: null,
    malformed: noArgument('FEAT'),
  },
  OPTS: {
    good: 'C: OPTS UTF8 ON\nS: 200 Names are UTF-8\nC: opts utf8\nS: 200 …\nC: OPTS UTF8 OFF\nS: 504 OPTS UTF8 OFF is not offered',
    misplaced: null,
    malformed:
      'C: OPTS\nS: 501 An option is needed; syntax: OPTS UTF8 ON\nC: OPTS UTF8 MAYBE\nS: 501 …\nC: OPTS MLST type;\nS: 501 No such option',
  },
}
