import { chmod, mkdir, readdir, writeFile } from 'node:fs/promises'
import process from 'node:process'
import { expect } from 'chai'
import { havre } from '../kit/family.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'

const start = (folder: TemporaryFolder, data: string, logs: string, ...more: string[]) =>
  havre(['start', '--set', 'ports=any', '--set', `data=${data}`, '--set', `logs=${logs}`, ...more], { cwd: folder.path })

describe('a start whose folders cannot be used', function () {
  this.timeout(120_000)

  for (const setting of ['data', 'logs'] as const) {
    it(`is refused, naming the setting, where ${setting} is a file`, async () => {
      await using folder = await temporaryFolder()
      await writeFile(folder.at('file'), '')
      const wrong = folder.at('file')
      const { code, stderr } = await start(
        folder,
        setting === 'data' ? wrong : folder.at('data'),
        setting === 'logs' ? wrong : folder.at('logs'),
      )
      expect(String(stderr)).to.contain(`${setting}: ${wrong} is not a folder`)
      expect(code).to.equal(100)
    })
  }

  for (const [what, mode, entry] of [
    ['the folder of the lock', 0o700, ''],
    ['the lock', 0o777, '/lock'],
  ] as const) {
    it(`is refused, saying whose it is, where ${what} belongs to another user`, async function () {
      // Only root can leave behind what is another user's.
      if (process.getuid?.() !== 0) this.skip()
      await using folder = await temporaryFolder()
      const run = folder.at('data', 'run')
      await chmod(folder.path, 0o755)
      await mkdir(run, { recursive: true })
      await chmod(folder.at('data'), 0o777)
      await mkdir(folder.at('logs'))
      await chmod(folder.at('logs'), 0o777)
      await writeFile(folder.at('data', 'run', 'lock'), '', { mode: 0o600 })
      await chmod(run, mode)
      const { code, stderr } = await start(folder, folder.at('data'), folder.at('logs'), '--set', 'user=nobody')
      expect(String(stderr)).to.contain(`data: ${run}${entry} belongs to uid 0 and may not be used by uid`)
      expect(String(stderr)).to.contain('chown -R')
      expect(code).to.equal(100)
    })
  }

  it('is refused, naming file, line and setting, where a site has none, and none is made; so is the configuration', async () => {
    await using folder = await temporaryFolder()
    await writeFile(folder.at('my.yaml'), 'services:\n  http: { sites: { shop.test: { root: ./shpo } } }\n')
    const told = `my.yaml:2:39: services.http.sites.shop.test.root: must be a folder: ${folder.at('shpo')} is not there`
    const config = ['--config', 'my.yaml']
    const { code, stderr } = await start(folder, folder.at('data'), folder.at('logs'), ...config)
    expect(String(stderr)).to.contain(told)
    expect(code).to.equal(100)
    const checked = await havre(['check', ...config], { cwd: folder.path })
    expect([checked.code, String(checked.stderr).trim()]).to.deep.equal([100, told])
    expect(await readdir(folder.path)).to.deep.equal(['my.yaml'])
    // Who stops or asks needs no site.
    const status = await havre(['status', '--set', `data=${folder.at('data')}`, ...config], { cwd: folder.path })
    expect(String(status.stderr)).not.to.contain('shpo')
  })

  it('is refused, naming the setting, where the user may not write', async function () {
    if (process.platform === 'win32') this.skip()
    await using folder = await temporaryFolder()
    await mkdir(folder.at('data'))
    await chmod(folder.path, 0o755)
    await chmod(folder.at('data'), 0o555)
    // Root may write anywhere: here it becomes somebody who may not.
    const user = process.getuid?.() === 0 ? ['--set', 'user=nobody'] : []
    const { code, stderr } = await start(folder, folder.at('data'), folder.at('logs'), ...user)
    expect(String(stderr)).to.contain(`data: ${folder.at('data')} may not be written by this user`)
    expect(code).to.equal(100)
  })
})
