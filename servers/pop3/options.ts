/** What the supervisor and the command line know of POP3. A setting added here is described in `config/default.yaml` too. */
import { join } from 'node:path'
import { z } from 'zod'
import { endpointText } from '../../shared/net/endpoint.ts'
import type { Protocol } from '../../shared/service.ts'

const options = z.strictObject({})

export type Pop3Options = z.output<typeof options>

export const protocol: Protocol<Pop3Options> = {
  protocol: 'pop3',
  ports: (_options, tls) => (tls === 'implicit' ? { high: 2995, wellKnown: 995 } : { high: 1110, wellKnown: 110 }),
  standards: ['RFC 1939', 'RFC 2449', 'RFC 3206', 'RFC 5034'],
  options,
  grants: (_options, settings) => ({
    read: [],
    write: [],
    files: ['', '-wal', '-shm'].map((suffix) => join(settings.data, `mail.db${suffix}`)),
    network: 'accept',
    workers: true,
  }),
  example: ({ host, port }) => `curl -u alice pop3://${endpointText({ address: host, port })}/`,
}
