import { mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { openAccountStore } from '../../shared/accounts/sqlite-account-store.ts'
import type { MailStore } from '../../shared/mail/mail-store.ts'
import { openMailStore } from '../../shared/mail/sqlite-mail-store.ts'
import { havre } from '../kit/family.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'
import { seeded } from '../kit/seeded.ts'
import { type Kept, kept, someMessage, write } from './folders.ts'

describe('havre mail export, import and delete', function () {
  // Many processes start here.
  this.timeout(120_000)
  let folder: TemporaryFolder
  let store: MailStore
  beforeEach(async () => {
    folder = await temporaryFolder()
    await mkdir(folder.at('data'))
    const accounts = await openAccountStore(folder.at('data', 'accounts.db'))
    for (const name of ['alice', 'bob'])
      await accounts.add({ name, passwordHash: '$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAA' })
    await accounts.close()
    // Open all the while, as a service has it.
    store = await openMailStore({ file: folder.at('data', 'mail.db') })
  })
  afterEach(async () => {
    await store.close()
    await folder.remove()
  })

  const mail = async (...args: string[]) => {
    const { code, stdout, stderr } = await havre(['mail', ...args, '--set', `data=${folder.at('data')}`], { cwd: folder.path })
    return { code, text: stdout.toString(), stderr }
  }

  const put = async (account: string, messages: readonly Kept[]): Promise<void> => {
    for (const { text, receivedAt, sender, flags, utf8 } of messages) {
      const delivery = store.deliver(
        { sender, utf8, recipients: [{ account, address: `${account}@havre.test` }] },
        { receivedAt, flags },
      )
      await delivery.write(text)
      await delivery.commit()
    }
  }

  const mailboxOf = async (account: string): Promise<Kept[]> => {
    const found: Kept[] = []
    for (const { id, receivedAt, sender, flags, utf8 } of await store.list(account))
      found.push({ text: Buffer.concat(await Array.fromAsync(store.read(account, id))), receivedAt, sender, flags, utf8 })
    return found
  }

  const large = kept(Buffer.from(`Subject: large\r\n\r\n${'From here on: some words\r\n'.repeat(100_000)}`))

  for (const format of ['maildir', 'mbox'])
    it(`brings a mailbox through ${format} into another one as it was`, async () => {
      const random = seeded()
      const messages = [...Array.from({ length: 80 }, () => someMessage(random)), large, kept('behind the large one\r\n'), kept('')]
      await put('alice', messages)
      const exported = await mail('export', 'alice', 'mail', '--format', format)
      expect(exported.code, exported.stderr).to.equal(0)
      expect(exported.text).to.match(/^exported 83 messages \(\S+ \wB\) of alice to /)
      const imported = await mail('import', 'bob', 'mail')
      expect(imported.code, imported.stderr).to.equal(0)
      expect(imported.text).to.match(/^imported 83 messages .* into the mailbox of bob\n$/)
      expect(imported.stderr).to.equal('')
      expect(await mailboxOf('bob')).to.deep.equal(messages)
      expect(await mailboxOf('alice')).to.deep.equal(messages)
    })

  it('writes nothing over what is there, unless it is to add to it', async () => {
    await put('alice', [kept('a\r\n')])
    await writeFile(folder.at('text'), 'no mail\n')
    await mkdir(folder.at('folder', 'within'), { recursive: true })
    for (const [path, format, ...append] of [
      ['text', 'mbox'],
      ['text', 'mbox', '--append'],
      ['folder', 'maildir'],
      ['folder', 'maildir', '--append'],
      ['/dev/null', 'mbox', '--append'],
    ] as const) {
      const { code, text, stderr } = await mail('export', 'alice', path, '--format', format, ...append)
      expect({ code, text }, `${path} ${format} ${append}`).to.deep.equal({ code: 100, text: '' })
      expect(stderr).to.match(/nothing is overwritten|is no mbox/)
    }
    expect(await readFile(folder.at('text'), 'utf8')).to.equal('no mail\n')
    expect((await readdir(folder.path)).sort()).to.deep.equal(['data', 'folder', 'text'])
    expect(await readdir(folder.at('folder'))).to.deep.equal(['within'])
  })

  it('leaves nothing of an export that fails in the middle', async () => {
    await put('alice', [kept('a\r\n'), kept('b\r\n')])
    await store.close()
    const { DatabaseSync } = await import('node:sqlite')
    const database = new DatabaseSync(folder.at('data', 'mail.db'))
    database.exec('UPDATE chunk SET data = zeroblob(length(data)) WHERE id = (SELECT max(id) FROM chunk)')
    database.close()
    for (const format of ['maildir', 'mbox']) {
      const { code, stderr } = await mail('export', 'alice', 'mail', '--format', format)
      expect(code).to.equal(111)
      expect(stderr).to.include('message 2 is damaged')
      expect(await readdir(folder.path)).to.deep.equal(['data'])
    }
  })

  it('adds to an mbox only while no other program holds it', async () => {
    await put('alice', [kept('a\r\n')])
    await write('mbox', folder.at('mail'), [kept('there\r\n')])
    await writeFile(folder.at('mail.lock'), '')
    const { code, stderr } = await mail('export', 'alice', 'mail', '--format', 'mbox', '--append')
    expect(code).to.equal(111)
    expect(stderr).to.include('another program holds')
    expect((await readdir(folder.path)).sort()).to.deep.equal(['data', 'mail', 'mail.lock'])
  })

  it('imports nothing with --dry-run, and makes no store', async () => {
    await write('mbox', folder.at('mail'), [kept('a\r\n'), kept('b\r\n')])
    const { code, text } = await mail('import', 'alice', 'mail', '--dry-run', '--json')
    expect(code).to.equal(0)
    expect(JSON.parse(text)).to.include({ account: 'alice', messages: 2, stored: false })
    expect(await mailboxOf('alice')).to.deep.equal([])
  })

  it('says of an import that fails how far it came, and goes on from there', async () => {
    const messages = Array.from({ length: 10 }, (_, at) => kept(`message ${at}\r\n`))
    await write('mbox', folder.at('mail'), messages)
    const limit = ['--respect-quota', '--set', 'mail.quota.messages=4']
    const first = await mail('import', 'alice', 'mail', ...limit)
    expect(first.code, first.stderr).to.equal(111)
    expect(first.stderr).to.include('4 messages imported').and.to.include('"message 5 (at octet').and.to.include('--skip 4')
    const second = await mail('import', 'alice', 'mail', '--skip', '4', '--set', 'mail.quota.messages=4')
    expect(second.code, second.stderr).to.equal(0)
    expect(second.text).to.include('imported 6 messages').and.to.include('the first 4 skipped')
    expect(await mailboxOf('alice')).to.deep.equal(messages)
  })

  it('says of what cannot be imported why', async () => {
    await writeFile(folder.at('text'), 'no mail\n')
    await mkdir(folder.at('folder'))
    await symlink('nowhere', folder.at('link'))
    for (const [path, word, ...args] of [
      ['text', 'is no mbox'],
      ['folder', 'is no Maildir'],
      ['missing', 'is not there'],
      ['link', 'is not there'],
      ['/dev/null', 'neither a file nor a folder'],
      ['text', 'a Maildir is a folder', '--format', 'maildir'],
      ['folder', 'an mbox is a file', '--format', 'mbox'],
    ] as const) {
      const { code, stderr } = await mail('import', 'alice', path, ...args)
      expect(code, path).to.equal(100)
      expect(stderr).to.include(word)
    }
    expect((await mail('import', 'nobody', 'text')).stderr).to.include('there is no account "nobody"')
  })

  describe('delete', () => {
    it('removes those that are named, by id, by time or all', async () => {
      await put(
        'alice',
        [2020, 2021, 2022, 2023, 2024].map((year) => kept(`${year}\r\n`, { receivedAt: new Date(`${year}-06-01T00:00:00Z`) })),
      )
      const left = async () => (await mailboxOf('alice')).map(({ text }) => Number(text.toString()))
      expect(await mail('delete', 'alice', '2', '4')).to.include({ code: 0, text: 'deleted 2 messages (12 B) of alice\n' })
      expect(await left()).to.deep.equal([2020, 2022, 2024])
      expect((await mail('delete', 'alice', '--before', '2022-01-01')).code).to.equal(0)
      expect(await left()).to.deep.equal([2022, 2024])
      const { text } = await mail('delete', 'alice', '--all', '--json')
      expect(JSON.parse(text)).to.deep.equal({ account: 'alice', deleted: ['3', '5'], octets: 12 })
      expect(await left()).to.deep.equal([])
    })

    it('removes nothing when one of them is not there, or it is not clear which', async () => {
      await put('alice', [kept('a\r\n')])
      for (const args of [['1', '7'], [], ['1', '--all'], ['--all', '--before', '1d'], ['--before', 'x']])
        expect((await mail('delete', 'alice', ...args)).code, args.join(' ')).to.equal(100)
      expect(await mailboxOf('alice')).to.have.length(1)
    })

    it('is refused while a session has the mailbox', async () => {
      await put('alice', [kept('a\r\n')])
      const session = await store.open('alice')
      const { code, stderr } = await mail('delete', 'alice', '--all')
      expect(code).to.equal(111)
      expect(stderr).to.include('held by another session')
      await session?.release()
      expect((await mail('delete', 'alice', '--all')).code).to.equal(0)
    })
  })

  it('explain themselves with examples', async () => {
    for (const command of ['export', 'import', 'delete']) {
      const { code, text } = await mail(command, '--help')
      expect(code).to.equal(0)
      expect(text).to.include(`Examples:\n  $ havre mail ${command} `).and.to.include('Exit codes: ')
    }
  })
})
