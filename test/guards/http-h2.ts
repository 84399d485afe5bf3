import type { Guard } from './guard.ts'

/** What keeps HTTP/2 from being hurt: by what is taken back, asked for nothing, never ended or never taken. */
export const guards: readonly Guard[] = [
  {
    name: 'http/2: downloads of one connection take the files of all',
    file: 'servers/http/h2/h2-session.ts',
    guard:
      'if (this.#shared.underWay >= this.#shared.limits.allStreams && this.#open.size >= fewStreams) return this.#refuse(exchange)',
    without: '',
    tests: ['test/http/h2/together.test.ts'],
    grep: 'about as many downloads',
  },
  {
    name: 'http/2: requests are asked and taken back without end',
    file: 'servers/http/h2/h2-session.ts',
    guard: "if (this.#state !== 'gone' && !this.#resets.take(performance.now())) this.#cutOff('maxResets', 'resets')",
    without: 'this.#resets.take(performance.now())',
    tests: ['test/http/h2/floods.test.ts'],
    grep: 'taken back at once',
  },
  {
    name: 'http/2: pings and settings are answered without end',
    file: 'servers/http/h2/h2-session.ts',
    guard: "if (this.#state !== 'gone' && !this.#control.take(performance.now())) this.#cutOff('maxControlFrames', 'frames')",
    without: 'this.#control.take(performance.now())',
    tests: ['test/http/h2/floods.test.ts'],
    grep: 'of PING',
  },
  {
    name: 'http/2: octets that are spent on nothing are read without end',
    file: 'servers/http/h2/h2-session.ts',
    guard: "if (this.#spare(now) < 0) return this.#cutOff('maxControlFrames', 'octets')",
    without: 'this.#spare(now)',
    tests: ['test/http/h2/floods.test.ts'],
    grep: 'updates of the window',
  },
  {
    name: 'http/2: an answer that nobody takes holds its file for ever',
    file: 'servers/http/h2/h2-session.ts',
    guard: 'if (exchange.movedAt(now) > now - patienceMs) return',
    without: 'if (exchange.movedAt(now) <= now) return',
    tests: ['test/http/h2/floods.test.ts'],
    grep: 'slow windows',
  },
  {
    name: 'http2: an answer that breaks off is ended as if it were whole',
    file: 'servers/http/h2/h2-session.ts',
    guard: 'else exchange.fail()',
    without: 'else exchange.reset()',
    tests: ['test/http/h2/cut-answers.test.ts'],
    grep: 'an upstream server breaks off',
  },
  {
    name: 'http2: an answer that is slow by itself is ended as if it were whole',
    file: 'servers/http/h2/h2-session.ts',
    guard: 'if (!exchange.waits) return',
    without: '',
    tests: ['test/http/h2/cut-answers.test.ts'],
    grep: 'is slow by itself',
  },
  {
    name: 'http2: what we break off counts as taken back by the client',
    file: 'servers/http/h2/h2-session.ts',
    guard: 'if (exchange.over) this.#takenBack()',
    without: 'this.#takenBack()\n      if (exchange.over) void 0',
    tests: ['test/http/h2/cut-answers.test.ts'],
    grep: 'is no reset of the client',
  },
  {
    name: 'http/2: who has said that nothing more comes, and takes nothing, is waited for',
    file: 'servers/http/h2/h2-session.ts',
    guard: 'this.#engine.ended && exchange.waits ? Math.min(endedMs, requestMs) : requestMs',
    without: 'requestMs',
    tests: ['test/http/h2/together.test.ts'],
    grep: 'no longer than a moment',
  },
]
