/** All that the server says, as values; rendered in one place. No text of an exception, no path of the disk. */
import type { FileErrorCode } from '../../shared/files/file-store.ts'
import type { Ending, Refusal } from '../../shared/service.ts'
import { timeValue } from './time-value.ts'

/** One reply (RFC 959 §4.2), or a part of one. */
export interface Reply {
  readonly code: number
  /** At least one; the last one is the text of the last line. */
  readonly lines: readonly string[]
  /** The beginning of a reply of several lines: its last line comes later. */
  readonly part?: true
  /** Lines of a part that stand as they are: none begins with a digit. */
  readonly bare?: true
}

const say = (code: number, ...lines: string[]): Reply => ({ code, lines })
const part = (code: number, ...lines: string[]): Reply => ({ code, lines, part: true })

/** A client's word may be in it: no line break, no control character gets out. */
const printable = (text: string): string => text.replace(/[\0-\x1f\x7f]/g, '?')

/** A reply as it goes over the wire, without its last line break (RFC 959 §4.2: `code-` opens several lines, `code ` ends them). */
export const render = ({ code, lines, part: isPart, bare }: Reply): string => {
  const lineOf = (line: string, n: number): string => {
    if (bare) return line
    if (n === lines.length - 1 && !isPart) return `${code} ${line}`
    return n === 0 ? `${code}-${line}` : ` ${line}`
  }
  return lines.map(printable).map(lineOf).join('\r\n')
}

/** A path within quotes, quotes in it doubled (RFC 959 Appendix II). */
const quoted = (path: string): string => `"${path.replaceAll('"', '""')}"`

/** `1048576 octets in 0.021 s, 49.93 MB/s`; no rate where the time is too short to tell one. */
const pace = (octets: number, durationMs: number): string => {
  const told = `${octets} octets in ${(durationMs / 1000).toFixed(3)} s`
  return durationMs < 1 ? told : `${told}, ${(octets / durationMs / 1000).toFixed(2)} MB/s`
}

export const replies = {
  greeting: (hostname: string) => say(220, `${hostname} FTP server ready`),
  opening: (what: string, octets: number | null) =>
    say(150, `Opening data connection for ${what}${octets === null ? '' : ` (${octets} bytes)`}`),
  // Transfers
  /** RFC 1123 §4.1.2.9: exactly this form. */
  openingUnique: (name: string) => say(150, `FILE: ${name}`),
  sent: (octets: number, durationMs: number) => say(226, `Transfer complete: ${pace(octets, durationMs)}`),
  stored: (octets: number, durationMs: number) => say(226, `Transfer complete, the file is stored: ${pace(octets, durationMs)}`),
  listSent: say(226, 'List complete'),
  /** 212 for a folder, 213 for a file (RFC 959 §4.2.2). */
  listOpening: (code: 212 | 213) => part(code, 'Status follows:'),
  listLines: (code: 212 | 213, lines: readonly string[]): Reply => ({ code, lines, bare: true, part: true }),
  listEnd: (code: 212 | 213) => say(code, 'End of status'),
  listBroken: (code: 212 | 213) => say(code, 'The list broke off: it could not be read to its end'),
  aborted: say(226, 'Abort done'),
  broken: say(426, 'Transfer broken off: the data connection is gone, no file was changed'),
  brokenDownload: say(426, 'Transfer broken off: the data connection is gone'),
  abortedByClient: say(426, 'Transfer aborted, no file was changed'),
  badRecords: say(426, 'Transfer broken off: the records are not marked as RFC 959 section 3.4.1 says, no file was changed'),
  fileShrank: say(451, 'Transfer broken off: the file became shorter meanwhile'),
  tooManyTransfers: say(450, 'As many transfers of this account are under way as may be, try again'),
  noDataTarget: say(425, 'No data connection: send EPSV, PASV, EPRT or PORT first'),
  noDataConnection: say(425, 'No data connection came about'),
  noDataPort: say(425, 'No free port for a data connection now'),
  // Parameters
  passive: (host: string, port: number) =>
    say(227, `Entering Passive Mode (${host.replaceAll('.', ',')},${Math.trunc(port / 256)},${port % 256})`),
  extendedPassive: (port: number) => say(229, `Entering Extended Passive Mode (|||${port}|)`),
  onlyExtended: say(425, 'PASV knows IPv4 addresses only: send EPSV'),
  afterEpsvAll: (name: string) => say(503, `${name} is not taken after EPSV ALL`),
  epsvAll: say(200, 'From now on only EPSV is taken'),
  otherProtocol: (ours: 1 | 2) => say(522, `Network protocol not supported, use (${ours})`),
  targetTaken: (name: string) => say(200, `${name} done`),
  targetRefused: say(504, "Data connections go to the client's own address and to ports from 1024 on only"),
  typeSet: (type: string) => say(200, `Type is ${type}`),
  parameterTaken: (name: string, value: string) => say(200, `${name} is ${value}`),
  parameterNotOffered: (name: string, value: string) => say(504, `${name} ${value} is not offered`),
  restart: (octets: number) => say(350, `The next transfer starts at octet ${octets}`),
  restartBeyond: say(554, 'The restart point lies behind the end of the file'),
  restartInAscii: say(554, 'A restart needs TYPE I and STRU F'),
  allocated: say(200, 'No room needs to be allocated'),
  noSuchRoom: (octets: number) => say(552, `There is room for ${octets} octets`),
  // Files
  size: (octets: number) => say(213, String(octets)),
  sizeInAscii: say(550, 'SIZE needs TYPE I and STRU F'),
  notAFile: say(550, 'Not a file'),
  modified: (ms: number) => say(213, timeValue(ms)),
  facts: (entry: string) => say(250, 'Facts follow:', entry, 'End of facts'),
  mlsdOfFile: say(501, 'MLSD is of folders: MLST tells of a file'),
  factsChosen: (names: readonly string[]) => say(200, ['MLST OPTS', names.map((name) => `${name};`).join('')].join(' ').trim()),
  factsSet: (facts: readonly string[], path: string) => say(213, `${facts.map((fact) => `${fact};`).join('')} ${path}`),
  timeSet: say(213, 'The time of modification is set'),
  siteDone: (word: string) => say(200, `SITE ${word} done`),
  spaceUnknown: say(550, 'How much room is left is not known'),
  hash: (name: string, from: number, to: number, hash: string, path: string) => say(213, `${name} ${from}-${to} ${hash} ${path}`),
  checksum: (hash: string) => say(250, hash),
  hashAborted: say(426, 'Aborted'),
  hashOfFolder: say(553, 'Not a file'),
  hashChosen: (name: string) => say(200, name),
  hashUnknown: say(504, 'No such hash'),
  beyondEnd: say(554, 'That lies behind the end of the file'),
  folder: (path: string) => say(257, `${quoted(path)} is the current folder`),
  folderEntered: say(250, 'Folder changed'),
  folderMade: (path: string) => say(257, `${quoted(path)} made`),
  notAFolder: say(550, 'Not a folder'),
  removed: say(250, 'Removed'),
  renameFrom: say(350, 'Ready for RNTO'),
  renamed: say(250, 'Renamed'),
  renameFirst: say(503, 'RNFR first'),
  // Encryption (RFC 4217)
  beginTls: say(234, 'Begin TLS now'),
  encryptedAlready: say(503, 'The connection is encrypted already'),
  encryptFirst: say(503, 'AUTH TLS first'),
  bufferFirst: say(503, 'PBSZ first'),
  noProtectionBuffer: say(200, 'PBSZ=0'),
  protection: (isPrivate: boolean) => say(200, `Data connections are ${isPrivate ? 'encrypted' : 'in clear'} from now on`),
  protectionNotOffered: (letter: string) => say(536, `PROT ${letter} is not offered with TLS: P or C`),
  clearRefused: say(534, 'This connection stays encrypted'),
  dataInClearRefused: say(534, 'Data connections have to be encrypted here: PROT P (setting requireTls)'),
  dataNeedsTls: say(521, 'Data connections have to be encrypted here: PBSZ 0 and PROT P first (setting requireTls)'),
  noDataTls: say(522, 'TLS did not come about on the data connection'),
  dataNotResumed: say(
    522,
    'The data connection must resume the TLS session of this connection (setting dataTls: any takes others too)',
  ),
  // Session
  needPassword: say(331, 'Password required'),
  needAddress: say(331, 'Guest login: your e-mail address as password'),
  welcomeGuest: say(230, 'Welcome, guest'),
  welcome: (account: string) => say(230, `Welcome, ${account}`),
  loginRefused: say(530, 'Login incorrect'),
  loginFirst: say(530, 'Log in first, with USER and PASS'),
  loggedIn: say(503, 'Already logged in'),
  passwordFirst: say(503, 'PASS first'),
  noAccountNeeded: say(202, 'No account is needed'),
  hostUnknown: say(504, 'No such host here'),
  hostBeforeUser: say(503, 'HOST comes before USER'),
  english: say(200, 'Replies are in English'),
  userFirst: say(503, 'USER first'),
  needsTls: say(530, 'A password would travel in clear: log in over TLS'),
  tooManyLogins: say(421, 'Too many bad logins, closing'),
  loginBlocked: (retryAfterMs: number) =>
    say(421, `Too many bad logins from your address, try again in ${Math.max(1, Math.ceil(retryAfterMs / 60_000))} min; closing`),
  noDesk: say(421, 'Logins cannot be checked at the moment, closing'),
  noHome: say(421, 'The home folder cannot be opened at the moment, closing'),
  system: say(215, 'UNIX Type: L8'),
  ok: say(200, 'OK'),
  features: (features: readonly string[]) => say(211, 'Features:', ...features, 'End'),
  utf8: say(200, 'Names are UTF-8'),
  namesAre: (title: string) => say(200, `Names are ${title}`),
  optionUnknown: say(501, 'No such option'),
  status: (lines: readonly string[]) => say(211, 'Status:', ...lines, 'End of status'),
  help: (lines: readonly string[]) => say(214, 'Commands:', ...lines, 'End of help'),
  siteHelp: (lines: readonly string[]) => say(214, 'Words of SITE:', ...lines, 'End of help'),
  helpOn: (syntax: string) => say(214, `Syntax: ${syntax}`),
  noHelp: say(501, 'No such command'),
  bye: say(221, 'Goodbye'),
  // Errors
  unknown: say(500, 'Unknown command'),
  tooLong: (limit: number) => say(500, `A command line is at most ${limit} octets long`),
  notOffered: (name: string) => say(502, `${name} is not offered`),
  badArgument: (syntax: string, why: string) => say(501, `${why}; syntax: ${syntax}`),
  tooManyBad: say(421, 'Too many bad commands, closing'),
  unforeseen: say(451, 'An error of the server; nothing was changed'),
  idle: say(421, 'No activity for too long, closing'),
  loginTooSlow: say(421, 'No login came in time, closing'),
  lastedTooLong: say(421, 'The session has lasted as long as it may, closing'),
  tooManyBeforeLogin: say(421, 'Too many commands without a login, closing'),
  stopping: say(421, 'The server is stopping, closing'),
} as const

/** What a client reads when the store refuses. */
export const refusals: Record<FileErrorCode, Reply> = {
  missing: say(550, 'No such file or folder'),
  denied: say(550, 'Not permitted'),
  exists: say(550, 'The name is taken'),
  'not-empty': say(550, 'The folder is not empty'),
  'is-folder': say(550, 'It is a folder'),
  'not-folder': say(550, 'Not a folder'),
  'bad-name': say(553, 'Not a possible name'),
  'read-only': say(550, 'Your access does not allow that'),
  'over-quota': say(552, 'Your quota is used up; the old file, if any, is as it was'),
  full: say(452, 'No room left; the old file, if any, is as it was'),
  'too-many-open': say(450, 'Too many files are open, try again'),
  busy: say(450, 'It is being changed, try again'),
  failed: say(451, 'The file system failed, try again'),
}

/** What is said when the host ends a session. */
export const goodbyes: Record<Exclude<Ending, 'closed'>, Reply> = {
  idle: replies.idle,
  login: replies.loginTooSlow,
  total: replies.lastedTooLong,
  stopping: replies.stopping,
}

/** What a client reads who is turned away before its session begins. */
export const turnedAway: Record<Refusal, Reply> = {
  connections: say(421, 'Too many connections, try again later'),
  connectionsPerAddress: say(421, 'Too many connections from your address'),
  connectionsPerSecond: say(421, 'Too many connections from your address in a short time, try again in a moment'),
  stopping: replies.stopping,
}
