/** What the supervisor and the command line know of FTP. A setting added here is described in `config/default.yaml` too. */
import { join } from 'node:path'
import { z } from 'zod'
import { address, duration, path, portRange, size } from '../../shared/config/units.ts'
import { descriptorFolder } from '../../shared/files/anchor.ts'
import { limits } from '../../shared/limits/limits.ts'
import type { Protocol } from '../../shared/service.ts'

const options = z.strictObject({
  passive: z
    .strictObject({
      ports: portRange().prefault('49152-65535').meta({
        description: 'Ports for passive data connections; the dynamic range unless a firewall needs another.',
        source: 'RFC 6335 §6',
      }),
      address: address().nullable().default(null).meta({
        description:
          'The address that PASV tells all clients, where they reach the server under another one (NAT); null: the one that they came to.',
      }),
    })
    .prefault({})
    .meta({ description: 'Passive data connections (RFC 959 §4.1.2, RFC 2428).' }),
  dataTls: z.enum(['session', 'any']).default('session').meta({
    description:
      "Whether an encrypted data connection must resume its control connection's TLS session (session), or may be of its own (any).",
    over: '522',
    source: 'RFC 4217 §10',
  }),
  dataWait: duration({ min: 100 }).prefault('30s').meta({
    description:
      'How long a data connection may take to be there, counted from PASV or EPSV and again from the command that needs it.',
    over: '425',
    source: 'RFC 1123 §4.1.3.2',
  }),
  names: z.enum(['utf-8', 'latin-1', 'gbk']).default('utf-8').meta({
    description:
      'What names are written in by clients that have not said OPTS UTF8 ON: old devices know Latin-1 (as Windows-1252) or GBK only.',
    source: 'RFC 2640 §2.2',
  }),
  anonymous: path().nullable().default(null).meta({
    description:
      'A folder that whoever logs in as anonymous or ftp may read, and nothing else, with any password; null: nobody does.',
    source: 'RFC 1635',
  }),
  commandLine: size({ min: 512 }).prefault(limits.commandLine.defaults.ftp).meta({
    description: 'One command line, its line break included: a path in UTF-8 must fit.',
    unit: 'octets',
    over: '500',
  }),
  pipelined: z.int().min(1).max(1000).default(limits.pipelined.defaults.ftp).meta({
    description: 'Commands of one client that may wait for their turn; no more are read until there is room.',
    over: 'reading pauses',
  }),
  badCommands: z.int().min(1).default(limits.badCommands.defaults.ftp).meta({
    description: 'Commands in one session that are unknown, misspelt or out of order.',
    over: '421',
  }),
  badLogins: z.int().min(1).default(limits.badLogins.defaults.ftp).meta({
    description: 'Bad logins in one session; bad logins of one address are counted at the desk as well.',
    over: '421',
  }),
  commandsBeforeLogin: z.int().min(10).default(limits.commandsBeforeLogin.defaults.ftp).meta({
    description: limits.commandsBeforeLogin.description,
    over: '421',
  }),
})

export type FtpOptions = z.output<typeof options>

export const protocol: Protocol<FtpOptions> = {
  protocol: 'ftp',
  ports: (_options, tls) => (tls === 'implicit' ? { high: 2990, wellKnown: 990 } : { high: 2121, wellKnown: 21 }),
  standards: [
    'RFC 959',
    'RFC 1123',
    'RFC 1579',
    'RFC 2228',
    'RFC 2389',
    'RFC 2428',
    'RFC 2577',
    'RFC 2640',
    'RFC 3659',
    'RFC 4217',
    'RFC 7151',
    'draft-somers-ftp-mfxx-04',
    'draft-bryan-ftpext-hash-02',
    'draft-peterson-streamlined-ftp-command-extensions-10',
  ],
  options,
  folders: ({ anonymous }) => (anonymous === null ? [] : [{ setting: ['anonymous'], folder: anonymous }]),
  grants: ({ anonymous }, settings) => ({
    read: anonymous === null ? [] : [anonymous],
    write: [join(settings.data, 'files')],
    // Through its own descriptors a child reaches what it holds, whatever happens to the path.
    files: process.platform === 'linux' ? [descriptorFolder] : [],
    network: 'connect',
    workers: false,
  }),
  probe: [
    { say: [], hear: '^220[ -]', last: '^220 ' },
    { say: ['NOOP'], hear: '^200 ' },
    { say: ['QUIT'], hear: '^221 ' },
  ],
  startTlsProbe: [
    { say: [], hear: '^220[ -]', last: '^220 ' },
    { say: ['AUTH TLS'], hear: '^234 ' },
  ],
  example: 'curl -u alice ftp://{address}/',
  exampleFor: (_options, tls) => (tls === 'implicit' ? 'curl {trust}-u alice ftps://{hostname}:{port}/' : protocol.example),
}
