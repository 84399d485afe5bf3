/** What the supervisor and the command line know of FTP. A setting added here is described in `config/default.yaml` too. */
import { join } from 'node:path'
import { z } from 'zod'
import { address, portRange } from '../../shared/config/units.ts'
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
          'The address that PASV tells clients, where they reach the server under another one (NAT); null: the one that they came to.',
      }),
    })
    .prefault({})
    .meta({ description: 'Passive data connections (RFC 959 §4.1.2, RFC 2428).' }),
  dataTls: z.enum(['session', 'any']).default('session').meta({
    description:
      "Whether an encrypted data connection must resume its control connection's TLS session (session), or may be of its own (any).",
    source: 'RFC 4217 §10',
    pending: true,
  }),
})

export type FtpOptions = z.output<typeof options>

export const protocol: Protocol<FtpOptions> = {
  protocol: 'ftp',
  ports: (_options, tls) => (tls === 'implicit' ? { high: 2990, wellKnown: 990 } : { high: 2121, wellKnown: 21 }),
  standards: ['RFC 959', 'RFC 1123 §4.1', 'RFC 2389', 'RFC 2428', 'RFC 2640', 'RFC 3659'],
  options,
  grants: (_options, settings) => ({
    read: [],
    write: [join(settings.data, 'files')],
    network: 'connect',
    workers: false,
  }),
  example: 'curl -u alice ftp://{address}/',
}
