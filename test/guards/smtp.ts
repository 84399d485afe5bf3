import type { Guard } from './guard.ts'

export const guards: readonly Guard[] = [
  {
    name: 'smtp: a password crosses the network in clear',
    file: 'servers/smtp/login.ts',
    guard: "return requireTls === 'auto' && connection.withinMachine",
    without: "return requireTls === 'auto'",
    tests: ['test/smtp/login.test.ts'],
    grep: 'from elsewhere',
  },
  {
    name: 'smtp: commands that came in clear are run after STARTTLS (injection)',
    file: 'servers/smtp/engine.ts',
    guard: '    this.#input.listener = null\n    this.#input.isClosed = true\n',
    without: '',
    tests: ['test/smtp/tls.test.ts'],
    grep: 'came in',
  },
  {
    name: 'smtp: a bare LF ends the message (smuggling)',
    file: 'servers/smtp/body-reader.ts',
    guard: "at = at === 'cr' ? 'line' : this.#loose ? 'loose-line' : 'text'",
    without: "at = 'line'",
    tests: ['test/smtp/smuggling.test.ts'],
    grep: 'ends no message',
  },
  {
    name: 'smtp: a message with bare line breaks is passed on',
    file: 'servers/smtp/intake.ts',
    guard: 'if (bare !== null && this.#normalizer === null) return this.#refuse(bareNewline(bare))',
    without: '',
    tests: ['test/smtp/smuggling.test.ts'],
    grep: 'ends no message',
  },
  {
    name: 'smtp: dots that the sender stuffed stay in the message',
    file: 'servers/smtp/body-reader.ts',
    guard: "          this.#drop(chunk, read)\n          at = 'dot'\n",
    without: "          at = 'dot'\n",
    tests: ['test/smtp/body-reader.test.ts'],
    grep: 'gives one piece for each chunk',
  },
  {
    name: 'smtp: 250 before the store has the message',
    file: 'servers/smtp/intake.ts',
    guard: 'const messages = await this.#delivery.commit()',
    without: 'void this.#delivery.commit().catch(() => undefined)\n      const messages: string[] = []',
    tests: ['test/smtp/store-failures.test.ts'],
    grep: 'commit',
  },
  {
    name: 'smtp: a message over the limit is kept',
    file: 'servers/smtp/intake.ts',
    guard: 'if (this.#octets > maxSizeOctets) return this.#refuse(replies.messageTooBig(maxSizeOctets))',
    without: '',
    tests: ['test/smtp/limits.test.ts'],
    grep: 'past the limit',
  },
  {
    name: 'smtp: what was said in clear still counts after STARTTLS',
    file: 'servers/smtp/conversation.ts',
    guard:
      "    this.#session = { state: 'connected' }\n    this.#situation = { ...this.#situation, log: this.#log }\n    this.#client = null\n",
    without: "    this.#session = { state: 'ready', client: { name: 'x', esmtp: true }, account: null } as never\n",
    tests: ['test/smtp/tls.test.ts'],
    grep: 'encrypts, forgets',
  },
]
