import { chmod, mkdir } from 'node:fs/promises'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { eventually } from '../kit/eventually.ts'
import { type Family, startFamily } from '../kit/family.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'
import { describeWith } from '../kit/programs.ts'
import { run } from '../kit/run.ts'

const profile = fileURLToPath(new URL('../../config/mysql.yaml', import.meta.url))
const isRoot = process.getuid?.() === 0
const off = ['http', 'ftp', 'smtp', 'pop3'].flatMap((name) => ['--set', `services.${name}.enabled=false`])

const start = (folder: TemporaryFolder): Promise<Family> =>
  startFamily({
    folder,
    deadlineMs: 120_000,
    // Root it refuses to be; the account comes with the package.
    args: [
      '--config',
      profile,
      '--set',
      'services.mysql.port=0',
      ...off,
      ...(isRoot ? ['--set', 'services.mysql.user=mysql'] : []),
    ],
  })

/** What the client prints for a statement, as the account `shop` over TCP. @throws with what it says */
const query = async (port: number, statement: string): Promise<string> => {
  const args = [
    '--no-defaults',
    '--protocol=tcp',
    '--host=127.0.0.1',
    `--port=${port}`,
    '--user=shop',
    '--batch',
    '--skip-column-names',
  ]
  const { code, stdout, stderr } = await run('mariadb', [...args, '-e', statement], { env: { MYSQL_PWD: 'a secret' } })
  expect(code, stderr).to.equal(0)
  return stdout.toString().trim()
}

describeWith(['mariadbd', 'mariadb', 'mariadb-install-db'], 'MariaDB by config/mysql.yaml', function () {
  this.timeout(240_000)

  it('makes its data on the first start, keeps a row through kill -9 and a restart of all, and ends in order', async () => {
    await using folder = await temporaryFolder()
    // Its account has to reach its folder.
    await chmod(folder.path, 0o755)
    await mkdir(folder.at('data'))
    {
      await using family = await start(folder)
      const port = family.port('mysql')
      const accounts =
        "CREATE DATABASE shop; CREATE USER shop@'127.0.0.1' IDENTIFIED BY 'a secret'; GRANT ALL ON shop.* TO shop@'127.0.0.1'"
      const socket = `--socket=${folder.at('data', 'mysql', 'mysql.sock')}`
      const made = await run('mariadb', ['--no-defaults', socket, '-e', accounts])
      expect(made.code, made.stderr).to.equal(0)
      await query(port, "CREATE TABLE shop.t (n INT PRIMARY KEY, word TEXT); INSERT INTO shop.t VALUES (1, 'kept')")
      // No password, no way in.
      const nobody = await run('mariadb', ['--no-defaults', '--protocol=tcp', '--host=127.0.0.1', `--port=${port}`, '--user=root'])
      expect(nobody.code).to.not.equal(0)
      const { pid } = (await family.status()).services[0] ?? { pid: null }
      expect(pid).to.be.a('number')
      process.kill(pid ?? 0, 'SIGKILL')
      await eventually(async () => {
        const [service] = (await family.status()).services
        expect(service).to.include({ state: 'ready', restarts: 1, port })
      }, 60_000)
      expect(await query(port, 'SELECT n, word FROM shop.t')).to.equal('1\tkept')
      await query(port, "INSERT INTO shop.t VALUES (2, 'too')")
      expect(await family.stop()).to.deep.equal({ code: 0, signal: null })
      const records = await family.records('mysql')
      expect(records.map(({ text }) => String(text)).join('\n')).to.contain('Shutdown complete')
      expect(records.filter(({ event }) => event === 'program.prepared')).to.have.length(1)
      expect(records.filter(({ event }) => event === 'program.killed')).to.deep.equal([])
    }
    await using again = await start(folder)
    expect(await query(again.port('mysql'), 'SELECT word FROM shop.t ORDER BY n')).to.equal('kept\ntoo')
  })
})
