import { mkdir, readdir, rm, statfs, writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { mailRoom } from '../../../cli/doctor/mail-room.ts'
import { mailFile } from '../../../shared/mail/mail-files.ts'
import { openMailStore } from '../../../shared/mail/sqlite-mail-store.ts'
import { type TemporaryFolder, temporaryFolder } from '../../kit/folder.ts'
import { run } from '../../kit/run.ts'
import { put, rejects, to } from '../../mail/contract.ts'
import { makeVersion1 } from '../../mail/version-1.ts'
import { findingsOf, troublesOf } from './patient.ts'

const mib = 2 ** 20

const deliver = async (folder: TemporaryFolder): Promise<void> => {
  const store = await openMailStore({ file: mailFile(folder.at('data')) })
  try {
    await put(store, to('alice'), 'a message')
  } finally {
    await store.close()
  }
}

describe('havre doctor: the room for mail', () => {
  it('is none of its matters where there is no mail yet', async () => {
    await using folder = await temporaryFolder()
    await mkdir(folder.at('data'))
    expect(await findingsOf(mailRoom, folder)).to.deep.equal([])
    expect(await readdir(folder.at('data'))).to.deep.equal([])
  })

  it('is looked at without a change, also where no Havre runs and where the next start brings the file to this version', async () => {
    await using folder = await temporaryFolder()
    const data = folder.at('data')
    await mkdir(data)
    await deliver(folder)
    expect(await troublesOf(mailRoom, folder)).to.deep.equal([])
    expect(await readdir(data)).to.deep.equal(['mail.db'])
    await rm(`${data}/mail.db`)
    makeVersion1(mailFile(data), ['alice'], [Buffer.from('a message')])
    expect(await troublesOf(mailRoom, folder)).to.deep.equal([])
  })

  it('is told, with what mail leaves of it, and found too little where mail is refused', async function () {
    await using folder = await temporaryFolder()
    const data = folder.at('data')
    await mkdir(data)
    // Of this, an eighth is left: 3 MiB.
    const { code } = await run('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', data]).catch(() => ({ code: 1 }))
    if (code !== 0) this.skip() // needs root
    try {
      await deliver(folder)
      expect(await troublesOf(mailRoom, folder)).to.deep.equal([])
      const [well] = await findingsOf(mailRoom, folder)
      expect(well?.message).to.match(
        /^mail is taken: \d+ MiB are left for it, in \S+ and on its disk; with less than 3 MiB it would/,
      )
      const { bavail, bsize } = await statfs(data)
      await writeFile(`${data}/other`, Buffer.alloc(bavail * bsize - 1.5 * mib))
      await rejects('full', deliver(folder))
      const [problem] = await troublesOf(mailRoom, folder)
      expect(problem).to.match(/^problem: mail is refused \(452\), as long as less than 3 MiB are left: [12] MiB are left .* → /)
      await rm(`${data}/other`)
      await deliver(folder)
      expect(await troublesOf(mailRoom, folder)).to.deep.equal([])
    } finally {
      await run('umount', [data])
    }
  })
})
