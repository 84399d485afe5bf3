/** What is encrypted: RFC 4217. */
import { always, type Command, command } from '../command.ts'
import * as grammar from '../grammar.ts'
import * as tls from '../tls-commands.ts'

export const encryptionRows: readonly Command[] = [
  command({
    name: 'AUTH',
    states: always,
    takes: grammar.security,
    run: tls.auth,
    features: ['AUTH TLS'],
    source: 'RFC 4217 §4',
  }),
  command({ name: 'PBSZ', states: always, takes: grammar.bufferSize, run: tls.pbsz, features: ['PBSZ'], source: 'RFC 4217 §8' }),
  command({ name: 'PROT', states: always, takes: grammar.protection, run: tls.prot, features: ['PROT'], source: 'RFC 4217 §9' }),
  command({ name: 'CCC', states: always, takes: grammar.nothing, run: tls.ccc, source: 'RFC 4217 §5' }),
]
