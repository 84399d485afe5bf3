/**
 * Every setting that does not belong to one protocol: names, kinds, defaults, limits. `config/default.yaml` explains the same to
 * people; a test compares the two.
 */
import { z } from 'zod'
import { readAccountName } from '../accounts/name.ts'
import { type Limit, limits as table } from '../limits/limits.ts'
import { address, domain, duration, durationOrAuto, mailbox, network, path, port, size } from './units.ts'

const count = () => z.int().min(1)

/** What the table of limits says of one. */
const noted = ({ description, told, source }: Limit) => ({
  description,
  over: [...new Set(Object.values(told))].join('; '),
  ...(source === undefined ? {} : { source }),
})

/** What host and supervisor keep for every service. */
const limits = {
  connections: count().meta(noted(table.connections)),
  connectionsPerAddress: count().meta(noted(table.connectionsPerAddress)),
  connectionsPerSecond: z.number().positive().nullable().meta(noted(table.connectionsPerSecond)),
  idle: durationOrAuto({ min: 10 }).meta(noted(table.idle)),
  login: durationOrAuto({ min: 10 }).nullable().meta(noted(table.login)),
  total: duration({ min: 10 }).nullable().meta(noted(table.total)),
  handshake: duration({ min: 10 }).meta(noted(table.handshake)),
  memory: size({ min: 2 ** 20 }).meta(noted(table.memory)),
}

const nameOfAccount = () =>
  z.string().refine((text) => readAccountName(text).ok, { error: 'must be the name of an account such as alice' })

/** What a home allows: said for all of them, and once more for single accounts. */
const home = {
  bytes: size({ min: 1 }).nullable().meta({
    description: 'Octets of all files of one account, those on their way in included; null: no limit.',
    over: '552 in FTP, 507 in HTTP; the old file, if any, stays as it was',
  }),
  access: z.enum(['full', 'read-only', 'drop-box']).meta({
    description:
      'What an account may do in its home: all (full), read and nothing else (read-only), or add new files without seeing, changing or removing any (drop-box).',
    over: '550',
  }),
  upload: size({ min: 1 }).nullable().meta({
    description: 'Octets a second that one account uploads, all its transfers of one process together; null: no limit.',
    over: 'transfers are slowed',
  }),
  download: size({ min: 1 }).nullable().meta({
    description: 'Octets a second that one account downloads over FTP, all its transfers of one process together; null: no limit.',
    over: 'transfers are slowed',
  }),
  transfers: count().nullable().meta({
    description: 'Transfers of one account at once, in one process; null: no limit.',
    over: '450 in FTP, 429 in HTTP',
  }),
}

const levels = ['error', 'warn', 'info', 'debug'] as const

/** Settings of the whole, below the top level of the file; `services` stands beside them. */
export const settingsSchema = z.strictObject({
  host: address().default('127.0.0.1').meta({
    description:
      'Numeric address to listen on. "::" (all, IPv6 and IPv4) and 0.0.0.0 (all, IPv4) open the services to the network.',
  }),
  ports: z.enum(['high', 'well-known', 'any']).default('high').meta({
    description:
      'Ports of services that give none: high (8080, 2121, …), well-known (80, 21, …; needs root or a permission), any (the system chooses, `havre status` tells).',
  }),
  hostname: domain()
    .prefault('localhost')
    .meta({ description: 'How the servers name themselves in greetings.', source: 'RFC 5321 §4.1.3' }),
  data: path().prefault('../data').meta({ description: 'Folder of everything that must not be lost.' }),
  logs: path().prefault('../logs').meta({ description: 'Folder of the logs.' }),
  user: z
    .string()
    .min(1)
    .nullable()
    .default(null)
    .meta({ description: 'System account to become once the well-known ports are bound.' }),
  domains: z
    .array(domain())
    .min(1)
    .prefault(['havre.test', 'localhost'])
    .meta({ description: 'Mail domains that are local; new addresses are written with the first.' }),
  demo: z.boolean().default(true).meta({
    description:
      'Whether the accounts alice and bob are made, with a demo password, while there is no account yet; on loopback only.',
  }),
  drain: duration()
    .prefault('30s')
    .meta({ description: 'How long a replaced or stopping service may finish what it is in.', over: 'conversations are cut' }),
  tls: z
    .strictObject({
      certificate: z
        .union([z.literal('auto'), path()])
        .default('auto')
        .meta({
          description: 'PEM file with the certificate and its chain; auto: from a local authority, made at the first start.',
        }),
      key: z
        .union([z.literal('auto'), path()])
        .default('auto')
        .meta({ description: 'PEM file with the private key of the certificate.' }),
      certificates: z
        .array(
          z.strictObject({
            certificate: path().meta({ description: 'PEM file with the certificate and its chain.' }),
            key: path().meta({ description: 'PEM file with its private key.' }),
          }),
        )
        .default([])
        .meta({
          description: 'Further certificates: a client gets the one that is for the host it asks for, else the first of all.',
          source: 'RFC 6066 §3',
        }),
    })
    .prefault({})
    .meta({ description: 'The certificate of all services. Its files are watched: new ones are used at once.' }),
  mail: z
    .strictObject({
      aliases: z
        .record(mailbox(), z.array(mailbox()).min(1))
        .default({})
        .meta({ description: 'Further mailbox names, each with the accounts (or aliases) that get its mail.' }),
      catchAll: mailbox().nullable().default(null).meta({
        description:
          'Account that gets the mail nobody else gets, for any address and domain: capture mode for developers; null: such mail is refused.',
      }),
      maxSize: size({ min: 1 })
        .prefault('50MB')
        .meta({ description: 'The largest message.', over: '552 5.3.4', source: 'RFC 1870' }),
      quota: z
        .strictObject({
          bytes: size({ min: 1 }).prefault('1GiB').meta({
            description: 'Octets of all messages of one account.',
            over: '452 4.2.2; 552 5.2.2 to a message that is larger than that',
          }),
          messages: count().default(100_000).meta({ description: 'Messages of one account.', over: '452 4.2.2' }),
        })
        .prefault({})
        .meta({ description: 'What a mailbox holds at most.' }),
      retention: z
        .strictObject({
          age: duration({ min: 60_000 }).nullable().default(null).meta({
            description: 'How long a message stays after it arrived; null: for ever.',
            over: 'the message is removed',
          }),
          messages: count()
            .nullable()
            .default(null)
            .meta({ description: 'Messages that stay; null: all.', over: 'the oldest are removed' }),
          size: size({ min: 1 }).nullable().default(null).meta({
            description: 'Octets of all messages that stay; null: all.',
            over: 'the oldest messages are removed',
          }),
        })
        .prefault({})
        .meta({ description: 'What of its mail a mailbox keeps: what is over is removed without a word, the oldest first.' }),
      bareNewlines: z.enum(['reject', 'normalize']).default('reject').meta({
        description: 'Messages with line breaks other than CRLF: refused, or taken with each made CRLF.',
        source: 'RFC 5321 §2.3.8',
      }),
    })
    .prefault({})
    .meta({ description: 'Mailboxes and messages.' }),
  files: z
    .strictObject({
      sync: z.enum(['always', 'never']).default('always').meta({
        description:
          'Whether an upload is on the disk before it is acknowledged: what is uploaded survives a crash of the program either way, loss of power only with always.',
      }),
      keepPartials: duration({ min: 1000 }).prefault('24h').meta({
        description: 'How long what came of a broken upload is kept, for its account to continue it.',
        over: 'it is removed',
      }),
      quota: z
        .strictObject({ bytes: home.bytes.default(null) })
        .prefault({})
        .meta({ description: 'What a home holds at most.' }),
      access: home.access.default('full'),
      bandwidth: z
        .strictObject({ upload: home.upload.default(null), download: home.download.default(null) })
        .prefault({})
        .meta({
          description:
            'How fast one account transfers at most: over FTP, and by PUT over HTTP. What anybody reads over HTTP is not slowed.',
        }),
      transfers: home.transfers.default(null),
      accounts: z
        .record(
          nameOfAccount(),
          z.strictObject({
            quota: z.strictObject({ bytes: home.bytes.optional() }).optional(),
            access: home.access.optional(),
            bandwidth: z.strictObject({ upload: home.upload.optional(), download: home.download.optional() }).optional(),
            transfers: home.transfers.optional(),
          }),
        )
        .default({})
        .meta({ description: 'Single accounts for which quota, access, bandwidth or transfers differ.' }),
    })
    .prefault({})
    .meta({ description: 'Uploaded files.' }),
  limits: z
    .strictObject({
      connections: limits.connections.default(table.connections.defaults.http),
      connectionsPerAddress: limits.connectionsPerAddress.default(table.connectionsPerAddress.defaults.http),
      connectionsPerSecond: limits.connectionsPerSecond.default(table.connectionsPerSecond.defaults.http),
      idle: limits.idle.default('auto'),
      login: limits.login.default('auto'),
      total: limits.total.prefault(table.total.defaults.http),
      handshake: limits.handshake.prefault(table.handshake.defaults.http),
      memory: limits.memory.prefault(table.memory.defaults.http),
    })
    .prefault({})
    .meta({ description: 'Limits of each service; a service may have its own.' }),
  logins: z
    .strictObject({
      delay: duration()
        .prefault('250ms')
        .meta({ description: 'Delay of the answer to the first bad login; doubled with each further one from that address.' }),
      maxDelay: duration().prefault('4s').meta({ description: 'The longest of these delays.' }),
      window: duration({ min: 1 }).prefault('10m').meta({ description: 'How long a bad login counts.' }),
      accountThreshold: count()
        .default(10)
        .meta({ description: 'Bad logins on one account, from whatever address, from which on they are delayed too.' }),
      blockAfter: count().default(table.blockAfter.defaults.ftp).meta(noted(table.blockAfter)),
      block: duration().prefault('10m').meta({ description: 'How long it is refused.' }),
      scram: z.boolean().default(true).meta({
        description: 'Whether mail programs may log in by SCRAM-SHA-256, which shows that they know a password without sending it.',
      }),
    })
    .prefault({})
    .meta({ description: 'What follows on bad logins, and how one may log in.' }),
  log: z
    .strictObject({
      level: z.enum(levels).default('info').meta({
        description:
          'Least level that is kept: error (act on it), warn (refused or at a limit), info (one record a request), debug (the dialogue).',
      }),
      rotate: z
        .strictObject({
          size: size({ min: 1 })
            .nullable()
            .prefault('50MB')
            .meta({ description: 'A log that has grown to this is put away; null: none is for its size.' }),
          daily: z.boolean().default(true).meta({ description: 'Whether the logs of a day (UTC) are put away when it is over.' }),
          keep: count()
            .default(14)
            .meta({ description: 'Of each log, files kept that were put away.', over: 'the oldest is removed' }),
          total: size({ min: 1 })
            .prefault('1GiB')
            .meta({ description: 'Octets of all logs together.', over: 'the oldest that was put away is removed' }),
          compress: z.boolean().default(true).meta({ description: 'Whether what was put away is compressed (gzip).' }),
        })
        .prefault({})
        .meta({ description: 'When logs are put away, and how many are kept.' }),
    })
    .prefault({})
    .meta({ description: 'The journal.' }),
})

/** Settings that every service has, whatever its protocol. */
export const serviceSchema = z.strictObject({
  enabled: z.boolean().default(true).meta({ description: 'Whether the service is started.' }),
  protocol: z.string().meta({ description: 'What it speaks.' }),
  port: port().optional().meta({ description: 'Port to listen on, by protocol and `ports` unless given; 0: the system chooses.' }),
  host: address().optional().meta({ description: 'Numeric address to listen on, instead of the top-level `host`.' }),
  tls: z.enum(['starttls', 'implicit', 'off']).optional().meta({
    description:
      'Encryption: begun in the conversation (starttls, the default), from the first octet (implicit), or none (off; the default of http).',
  }),
  requireTls: z.enum(['auto', 'always', 'never']).optional().meta({
    description: 'Whether a login needs encryption: auto (the default: yes, but not from loopback), always, never. Not for http.',
  }),
  workers: z.int().min(1).max(64).default(1).meta({
    description: 'Processes that share the port and the work of the service; more than one pays where one keeps a core busy.',
  }),
  proxyProtocol: z
    .strictObject({
      from: z.array(network()).min(1).meta({
        description: 'Addresses and networks (10.0.0.0/8) of the proxies that are believed.',
        source: 'PROXY protocol §2',
      }),
    })
    .nullable()
    .default(null)
    .meta({
      description:
        'Proxies in front that tell the real client by the PROXY protocol, version 1 or 2: from their addresses its header is required, from others it is none; null: there are none.',
    }),
  log: z
    .strictObject({
      level: z.enum(levels).optional().meta({ description: 'Least level that is kept of this service.' }),
    })
    .prefault({})
    .meta({ description: 'The journal of this service, instead of the top-level `log`.' }),
  limits: z
    .strictObject({
      connections: limits.connections.optional(),
      connectionsPerAddress: limits.connectionsPerAddress.optional(),
      connectionsPerSecond: limits.connectionsPerSecond.optional(),
      idle: limits.idle.optional(),
      login: limits.login.optional(),
      total: limits.total.optional(),
      handshake: limits.handshake.optional(),
      memory: limits.memory.optional(),
    })
    .prefault({})
    .meta({ description: 'Limits of this service, instead of the top-level ones.' }),
})

export type RawSettings = z.output<typeof settingsSchema>
export type RawService = z.output<typeof serviceSchema>
