/**
 * What clients and other servers' tests ask of an FTP server, as dialogues that any server can be asked. What each answers is in
 * `docs/ftp-peers.md`; `why` says why Havre's answer is another one than a peer's, where it is.
 */
import type { Beginning, Step } from './ftp-player.ts'

export interface PeerDialogue extends Beginning {
  readonly title: string
  readonly steps: readonly Step[]
  readonly why?: string
}

const row = (title: string, steps: readonly Step[], more: Omit<PeerDialogue, 'title' | 'steps'> = {}): PeerDialogue => ({
  title,
  steps,
  ...more,
})
const stranger = { stranger: true } as const
const withLarge = { large: true } as const

export const dialogues: readonly PeerDialogue[] = [
  // Logging in
  row('A wrong password', ['USER {user}x', 'PASS wrong'], {
    ...stranger,
    why: '530 is the reply to PASS (RFC 959 §5.4); vsftpd, which takes any password here, breaks off over a name that it does not know',
  }),
  row('PASS before USER', ['PASS {password}'], { ...stranger, why: '503 (RFC 959 §5.4); ProFTPD lets the client wait' }),
  row('PASS again behind the login', ['PASS {password}'], { why: '503: nobody asked for one; vsftpd says 230 to any PASS' }),
  row('USER again, and PASS', ['USER {user}', 'PASS {password}', 'PWD'], {
    why: 'USER may come at any time and begins anew (RFC 959 §4.1.1); ProFTPD stays logged in and says 230',
  }),
  row('USER again, and a command', ['USER {user}', 'PWD'], { why: 'USER flushes what was logged in (RFC 959 §4.1.1)' }),
  row('USER without a name', ['USER'], { ...stranger, why: '501: an argument is missing (RFC 959 §4.2.1)' }),
  row('Commands in lower case', ['user {user}', 'pass {password}', 'pwd'], { ...stranger }),
  row('A command of files before the login', ['PWD'], { ...stranger }),
  row('LIST before the login', ['LIST'], { ...stranger }),
  row('TYPE before the login', ['TYPE I'], {
    ...stranger,
    why: 'Parameters are for who is logged in; 530 is among the replies to TYPE (RFC 959 §5.4)',
  }),
  row('PASV before the login', ['PASV'], { ...stranger }),
  row('NOOP before the login', ['NOOP'], { ...stranger, why: 'NOOP acts on nothing; load balancers send it without a login' }),
  row('FEAT before the login', ['FEAT'], { ...stranger }),
  row('HELP before the login', ['HELP'], { ...stranger, why: 'RFC 959 §5.4 has no 530 among the replies to HELP' }),
  row('SYST before the login', ['SYST'], {
    ...stranger,
    why: 'RFC 959 §5.4 has no 530 among the replies to SYST; clients ask early',
  }),
  row('STAT before the login', ['STAT'], {
    ...stranger,
    why: "What it would tell is the account's; pyftpdlib tells it to anybody",
  }),
  row('STAT of a path before the login', ['STAT /'], { ...stranger }),
  row('OPTS UTF8 ON before the login', ['OPTS UTF8 ON'], { ...stranger, why: 'Names of accounts may need it (RFC 2640 §4.1)' }),
  row('An unknown command before the login', ['FISH'], { ...stranger, why: '500: it would be unknown behind the login too' }),
  row('QUIT before the login', ['QUIT', 'hear'], { ...stranger }),
  row('ACCT behind the login', ['ACCT x'], { why: '202: superfluous here (RFC 959 §4.2.1); old clients send it' }),
  row('REIN, and a command', ['REIN', 'PWD', 'USER {user}', 'PASS {password}', 'PWD'], {
    why: '220, as at the beginning (RFC 959 §5.4); vsftpd and ProFTPD lack REIN',
  }),
  row('REIN with an argument', ['REIN now'], { why: '501: it takes none' }),
  row('HOST before the login', ['HOST localhost'], { ...stranger, why: "Any of this host's names leads here: 220 (RFC 7151 §3)" }),
  row('CLNT', ['CLNT tests'], { why: 'Clients that tell their name (FileZilla, Total Commander) need no error' }),
  // Lines
  row('An unknown command', ['FISH']),
  row('An empty line', ['line: ', 'NOOP'], { why: '500, once; vsftpd is silent, which a client takes for a hang' }),
  row('A line that LF alone ends', ['say: NOOP\\n', 'hear'], { why: 'Taken: devices and telnet programs end lines so' }),
  row('A command in pieces', ['say: NO', 'say: OP\\r', 'say: \\n', 'hear']),
  row('Two commands in one packet', ['say: NOOP\\r\\nSYST\\r\\n', 'hear', 'hear']),
  row('Blanks behind a command', ['line: PWD  '], { why: 'Some devices send them' }),
  row('NUL in a command', ['line: NO\\x00OP', 'NOOP']),
  row('A TELNET command before a command', ['line: \\xff\\xf1NOOP'], {
    why: 'TELNET commands are no part of the line (RFC 1123 §4.1.2.12)',
  }),
  row('TELNET: is WILL refused', ['line: \\xff\\xfb\\x01NOOP'], {
    why: 'Refused with DONT, as RFC 1123 §4.1.2.12 asks; the command behind it is carried out',
  }),
  row('A line of 3,000 octets', [`line: STAT ${'x'.repeat(3000)}`, 'NOOP'], {
    why: 'Longer than a name may be: 553; the line itself is within the limit',
  }),
  row('A line of 70,000 octets', [`line: NOOP ${'x'.repeat(70_000)}`, 'NOOP'], {
    why: '500, once for the whole line, whose rest is not read as commands; vsftpd and ProFTPD close, pyftpdlib says 500 to the next one too',
  }),
  row('NOOP with an argument', ['NOOP now'], { why: '501: it takes none (RFC 959 §5.3.1)' }),
  row('PWD with an argument', ['PWD now'], { why: '501: it takes none (RFC 959 §5.3.1)' }),
  row('SYST with an argument', ['SYST now'], { why: '501: it takes none (RFC 959 §5.3.1)' }),
  row('QUIT with an argument', ['QUIT now'], { why: '501: it takes none (RFC 959 §5.3.1)' }),
  row('CDUP with an argument', ['CDUP now'], { why: '501: it takes none (RFC 959 §5.3.1)' }),
  row('PASV with an argument', ['PASV now'], { why: '501: it takes none (RFC 959 §5.3.1)' }),
  row('RETR without an argument', ['RETR'], { why: '501: an argument is missing' }),
  row('STOR without an argument', ['STOR'], { why: '501: an argument is missing' }),
  row('DELE without an argument', ['DELE'], { why: '501: an argument is missing' }),
  row('MKD without an argument', ['MKD'], { why: '501: an argument is missing' }),
  row('RNFR without an argument', ['RNFR'], { why: '501: an argument is missing' }),
  row('SIZE without an argument', ['SIZE'], { why: '501: an argument is missing' }),
  row('CWD without an argument', ['CWD folder', 'CWD', 'PWD'], { why: '501: an argument is missing; pyftpdlib goes to the root' }),
  row('HELP of a command', ['HELP RETR'], { why: 'One line; vsftpd lists all commands whatever is asked' }),
  row('HELP of what is no command', ['HELP FISH'], { why: '501 (RFC 959 §5.4 has 500 and 501 for HELP)' }),
  row('SITE alone', ['SITE'], { why: '501: an argument is missing' }),
  row('SITE HELP', ['SITE HELP'], { why: 'The commands of SITE; vsftpd has them in one line' }),
  row('SITE of what is no command', ['SITE FISH'], { why: '504: SITE is known, this argument is not offered' }),
  // Parameters
  row('TYPE A, I, A N, L 8', ['TYPE A', 'TYPE I', 'TYPE A N', 'TYPE L 8'], {
    why: 'A N is what A means (RFC 959 §3.1.1.5); devices send it',
  }),
  row('TYPE in lower case', ['TYPE i', 'type a']),
  row('TYPE E', ['TYPE E'], { why: '504: known, not offered' }),
  row('TYPE A T', ['TYPE A T'], { why: '504: known, not offered; ProFTPD takes it and sends the same as A' }),
  row('TYPE L 7', ['TYPE L 7'], { why: '504: octets have eight bits here; ProFTPD and pyftpdlib take it and send eight' }),
  row('TYPE of no such letter', ['TYPE X'], { why: '501: no type at all; 504 is for one that is known' }),
  row('TYPE without an argument', ['TYPE'], { why: '501: an argument is missing' }),
  row('MODE S, B, C', ['MODE S', 'MODE B', 'MODE C']),
  row('MODE of no such letter', ['MODE X'], { why: '501: no mode at all; 504 is for one that is known' }),
  row('STRU F, R, P', ['STRU F', 'STRU R', 'STRU P'], { why: 'R: the lines of a text are its records (RFC 959 §3.4.1)' }),
  row('STRU of no such letter', ['STRU X'], { why: '501: no structure at all; 504 is for one that is known' }),
  row('ALLO', ['ALLO 10', 'ALLO 10 R 20'], { why: '200: some devices read 202 as a failure' }),
  row('ALLO of what is no number', ['ALLO x'], { why: '501: an argument that is none' }),
  row('REST of what is no number', ['REST x', 'REST -1', 'REST 1.5', 'REST'], {
    why: '501; vsftpd takes anything for 0, and a resumed upload begins again',
  }),
  row('OPTS UTF8 ON, OFF', ['OPTS UTF8 ON', 'OPTS UTF8 OFF'], { why: 'Names are UTF-8: ON changes nothing, OFF would be a lie' }),
  row('OPTS of what is no command', ['OPTS FISH'], { why: '501 (RFC 2389 §4)' }),
  row('SMNT', ['SMNT /'], { why: '502: known, not offered' }),
  // Folders
  row('PWD', ['PWD']),
  row('CWD and CDUP', ['CWD folder', 'PWD', 'CDUP', 'PWD']),
  row('The X names', ['XCWD folder', 'XPWD', 'XCUP', 'XMKD x', 'XRMD x']),
  row('CDUP in the root', ['CDUP', 'PWD']),
  row('CWD to the outside', ['CWD ../../..', 'PWD']),
  row('CWD to what is not there', ['CWD missing']),
  row('CWD to a file', ['CWD text.txt']),
  row('CWD with several slashes', ['CWD //folder///', 'PWD']),
  row('MKD tells the whole path', ['CWD folder', 'MKD new']),
  row('MKD of a name with quotes', ['MKD a"b', 'CWD a"b', 'PWD']),
  row('MKD of what is there', ['MKD folder']),
  row('MKD below what is not there', ['MKD missing/new']),
  row('RMD', ['RMD bare', 'RMD bare']),
  row('RMD of a folder that is not empty', ['RMD folder']),
  row('RMD of a file', ['RMD text.txt', 'file: text.txt']),
  row('RMD of the root', ['RMD /']),
  row('DELE', ['DELE text.txt', 'DELE text.txt']),
  row('DELE of a folder', ['DELE bare']),
  row('DELE of a name with a blank', ['DELE a b.txt']),
  row('DELE of a name that begins with a dash', ['DELE -dash']),
  row('RNFR and RNTO', ['RNFR text.txt', 'RNTO folder/moved', 'file: folder/moved']),
  row('RNTO over another file', ['RNFR text.txt', 'RNTO empty', 'file: empty']),
  row('RNTO without RNFR', ['RNTO new']),
  row('RNTO behind another command', ['RNFR text.txt', 'NOOP', 'RNTO new'], {
    why: 'RNTO follows RNFR at once (RFC 959 §4.1.3): 503',
  }),
  row('RNFR of what is not there', ['RNFR missing']),
  row('RNFR of the root', ['RNFR /', 'RNTO new'], { why: 'What cannot be is told by RNTO; nothing is renamed either way' }),
  row('RNTO of a folder into itself', ['RNFR folder', 'RNTO folder/in'], { why: '553: not a possible name' }),
  row('RNTO below what is not there', ['RNFR text.txt', 'RNTO missing/new', 'file: text.txt']),
  // Facts
  row('SIZE with TYPE I', ['TYPE I', 'SIZE digits']),
  row('SIZE with TYPE A', ['TYPE A', 'SIZE digits'], {
    why: 'What TYPE A would send is not known without reading the file: 550 (RFC 3659 §4.1); vsftpd tells the octets on the disk, which is another number',
  }),
  row('SIZE of a folder', ['TYPE I', 'SIZE folder']),
  row('SIZE of what is not there', ['TYPE I', 'SIZE missing']),
  row('MDTM', ['MDTM text.txt']),
  row('MDTM of a folder', ['MDTM folder']),
  row('MDTM of what is not there', ['MDTM missing']),
  row('MFMT, and MDTM', ['MFMT 20170921013410 text.txt', 'MDTM text.txt'], {
    why: 'As the draft of MFMT has it; vsftpd lacks MFMT',
  }),
  row('MFMT of what is no time', ['MFMT B017092101341A text.txt', 'MFMT 20170921 text.txt', 'MFMT text.txt'], {
    why: '501: an argument that is none',
  }),
  row('MLST of a file', ['MLST text.txt'], { why: "vsftpd lacks RFC 3659's MLST" }),
  row('MLST of what is not there', ['MLST missing'], { why: 'vsftpd lacks MLST' }),
  row('MLSD of a folder', ['names: MLSD folder'], {
    why: 'The folder above is told as type=pdir, itself is not (RFC 3659 §7.5.1 leaves both open); vsftpd lacks MLSD',
  }),
  row('MLSD of a file', ['names: MLSD text.txt'], { why: '501: MLSD is for folders (RFC 3659 §7.2.1)' }),
  row('OPTS MLST', ['OPTS MLST type;', 'OPTS MLST', 'OPTS MLST fish;'], { why: 'vsftpd lacks MLST' }),
  row('SITE CHMOD', ['SITE CHMOD 640 text.txt', 'SITE CHMOD 888 text.txt', 'SITE CHMOD 640'], {
    why: 'Modes are octal: 501; vsftpd takes 888',
  }),
  row('STAT of a folder', ['STAT /'], { why: "212 is a folder's status, 213 a file's (RFC 959 §4.2.2)" }),
  row('STAT of a file', ['STAT text.txt']),
  row('STAT of what is not there', ['STAT missing'], { why: '550: it is not there; vsftpd tells an empty list' }),
  // Lists
  row('NLST of the root', ['names: NLST']),
  row('NLST of a folder', ['get: NLST folder'], {
    why: 'Names that RETR takes as they stand (RFC 1123 §4.1.2.7: NLST is for programs)',
  }),
  row('NLST of a file', ['get: NLST text.txt']),
  row('NLST of an empty folder', ['get: NLST bare']),
  row('NLST of what is not there', ['get: NLST missing'], {
    why: '550: it is not there; vsftpd sends an empty list, as if there were an empty folder',
  }),
  row('NLST of a pattern', ['names: NLST *.txt'], { why: 'Patterns as vsftpd has them, for mget' }),
  row('NLST of a pattern that nothing fits', ['get: NLST *.none'], {
    why: 'An empty list, as vsftpd has it: nothing fits, and that is an answer',
  }),
  row('LIST of the root', ['names: LIST']),
  row('LIST -la', ['names: LIST -la'], {
    why: '-a shows hidden names; . and .. are not asked for by any client, and mirrors must leave them out',
  }),
  row('LIST -la of a folder', ['names: LIST -la folder'], {
    why: '-a shows hidden names, without . and ..; pyftpdlib takes the options for a name',
  }),
  row('LIST of a file', ['names: LIST text.txt']),
  row('LIST of an empty folder', ['get: LIST bare']),
  row('LIST of what is not there', ['names: LIST missing'], {
    why: '550: it is not there, and no data connection is needed to say so',
  }),
  row('LIST of a pattern', ['names: LIST *.txt'], { why: 'Patterns as vsftpd and ProFTPD have them' }),
  row('LIST over PORT', ['port: LIST bare']),
  row('LIST without a data connection', ['LIST'], { why: '425: nothing was prepared; pyftpdlib says 150 and waits' }),
  // Transfers
  row('RETR', ['TYPE I', 'get: RETR text.txt']),
  row('RETR over PORT', ['TYPE I', 'port: RETR text.txt']),
  row('RETR with TYPE A', ['TYPE A', 'get: RETR text.txt']),
  row('RETR with the type at the beginning', ['get: RETR text.txt']),
  row('RETR of an empty file', ['TYPE I', 'get: RETR empty']),
  row('RETR of a folder', ['TYPE I', 'get: RETR folder']),
  row('RETR of what is not there', ['TYPE I', 'get: RETR missing']),
  row('RETR of a name with a blank', ['TYPE I', 'get: RETR a b.txt']),
  row('RETR without a data connection', ['TYPE I', 'RETR text.txt'], {
    why: '425: nothing was prepared; pyftpdlib says 150 and waits',
  }),
  row('REST and RETR', ['TYPE I', 'REST 4', 'get: RETR digits', 'get: RETR digits']),
  row('REST to the end and RETR', ['TYPE I', 'REST 10', 'get: RETR digits']),
  row('REST behind the end and RETR', ['TYPE I', 'REST 11', 'get: RETR digits', 'get: RETR digits'], {
    why: '554 (RFC 1123 §4.1.3.4 wants such an error told); vsftpd sends nothing and says 226',
  }),
  row('REST with TYPE A', ['TYPE A', 'REST 4', 'get: RETR digits'], {
    why: 'TYPE may follow REST, so the transfer refuses it, not REST; ProFTPD and pyftpdlib drop the restart and send all',
  }),
  row('STOR', ['TYPE I', 'put: STOR new = text', 'file: new']),
  row('STOR over a file', ['TYPE I', 'put: STOR text.txt = x', 'file: text.txt']),
  row('STOR of nothing', ['TYPE I', 'put: STOR new = ', 'file: new']),
  row('STOR with TYPE A', ['TYPE A', 'put: STOR new = a\\r\\nb\\r\\n', 'file: new']),
  row('STOR onto a folder', ['TYPE I', 'put: STOR folder = x'], {
    why: '550: what is there is no file; 553 is for names that cannot be',
  }),
  row('STOR below what is not there', ['TYPE I', 'put: STOR missing/new = x'], {
    why: '550: there is no such folder; 553 is for names that cannot be',
  }),
  row('STOR without a data connection', ['TYPE I', 'STOR new'], { why: '425: nothing was prepared; pyftpdlib says 150 and waits' }),
  row('REST and STOR', ['TYPE I', 'REST 4', 'put: STOR digits = xy', 'file: digits'], {
    why: "What came is the rest of the file: it ends there. The peers leave the old file's tail behind it",
  }),
  row('REST behind the end and STOR', ['TYPE I', 'REST 11', 'put: STOR digits = xy', 'file: digits'], {
    why: '554; vsftpd fills the hole with NUL and says 226',
  }),
  row('REST and STOR of what is not there', ['TYPE I', 'REST 4', 'put: STOR new = xy', 'put: STOR new = z', 'file: new'], {
    why: '554: there is nothing to go on from; vsftpd says 226 to a file with a hole of NUL',
  }),
  row('APPE', ['TYPE I', 'put: APPE digits = ab', 'file: digits']),
  row('APPE to what is not there', ['TYPE I', 'put: APPE new = ab', 'file: new']),
  row('REST and APPE', ['TYPE I', 'REST 4', 'put: APPE digits = xy', 'file: digits'], {
    why: 'As REST and STOR, for who resumes by APPE; vsftpd adds at the end, ProFTPD writes over the middle, pyftpdlib refuses it for now',
  }),
  row('An upload whose data connection is reset', ['TYPE I', 'begin: STOR text.txt = part', 'cut', 'hear', 'file: text.txt'], {
    why: '426, and the old file is whole; the peers keep the part in its place, pyftpdlib says 226',
  }),
  // In the middle of a transfer
  row('ABOR without a transfer', ['ABOR'], {
    why: '226: RFC 959 §4.1.3 has it for who waits for the two replies; 225 would say that a data connection is open',
  }),
  row('ABOR behind EPSV', ['EPSV', 'ABOR', 'get: RETR digits'], {
    why: '226, as without EPSV: the prepared data connection is closed',
  }),
  row('ABOR as TELNET has it, without a transfer', ['line: \\xff\\xf4\\xff\\xf2ABOR'], { why: '226, as in plain' }),
  row('ABOR of a download', ['TYPE I', 'begin: RETR large', 'ABOR', 'hear', 'NOOP'], {
    ...withLarge,
    why: '426 for the transfer, 226 for ABOR (RFC 959 §4.1.3)',
  }),
  row('ABOR of an upload', ['TYPE I', 'begin: STOR text.txt = part', 'ABOR', 'hear', 'NOOP', 'file: text.txt'], {
    why: 'At once, and the old file is whole; vsftpd does not listen before the data connection ends, and in all of the peers the old file is gone',
  }),
  row('A download whose client ends its data connection', ['TYPE I', 'begin: RETR large', 'cut', 'hear', 'NOOP'], {
    ...withLarge,
    why: '426: not all of it was taken',
  }),
  row('STAT in an upload', ['TYPE I', 'begin: STOR new = part', 'STAT', 'end'], {
    why: 'Told at once (RFC 959 §4.1.3); vsftpd does not listen in a transfer',
  }),
  row('NOOP in an upload', ['TYPE I', 'begin: STOR new = part', 'say: NOOP\\r\\n', 'end', 'hear'], {
    why: 'In its turn, behind the transfer; ABOR, STAT and QUIT alone are for the middle of one',
  }),
  row('QUIT in an upload', ['TYPE I', 'begin: STOR new = part', 'say: QUIT\\r\\n', 'end', 'hear', 'hear', 'file: new'], {
    why: 'The transfer ends first, and its reply comes first (RFC 959 §4.1.1); ProFTPD closes without it',
  }),
  row('REIN in an upload', ['TYPE I', 'begin: STOR new = part', 'say: REIN\\r\\n', 'end', 'hear', 'PWD', 'file: new'], {
    why: 'The transfer ends first (RFC 959 §4.1.1), then REIN is answered',
  }),
  row('USER in an upload', ['TYPE I', 'begin: STOR new = part', 'say: USER {user}\\r\\n', 'end', 'hear', 'PWD', 'file: new'], {
    why: 'The transfer ends first, then USER begins anew',
  }),
  // Data connections
  row('PORT of another host', ['PORT 192,0,2,1,200,1'], {
    why: '504: a known parameter that is not offered (RFC 2577 §3 forbids it)',
  }),
  row('PORT of a port below 1024', ['PORT 127,0,0,1,0,25'], { why: '504: a known parameter that is not offered (RFC 2577 §3)' }),
  row('PORT of what is no address', ['PORT 1,2,3', 'PORT 256,0,0,1,4,5', 'PORT a,b,c,d,e,f', 'PORT'], {
    why: '501: an argument that is none',
  }),
  row('EPRT of another host', ['EPRT |1|192.0.2.1|51201|'], { why: '504, as PORT' }),
  row('EPRT of a port below 1024', ['EPRT |1|127.0.0.1|25|'], { why: '504, as PORT' }),
  row('EPRT of an unknown protocol', ['EPRT |3|127.0.0.1|51201|'], { why: '522 (RFC 2428 §2)' }),
  row('EPRT of what is no address', ['EPRT 127.0.0.1', 'EPRT |1|256.0.0.1|5|', 'EPRT ||||'], {
    why: '501: an argument that is none; 522 is for protocols',
  }),
  row('EPSV of IPv4, IPv6, an unknown protocol', ['EPSV 1', 'EPSV 2', 'EPSV 3'], {
    why: '522 for a protocol that the control connection is not of (RFC 2428 §3)',
  }),
  row('EPSV of what is no number', ['EPSV FISH'], { why: '501: an argument that is none; 522 is for protocols' }),
  row('EPSV ALL, and PASV, PORT, EPSV', ['EPSV ALL', 'PASV', 'PORT 127,0,0,1,200,1', 'EPSV'], {
    why: '503: wrong order after EPSV ALL (RFC 2428 §4 asks for an error)',
  }),
  row('PASV twice', ['PASV', 'PASV', 'get: RETR empty']),
  row('LPSV', ['LPSV'], { why: '502: known, not offered' }),
  // TLS, where there is none
  row('PBSZ in clear', ['PBSZ 0'], { why: '503: AUTH comes first (RFC 4217 §9)' }),
  row('PROT in clear', ['PROT P'], { why: '503: AUTH comes first (RFC 4217 §9)' }),
  row('CCC in clear', ['CCC'], { why: '502: known, not offered (docs/standards.md, RFC 4217 §6)' }),
]
