import { type ExamplesByName, inClear } from './example.ts'

export const encryptionExamples: ExamplesByName = {
  // With TLS: tls.test.ts.
  AUTH: inClear('AUTH TLS', '502 AUTH is not offered', 'AUTH\nS: 501 The name of a mechanism is needed; syntax: AUTH TLS'),
  PBSZ: inClear('PBSZ 0', '503 AUTH TLS first', 'PBSZ x\nS: 501 A number of octets is needed; syntax: PBSZ octets'),
  PROT: inClear('PROT P', '503 AUTH TLS first', 'PROT PX\nS: 501 A letter is needed; syntax: PROT C | P'),
  CCC: inClear('CCC', '502 CCC is not offered', 'CCC x\nS: 501 No argument is taken; syntax: CCC'),
}
