import type { Guard } from './guard.ts'

export const guards: readonly Guard[] = [
  {
    name: 'ftp: PORT names somebody else (bounce attack)',
    file: 'servers/ftp/data-commands.ts',
    guard: 'if (target.address !== talk.connection.remote.address || target.port < 1024) return { reply: replies.targetRefused }',
    without: 'if (target.port < 1024) return { reply: replies.targetRefused }',
    tests: ['test/ftp/data-connections.test.ts'],
    grep: 'are refused before the client',
  },
  {
    name: 'ftp: PORT names a well-known port of the client',
    file: 'servers/ftp/data-commands.ts',
    guard: ' || target.port < 1024) return',
    without: ') return',
    tests: ['test/ftp/data-connections.test.ts'],
    grep: 'are refused before the client',
  },
  {
    name: 'ftp: somebody else comes to the passive port and gets the file',
    file: 'servers/ftp/data-connection.ts',
    guard: 'if (!wanted || peer !== this.#options.client) {',
    without: 'if (!wanted) {',
    tests: ['test/ftp/data-connections.test.ts'],
  },
  {
    name: 'ftp: a data connection of another TLS session is taken',
    file: 'servers/ftp/session.ts',
    guard: "if (resumed || this.context.dataTls === 'any') return stream",
    without: 'return stream',
    tests: ['test/ftp/tls.test.ts'],
    grep: 'are refused with a session',
  },
  {
    name: 'ftp: a password crosses the network in clear',
    file: 'servers/ftp/session-commands.ts',
    guard: "return context.requireTls === 'auto' && connection.withinMachine",
    without: "return context.requireTls === 'auto'",
    tests: ['test/ftp/proxies.test.ts'],
    grep: 'asks nobody from elsewhere',
  },
  {
    name: 'ftp: what was said in clear still counts after AUTH TLS',
    file: 'servers/ftp/session.ts',
    guard: "    this.#state = { state: 'login', user: null }\n    this.#log = connection.log\n",
    without: '    this.#log = connection.log\n',
    tests: ['test/ftp/tls.test.ts'],
    grep: 'encrypts, forgets',
  },
]
