import { spawnSync } from 'node:child_process'
import { mkdir, rm, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect } from 'chai'
import { keep, type RoundEnd } from '../../../shared/mail/keeping/keep.ts'
import { openMailStore } from '../../../shared/mail/sqlite-mail-store.ts'
import { put, rejects, to } from '../contract.ts'
import { type SqlitePlace, sqlitePlace } from '../place.ts'

const mib = 2 ** 20

describe('the index of mail, where its disk has little room', () => {
  let place: SqlitePlace
  beforeEach(async () => {
    place = await sqlitePlace()
  })
  afterEach(() => place.remove())

  it('leaves what mailboxes need to be emptied, stays as it is, and goes on where there is more again', async function () {
    const disk = join(place.folder, 'disk')
    await mkdir(disk)
    // Of this, an eighth is left: 3 MiB.
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=24m', 'tmpfs', disk]).status !== 0) this.skip() // needs root
    const [mailFile, indexFile, other] = [join(disk, 'mail.db'), join(disk, 'mail-index.db'), join(disk, 'other')]
    const deliver = async (text: string) => {
      const store = await openMailStore({ file: mailFile })
      await put(store, to('alice'), text)
      await store.close()
    }
    const round = (): Promise<RoundEnd> => {
      const { signal } = new AbortController()
      return keep({ mailFile, indexFile, urgency: 'urgent', retention: null, events: {}, signal })
    }
    const indexed = (): unknown => {
      const index = new DatabaseSync(indexFile, { readOnly: true })
      try {
        return index.prepare('SELECT message FROM progress').get()?.['message']
      } finally {
        index.close()
      }
    }
    try {
      await deliver('the first')
      expect(await round()).to.equal('done')
      await deliver('the second')
      const { bavail, bsize } = await statfs(disk)
      await writeFile(other, Buffer.alloc(bavail * bsize - 1.5 * mib))
      await rejects('full', round())
      expect(indexed()).to.equal(1)
      await rm(other)
      expect(await round()).to.equal('done')
      expect(indexed()).to.equal(2)
    } finally {
      spawnSync('umount', [disk])
    }
  })
})
