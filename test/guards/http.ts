import type { Guard } from './guard.ts'

export const guards: readonly Guard[] = [
  {
    name: 'http: a request has two lengths, or a coding and a length (smuggling)',
    file: 'servers/http/engine.ts',
    guard: 'insecureHTTPParser: false,',
    without: 'insecureHTTPParser: true,',
    tests: ['test/http/request-line.test.ts'],
    grep: 'length',
  },
  {
    name: 'http: a coding that is not understood frames the request (smuggling)',
    file: 'servers/http/request.ts',
    guard: "  if (exchange.version === '1.0') return failure(400, asker, { detail: 'HTTP/1.0 has no transfer codings.' })\n",
    without: '',
    tests: ['test/http/request-line.test.ts'],
    grep: 'transfer coding in HTTP',
  },
  {
    name: 'http: two hosts in one request',
    file: 'servers/http/request.ts',
    guard: 'if (times > 1) return failure(400, asker, { detail: \'The header field "Host" is there more than once.\' })',
    without: '',
    tests: ['test/http/request-line.test.ts'],
    grep: 'two Hosts',
  },
  {
    name: 'http: hidden files are served',
    file: 'servers/http/files.ts',
    guard: "names.some((name, at) => (name.startsWith('.') && !(at === 0 && name === '.well-known')) || name.includes('/'))",
    without: "names.some((name) => name.includes('/'))",
    tests: ['test/http/target.test.ts'],
    grep: 'hidden',
  },
  {
    name: 'http: a name with a slash in it is taken for a path',
    file: 'servers/http/files.ts',
    guard: " || name.includes('/'))",
    without: ')',
    tests: ['test/http/target.test.ts'],
    grep: 'escapes that lead nowhere',
  },
  {
    name: 'http: a file name is HTML of the listing',
    file: 'servers/http/page.ts',
    guard: 'text.replace(/[&<>"\']/g, (character) => entities[character] ?? character)',
    without: 'text.replace(/[\\0]/g, (character) => entities[character] ?? character)',
    tests: ['test/http/listing.test.ts'],
    grep: 'escape every name|no tag but their own',
  },
]
