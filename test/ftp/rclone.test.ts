import { mkdir, utimes, writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { describeWith } from '../kit/programs.ts'
import { makeTree, oddNames, treeOf, useProgramLab } from './program-lab.ts'
import { rcloneOf, rcloneTests } from './rclone.ts'

rcloneTests('explicit TLS', 'one connection')

describeWith(['rclone'], 'FTP: rclone', function () {
  this.timeout(120_000)
  const lab = useProgramLab()

  it('has names of all kinds', async () => {
    const { at, rclone } = await rcloneOf(lab(), '', [])
    await mkdir(lab().local('names'))
    for (const name of oddNames) await writeFile(lab().local('names', name), name)
    await rclone('copy', 'names', at('names'))
    expect(await treeOf(lab().home('names'))).to.deep.equal(await treeOf(lab().local('names')))
    await rclone('copy', at('names'), 'back')
    expect(await treeOf(lab().local('back'))).to.deep.equal(await treeOf(lab().local('names')))
  })

  it('reads LIST as well as MLSD, and takes PASV', async () => {
    const { at, rclone } = await rcloneOf(lab(), '', ['--ftp-disable-mlsd', '--ftp-disable-epsv'])
    await makeTree(lab().home('tree'), 12)
    const old = new Date('2001-02-03T00:00:00Z')
    await utimes(lab().home('tree', 'file 0.bin'), old, old)
    await rclone('copy', at('tree'), 'back')
    expect(await treeOf(lab().local('back'))).to.deep.equal(await treeOf(lab().home('tree')))
    expect(lab().heard).to.include('PASV').and.not.include('EPSV')
    expect(lab().heard.some((line) => line.startsWith('MLSD'))).to.equal(false)
  })

  it('is told why, where it takes the session of another of its connections', async () => {
    const { at, run } = await rcloneOf(lab(), ',explicit_tls=true', ['--ftp-tls-cache-size', '0'])
    const { code, stderr } = await run('lsf', at('folder'))
    expect(code).to.not.equal(0)
    expect(stderr).to.include('522 The data connection must resume the TLS session').and.include('dataTls: any')
  })
})
