/** What is told of files and folders, and changed of that: RFC 959 §4.1.3, RFC 3659, drafts that clients use. */
import { always, type Command, command, loggedIn } from '../command.ts'
import * as facts from '../fact-commands.ts'
import * as takes from '../fact-grammar.ts'
import { mlstFeature } from '../facts.ts'
import * as grammar from '../grammar.ts'
import type { HashName } from '../hash.ts'
import * as hashes from '../hash-commands.ts'

const mfxx = 'draft-somers-ftp-mfxx-04'
const hashDraft = 'draft-bryan-ftpext-hash-02'

/** Commands of the time before HASH. */
const checksums = { XCRC: 'CRC32', XMD5: 'MD5', XSHA1: 'SHA-1', XSHA256: 'SHA-256', XSHA512: 'SHA-512' } as const satisfies Record<
  string,
  HashName
>

export const factRows: readonly Command[] = [
  command({ name: 'SIZE', states: loggedIn, takes: grammar.path, run: facts.size, features: ['SIZE'], source: 'RFC 3659 §4' }),
  command({
    name: 'MDTM',
    states: loggedIn,
    takes: takes.maybeTimedPath,
    run: facts.mdtm,
    features: ['MDTM'],
    source: 'RFC 3659 §3',
  }),
  command({
    name: 'MLST',
    states: loggedIn,
    takes: grammar.optionalPath,
    run: facts.mlst,
    features: [({ facts: chosen }) => mlstFeature(chosen)],
    source: 'RFC 3659 §7',
  }),
  command({
    name: 'MFMT',
    states: loggedIn,
    takes: takes.timeAndPath,
    run: facts.mfmt,
    features: ['MFMT'],
    source: mfxx,
  }),
  command({ name: 'MFCT', states: loggedIn, takes: takes.timeAndPath, run: facts.mfct, source: mfxx }),
  command({
    name: 'MFF',
    states: loggedIn,
    takes: takes.factChanges,
    run: facts.mff,
    features: ['MFF modify;unix.mode;'],
    source: mfxx,
  }),
  command({
    name: 'HASH',
    states: loggedIn,
    takes: grammar.path,
    run: hashes.hash,
    features: [({ hash }) => hashes.hashFeature(hash)],
    source: hashDraft,
  }),
  ...Object.entries(checksums).map(([name, hash]) =>
    command({
      name,
      states: loggedIn,
      takes: takes.hashedPath,
      run: hashes.checksum(hash),
      features: [name],
      source: hashDraft,
    }),
  ),
  command({
    name: 'AVBL',
    states: loggedIn,
    takes: grammar.optionalPath,
    run: facts.avbl,
    features: ['AVBL'],
    source: 'draft-peterson-streamlined-ftp-command-extensions-10',
  }),
]

/** What OPTS says of facts. */
export const factOptionRows: readonly Command[] = [
  command({ name: 'OPTS MLST', states: always, takes: takes.factList, run: facts.optsMlst, source: 'RFC 3659 §7.9' }),
  command({ name: 'OPTS HASH', states: always, takes: takes.hashName, run: hashes.optsHash, source: hashDraft }),
]

/** What SITE changes of files. */
export const factSiteRows: readonly Command[] = [
  command({ name: 'SITE CHMOD', states: loggedIn, takes: takes.modeAndPath, run: facts.siteChmod, source: 'RFC 959 §4.1.3' }),
  command({ name: 'SITE UTIME', states: loggedIn, takes: takes.siteTimes, run: facts.siteUtime, source: 'RFC 959 §4.1.3' }),
]
