import { refuses } from './wrong.ts'

const exec = (settings: string) => `services:\n  db: { protocol: exec, ${settings} }\n`

describe('a wrong external program is refused', () => {
  refuses([
    {
      name: 'without a command',
      yaml: 'services:\n  db:\n    protocol: exec\n',
      told: ['my.yaml:2:3: services.db.command: is missing; it must be a list, written [one, two]'],
    },
    {
      name: 'with a command in one text, as for a shell',
      yaml: exec('command: mariadbd --port=3306'),
      told: ['my.yaml:2:34: services.db.command: must be a list, written [one, two], not "mariadbd --port=3306"'],
    },
    {
      name: 'with a command of nothing',
      yaml: exec('command: []'),
      told: ['my.yaml:2:34: services.db.command: must not be an empty list'],
    },
    {
      name: 'with what the host would do',
      yaml: exec('command: [x], tls: implicit, workers: 2'),
      told: ['tls', 'workers'].map(
        (name, at) =>
          `my.yaml:2:${[44, 63][at]}: services.db.${name}: is for services of Havre itself; what this program does of the kind is up to its own settings`,
      ),
    },
    {
      name: 'with a pattern that is none',
      yaml: exec("command: [x], ready: { output: '(' }"),
      told: ['my.yaml:2:56: services.db.ready.output: must be a regular expression, not "("'],
    },
    {
      name: 'with another sign of being ready',
      yaml: exec('command: [x], ready: soon'),
      told: ['my.yaml:2:46: services.db.ready: must be port, { output: PATTERN } or { file: PATH }, not "soon"'],
    },
    {
      name: 'with a signal that does not end anything',
      yaml: exec('command: [x], stopSignal: SIGWINCH'),
      told: [
        'my.yaml:2:51: services.db.stopSignal: must be SIGTERM, SIGINT, SIGQUIT, SIGHUP, SIGUSR1, SIGUSR2 or SIGKILL, not "SIGWINCH"',
      ],
    },
    {
      name: 'with a variable that has no name',
      yaml: exec("command: [x], environment: { 'A=B': c }"),
      told: ['my.yaml:2:54: services.db.environment.A=B: must be the name of a variable: letters, digits and underscores'],
    },
    {
      name: 'with a preparation that makes nothing',
      yaml: exec('command: [x], prepare: { command: [y] }'),
      told: ['my.yaml:2:39: services.db.prepare.path: is missing; it must be a path'],
    },
    {
      name: 'with a mistyped setting',
      yaml: exec('command: [x], enviroment: {}'),
      told: ['my.yaml:2:39: services.db.enviroment: there is no such setting; did you mean services.db.environment?'],
    },
    {
      name: 'with a line longer than the journal takes',
      yaml: exec('command: [x], output: { line: 1MB }'),
      told: ['my.yaml:2:55: services.db.output.line: must be at most 8KB, not "1MB"'],
    },
    {
      name: 'with a time of nothing to be ready',
      yaml: exec('command: [x], readyWithin: 0s'),
      told: ['my.yaml:2:52: services.db.readyWithin: must be at least 100ms, not "0s"'],
    },
    {
      name: 'with a time in words to end',
      yaml: exec('command: [x], stopWithin: a while'),
      told: ['my.yaml:2:51: services.db.stopWithin: must be a time with its unit, such as 300ms, 10s, 5m, 2h or 7d, not "a while"'],
    },
    {
      name: 'with a list of variables',
      yaml: exec('command: [x], environment: [A=b]'),
      told: ['my.yaml:2:52: services.db.environment: must be a section of names, each with its value, not a list'],
    },
    {
      name: 'with an argument that is no text',
      yaml: exec('command: [x, {a: b}]'),
      told: ['my.yaml:2:38: services.db.command.1: must be text, not a section'],
    },
    {
      name: 'with two signs of being ready',
      yaml: exec('command: [x], ready: { output: y, file: z }'),
      told: ['my.yaml:2:46: services.db.ready: must be port, { output: PATTERN } or { file: PATH }, not a section'],
    },
    {
      name: 'with the limits of a service of ours',
      yaml: exec('command: [x], limits: { connections: 5 }, proxyProtocol: { from: [127.0.0.1] }'),
      told: [
        'my.yaml:2:47: services.db.limits: is for services of Havre itself; what this program does of the kind is up to its own settings',
        'my.yaml:2:82: services.db.proxyProtocol: is for services of Havre itself; what this program does of the kind is up to its own settings',
      ],
    },
    {
      name: 'with a port that is none',
      yaml: exec('command: [x], port: 70000'),
      told: ['my.yaml:2:45: services.db.port: must be a port from 0 to 65535 (0: the system chooses), not 70000'],
    },
  ])
})
