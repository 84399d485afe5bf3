import { spawnSync } from 'node:child_process'
import { mkdir, readdir, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import type { MailStore } from '../../shared/mail/mail-store.ts'
import { openMailStore } from '../../shared/mail/sqlite-mail-store.ts'
import { PermanentError } from '../../shared/service.ts'
import { octetsOf, put, rejects, to } from './contract.ts'
import { type SqlitePlace, sqlitePlace } from './place.ts'
import { makeVersion1 } from './version-1.ts'

describe('the SQLite store, read only', () => {
  let place: SqlitePlace
  beforeEach(async () => {
    place = await sqlitePlace()
  })
  afterEach(() => place.remove())

  const readsOnly = async (store: MailStore): Promise<void> => {
    const messages = await store.list('alice')
    expect(messages).to.have.length(1)
    for (const { id } of messages) expect(String(await octetsOf(store.read('alice', id)))).to.equal('Subject: x\r\n\r\nbody')
    expect(await store.usage('alice')).to.deep.equal({ octets: 18, messages: 1 })
    const [head] = await Array.fromAsync(store.heads('alice', messages))
    expect(String(head?.octets)).to.equal('Subject: x\r\n\r\n')
    await rejects('damaged', put(store, to('alice'), 'x'))
    await rejects('damaged', store.open('alice'))
  }

  it('reads what is there, beside one that writes, and writes nothing', async () => {
    const writer = await place.open()
    await put(writer, to('alice'), 'Subject: x\r\n\r\nbody')
    const reader = await place.open({ readOnly: true })
    await readsOnly(reader)
    await put(writer, to('alice'), 'second')
    expect(await reader.list('alice')).to.have.length(2)
    await reader.close()
    expect(await writer.list('alice')).to.have.length(2)
  })

  it('makes no file, and refuses one of another version', async () => {
    await rejects('damaged', place.open({ readOnly: true }))
    expect(await readdir(place.folder)).to.deep.equal([])
    makeVersion1(place.file, ['alice'], [Buffer.from('x')])
    const before = await stat(place.file)
    const error = await place.open({ readOnly: true }).catch((reason: unknown) => reason)
    expect(error)
      .to.be.instanceOf(PermanentError)
      .with.property('message')
      .that.matches(/version 1.*version 2/)
    expect((await stat(place.file)).mtimeMs).to.equal(before.mtimeMs)
  })

  it('reads from a disk that cannot be written', async function () {
    const disk = join(place.folder, 'disk')
    await mkdir(disk)
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=3m', 'tmpfs', disk]).status !== 0) this.skip() // needs root
    try {
      const writer = await openMailStore({ file: join(disk, 'mail.db') })
      await put(writer, to('alice'), 'Subject: x\r\n\r\nbody')
      await writer.close()
      for (const name of ['mail.db-wal', 'mail.db-shm']) await rm(join(disk, name), { force: true })
      expect(spawnSync('mount', ['-o', 'remount,ro', disk]).status).to.equal(0)
      const reader = await openMailStore({ file: join(disk, 'mail.db'), readOnly: true })
      try {
        await readsOnly(reader)
      } finally {
        await reader.close()
      }
    } finally {
      spawnSync('umount', [disk])
    }
  })
})
