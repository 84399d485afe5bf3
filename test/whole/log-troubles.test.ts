import { spawnSync } from 'node:child_process'
import { chmod, chown, mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { parseRecord } from '../../shared/log/read-record.ts'
import { eventually } from '../kit/eventually.ts'
import { type Family, startFamily } from '../kit/family.ts'
import { temporaryFolder } from '../kit/folder.ts'
import { programForOthers } from '../kit/program-for-others.ts'

const deadlineMs = 60_000

describe('the whole: logs that cannot be written', function () {
  this.timeout(120_000)

  const get = async (family: Family, path: string): Promise<void> => {
    const { status } = await fetch(`http://${family.host}:${family.port('http')}${path}`)
    expect(status).to.equal(404)
  }
  const paths = async (family: Family) =>
    (await readFile(family.folder.at('logs', 'http.log'), 'utf8'))
      .split('\n')
      // A disk that was full leaves halves of lines.
      .map((line) => parseRecord(line).record)
      .flatMap((record) => (record?.['event'] === 'request.finished' ? [record['path']] : []))
  const journals = async (family: Family) => {
    const { stdout } = await family.havre(['status', '--json'])
    const { supervisor, services } = JSON.parse(stdout.toString())
    return { supervisor: supervisor.journal, http: services[0].journal }
  }

  /** Does something to the folder of the logs, again where a record that was written in the middle of it has made the folder or a file anew. */
  const inPeace = (deed: () => Promise<void>) =>
    eventually(async () => {
      try {
        await deed()
        return true
      } catch (error) {
        if (error instanceof Error && 'code' in error && ['ENOTEMPTY', 'EEXIST', 'EISDIR'].includes(String(error.code)))
          return false
        throw error
      }
    }, deadlineMs)

  it('a folder that is removed is made anew; one that cannot be: the service goes on, terminal and status say so', async () => {
    await using family = await startFamily({ services: ['http'] })
    await get(family, '/first')
    const logs = family.folder.at('logs')
    await inPeace(() => rm(logs, { recursive: true, force: true }))
    await eventually(async () => {
      await get(family, '/again')
      expect(await paths(family)).to.include('/again')
    }, deadlineMs)
    await eventually(
      async () =>
        expect(await journals(family)).to.deep.equal({
          supervisor: { ok: true, error: null, dropped: 0 },
          http: { ok: true, error: null, dropped: 0 },
        }),
      deadlineMs,
    )

    await inPeace(async () => {
      await rm(logs, { recursive: true, force: true })
      await writeFile(logs, 'a file in its place', { flag: 'wx' })
    })
    await eventually(async () => {
      await get(family, '/meanwhile')
      expect(family.output()).to.match(/http\.log cannot be written \((?:ENOTDIR|EEXIST)\)/)
    }, deadlineMs)
    const { http } = await journals(family)
    expect(http.ok).to.equal(false)
    expect(http.error).to.match(/^(?:ENOTDIR|EEXIST)$/)
    await rm(logs)
    // What was told meanwhile waited, and none was dropped: there was room.
    await eventually(async () => expect(await paths(family)).to.include('/meanwhile'), deadlineMs)
    // The access log finds its folder again in its own time.
    await eventually(
      async () => expect((await journals(family)).http).to.deep.equal({ ok: true, error: null, dropped: 0 }),
      deadlineMs,
    )
  })

  it('a reload goes on in new files at once: another program has moved the old ones away', async () => {
    await using family = await startFamily({ services: ['http'] })
    await get(family, '/before')
    await eventually(async () => expect(await paths(family)).to.deep.equal(['/before']))
    const access = family.folder.at('logs', 'http.access.log')
    await eventually(async () => expect(await readFile(access, 'utf8')).to.include('GET /before'))
    for (const name of ['http.log', 'http.access.log'])
      await rename(family.folder.at('logs', name), family.folder.at('logs', `${name}.1`))
    const { code, stderr } = await family.havre(['reload'])
    expect(code, stderr).to.equal(0)
    await get(family, '/after')
    // A short time, but the second after which the files would be found out by themselves is over long ago: it is the names that tell.
    await eventually(async () => expect(await readFile(access, 'utf8')).to.match(/^\S+ - - \[[^\]]*\] "GET \/after [^\n]*\n$/))
    expect(await readFile(`${access}.1`, 'utf8')).to.match(/^\S+ - - \[[^\]]*\] "GET \/before [^\n]*\n$/)
    await family.stop()
    expect(await paths(family)).to.deep.equal(['/after'])
  })

  it('a disk that is full: services go on, what was dropped is counted and recorded when there is room again', async function () {
    await using folder = await temporaryFolder()
    const logs = folder.at('logs')
    await mkdir(logs)
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', logs]).status !== 0) this.skip()
    try {
      await using family = await startFamily({ services: ['http'], folder })
      await writeFile(folder.at('logs', 'ballast'), 'x'.repeat(1024 * 1024)).catch(() => undefined)
      await eventually(async () => {
        await get(family, `/${'long'.repeat(200)}`)
        expect(family.output()).to.match(/http\.log cannot be written \(ENOSPC\)/)
      }, deadlineMs)
      await get(family, '/the-last-while-full')
      const { http } = await journals(family)
      expect([http.ok, http.error]).to.deep.equal([false, 'ENOSPC'])
      await rm(folder.at('logs', 'ballast'))
      await eventually(async () => expect(await paths(family)).to.include('/the-last-while-full'), deadlineMs)
      // The access log finds its room again in its own time.
      await eventually(async () => expect((await journals(family)).http.ok).to.equal(true), deadlineMs)
      // No line was glued to the half of another, however much of it the disk had taken.
      expect(
        (await readFile(folder.at('logs', 'http.log'), 'utf8')).split('\n').filter((line) => /.{"time"/.test(line)),
      ).to.deep.equal([])
    } finally {
      spawnSync('umount', ['-l', logs])
    }
  })

  it('a folder that may not be written, as a plain user', async function () {
    if (process.getuid?.() !== 0) this.skip()
    await using folder = await temporaryFolder()
    await chmod(folder.path, 0o755)
    await chown(folder.path, 65_534, 65_534)
    await using program = await programForOthers()
    const { command } = program
    await using family = await startFamily({ services: ['http'], folder, command, args: ['--set', 'user=nobody'] })
    await get(family, '/first')
    await chmod(folder.at('logs'), 0o555)
    await rename(folder.at('logs', 'http.log'), folder.at('logs', 'http.log.1'))
    await eventually(async () => {
      await get(family, '/meanwhile')
      expect(family.output()).to.match(/http\.log cannot be written \(EACCES\)/)
    }, deadlineMs)
    await chmod(folder.at('logs'), 0o755)
    await eventually(async () => expect(await paths(family)).to.include('/meanwhile'), deadlineMs)
  })
})
