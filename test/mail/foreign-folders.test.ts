import { mkdir, unlink, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { readMaildir } from '../../cli/mail/maildir/reader.ts'
import { readMbox } from '../../cli/mail/mbox/reader.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'
import { describeWith } from '../kit/programs.ts'
import { run } from '../kit/run.ts'
import { allOf, kept, readerOf, write } from './folders.ts'

const messages = [
  kept('Return-Path: <sender@example.org>\r\nFrom: bob@example.org\r\nSubject: one\r\n\r\nHi\r\nFrom here\r\n>From there\r\n\r\n', {
    flags: 'FS',
  }),
  kept('From: bob@example.org\r\nSubject: two\r\n\r\nno end', { sender: '' }),
  kept('From: bob@example.org\r\nSubject: three\r\n\r\nold\r\n', { flags: 'RS', receivedAt: new Date('2020-01-02T03:04:05.678Z') }),
]

const texts = (found: readonly { text: Buffer }[]): string[] => found.map(({ text }) => text.toString('latin1'))

describe('mail folders and other programs', () => {
  let folder: TemporaryFolder
  beforeEach(async () => {
    folder = await temporaryFolder()
  })
  afterEach(() => folder.remove())

  describe('an mbox', () => {
    const read = async (octets: string | Buffer) => {
      await writeFile(folder.at('mbox'), octets)
      return allOf(await readMbox(folder.at('mbox')))
    }

    it('without quoting is read by Content-Length, where that leads to the next message', async () => {
      const body = 'Hi\n\nFrom a@b Sat Nov 21 16:25:46 2026\n>From c\n'
      const one = `Content-Length: ${body.length}\nSubject: 1\n\n${body}`
      const found = await read(
        `From a@x Sat Nov 21 16:25:46 2026\n${one}\nFrom b@x Sat Nov 21 16:25:47 2026\nContent-Length: 99\n\n>From d\n`,
      )
      expect(texts(found)).to.deep.equal([one.replaceAll('\n', '\r\n'), 'Content-Length: 99\r\n\r\nFrom d\r\n'])
      expect(found.map(({ sender }) => sender)).to.deep.equal(['a@x', 'b@x'])
    })

    it('with CRLF is taken as it is', async () => {
      const found = await read(
        'From a@x Sat Nov 21 16:25:46 2026\r\nSubject: 1\r\n\r\n>From b\r\n\r\nFrom a@x Sat Nov 21 16:25:46 2026\r\n\r\n2\r\n',
      )
      expect(texts(found)).to.deep.equal(['Subject: 1\r\n\r\nFrom b\r\n', '\r\n2\r\n'])
    })

    it('may end without a line break, and have text that looks like its own lines', async () => {
      const found = await read(
        '\nFrom a@x Sat Nov 21 16:25:46 2026\n\nFrom here on\n\nFrom nowhere\nFrom a@x Sat Nov 21 16:25:46 2026\n\nend',
      )
      expect(texts(found)).to.deep.equal(['\r\nFrom here on\r\n\r\nFrom nowhere\r\n', '\r\nend'])
    })

    const dates: [line: string, sender: string, at: string][] = [
      ['From a@x Sat Nov  1 06:25:46 2026', 'a@x', '2026-11-01T06:25:46.000Z'],
      ['From - Sat Nov 21 16:25:46 2026', '', '2026-11-21T16:25:46.000Z'],
      ['From a@x  Sat Nov 21 16:25 2026', 'a@x', '2026-11-21T16:25:00.000Z'],
      ['From a@x Sat Nov 21 16:25:46 MET 2026', 'a@x', '2026-11-21T16:25:46.000Z'],
      ['From a@x Sat Nov 21 16:25:46 +0130 2026', 'a@x', '2026-11-21T14:55:46.000Z'],
      ['From a@x Sat Nov 21 16:25:46 2026 -0500', 'a@x', '2026-11-21T21:25:46.000Z'],
      ['From a@x Sat Nov 21 16:25:46 2026 remote from host', 'a@x', '2026-11-21T16:25:46.000Z'],
      ['From <a@x> Sat Nov 21 16:25:46 2026', 'a@x', '2026-11-21T16:25:46.000Z'],
    ]
    for (const [line, sender, at] of dates)
      it(`of "${line}" has its sender and date`, async () => {
        const found = await read(`${line}\nStatus: RO\nX-Status: AF\n\nx\n`)
        expect(found).to.deep.equal([
          kept('Status: RO\r\nX-Status: AF\r\n\r\nx\r\n', { sender, receivedAt: new Date(at), flags: 'FRS' }),
        ])
      })

    it('whose dates nobody knows is told apart by empty lines; Return-Path and Date tell the rest', async () => {
      const found = await read(
        'From a@x yesterday\n\nFrom b\n\nFrom c@x\nReturn-Path: <d@x>\nDate: Sat, 21 Nov 2026 16:25:46 +0000\n\nx\n',
      )
      expect(texts(found)).to.have.length(3)
      expect(found[2]?.receivedAt.toISOString()).to.equal('2026-11-21T16:25:46.000Z')
    })

    it("leaves out a mail program's notes", async () => {
      await writeFile(
        folder.at('mbox'),
        "From a@x Sat Nov 21 16:25:46 2026\nSubject: DON'T DELETE THIS MESSAGE -- FOLDER INTERNAL DATA\nX-IMAP: 1 2\n\nx\n\nFrom a@x Sat Nov 21 16:25:46 2026\n\ny\n",
      )
      const reader = await readMbox(folder.at('mbox'))
      expect(texts(await allOf(reader))).to.deep.equal(['\r\ny\r\n'])
      expect(reader.leftOut.map(({ messages }) => messages)).to.deep.equal([1])
    })

    it('is read across its blocks', async () => {
      const found = await read(
        Array.from(
          { length: 40 },
          (_, at) => `From a@x Sat Nov 21 16:25:46 2026\nSubject: ${at}\n\n${`${'y'.repeat(at)}\nFrom \n`.repeat(9000)}\n`,
        ).join(''),
      )
      expect(found.map(({ text }) => text.toString('latin1', 0, 12).trim())).to.deep.equal(
        Array.from({ length: 40 }, (_, at) => `Subject: ${at}`),
      )
      for (const [at, { text }] of found.entries()) expect(text.length).to.equal(13 + String(at).length + 9000 * (at + 9))
    })
  })

  describe('a Maildir', () => {
    const put = async (path: string, text: string, time?: Date): Promise<void> => {
      await mkdir(join(folder.path, path, '..'), { recursive: true })
      await writeFile(folder.at(path), text)
      if (time !== undefined) await utimes(folder.at(path), time, time)
    }

    it('has the flags of its names, and the earlier of two times', async () => {
      const [early, late] = [new Date('2020-01-01T00:00:00Z'), new Date('2026-11-21T12:00:00Z')]
      await put('m/cur/1577836800.M5P6.host:2,SRSa', 'Return-Path: <a@x>\n\n1\n', late)
      await put('m/cur/1795262401.7.host,S=3:2,', '2\n', early)
      await put('m/new/1577836802.V1I2M345678P9.host', '3\n', late)
      await put('m/cur/no-time!2,T', '4\r\n\n', late)
      await put('m/cur/.hidden', 'x')
      await mkdir(folder.at('m', 'cur', 'folder'))
      const reader = await readMaildir(folder.at('m'), { subfolders: false })
      expect(reader.leftOut.map(({ messages }) => messages)).to.deep.equal([1])
      expect(await allOf(reader)).to.deep.equal([
        kept('Return-Path: <a@x>\r\n\r\n1\r\n', { sender: 'a@x', flags: 'RS', receivedAt: early }),
        kept('2\r\n', { sender: '', receivedAt: early }),
        kept('3\r\n', { sender: '', receivedAt: new Date('2020-01-01T00:00:02.345Z') }),
        kept('4\r\n\n', { sender: '', flags: 'T', receivedAt: late }),
      ])
    })

    it('may have names in any character set', async () => {
      await mkdir(folder.at('m', 'cur'), { recursive: true })
      await writeFile(
        Buffer.concat([Buffer.from(`${folder.path}/m/cur/1577836800.`), Buffer.from([0xe4, 0xff]), Buffer.from(':2,S')]),
        'x\n',
      )
      expect((await allOf(await readMaildir(folder.at('m'), { subfolders: false }))).map(({ flags }) => flags)).to.deep.equal(['S'])
    })

    it('may have folders, which are told or taken', async () => {
      await put('m/new/1577836800.a', '1\n')
      await put('m/.Sent/cur/1577836799.b:2,S', '0\n')
      await put('m/.Old.2019/cur/1577836801.c:2,S', '2\n')
      const [without, all] = [
        await readMaildir(folder.at('m'), { subfolders: false }),
        await readMaildir(folder.at('m'), { subfolders: true }),
      ]
      expect(texts(await allOf(without))).to.deep.equal(['1\r\n'])
      expect(without.leftOut.map(({ what, messages }) => [what.split(' (')[0], messages])).to.deep.equal([
        ['folder Old.2019', 1],
        ['folder Sent', 1],
      ])
      expect(texts(await allOf(all))).to.deep.equal(['0\r\n', '1\r\n', '2\r\n'])
    })

    it('may change while it is read', async () => {
      await put('m/new/1577836800.a', '1\n')
      const reader = await readMaildir(folder.at('m'), { subfolders: false })
      await put('m/cur/1577836800.a:2,S', '1\n')
      await unlink(folder.at('m', 'new', '1577836800.a'))
      expect(texts(await allOf(reader))).to.deep.equal(['1\r\n'])
    })
  })

  describeWith(['python3'], "Python's mailbox", () => {
    const python = async (code: string): Promise<unknown> => {
      const {
        code: exit,
        stdout,
        stderr,
      } = await run('python3', ['-c', `import json, mailbox, sys\nT = sys.argv[1]\n${code}`, folder.path])
      expect(exit, stderr).to.equal(0)
      return stdout.length === 0 ? null : JSON.parse(stdout.toString())
    }

    it('reads what is exported, with flags and dates', async () => {
      await write('maildir', folder.at('md'), messages)
      await write('mbox', folder.at('mb'), messages)
      expect(
        await python(
          "print(json.dumps(sorted([m['subject'], m.get_flags(), m.get_date()] for m in mailbox.Maildir(T + '/md', create=False))))",
        ),
      ).to.deep.equal([
        ['one', 'FS', 1_795_278_346.123],
        ['three', 'RS', 1_577_934_245.678],
        ['two', '', 1_795_278_346.123],
      ])
      expect(
        await python(
          "print(json.dumps([[m['subject'], m.get_flags(), m.get_from(), m.get_payload()] for m in mailbox.mbox(T + '/mb', create=False)]))",
        ),
      ).to.deep.equal([
        ['one', 'ROF', 'sender@example.org Sat Nov 21 16:25:46 2026', 'Hi\n>From here\n>>From there\n\n'],
        ['two', '', 'MAILER-DAEMON Sat Nov 21 16:25:46 2026', 'no end\n'],
        ['three', 'ROA', 'sender@example.org Thu Jan  2 03:04:05 2020', 'old\n'],
      ])
    })

    it('writes what is imported', async () => {
      await python(`
for box in (mailbox.Maildir(T + '/md'), mailbox.mbox(T + '/mb')):
    for n in range(3):
        message = (mailbox.MaildirMessage if isinstance(box, mailbox.Maildir) else mailbox.mboxMessage)('Subject: %d\\n\\nFrom here\\n' % n)
        message.add_flag('F' if n else '')
        if hasattr(message, 'set_date'): message.set_date(1577836800 + n)
        box.add(message)
    box.flush()`)
      for (const [format, name] of [
        ['maildir', 'md'],
        ['mbox', 'mb'],
      ] as const) {
        const found = await allOf(await readerOf(format, folder.at(name)))
        expect(found.map(({ text }) => /Subject: (\d)\r\n/.exec(text.toString())?.[1])).to.deep.equal(['0', '1', '2'])
        expect(found.map(({ flags }) => flags)).to.deep.equal(['', 'F', 'F'])
        for (const { text } of found) expect(text.toString()).to.match(/\r\n\r\nFrom here\r\n$/)
      }
    })
  })

  describeWith(['neomutt', 'script'], 'NeoMutt', () => {
    const neomutt = async (path: string, push: string): Promise<void> => {
      const rc = folder.at('neomuttrc')
      await writeFile(
        rc,
        [
          `set folder="${folder.path}" mbox_type=mbox confirmappend=no confirmcreate=no copy=no move=no quit=yes wait_key=no`,
          `set sort=mailbox-order mark_old=no`,
          `push "${push}"`,
        ].join('\n'),
      )
      const env = { HOME: folder.path, TERM: 'xterm', COLUMNS: '100', LINES: '30' }
      const { code, stdout } = await run('script', ['-qec', `exec neomutt -n -F '${rc}' -f '${path}'`, '/dev/null'], { env })
      expect(code, stdout.toString()).to.equal(0)
    }

    for (const format of ['maildir', 'mbox'] as const)
      it(`copies and flags what is exported as ${format}`, async () => {
        await write(format, folder.at('mail'), messages)
        await neomutt(folder.at('mail'), `<tag-pattern>~A<enter><tag-prefix><copy-message>${folder.at('copy')}<enter><exit>`)
        const copies = await allOf(await readMbox(folder.at('copy')))
        expect(copies.map(({ text }) => /Subject: (\w+)/.exec(text.toString())?.[1]).sort()).to.deep.equal(['one', 'three', 'two'])
        expect(copies.map(({ text }) => text.includes('\r\nHi\r\nFrom here\r\n>From there\r\n')).filter(Boolean)).to.have.length(1)
        if (format === 'mbox') return
        await neomutt(folder.at('mail'), '<tag-pattern>~s two<enter><tag-prefix><set-flag>!<sync-mailbox><exit>')
        const found = await allOf(await readerOf(format, folder.at('mail')))
        expect(texts(found)).to.deep.equal(texts(messages))
        expect(found.map(({ flags }) => flags)).to.deep.equal(['FS', 'F', 'RS'])
      })
  })

  describeWith(['s-nail'], 's-nail', () => {
    for (const format of ['maildir', 'mbox'] as const)
      it(`lists what is exported as ${format}`, async () => {
        await write(format, folder.at('mail'), messages)
        const { stdout, stderr } = await run('s-nail', ['-n', '-R', '-f', folder.at('mail')], {
          input: 'headers\nxit\n',
          env: { HOME: folder.path },
        })
        for (const subject of ['one', 'two', 'three']) expect(stdout.toString() + stderr).to.include(subject)
        expect(stdout.toString()).to.match(/ F +\d .*one/)
      })
  })
})
