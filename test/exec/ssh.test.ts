import { chmod, readFile, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { eventually } from '../kit/eventually.ts'
import { type Family, startFamily } from '../kit/family.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'
import { describeWith } from '../kit/programs.ts'
import { type Ended, run } from '../kit/run.ts'

const profile = fileURLToPath(new URL('../../config/ssh.yaml', import.meta.url))
const off = ['http', 'ftp', 'smtp', 'pop3'].flatMap((name) => ['--set', `services.${name}.enabled=false`])

const start = (folder: TemporaryFolder): Promise<Family> =>
  startFamily({ folder, deadlineMs: 60_000, args: ['--config', profile, '--set', 'services.ssh.port=0', ...off] })

/** What keeps a client to the test's own folder. */
const clientOptions = async (folder: TemporaryFolder, key: string): Promise<string[]> => {
  const hostKey = (await readFile(folder.at('data', 'ssh', 'ssh_host_ed25519_key.pub'), 'utf8')).trim()
  await writeFile(folder.at('known_hosts'), `havre ${hostKey}\n`)
  const options = {
    IdentityFile: folder.at(key),
    IdentitiesOnly: 'yes',
    UserKnownHostsFile: folder.at('known_hosts'),
    HostKeyAlias: 'havre',
    StrictHostKeyChecking: 'yes',
    BatchMode: 'yes',
    ConnectTimeout: '10',
  }
  return ['-F', 'none', ...Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`])]
}

describeWith(['sshd', 'ssh', 'sftp', 'ssh-keygen'], 'OpenSSH by config/ssh.yaml', function () {
  this.timeout(240_000)

  it('runs a command and copies a file for whoever has the key, and for nobody else; its host key stays', async () => {
    await using folder = await temporaryFolder()
    for (const key of ['mine', 'other']) {
      expect((await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', folder.at(key)])).code).to.equal(0)
    }
    await chmod(folder.path, 0o755)
    await using family = await start(folder)
    const port = String(family.port('ssh'))
    const keyBefore = await readFile(folder.at('data', 'ssh', 'ssh_host_ed25519_key'), 'utf8')
    // As its owner would: settings of one's own, then a restart. The test leaves ~/.ssh alone.
    const settings = folder.at('data', 'ssh', 'sshd_config')
    const own = `AuthorizedKeysFile ${folder.at('mine.pub')}\nStrictModes no\n`
    await writeFile(settings, own + (await readFile(settings, 'utf8')))
    expect((await family.havre(['restart', 'ssh'], { deadlineMs: 60_000 })).code).to.equal(0)
    const { username } = userInfo()
    const ssh = async (key: string, ...more: string[]): Promise<Ended> =>
      run('ssh', [...(await clientOptions(folder, key)), ...more, '-p', port, `${username}@127.0.0.1`, 'echo $((6*7))'])
    const mine = await ssh('mine')
    expect(mine.stdout.toString(), mine.stderr).to.equal('42\n')
    expect(mine.code).to.equal(0)
    const other = await ssh('other')
    expect(other.code).to.equal(255)
    expect(other.stderr).to.match(/Permission denied \(publickey\)/)
    await writeFile(folder.at('sent'), Buffer.alloc(300_000, 'Ahoy\n'))
    const batch = `put ${folder.at('sent')} ${folder.at('there')}\nget ${folder.at('there')} ${folder.at('back')}\n`
    const sftp = await run('sftp', [...(await clientOptions(folder, 'mine')), '-P', port, '-b', '-', `${username}@127.0.0.1`], {
      input: batch,
    })
    expect(sftp.code, sftp.stderr).to.equal(0)
    expect(await readFile(folder.at('back'))).to.deep.equal(await readFile(folder.at('sent')))
    const output = (await family.records('ssh')).map(({ text }) => String(text)).join('\n')
    expect(output).to.contain(`Accepted publickey for ${username}`)
    expect(await readFile(folder.at('data', 'ssh', 'ssh_host_ed25519_key'), 'utf8')).to.equal(keyBefore)
  })

  it('leaves no session behind when the family ends', async () => {
    await using folder = await temporaryFolder()
    expect((await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', folder.at('mine')])).code).to.equal(0)
    await chmod(folder.path, 0o755)
    await using family = await start(folder)
    const settings = folder.at('data', 'ssh', 'sshd_config')
    await writeFile(settings, `AuthorizedKeysFile ${folder.at('mine.pub')}\nStrictModes no\n${await readFile(settings, 'utf8')}`)
    expect((await family.havre(['restart', 'ssh'], { deadlineMs: 60_000 })).code).to.equal(0)
    const args = [...(await clientOptions(folder, 'mine')), '-p', String(family.port('ssh')), `${userInfo().username}@127.0.0.1`]
    const session = run('ssh', [...args, `touch ${folder.at('in')}; exec sleep 200`], { deadlineMs: 100_000 })
    await eventually(() => readFile(folder.at('in')))
    await family.stop()
    // The far end is gone: else the client would wait for its 200 seconds.
    expect((await session).code).to.equal(255)
  })
})
