/** What the supervisor and the command line know of SMTP. A setting added here is described in `config/default.yaml` too. */
import { join } from 'node:path'
import { z } from 'zod'
import { size } from '../../shared/config/units.ts'
import { limits } from '../../shared/limits/limits.ts'
import type { Protocol } from '../../shared/service.ts'

const options = z.strictObject({
  mode: z
    .enum(['mta', 'submission', 'lmtp'])
    .default('mta')
    .meta({
      description:
        'What the service is for: mail from other servers (mta), mail from the accounts (submission), delivery by another mail server (lmtp).',
      source: 'RFC 5321, RFC 6409, RFC 2033',
      pending: ['lmtp'],
    }),
  recipients: z.int().min(100).max(10_000).default(limits.recipients.defaults.smtp).meta({
    description: 'Recipients of one message; what is over is to be sent again by the client.',
    over: '452 4.5.3',
    source: 'RFC 5321 §4.5.3.1.8',
  }),
  commandLine: size({ min: 2_048, max: 1_048_576 }).prefault(limits.commandLine.defaults.smtp).meta({
    description: 'One command line, line break included. Logins need up to 12 KiB; lines of messages have no limit but their size.',
    unit: 'octets',
    over: '500 5.5.2, and the whole line is dropped',
    source: 'RFC 5321 §4.5.3.1.4, RFC 4954 §4',
  }),
  badCommands: z.int().min(1).max(10_000).default(limits.badCommands.defaults.smtp).meta({
    description: 'Unknown, malformed or misplaced commands of one session; refused recipients are none.',
    over: '421 4.7.0, and the session ends',
    source: 'RFC 5321 §7.8',
  }),
  commandsWithoutMail: z.int().min(10).max(1_000_000).default(limits.commandsWithoutMail.defaults.smtp).meta({
    description: limits.commandsWithoutMail.description,
    over: '421 4.7.0, and the session ends',
    source: limits.commandsWithoutMail.source,
  }),
})

export type SmtpOptions = z.output<typeof options>

export const protocol: Protocol<SmtpOptions> = {
  protocol: 'smtp',
  ports: ({ mode }, tls) => {
    if (mode === 'lmtp') return { high: 2424, wellKnown: 24 }
    if (tls === 'implicit') return { high: 2465, wellKnown: 465 }
    return mode === 'submission' ? { high: 2587, wellKnown: 587 } : { high: 2525, wellKnown: 25 }
  },
  limitedAs: ({ mode }) => (mode === 'submission' ? 'submission' : 'smtp'),
  standards: [
    'RFC 5321',
    'RFC 1870',
    'RFC 2034',
    'RFC 2920',
    'RFC 3207',
    'RFC 3463',
    'RFC 3848',
    'RFC 4616',
    'RFC 4954',
    'RFC 6152',
    'RFC 6409',
    'RFC 6531',
  ],
  options,
  // SQLite's own files beside the database are opened by SQLite, which Node's permission model does not see.
  grants: (_options, settings) => ({
    read: [],
    write: [],
    files: ['', '-wal', '-shm'].map((suffix) => join(settings.data, `mail.db${suffix}`)),
    network: 'accept',
    workers: true,
  }),
  probe: [
    { say: [], hear: '^220[ -]', last: '^220 ' },
    { say: ['NOOP'], hear: '^250 ' },
    { say: ['QUIT'], hear: '^221 ' },
  ],
  startTlsProbe: [
    { say: [], hear: '^220[ -]', last: '^220 ' },
    { say: ['EHLO localhost'], hear: '^250[ -]', last: '^250 ' },
    { say: ['STARTTLS'], hear: '^220 ' },
  ],
  example: 'swaks --server {address} --to alice@localhost',
  exampleFor: ({ mode }) =>
    mode === 'submission'
      ? 'swaks --server {address} -tls --auth-user alice --to alice@localhost'
      : 'swaks --server {address} --to alice@localhost',
}
