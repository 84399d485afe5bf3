/** Messages of all kinds, made by code so that no tool changes an octet of them. */
import { bodies } from './bodies.ts'
import { charsets } from './charsets.ts'
import { headers } from './headers.ts'
import type { CorpusMessage } from './message.ts'
import { names } from './names.ts'
import { shapes } from './shapes.ts'
import { structure } from './structure.ts'

/** All of them. */
export const corpus: readonly CorpusMessage[] = [...structure, ...headers, ...charsets, ...names, ...bodies, ...shapes]
