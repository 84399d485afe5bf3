import { appendFile, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { describeWith } from '../kit/programs.ts'
import { seeded } from '../kit/seeded.ts'
import type { Setup } from '../kit/serving.ts'
import { holds, makeTree, type ProgramLab, password, treeOf, useProgramLab } from './program-lab.ts'

const content = seeded().octets(1_000_003)

/** How a remote of rclone's is written, for each way to connect. */
const manners = {
  clear: { remote: '', setup: {} },
  'explicit TLS': { remote: ',explicit_tls=true', setup: {} },
  'implicit TLS': { remote: ',tls=true', setup: { tls: 'implicit' } },
} as const satisfies Readonly<Record<string, { remote: string; setup: Partial<Setup> }>>

/**
 * rclone has one cache of sessions for all its connections to a host: with more than one control connection a data connection
 * comes with the session of another one.
 */
const connections = {
  'one connection': { args: ['--ftp-concurrency', '1'], options: {} },
  'as many connections as it wants': { args: [], options: { dataTls: 'any' } },
} as const

/** Runs rclone, whose remotes `at` writes. @param remote settings of the remote, each behind a comma */
export const rcloneOf = async (lab: ProgramLab, remote: string, settings: readonly string[]) => {
  const obscured = (await lab.succeeds('rclone', ['obscure', password])).trim()
  const at = (path: string) => `:ftp,host=localhost,port=${lab.port},user=alice,pass='${obscured}'${remote}:${path}`
  const all = ['--config', lab.local('none'), '--ca-cert', lab.authority, '--retries', '1', ...settings]
  const run = (...args: string[]) => lab.run('rclone', [...all, ...args])
  const rclone = async (...args: string[]) => {
    const { code, stdout, stderr } = await run(...args)
    expect(code, `rclone ${args.join(' ')}\n${stdout}\n${stderr}\n${lab.heard.join('\n')}`).to.equal(0)
    return stdout.toString()
  }
  return { at, run, rclone }
}

/** Copies, syncs, checks, prints and deletes, over one way to connect. */
export const rcloneTests = (manner: keyof typeof manners, many: keyof typeof connections): void => {
  const { remote, setup } = manners[manner]
  const { args, options } = connections[many]
  describeWith(['rclone'], `FTP: rclone, ${manner}, ${many}`, function () {
    this.timeout(120_000)
    const lab = useProgramLab({ ...setup, options })

    it('copies trees both ways, with times, and finds nothing left to do', async () => {
      const { at, rclone } = await rcloneOf(lab(), remote, args)
      await makeTree(lab().local('tree'), 40)
      await writeFile(lab().local('tree', 'large'), content)
      await rclone('copy', 'tree', at('tree'))
      const tree = await treeOf(lab().local('tree'))
      expect(await treeOf(lab().home('tree'))).to.deep.equal(tree)
      expect((await stat(lab().home('tree', 'file 0.bin'))).mtimeMs).to.equal(
        (await stat(lab().local('tree', 'file 0.bin'))).mtimeMs,
      )
      await rclone('copy', at('tree'), 'back')
      expect(await treeOf(lab().local('back'))).to.deep.equal(tree)
      await rclone('check', '--download', 'tree', at('tree'))
      const before = lab().heard.length
      await rclone('copy', 'tree', at('tree'))
      await rclone('copy', at('tree'), 'back')
      const said = lab().heard.slice(before)
      expect(said.filter((line) => /^(?:STOR|RETR|MFMT)/.test(line))).to.deep.equal([])
    })

    it('syncs what changed and takes away what went, checks, prints, moves and deletes', async () => {
      const { at, run, rclone } = await rcloneOf(lab(), remote, args)
      await makeTree(lab().local('tree'), 12)
      await rclone('sync', 'tree', at('tree'))
      await rm(lab().local('tree', 'a b'), { recursive: true })
      await appendFile(lab().local('tree', 'file 0.bin'), 'more')
      expect((await run('check', '--download', 'tree', at('tree'))).code).to.equal(1)
      await rclone('sync', 'tree', at('tree'))
      expect(await treeOf(lab().home('tree'))).to.deep.equal(await treeOf(lab().local('tree')))
      await rclone('check', '--download', 'tree', at('tree'))
      await writeFile(lab().home('text'), '0123456789')
      expect(await rclone('cat', at('text'))).to.equal('0123456789')
      expect(await rclone('cat', '--offset', '3', '--count', '4', at('text'))).to.equal('3456')
      await rclone('moveto', at('text'), at('deep/er/moved'))
      await holds(lab().home('deep', 'er', 'moved'), '0123456789')
      expect(JSON.parse(await rclone('lsjson', '-R', at('deep')))).to.have.length(2)
      await rclone('delete', at('tree'))
      expect(await treeOf(lab().home('tree'))).to.deep.equal({})
      await rclone('purge', at('deep'))
      expect(await readdir(lab().home())).to.deep.equal(['tree'])
    })
  })
}
