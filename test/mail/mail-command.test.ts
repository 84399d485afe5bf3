import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { mkdir, readdir } from 'node:fs/promises'
import { expect } from 'chai'
import { openAccountStore } from '../../shared/accounts/sqlite-account-store.ts'
import type { MailStore } from '../../shared/mail/mail-store.ts'
import { openMailStore } from '../../shared/mail/sqlite-mail-store.ts'
import { havre, havreProgram } from '../kit/family.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'
import { put, to } from './contract.ts'

const hostile = '\u001b]0;owned\u0007\u001b[31m\u009b2J'

const multipart = [
  'From: =?utf-8?Q?J=C3=BCrgen?= <juergen@example.org>',
  'To: alice@havre.test',
  'Subject: =?utf-8?Q?Gr=C3=BC=C3=9Fe?=',
  'Date: Sat, 21 Nov 2026 10:00:00 +0000',
  'MIME-Version: 1.0',
  'Content-Type: multipart/mixed; boundary=x',
  '',
  '--x',
  'Content-Type: text/plain; charset=utf-8',
  '',
  `The text, with a tab\tand ${hostile} in it.`,
  '--x',
  'Content-Type: application/pdf; name="report.pdf"',
  'Content-Disposition: attachment; filename="report.pdf"',
  'Content-Transfer-Encoding: base64',
  '',
  'AAECAwQF',
  '--x--',
  '',
].join('\r\n')

describe('havre mail', () => {
  let folder: TemporaryFolder
  let store: MailStore | null
  beforeEach(async () => {
    folder = await temporaryFolder()
    await mkdir(folder.at('data'))
    const accounts = await openAccountStore(folder.at('data', 'accounts.db'))
    await accounts.add({ name: 'alice', passwordHash: '$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAA' })
    await accounts.close()
    store = null
  })
  afterEach(async () => {
    await store?.close()
    await folder.remove()
  })

  /** Stays open while the command runs: a service has it open too. */
  const mailbox = async (...messages: (string | Buffer)[]): Promise<readonly string[]> => {
    store = await openMailStore({ file: folder.at('data', 'mail.db') })
    const ids: string[] = []
    for (const message of messages) ids.push(...(await put(store, to('alice'), message)))
    return ids
  }

  const mail = async (...args: string[]) => {
    const { code, stdout, stderr } = await havre(['mail', ...args, '--set', `data=${folder.at('data')}`])
    return { code, stdout, text: stdout.toString(), stderr }
  }

  const harmless = (text: string) => expect(text).not.to.match(/[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/)

  describe('list', () => {
    it('prints id, date, sender, subject and octets of each message, oldest first', async () => {
      const [first, second] = await mailbox('Subject: one\r\n\r\nx\r\n', multipart)
      const { code, text } = await mail('list', 'alice')
      expect(code).to.equal(0)
      const [head, ...rows] = text.trimEnd().split('\n')
      expect(head?.trim().split(/ +/)).to.deep.equal(['ID', 'DATE', 'SENDER', 'SUBJECT', 'OCTETS'])
      expect(rows).to.have.length(2)
      expect(rows[0]).to.match(new RegExp(`^ *${first}  \\d{4}-\\d\\d-\\d\\d \\d\\d:\\d\\dZ  sender@example.org  one +19$`))
      expect(rows[1]).to.match(new RegExp(`^ *${second}  .*Grüße +${Buffer.byteLength(multipart)}$`))
    })

    it('prints JSON', async () => {
      const [id] = await mailbox(multipart)
      const { code, text } = await mail('list', 'alice@havre.test', '--json')
      expect(code).to.equal(0)
      const { account, messages } = JSON.parse(text)
      expect(account).to.equal('alice')
      expect(messages).to.have.length(1)
      expect(messages[0]).to.include({ id, subject: 'Grüße', sender: 'sender@example.org', octets: Buffer.byteLength(multipart) })
      expect(Date.parse(messages[0].date)).to.be.closeTo(Date.now(), 60_000)
    })

    it('lets nothing through that drives a terminal, as JSON neither', async () => {
      const encoded = Buffer.from(hostile).toString('base64')
      await mailbox(`Subject: ${hostile}\r\n\r\n`, `Subject: =?utf-8?B?${encoded}?=\r\n\r\n`)
      for (const args of [
        ['list', 'alice'],
        ['list', 'alice', '--json'],
      ]) {
        const { code, text } = await mail(...args)
        expect(code).to.equal(0)
        harmless(text)
        expect(text).to.include('\\u001b')
      }
    })

    it('of an account without mail is empty, and makes no file', async () => {
      const empty = await mail('list', 'alice')
      expect(empty).to.include({ code: 0, text: '' })
      expect(empty.stderr).to.include('no mail')
      expect(JSON.parse((await mail('list', 'alice', '--json')).text)).to.deep.equal({ account: 'alice', messages: [] })
      expect(await readdir(folder.at('data'))).not.to.include('mail.db')
    })

    it('of an account that is not there says so and exits with 100', async () => {
      await mailbox('x')
      for (const name of ['nobody', '../alice']) {
        const { code, text, stderr } = await mail('list', name)
        expect(code, name).to.equal(100)
        expect(text).to.equal('')
        expect(stderr).to.include(`there is no account ${JSON.stringify(name)}`)
      }
    })

    it('shows the mail that a removed account left', async () => {
      store = await openMailStore({ file: folder.at('data', 'mail.db') })
      await put(store, to('carol'), 'Subject: left\r\n\r\n')
      expect((await mail('list', 'carol')).text).to.include('left')
    })

    it('ends quietly when nobody reads on', async () => {
      await mailbox(...Array.from({ length: 300 }, () => `Subject: ${'x'.repeat(500)}\r\n\r\n`))
      const args = [...havreProgram, 'mail', 'list', 'alice', '--json', '--set', `data=${folder.at('data')}`]
      const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
      let stderr = ''
      child.stderr.on('data', (chunk: Buffer) => {
        stderr += chunk.toString()
      })
      child.stdout.destroy()
      const [code] = await once(child, 'close')
      expect(stderr).to.equal('')
      expect(code).to.equal(0)
    })
  })

  describe('show', () => {
    it('prints header, text and what is attached', async () => {
      const [id = ''] = await mailbox(multipart)
      const { code, text } = await mail('show', 'alice', id)
      expect(code).to.equal(0)
      expect(text).to.match(
        new RegExp(`^Message ${id}, received .*Z from <sender@example.org>, ${Buffer.byteLength(multipart)} octets\n\n`),
      )
      expect(text).to.include('\nFrom: Jürgen <juergen@example.org>\n')
      expect(text).to.include('\nSubject: Grüße\n')
      expect(text).to.include('The text, with a tab\tand \\u001b')
      expect(text).to.include('1 attached:\n  report.pdf, application/pdf, 6 octets\n')
      harmless(text)
    })

    it('prints JSON', async () => {
      const [id = ''] = await mailbox(multipart)
      const { code, text } = await mail('show', 'alice', id, '--json')
      expect(code).to.equal(0)
      harmless(text)
      const shown = JSON.parse(text)
      expect(shown).to.include({
        account: 'alice',
        id,
        subject: 'Grüße',
        to: 'alice@havre.test',
        sentAt: '2026-11-21T10:00:00.000Z',
      })
      expect(shown.attachments).to.deep.equal([{ filename: 'report.pdf', contentType: 'application/pdf', octets: 6 }])
      expect(shown.headers[0]).to.deep.equal({ name: 'From', value: 'Jürgen <juergen@example.org>' })
      expect(shown.text).to.include(hostile)
    })

    it('--raw gives the message octet for octet', async () => {
      const octets = Buffer.concat([Buffer.from('Subject: raw\r\n\r\n'), randomBytes(700_000)])
      const [id = ''] = await mailbox(octets)
      const { code, stdout } = await mail('show', 'alice', id, '--raw')
      expect(code).to.equal(0)
      expect(stdout.equals(octets)).to.equal(true)
    })

    it('of a message that is not there says so and exits with 100', async () => {
      await mailbox('x')
      for (const id of ['999', '\u001b[31m\u009b']) {
        const { code, text, stderr } = await mail('show', 'alice', id)
        expect(code, id).to.equal(100)
        expect(text).to.equal('')
        expect(stderr).to.include(`there is no message ${JSON.stringify(id).replace('\u009b', '\\u009b')} in the mailbox of alice`)
        harmless(stderr)
      }
    })
  })

  it('explains itself with examples', async () => {
    for (const args of [
      ['list', '--help'],
      ['show', '--help'],
    ]) {
      const { code, text } = await mail(...args)
      expect(code).to.equal(0)
      expect(text).to.include('Examples:\n  $ havre mail ')
    }
  })
})
