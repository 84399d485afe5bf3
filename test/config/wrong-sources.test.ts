import { refuses } from './wrong.ts'

describe('a wrong file, variable or argument is refused', () => {
  refuses([
    {
      name: 'a quote that is not closed',
      yaml: 'host: "127.0.0.1\nports: any\n',
      told: ['my.yaml:3:1: is not YAML: Missing closing "quote'],
    },
    {
      name: 'a tab as indentation',
      yaml: 'mail:\n	maxSize: 5MB\n',
      told: ['my.yaml:2:1: is not YAML: Tabs are not allowed as indentation'],
    },
    {
      name: 'lines that are not aligned',
      yaml: 'mail:\n    maxSize: 5MB\n  catchAll: alice\n',
      told: ['my.yaml:3:1: is not YAML: All mapping items must start at the same column'],
    },
    { name: 'a missing colon', yaml: 'host 127.0.0.1\n', told: ['my.yaml:1:1: must hold settings, written `name: value`'] },
    {
      name: 'a list that is not closed',
      yaml: 'domains: [a.test, b.test\n',
      told: ['my.yaml:2:1: is not YAML: Flow sequence in block collection must be sufficiently indented and end with a ]'],
    },
    {
      name: 'a value with a colon, without quotes',
      yaml: 'host: ::\n',
      told: ['my.yaml:1:7: is not YAML: a value with a colon in it needs quotes'],
    },
    {
      name: 'an alias of YAML without its anchor',
      yaml: 'host: *h\n',
      told: ['my.yaml:1:7: host: there is no anchor &h before it'],
    },
    { name: 'an unknown tag of YAML', yaml: 'host: !ip 127.0.0.1\n', told: ['my.yaml:1:7: is not YAML: Unresolved tag: !ip'] },
    {
      name: 'two documents in one file',
      yaml: 'host: 127.0.0.1\n---\nports: any\n',
      told: ['my.yaml:2:1: is not YAML: a second document begins here (---), and a file holds one'],
    },
    {
      name: 'a setting twice',
      yaml: 'host: 127.0.0.1\nports: any\nhost: 127.0.0.2\n',
      told: ['my.yaml:3:1: host: is there twice, first in line 1'],
    },
    {
      name: 'a service twice',
      yaml: 'services:\n  http: { port: 1 }\n  ftp: { port: 2 }\n  http: { port: 3 }\n',
      told: ['my.yaml:4:3: services.http: is there twice, first in line 2'],
    },
    { name: 'a list as the whole file', yaml: '- host\n', told: ['my.yaml:1:1: must hold settings, written `name: value`'] },
    { name: 'a word as the whole file', yaml: 'havre\n', told: ['my.yaml:1:1: must hold settings, written `name: value`'] },
    { name: 'a list as a name', yaml: '[a, b]: c\n', told: ['my.yaml:1:1: the name of a setting must be text'] },
    {
      name: 'names that are special in JavaScript',
      yaml: '__proto__: { host: 1.2.3.4 }\nmail: { aliases: { __proto__: [alice], constructor: [alice] } }\n',
      told: [
        'my.yaml:1:1: __proto__: there is no such setting; did you mean ports?',
        'my.yaml:2:20: mail.aliases.__proto__: cannot be a name here',
      ],
    },
    { name: 'a file in Latin-1', yaml: Buffer.from('host: 127.0.0.1 # é\n', 'latin1'), told: ['my.yaml: is not UTF-8'] },
    {
      name: 'a section that holds itself',
      yaml: 'mail: &m\n  aliases: *m\n',
      told: ['my.yaml:2:12: mail.aliases.aliases: holds itself'],
    },
    { name: 'a file that is not there', files: ['nix.yaml'], told: ['nix.yaml: there is no such file'] },
    { name: 'a folder for a file', files: ['.'], told: ['<cwd>: is a folder, not a file'] },
    {
      name: 'a variable with a wrong value',
      env: { HAVRE_SERVICES__HTTP__PORT: 'eighty' },
      told: [
        'environment variable HAVRE_SERVICES__HTTP__PORT: services.http.port: must be a port from 0 to 65535 (0: the system chooses), not "eighty"',
      ],
    },
    {
      name: 'a variable for an unknown setting',
      env: { HAVRE_LIMITS__CONECTIONS: '5' },
      told: [
        'environment variable HAVRE_LIMITS__CONECTIONS: limits.conections: there is no such setting; did you mean limits.connections?',
      ],
    },
    {
      name: 'a variable with one underscore for two',
      env: { HAVRE_LIMITS_IDLE: '5m' },
      told: ['environment variable HAVRE_LIMITS_IDLE: there is no such setting; did you mean HAVRE_LIMITS__IDLE?'],
    },
    {
      name: 'a variable that begins like a setting',
      env: { HAVRE_DATA_DIR: '/x' },
      told: ['environment variable HAVRE_DATA_DIR: there is no such setting; sections and names are joined by two underscores'],
    },
    {
      name: 'a variable with half a list',
      env: { HAVRE_DOMAINS: '[a.test' },
      told: ['environment variable HAVRE_DOMAINS: is not YAML: Flow sequence must end with a ]'],
    },
    {
      name: 'an empty variable',
      env: { HAVRE_HOST: '' },
      told: ['environment variable HAVRE_HOST: host: must be a numeric address such as 127.0.0.1, 0.0.0.0 or "::", not null'],
    },
    {
      name: 'an argument for an unknown setting',
      sets: ['services.http.prot=80'],
      told: ['--set services.http.prot=80: services.http.prot: there is no such setting; did you mean services.http.port?'],
    },
    {
      name: 'an argument without a value',
      sets: ['services.http.port'],
      told: ['--set services.http.port: must be written name=value, as in services.http.port=8081'],
    },
    {
      name: 'an argument without a name',
      sets: ['=5'],
      told: ['--set =5: must be written name=value, as in services.http.port=8081'],
    },
    {
      name: 'an argument with a gap in its name',
      sets: ['a..b=5'],
      told: ['--set a..b=5: must be written name=value, as in services.http.port=8081'],
    },
    {
      name: 'an argument that replaces a section',
      sets: ['services.http=80'],
      told: ['--set services.http=80: services.http: must be a section of settings; `enabled: false` in it switches a service off'],
    },
    {
      name: 'an argument in the wrong case',
      sets: ['limits.connectionsperaddress=80'],
      told: [
        '--set limits.connectionsperaddress=80: limits.connectionsperaddress: there is no such setting; did you mean limits.connectionsPerAddress?',
      ],
    },
    {
      name: 'an argument for one item of a list',
      sets: ['domains.0=a.test'],
      told: ['--set domains.0=a.test: domains: must be a list, written [one, two], not a section'],
    },
    {
      name: 'everything at once, in the order of the sources',
      yaml: 'host: here\nmail:\n  maxSiz: 1MB\n  quota: { messages: 0 }\nservices:\n  http: { port: x }\n',
      env: { HAVRE_PORTS: 'low', HAVRE_USER: '[a]' },
      sets: ['drain=x', 'demo=2'],
      told: [
        'my.yaml:1:7: host: must be a numeric address such as 127.0.0.1, 0.0.0.0 or "::", not "here"',
        'my.yaml:3:3: mail.maxSiz: there is no such setting; did you mean mail.maxSize?',
        'my.yaml:4:22: mail.quota.messages: must be at least 1, not 0',
        'my.yaml:6:17: services.http.port: must be a port from 0 to 65535 (0: the system chooses), not "x"',
        'environment variable HAVRE_PORTS: ports: must be high, well-known or any, not "low"',
        'environment variable HAVRE_USER: user: must be text, not a list',
        '--set demo=2: demo: must be true or false, not 2',
        '--set drain=x: drain: must be a time with its unit, such as 300ms, 10s, 5m, 2h or 7d, not "x"',
      ],
    },
    {
      name: 'a broken file and other sources: what the file may have said is not missed',
      yaml: 'services:\n  web: { protocol: http, port: 81\n',
      sets: ['services.web.port=82', 'drain=x'],
      told: [
        'my.yaml:3:1: is not YAML: Flow map in block collection must be sufficiently indented and end with a }',
        '--set drain=x: drain: must be a time with its unit, such as 300ms, 10s, 5m, 2h or 7d, not "x"',
      ],
    },
  ])
})
