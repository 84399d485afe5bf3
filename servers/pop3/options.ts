/** What the supervisor and the command line know of POP3. A setting added here is described in `config/default.yaml` too. */
import { z } from 'zod'
import { duration, size } from '../../shared/config/units.ts'
import { limits } from '../../shared/limits/limits.ts'
import { mailFiles } from '../../shared/mail/mail-files.ts'
import type { Protocol } from '../../shared/service.ts'

const fields = z.strictObject({
  loginDelay: duration().prefault('0s').meta({
    over: '-ERR [LOGIN-DELAY]',
    source: 'RFC 2449 §6.5',
    description: 'How long an account has to wait after a login until its next one; 0s: not at all.',
  }),
  commandLine: size({ min: 1_040, max: 65_536 }).prefault(limits.commandLine.defaults.pop3).meta({
    unit: 'octets',
    over: '-ERR, and all of the line is dropped',
    // At least AUTH PLAIN with the longest names and password that everyone must take, in base64.
    source: 'RFC 2449 §4 (255), RFC 5034 §4 and RFC 4616 §2 (1037)',
    description: 'The longest line that a client may send, its line break included.',
  }),
  badCommands: z.int().min(1).default(limits.badCommands.defaults.pop3).meta({
    over: '-ERR, and the connection is closed; nothing is deleted',
    description: 'How many commands of a session may be unknown, malformed or out of place.',
  }),
  commandsBeforeLogin: z.int().min(4).default(limits.commandsBeforeLogin.defaults.pop3).meta({
    over: '-ERR, and the connection is closed',
    description: 'How many commands a client may send without having logged in.',
  }),
})

const options = fields.transform(({ loginDelay, ...rest }) => ({ ...rest, loginDelayMs: loginDelay }))

export type Pop3Options = z.output<typeof options>

export const protocol: Protocol<Pop3Options> = {
  protocol: 'pop3',
  ports: (_options, tls) => (tls === 'implicit' ? { high: 2995, wellKnown: 995 } : { high: 1110, wellKnown: 110 }),
  standards: ['RFC 1939', 'RFC 2449', 'RFC 2595', 'RFC 3206', 'RFC 5034', 'RFC 5802', 'RFC 6856', 'RFC 7677'],
  options,
  grants: (_options, settings) => ({
    read: [],
    write: [],
    files: mailFiles(settings.data),
    network: 'accept',
    workers: true,
  }),
  probe: [
    { say: [], hear: '^\\+OK' },
    { say: ['CAPA'], hear: '^\\+OK', last: '^\\.$' },
    { say: ['QUIT'], hear: '^\\+OK' },
  ],
  startTlsProbe: [
    { say: [], hear: '^\\+OK' },
    { say: ['STLS'], hear: '^\\+OK' },
  ],
  example: 'curl -u alice pop3://{address}/',
  exampleFor: (_options, tls) => (tls === 'implicit' ? 'curl {trust}-u alice pop3s://{hostname}:{port}/' : protocol.example),
}
