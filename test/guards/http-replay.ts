import type { Guard } from './guard.ts'

const intake = 'servers/http/replay/intake.ts'
const known = 'servers/http/replay/known-answers.ts'
const place = ['test/http/replay-place.test.ts']
const ends = ['test/http/replay-ends.test.ts']
const heads = ['test/http/replay-heads.test.ts']

export const guards: readonly Guard[] = [
  {
    name: 'http replay: content that looks like a known head is answered',
    file: intake,
    guard: 'if (!this.#between || this.#known === null',
    without: 'if (this.#known === null',
    tests: place,
    grep: 'the content of a request',
  },
  {
    name: 'http replay: a known head is answered before the request in front of it',
    file: intake,
    guard: 'key === null || !this.#session.isFree',
    without: 'key === null',
    tests: place,
    grep: 'waits for its turn',
  },
  {
    name: 'http replay: a request that a known one has let wait is cut by the deadline of a silent client',
    file: intake,
    guard: 'if (this.#passed === passed) stream.setTimeout(timeout)',
    without: 'stream.setTimeout(timeout)',
    tests: ends,
    grep: 'came meanwhile',
  },
  {
    name: 'http replay: an answer that the system refused is in the journal as complete',
    file: intake,
    guard: 'stream.errored === null',
    without: 'true',
    tests: ends,
    grep: 'gone before',
  },
  {
    name: 'http replay: a client that is silent behind a known answer keeps its connection',
    file: intake,
    guard:
      "if (this.#feed === null && !answer.last) this.#stream.on('timeout', this.#fellSilent).setTimeout(this.#patience.keepAliveMs)",
    without: '',
    tests: ends,
    grep: 'silent behind it for as long',
  },
  {
    name: 'http: who connects and goes at once is remembered for as long as it might have been silent',
    file: 'servers/http/replay/newcomers.ts',
    guard: '!newcomer.isGone && newcomer.since > lateSince',
    without: 'newcomer.since > lateSince',
    tests: ['test/http/newcomers.test.ts'],
    grep: 'are forgotten when they are gone',
  },
  {
    name: 'http: who connects and says nothing stays',
    file: 'servers/http/replay/newcomers.ts',
    guard: 'if (!newcomer.isGone) newcomer.silent()',
    without: '',
    tests: ['test/http/newcomers.test.ts'],
    grep: 'are told once',
  },
  {
    name: 'http replay: a client that takes nothing of a long answer is no longer counted',
    file: intake,
    guard: 'answer.copied !== null && this.#known?.inClear',
    without: 'this.#known?.inClear',
    tests: ends,
    grep: 'behind what is long',
  },
  {
    name: 'http replay: a server that ends a connection by itself loses its last answer to what still comes',
    file: known,
    guard: 'last && wishesEnd(exchange)',
    without: 'last',
    tests: ends,
    grep: 'comes in stages',
  },
  {
    name: 'http replay: a server that is being stopped keeps connections for known heads',
    file: 'servers/http/session.ts',
    guard: '      !this.#shared.draining &&\n',
    without: '',
    tests: place,
    grep: 'being stopped',
  },
  {
    name: 'http replay: heads are remembered without end',
    file: known,
    guard: 'if (this.#answers.size > mostHeads && oldest !== undefined)',
    without: 'if (oldest === undefined)',
    tests: heads,
    grep: 'the last thousand',
  },
  {
    name: 'http replay: an answer is given by a certificate that is not for its host',
    file: known,
    guard: "(tls === null ? '' : `${tls.names.join(' ')}\\n`)",
    without: "(tls === null ? '' : '\\n')",
    tests: heads,
    grep: 'the same certificate',
  },
  {
    name: 'http replay: what is compressed beside a file is overlooked for as long as somebody asks',
    file: 'servers/http/static/representation.ts',
    guard: 'this.#aloneUntil(store, path) ?? lookedAt + believedMs',
    without: 'performance.now() + believedMs',
    tests: heads,
    grep: 'believed for a second',
  },
]
