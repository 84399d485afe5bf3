import { chmod, chown, mkdir, writeFile } from 'node:fs/promises'
import process from 'node:process'
import { expect } from 'chai'
import { clock } from '../../../cli/doctor/clock.ts'
import { disk } from '../../../cli/doctor/disk.ts'
import { folders } from '../../../cli/doctor/folders.ts'
import { names } from '../../../cli/doctor/names.ts'
import { permissions } from '../../../cli/doctor/permissions.ts'
import { settings } from '../../../cli/doctor/settings.ts'
import { supervisor } from '../../../cli/doctor/supervisor.ts'
import { localFiles } from '../../../shared/tls/local-certificate.ts'
import { familyArgs, havreProgram } from '../../kit/family.ts'
import { type TemporaryFolder, temporaryFolder } from '../../kit/folder.ts'
import { describeWith } from '../../kit/programs.ts'
import { run } from '../../kit/run.ts'
import { findingsOf, patientIn, troublesOf } from './patient.ts'

const isRoot = process.getuid?.() === 0

/** A file system of its own on a folder; null where it cannot be mounted. */
const mounted = async (folder: string, options: string): Promise<AsyncDisposable | null> => {
  await mkdir(folder, { recursive: true })
  const { code } = await run('mount', ['-t', 'tmpfs', '-o', options, 'tmpfs', folder]).catch(() => ({ code: 1 }))
  if (code !== 0) return null
  return {
    [Symbol.asyncDispose]: async () => {
      await run('umount', [folder])
    },
  }
}

const makeData = async (folder: TemporaryFolder): Promise<string> => {
  const data = folder.at('data')
  await mkdir(data, { mode: 0o700 })
  return data
}

describe('havre doctor: permissions and folders', () => {
  before(function () {
    if (process.platform === 'win32') this.skip()
  })

  it('find nothing to say against what Havre makes itself', async () => {
    await using folder = await temporaryFolder()
    expect(await troublesOf(permissions, folder)).to.deep.equal([])
    const data = await makeData(folder)
    await writeFile(`${data}/accounts.db`, '', { mode: 0o600 })
    await mkdir(`${data}/run`, { mode: 0o700 })
    expect(await troublesOf(permissions, folder)).to.deep.equal([])
    expect(await troublesOf(folders, folder)).to.deep.equal([])
  })

  it('find a key, and accounts, that others can read', async () => {
    await using folder = await temporaryFolder()
    const data = await makeData(folder)
    const { folder: tls, server } = localFiles(data)
    await mkdir(tls, { mode: 0o700 })
    await writeFile(server.key, 'key')
    await writeFile(`${data}/accounts.db`, 'accounts')
    await chmod(server.key, 0o644)
    await chmod(`${data}/accounts.db`, 0o660)
    expect(await troublesOf(permissions, folder)).to.have.members([
      `problem: ${data}/accounts.db can be written by others than its owner (0660) → chmod 0600 ${data}/accounts.db`,
      `problem: ${server.key} can be read by others than its owner (0644) → chmod 0600 ${server.key}`,
    ])
  })

  it('let a group read a key that is not of our making, and nobody else', async () => {
    await using folder = await temporaryFolder()
    await makeData(folder)
    await writeFile(folder.at('own.key'), 'key', { mode: 0o640 })
    const sets = [`tls.certificate=${folder.at('own.pem')}`, `tls.key=${folder.at('own.key')}`]
    expect(await troublesOf(permissions, folder, { sets })).to.deep.equal([])
    await chmod(folder.at('own.key'), 0o644)
    expect(await troublesOf(permissions, folder, { sets })).to.have.length(1)
  })

  it('find folders that everybody may write to, and homes that everybody may look into', async () => {
    await using folder = await temporaryFolder()
    const data = await makeData(folder)
    await mkdir(`${data}/files`)
    await chmod(`${data}/files`, 0o755)
    expect(await troublesOf(permissions, folder)).to.deep.equal([
      `hint: other users of this machine may look into the accounts’ files in ${data}/files → chmod 0700 ${data}/files`,
    ])
    await chmod(`${data}/files`, 0o700)
    await chmod(data, 0o777)
    expect(await troublesOf(permissions, folder)).to.deep.equal([
      `problem: everybody may put files into ${data} (0777) → chmod o-w ${data}`,
    ])
  })

  it('find files that are root’s where the user is another', async function () {
    if (!isRoot) this.skip()
    await using folder = await temporaryFolder()
    const data = await makeData(folder)
    await writeFile(`${data}/mail.db`, '', { mode: 0o600 })
    await chown(data, 65_534, 65_534)
    expect(await troublesOf(permissions, folder, { sets: ['user=nobody'] })).to.deep.equal([
      `problem: ${data}/mail.db: belongs to root, not to the user of Havre (uid 65534) → chown -R 65534 ${data}`,
    ])
  })

  it('find what is no folder, or cannot be written', async () => {
    await using folder = await temporaryFolder()
    await writeFile(folder.at('data'), 'a file')
    const [problem] = await troublesOf(folders, folder)
    expect(problem)
      .to.include(`${folder.at('data')}`)
      .and.include('is no folder')
  })

  it('find a file system that is read-only', async function () {
    await using folder = await temporaryFolder()
    await using mount = await mounted(folder.at('data'), 'ro,size=1m')
    if (mount === null) this.skip()
    const troubles = await troublesOf(folders, folder)
    expect(troubles.join()).to.include(`data: ${folder.at('data')} lies on a file system that is read-only`)
  })
})

describe('havre doctor: the disk', () => {
  it('has room', async () => {
    await using folder = await temporaryFolder()
    for (const { message } of await findingsOf(disk, folder))
      expect(message).to.match(/^(?:data|logs): .* has \d+ [GM]iB free \(\d+ %\)/)
  })

  it('is full', async function () {
    await using folder = await temporaryFolder()
    await using mount = await mounted(folder.at('data'), 'size=2m')
    if (mount === null) this.skip()
    await writeFile(folder.at('data', 'large'), Buffer.alloc(2 ** 21))
    const [problem] = await troublesOf(disk, folder)
    expect(problem).to.match(/^problem: data: \S+ has 0 MiB free \(0 %\): at least 111 MiB are needed → .*--set data=FOLDER$/)
  })

  it('has room for no more files', async function () {
    await using folder = await temporaryFolder()
    await using mount = await mounted(folder.at('logs'), 'size=64m,nr_inodes=3')
    if (mount === null) this.skip()
    await writeFile(folder.at('logs', 'one'), '')
    await writeFile(folder.at('logs', 'two'), '')
    expect((await troublesOf(disk, folder)).join('\n')).to.match(/^problem: logs: \S+ has room for 0 more files \(inodes\) → /m)
  })
})

describe('havre doctor: the clock', () => {
  it('is right where nothing speaks against it', async () => {
    await using folder = await temporaryFolder()
    expect(await troublesOf(clock, folder)).to.deep.equal([])
  })

  it('is wrong before there was any Havre', async () => {
    await using folder = await temporaryFolder()
    const [problem] = await troublesOf(clock, folder, { nowMs: 1_000 })
    expect(problem).to.match(/^problem: the clock says 1970-01-01T00:00:01\.000Z, which cannot be → .*timedatectl/)
  })

  it('is wrong where the journal has a record of a later time', async () => {
    await using folder = await temporaryFolder()
    await mkdir(folder.at('logs'))
    const later = new Date(Date.now() + 86_400_000).toISOString()
    const records = ['2026-01-01T00:00:00.000Z', later].map((time) =>
      JSON.stringify({ time, level: 'info', service: 'smtp', event: 'x' }),
    )
    await writeFile(folder.at('logs', 'smtp.log'), `${records.join('\n')}\n`)
    const [problem] = await troublesOf(clock, folder)
    expect(problem).to.include(`the last record of ${folder.at('logs', 'smtp.log')} is of ${later}`)
  })
})

describe('havre doctor: names and settings', () => {
  it('tell of a hostname that has no address', async function () {
    this.timeout(120_000)
    await using folder = await temporaryFolder()
    const [hint] = await troublesOf(names, folder, { sets: ['hostname=nowhere.invalid'] })
    expect(hint).to.match(/^hint: hostname nowhere\.invalid has no address \(\w+\) → /)
    const [warning] = await troublesOf(names, folder, { sets: ['hostname=nowhere.invalid', 'host=0.0.0.0'] })
    expect(warning).to.match(/^warning: /)
  })

  it('tell of servers that other machines reach and that call themselves localhost', async () => {
    await using folder = await temporaryFolder()
    expect(await troublesOf(names, folder)).to.deep.equal([])
    const [warning] = await troublesOf(names, folder, { sets: ['host=0.0.0.0'] })
    expect(warning).to.match(/^warning: the servers call themselves localhost, though other machines reach them → Set hostname/)
  })

  it('tell of settings that do nothing', async () => {
    await using folder = await temporaryFolder()
    const { configuration } = await patientIn(folder)
    const patient = { configuration: { ...configuration, idleSettings: ['files.quota.bytes'] }, services: [], nowMs: 0 }
    const [hint] = await settings.look({ ...patient, seen: { kind: 'absent', why: '' } })
    expect(hint).to.include({ severity: 'hint', message: 'the setting files.quota.bytes does nothing yet' })
  })
})

describe('havre doctor: the supervisor', () => {
  it('says which services do not serve, why, and which ones do not run', async () => {
    await using folder = await temporaryFolder()
    const running = [
      { name: 'http', port: 1, journal: { ok: false, error: 'ENOSPC', dropped: 3 } },
      { name: 'smtp', port: 2, state: 'failed', lastError: 'the disk is gone' },
      { name: 'ftp', port: 3, state: 'draining' },
    ]
    expect((await troublesOf(supervisor, folder, { running })).slice(1)).to.deep.equal([
      'problem: smtp is failed: the disk is gone → Set right what it says, then `havre reload`',
      'hint: ftp is draining → It is tried again by itself; `havre logs` tells more',
      'warning: pop3 is in the configuration, but does not run → `havre reload` takes over the configuration as it is now',
      'problem: the journal of http cannot be written: ENOSPC → Look at the folder of the logs, its disk and its permissions; writing is tried again by itself',
    ])
  })
})

describeWith(['prlimit'], 'havre doctor: limits of the system', function () {
  this.timeout(120_000)

  it('tell of fewer open files than connections need', async () => {
    await using folder = await temporaryFolder()
    const doctor = [process.execPath, ...havreProgram, 'doctor', '--json', ...familyArgs(folder)]
    const { stdout, code } = await run('prlimit', ['--nofile=200:200', ...doctor])
    expect(code).to.equal(1)
    const { ok, findings } = JSON.parse(stdout.toString())
    expect(ok).to.equal(false)
    expect(findings.filter(({ severity }: { severity: string }) => severity === 'warning')[0]).to.include({
      check: 'system',
      service: 'http',
      message: 'http may have 1000 connections, for which 2128 open files are needed; the system allows 200',
    })
  })
})
