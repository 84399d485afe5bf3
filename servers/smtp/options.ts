/** What the supervisor and the command line know of SMTP. A setting added here is described in `config/default.yaml` too. */
import { z } from 'zod'
import { size } from '../../shared/config/units.ts'
import { limits } from '../../shared/limits/limits.ts'
import { mailFiles } from '../../shared/mail/mail-files.ts'
import type { Probe } from '../../shared/net/probe.ts'
import type { Protocol } from '../../shared/service.ts'

const options = z.strictObject({
  mode: z.enum(['mta', 'submission', 'lmtp']).default('mta').meta({
    description:
      'What the service is for: mail from other servers (mta), mail from the accounts (submission), delivery by another mail server (lmtp).',
    source: 'RFC 5321, RFC 6409, RFC 2033',
  }),
  recipients: z.int().min(100).max(10_000).default(limits.recipients.defaults.smtp).meta({
    description:
      'Recipients of one message; what is over is to be sent again by the client. So is what makes it go to more than 10,000 mailboxes of lists.',
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
  hops: z.int().min(10).max(10_000).default(limits.hops.defaults.smtp).meta({
    description: limits.hops.description,
    over: '554 5.4.6',
    source: limits.hops.source,
  }),
  commandsWithoutMail: z.int().min(10).max(1_000_000).default(limits.commandsWithoutMail.defaults.smtp).meta({
    description: limits.commandsWithoutMail.description,
    over: '421 4.7.0, and the session ends',
    source: limits.commandsWithoutMail.source,
  }),
  earlyTalkers: z.enum(['refuse', 'bear']).default('refuse').meta({
    description: 'Clients that speak before they are greeted, as programs do that send without listening.',
    over: 'refuse: 554, and the session ends',
    source: 'RFC 5321 §4.3.1',
  }),
  pipelining: z.enum(['tolerant', 'strict']).default('tolerant').meta({
    description:
      'What is sent behind EHLO, AUTH, DATA, VRFY or NOOP before the answer is there: taken in its turn (tolerant), or the end (strict).',
    over: 'strict: 554 5.5.0, and the session ends',
    source: 'RFC 2920 §3.1',
  }),
})

export type SmtpOptions = z.output<typeof options>

const startTls = (hello: 'EHLO' | 'LHLO'): Probe => [
  { say: [], hear: '^220[ -]', last: '^220 ' },
  { say: [`${hello} localhost`], hear: '^250[ -]', last: '^250 ' },
  { say: ['STARTTLS'], hear: '^220 ' },
]

const examples: Readonly<Record<SmtpOptions['mode'], string>> = {
  mta: 'swaks --server {address} --to alice@localhost',
  submission: 'swaks --server {address} -tls --auth-user alice --from alice@localhost --to alice@localhost',
  lmtp: 'swaks --server {address} --protocol LMTP --to alice@localhost',
}

const encrypted = (example: string): string => example.replace(' -tls', '').replace('swaks ', 'swaks --tlsc ')

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
    'RFC 2033',
    'RFC 2034',
    'RFC 2920',
    'RFC 3030',
    'RFC 3207',
    'RFC 3461',
    'RFC 3463',
    'RFC 3464',
    'RFC 3848',
    'RFC 4616',
    'RFC 4954',
    'RFC 5248',
    'RFC 6152',
    'RFC 6409',
    'RFC 6531',
  ],
  options,
  grants: (_options, settings) => ({
    read: [],
    write: [],
    files: mailFiles(settings.data),
    network: 'accept',
    workers: true,
  }),
  probe: [
    { say: [], hear: '^220[ -]', last: '^220 ' },
    { say: ['NOOP'], hear: '^250 ' },
    { say: ['QUIT'], hear: '^221 ' },
  ],
  startTlsProbe: startTls('EHLO'),
  startTlsProbeFor: ({ mode }) => startTls(mode === 'lmtp' ? 'LHLO' : 'EHLO'),
  // RFC 2033 §5.
  portProblem: ({ mode }, port) =>
    mode === 'lmtp' && port === 25 ? 'must not be 25, where mail servers expect SMTP (RFC 2033)' : null,
  example: 'swaks --server {address} --to alice@localhost',
  exampleFor: ({ mode }, tls) => (tls === 'implicit' ? encrypted(examples[mode]) : examples[mode]),
}
