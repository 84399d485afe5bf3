import { chmod, chown, mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { createPasswords } from '../../shared/accounts/password.ts'
import { openAccountStore } from '../../shared/accounts/sqlite-account-store.ts'
import { type Family, startFamily } from '../kit/family.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'
import { type ProgramForOthers, programForOthers } from '../kit/program-for-others.ts'
import { describeWith } from '../kit/programs.ts'
import { run } from '../kit/run.ts'
import { type SourceFile, sourcePrograms, unpackedSource } from './debian-source.ts'
import { differs, eitherWay } from './proftpd-differs.ts'

/** ProFTPD's own tests (GPL-2, fetched and run as they are, nothing of them is kept here). */
const source: SourceFile = {
  path: 'main/p/proftpd-dfsg/proftpd-dfsg_1.3.8%2bdfsg.orig.tar.gz',
  sha256: 'b80e706614949e04f250fadea0a5e424da7c8fe43f30dbadbbbbac8dc0220ead',
}

/**
 * The modules of tests, in as many lanes as there are accounts: each lane has a folder of its own. Left out: CSID, RANG and SITE
 * CHGRP, which are of no standard and not offered here, and all that is about ProFTPD's settings, modules and logs.
 */
const lanes: readonly (readonly string[])[] = [
  ['ABOR'],
  ['LIST', 'PASV', 'PORT', 'MODE', 'STRU', 'SYST', 'TYPE', 'USER', 'QUIT'],
  ['NLST', 'MLSD', 'MLST', 'MDTM', 'MFF', 'MFMT', 'SIZE', 'SITE::CHMOD', 'EPRT', 'EPSV', 'FEAT', 'HELP', 'HOST'],
  [
    ...['ALLO', 'APPE', 'CDUP', 'CLNT', 'CWD', 'DELE', 'MKD', 'NOOP', 'OPTS', 'PASS', 'PWD', 'REST', 'RETR', 'RMD'],
    ...['RNFR', 'RNTO', 'STAT', 'STOR', 'STOU'],
  ],
]

/** What one of them came to. */
interface Result {
  readonly test: string
  readonly outcome: 'passed' | 'failed' | 'not-applicable'
  readonly why: string
}

const runner = fileURLToPath(new URL('./proftpd-run.pl', import.meta.url))
const isRoot = process.getuid?.() === 0
/** Root may do what the tests expect to be refused: the servers, and what they own, are somebody else's. */
const uid = isRoot ? 65_534 : (process.getuid?.() ?? 0)

/** The servers, with an account for each lane. */
const startServers = async (folder: TemporaryFolder, program: ProgramForOthers): Promise<Family> => {
  await chmod(folder.path, 0o755)
  const names = lanes.map((_, lane) => `lane${lane}`)
  for (const path of ['data', 'logs', 'data/files', ...names.map((name) => `data/files/${name}`)]) await mkdir(folder.at(path))
  const store = await openAccountStore(folder.at('data', 'accounts.db'))
  const passwordHash = await createPasswords({ memoryKiB: 64, passes: 1, parallelism: 1 }).hash('test')
  await store.add(...names.map((name) => ({ name, passwordHash })))
  await store.close()
  if (isRoot) {
    for (const path of ['data', 'logs', 'data/accounts.db', 'data/files', ...names.map((name) => `data/files/${name}`)]) {
      await chown(folder.at(path), uid, uid)
    }
  }
  const args = ['--set', 'demo=false', ...(isRoot ? ['--set', 'user=nobody'] : [])]
  return startFamily({ folder, services: ['ftp'], command: program.command, args })
}

describeWith(['perl', ...sourcePrograms], "FTP: ProFTPD's tests of its commands", function () {
  this.timeout(900_000)
  const results = new Map<string, Result>()
  const open = new AsyncDisposableStack()
  after('end the servers', () => open.disposeAsync())

  before('fetch and run them', async function () {
    const folder = open.use(await temporaryFolder())
    for (const name of ['source', 'work']) await mkdir(folder.at(name))
    const tests = await unpackedSource(source, folder.at('source'))
    if (tests === null) {
      if (process.env['HAVRE_REQUIRE_CLIENTS'] === '1') throw new Error('the source of ProFTPD cannot be had here')
      this.skip()
    }
    const servers = open.use(await temporaryFolder())
    const family = open.use(await startServers(servers, open.use(await programForOthers())))
    const ended = await Promise.all(
      lanes.map((modules, lane) => {
        const home = servers.at('data', 'files', `lane${lane}`)
        const args = [runner, join(tests, 'tests'), `${family.port('ftp')}`, `lane${lane}`, home, `${uid}`, ...modules]
        return run('perl', args, { cwd: folder.at('work'), deadlineMs: 500_000 })
      }),
    )
    for (const { code, stdout, stderr } of ended) {
      expect(code, stderr).to.equal(0)
      for (const line of stdout.toString().trim().split('\n')) {
        const result: Result = JSON.parse(line)
        results.set(result.test, result)
      }
    }
  })

  const named = (outcome: Result['outcome']) => [...results.values()].filter((result) => result.outcome === outcome)

  it('are all run', () => {
    expect([...results.keys()]).to.have.length(444)
  })

  it('pass, but for those of which it is written why not', () => {
    const unexpected = named('failed').filter(({ test }) => differs[test] === undefined && !eitherWay.test(test))
    if (unexpected.length > 0) throw new Error(unexpected.map(({ test, why }) => `${test}: ${why}`).join('\n'))
  })

  it('do not pass where it is written that they do not', () => {
    const failed = named('failed').map(({ test }) => test)
    const unexpected = Object.keys(differs).filter((test) => !failed.includes(test))
    if (unexpected.length > 0) throw new Error(unexpected.join('\n'))
  })

  it('are about FTP, and not about the settings of ProFTPD, but for a tenth', () => {
    const apart = named('not-applicable').map(({ test, why }) => `${test}: ${why}`)
    expect(apart, apart.join('\n')).to.have.length(39)
  })
})
