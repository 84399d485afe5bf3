import { refuses } from './wrong.ts'

describe('a wrong setting is refused', () => {
  refuses([
    {
      name: 'an unknown setting',
      yaml: 'hots: 127.0.0.1\n',
      told: ['my.yaml:1:1: hots: there is no such setting; did you mean host?'],
    },
    {
      name: 'a setting in the wrong case',
      yaml: 'limits:\n  ConnectionsPerAddress: 5\n',
      told: ['my.yaml:2:3: limits.ConnectionsPerAddress: there is no such setting; did you mean limits.connectionsPerAddress?'],
    },
    {
      name: 'an unknown setting with nothing near',
      yaml: 'log:\n  colour: red\n',
      told: ['my.yaml:2:3: log.colour: there is no such setting; known here: level, rotate'],
    },
    {
      name: 'a setting in the wrong section',
      yaml: 'maxSize: 5MB\n',
      told: ['my.yaml:1:1: maxSize: there is no such setting; did you mean mail.maxSize?'],
    },
    {
      name: 'a size in words',
      yaml: 'mail:\n  maxSize: 5 megabytes\n',
      told: ['my.yaml:2:12: mail.maxSize: must be a size such as 64KiB, 25MB or 1GiB, not "5 megabytes"'],
    },
    {
      name: 'a negative size',
      yaml: 'mail:\n  maxSize: -1\n',
      told: ['my.yaml:2:12: mail.maxSize: must be a size such as 64KiB, 25MB or 1GiB, not -1'],
    },
    {
      name: 'a size below the least',
      yaml: 'mail:\n  maxSize: 0\n',
      told: ['my.yaml:2:12: mail.maxSize: must be at least 1B, not 0'],
    },
    {
      name: 'half an octet',
      yaml: 'mail:\n  maxSize: 0.5B\n',
      told: ['my.yaml:2:12: mail.maxSize: must be a whole number of octets, not "0.5B"'],
    },
    {
      name: 'a time without its unit',
      yaml: 'drain: 30\n',
      told: ['my.yaml:1:8: drain: must be a time with its unit, such as 300ms, 10s, 5m, 2h or 7d, not 30'],
    },
    {
      name: 'a time with an unknown unit',
      yaml: 'drain: 5 min\n',
      told: ['my.yaml:1:8: drain: must be a time with its unit, such as 300ms, 10s, 5m, 2h or 7d, not "5 min"'],
    },
    {
      name: 'a time that no timer holds',
      yaml: 'limits:\n  idle: 30d\n',
      told: ['my.yaml:2:9: limits.idle: must be at most 24d, not "30d"'],
    },
    {
      name: 'a time below the least',
      yaml: 'limits: { idle: 1ms }\n',
      told: ['my.yaml:1:17: limits.idle: must be at least 10ms, not "1ms"'],
    },
    {
      name: 'a list where one value belongs',
      yaml: 'drain: [30s]\n',
      told: ['my.yaml:1:8: drain: must be a time with its unit, such as 300ms, 10s, 5m, 2h or 7d, not a list'],
    },
    { name: 'yes for true', yaml: 'demo: yes\n', told: ['my.yaml:1:7: demo: must be true or false, not "yes"'] },
    { name: 'null for true or false', yaml: 'demo: null\n', told: ['my.yaml:1:7: demo: must be true or false, not null'] },
    {
      name: 'a word near one of those known',
      yaml: 'ports: well_known\n',
      told: ['my.yaml:1:8: ports: must be high, well-known or any, not "well_known"; did you mean well-known?'],
    },
    {
      name: 'a word near none of those known',
      yaml: 'log: { level: verbose }\n',
      told: ['my.yaml:1:15: log.level: must be error, warn, info or debug, not "verbose"'],
    },
    {
      name: 'a name as the host',
      yaml: 'host: localhost\n',
      told: ['my.yaml:1:7: host: must be a numeric address such as 127.0.0.1, 0.0.0.0 or "::", not "localhost"'],
    },
    {
      name: 'a hostname with odd characters',
      yaml: 'hostname: my_host!\n',
      told: ['my.yaml:1:11: hostname: must be a domain name such as example.org, not "my_host!"'],
    },
    { name: 'no domain', yaml: 'domains: []\n', told: ['my.yaml:1:10: domains: must not be an empty list'] },
    {
      name: 'one domain that is no list',
      yaml: 'domains: havre.test\n',
      told: ['my.yaml:1:10: domains: must be a list, written [one, two], not "havre.test"'],
    },
    {
      name: 'a domain that is none',
      yaml: 'domains:\n  - havre.test\n  - "@example.org"\n',
      told: ['my.yaml:3:5: domains.1: must be a domain name such as example.org, not "@example.org"'],
    },
    { name: 'a number for a section', yaml: 'mail: 5\n', told: ['my.yaml:1:7: mail: must be a section of settings, not 5'] },
    {
      name: 'a certificate without its key',
      yaml: 'tls:\n  certificate: cert.pem\n',
      told: ['my.yaml:2:16: tls.certificate: is a file of its own: tls.key must be one too, not auto'],
    },
    {
      name: 'an account with its own settings for files that can be none, and settings that are none',
      yaml: 'files:\n  accounts:\n    "a b": { access: full }\n    bob: { access: dropbox }\n    carol: { quota: { bytes: lots }, sync: never }\n',
      told: [
        'my.yaml:3:5: files.accounts.a b: must be the name of an account such as alice',
        'my.yaml:4:20: files.accounts.bob.access: must be full, read-only or drop-box, not "dropbox"; did you mean drop-box?',
        'my.yaml:5:30: files.accounts.carol.quota.bytes: must be a size such as 64KiB, 25MB or 1GiB, not "lots"',
        'my.yaml:5:38: files.accounts.carol.sync: there is no such setting; did you mean files.sync?',
      ],
    },
    {
      name: 'an account with its own settings for files twice',
      yaml: 'files:\n  accounts:\n    bob: { access: drop-box }\n    Bob: { transfers: 2 }\n',
      told: ['my.yaml:4:5: files.accounts.Bob: is the same as files.accounts.bob'],
    },
    {
      name: 'limits of files that allow nothing',
      yaml: 'files: { quota: { bytes: 0 }, transfers: 0, bandwidth: { upload: 0 }, keepPartials: 10ms, access: none }\n',
      told: [
        'my.yaml:1:26: files.quota.bytes: must be at least 1B, not 0',
        'my.yaml:1:42: files.transfers: must be at least 1, not 0',
        'my.yaml:1:66: files.bandwidth.upload: must be at least 1B, not 0',
        'my.yaml:1:85: files.keepPartials: must be at least 1s, not "10ms"',
        'my.yaml:1:99: files.access: must be full, read-only or drop-box, not "none"',
      ],
    },
    {
      name: 'aliases in a loop',
      yaml: 'mail:\n  aliases:\n    sales: [office]\n    office: [alice, Sales]\n',
      told: ['my.yaml:3:12: mail.aliases.sales: leads back to itself: sales → office → sales'],
    },
    {
      name: 'aliases in a loop that leads over a tag, an address and another domain',
      yaml: 'domains: [havre.test, bücher.test]\nmail:\n  aliases:\n    a: [b+x, alice]\n    b: [C@BÜCHER.test]\n    c: ["a@xn--bcher-kva.test"]\n',
      told: ['my.yaml:4:8: mail.aliases.a: leads back to itself: a → b → c → a'],
    },
    {
      name: 'two loops that meet',
      yaml: 'mail:\n  aliases:\n    a: [b, c]\n    b: [a]\n    c: [a]\n',
      told: [
        'my.yaml:3:8: mail.aliases.a: leads back to itself: a → b → a',
        'my.yaml:3:8: mail.aliases.a: leads back to itself: a → c → a',
      ],
    },
    {
      name: 'an alias to nobody',
      yaml: 'mail:\n  aliases:\n    sales: []\n',
      told: ['my.yaml:3:12: mail.aliases.sales: must not be an empty list'],
    },
    {
      name: 'an alias that is no list',
      yaml: 'mail:\n  aliases:\n    sales: alice\n',
      told: ['my.yaml:3:12: mail.aliases.sales: must be a list, written [one, two], not "alice"'],
    },
    {
      name: 'an alias to what is no mailbox',
      yaml: 'mail:\n  aliases:\n    sales: [alice bob]\n',
      told: [
        'my.yaml:3:13: mail.aliases.sales.0: must be a mailbox such as sales, or its address at a local domain, not "alice bob"',
      ],
    },
    {
      name: 'an alias that is no mailbox',
      yaml: 'mail:\n  aliases:\n    "sales team": [alice]\n',
      told: ['my.yaml:3:5: mail.aliases.sales team: must be a mailbox such as sales, or its address at a local domain'],
    },
    {
      name: 'an alias to another host',
      yaml: 'mail:\n  aliases:\n    sales: [alice@example.org]\n',
      told: ['my.yaml:3:13: mail.aliases.sales.0: must be local: in havre.test, localhost, or without a domain'],
    },
    {
      name: 'one alias written in two ways',
      yaml: 'mail:\n  aliases:\n    sales: [alice]\n    Sales@Localhost: [bob]\n',
      told: ['my.yaml:4:5: mail.aliases.Sales@Localhost: is the same as mail.aliases.sales'],
    },
    {
      name: 'a list as catchAll',
      yaml: 'mail:\n  catchAll: [alice]\n',
      told: ['my.yaml:2:13: mail.catchAll: must be a mailbox such as sales, or its address at a local domain, not a list'],
    },
    {
      name: 'catchAll on another host',
      yaml: 'mail:\n  catchAll: me@example.org\n',
      told: ['my.yaml:2:13: mail.catchAll: must be local: in havre.test, localhost, or without a domain'],
    },
    {
      name: 'a first delay above the longest',
      yaml: 'logins:\n  delay: 5s\n',
      told: ['my.yaml:2:10: logins.delay: must be at most logins.maxDelay, which is 4s'],
    },
    {
      name: 'a block after no bad login',
      yaml: 'logins:\n  blockAfter: 0\n',
      told: ['my.yaml:2:15: logins.blockAfter: must be at least 1, not 0'],
    },
    { name: 'an empty path', yaml: 'data: ""\n', told: ['my.yaml:1:7: data: must be a path, not ""'] },
    { name: 'a path left empty', yaml: 'data:\n', told: ['my.yaml:1:6: data: must be a path, not null'] },
    { name: 'true for text', yaml: 'user: true\n', told: ['my.yaml:1:7: user: must be text, not true'] },
    {
      name: 'a time of a login without a unit',
      yaml: 'limits:\n  login: 60\n',
      told: ['my.yaml:2:10: limits.login: must be auto, or a time with its unit, such as 300ms, 10s, 5m, 2h or 7d, not 60'],
    },
    {
      name: 'a conversation that is over at once',
      yaml: 'limits:\n  total: 0s\n',
      told: ['my.yaml:2:10: limits.total: must be at least 10ms, not "0s"'],
    },
    {
      name: 'no memory for a connection',
      yaml: 'limits:\n  memory: 10\n',
      told: ['my.yaml:2:11: limits.memory: must be at least 1MiB, not 10'],
    },
    {
      name: 'half a connection of a thousand',
      yaml: 'limits:\n  connections: 0.5\n',
      told: ['my.yaml:2:16: limits.connections: must be a whole number, not 0.5'],
    },
    {
      name: 'no connection a second',
      yaml: 'limits:\n  connectionsPerSecond: 0\n',
      told: ['my.yaml:2:25: limits.connectionsPerSecond: must be more than 0, not 0'],
    },
    {
      name: 'logs that are put away and not kept',
      yaml: 'log:\n  rotate:\n    keep: -1\n',
      told: ['my.yaml:3:11: log.rotate.keep: must be at least 1, not -1'],
    },
    {
      name: 'a rotation in one word',
      yaml: 'log:\n  rotate: daily\n',
      told: ['my.yaml:2:11: log.rotate: must be a section of settings, not "daily"'],
    },
  ])
})
