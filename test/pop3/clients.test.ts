import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { testAccounts } from '../kit/fake-desk.ts'
import { temporaryFolder } from '../kit/folder.ts'
import { mailboxWith, messageOctets, storeOf } from '../kit/mailbox.ts'
import { describeWith } from '../kit/programs.ts'
import { type Ended, run } from '../kit/run.ts'
import { type Running, serve } from '../kit/serving.ts'
import { memoryDialogue } from './memory-dialogue.ts'

const password = testAccounts['alice'] ?? ''
const messages = [
  'From: a@example.org\nSubject: dots\nMessage-ID: <1@example.org>\n\n.one\n..two\n.\nend',
  'From: b@example.org\nSubject: none\nMessage-ID: <2@example.org>\n',
  `From: c@example.org\nSubject: large\nMessage-ID: <3@example.org>\n\n${`.${'x'.repeat(70)}\n`.repeat(20_000)}`,
]
const bodies = messages.map((message) => message.slice(message.indexOf('\n\n') + 2).trimEnd())

/** Runs something with POP3 beside it: three messages in alice's mailbox, a folder for files. */
const withPop3 = async (what: (running: Running, file: (name: string) => string) => Promise<void>): Promise<void> => {
  await using running = await serve({ service: 'pop3', prepare: (settings) => mailboxWith(settings, 'alice', messages) })
  const folder = await temporaryFolder()
  try {
    await what(running, (name) => join(folder.path, name))
  } finally {
    await folder.remove()
  }
}

const left = async (running: Running): Promise<number> => {
  const store = await storeOf(running.settings)
  const list = await store.list('alice')
  await store.close()
  return list.length
}

const succeeded = (ended: Ended): string => {
  expect(ended.code, `${ended.stdout}\n${ended.stderr}`).to.equal(0)
  return ended.stdout.toString('latin1')
}

const config = async (path: string, lines: readonly string[]): Promise<string> => {
  await writeFile(path, `${lines.join('\n')}\n`)
  await chmod(path, 0o600)
  return path
}

/** That a mailbox file has the bodies, each once, their dots as they were. */
const holdsAll = async (path: string): Promise<void> => {
  const text = (await readFile(path, 'latin1')).replaceAll('\r\n', '\n')
  for (const body of bodies) expect(text.split(body || 'Subject: none').length, body.slice(0, 20)).to.equal(2)
}

describe('POP3: real clients', () => {
  describeWith(['curl'], 'curl', () => {
    const curl = async ({ port }: Running, path: string, ...args: string[]) =>
      succeeded(
        await run('curl', ['-sS', '--max-time', '10', '-u', `alice:${password}`, ...args, `pop3://127.0.0.1:${port}/${path}`]),
      )

    it('lists, fetches and deletes', () =>
      withPop3(async (running) => {
        const octets = messages.map((message) => messageOctets(message))
        expect(await curl(running, '')).to.equal(octets.map((message, index) => `${index + 1} ${message.length}\r\n`).join(''))
        for (const [index, message] of octets.entries()) expect(await curl(running, String(index + 1))).to.equal(message.toString())
        expect(await curl(running, '1', '--sasl-ir')).to.equal(octets[0]?.toString())
        expect(await curl(running, '', '-X', 'TOP 1 1')).to.match(/dots\r\nMessage-ID: <1@example.org>\r\n\r\n\.one\r\n$/)
        await curl(running, '2', '-X', 'DELE', '-l')
        expect(await left(running)).to.equal(2)
      }))

    it('reports a wrong password as such', () =>
      withPop3(async ({ port }) => {
        const { code } = await run('curl', ['-sS', '-u', 'alice:wrong', `pop3://127.0.0.1:${port}/`])
        expect(code).to.equal(67)
      }))
  })

  describeWith(['python3'], 'Python’s poplib', () => {
    it('does all it can', () =>
      withPop3(async (running) => {
        const script = `
import poplib, sys
p = poplib.POP3('127.0.0.1', ${running.port}, timeout=10)
assert 'UIDL' in p.capa() and 'TOP' in p.capa(), p.capa()
p.user('alice'); p.pass_(sys.argv[1])
count, octets = p.stat()
listing = [tuple(map(int, line.split())) for line in p.list()[1]]
assert count == 3 and sum(size for _, size in listing) == octets, listing
for number, size in listing:
    _, lines, got = p.retr(number)
    assert sum(len(line) + 2 for line in lines) == size, (number, size, got)
assert p.top(1, 2)[1][-2:] == [b'.one', b'..two'], p.top(1, 2)
assert len(p.uidl()[1]) == 3 and p.uidl(1).startswith(b'+OK 1 ')
try: p.retr(9); assert False
except poplib.error_proto: pass
try: p.apop('alice', 'x'); assert False
except poplib.error_proto: pass
p.dele(1); p.rset(); p.dele(3); p.noop()
assert p.quit().startswith(b'+OK')
`
        succeeded(await run('python3', ['-c', script, password]))
        expect(await left(running)).to.equal(2)
      }))
  })

  describeWith(['fetchmail'], 'fetchmail', () => {
    const fetchmail = async ({ port }: Running, file: (name: string) => string, ...args: string[]) => {
      const path = await config(file('fetchmailrc'), [
        `poll 127.0.0.1 service ${port} proto pop3 timeout 10 user "alice" password "${password}" is root here`,
        `  sslproto "" no rewrite mda "cat >> ${file('mbox')}"`,
      ])
      const env = { FETCHMAILHOME: file('.'), LC_ALL: 'C' }
      return run('fetchmail', ['-f', path, '--nosyslog', '--invisible', ...args], { env })
    }

    it('fetches and keeps by UIDL, then deletes', () =>
      withPop3(async (running, file) => {
        succeeded(await fetchmail(running, file, '--uidl', '--keep'))
        await holdsAll(file('mbox'))
        // 1: nothing new.
        expect((await fetchmail(running, file, '--uidl', '--keep')).code).to.equal(1)
        await holdsAll(file('mbox'))
        expect(await left(running)).to.equal(3)
        succeeded(await fetchmail(running, file, '--all', '--nokeep', '--limit', '10000'))
        expect(await left(running)).to.equal(1)
      }))
  })

  describeWith(['mpop'], 'mpop', () => {
    for (const auth of ['user', 'plain', 'scram-sha-256']) {
      it(`fetches pipelined, logs in by ${auth}, and deletes`, () =>
        withPop3(async (running, file) => {
          await writeFile(file('mbox'), '')
          const path = await config(file('mpoprc'), [
            ...['account default', 'host 127.0.0.1', `port ${running.port}`, 'user alice', `password ${password}`, 'timeout 10'],
            ...['tls off', `auth ${auth}`, 'pipelining on', `uidls_file ${file('uidls')}`, `delivery mbox ${file('mbox')}`],
          ])
          succeeded(await run('mpop', ['-C', path, '--keep=on']))
          await holdsAll(file('mbox'))
          expect(await left(running)).to.equal(3)
          succeeded(await run('mpop', ['-C', path, '--only-new=off', '--keep=off']))
          expect(await left(running)).to.equal(0)
        }))
    }
  })

  describeWith(['getmail'], 'getmail', () => {
    const getmail = async ({ port }: Running, file: (name: string) => string, ...options: readonly string[]) => {
      const path = await config(file('getmailrc'), [
        ...['[retriever]', 'type = SimplePOP3Retriever', 'server = 127.0.0.1', `port = ${port}`],
        ...['username = alice', `password = ${password}`, 'timeout = 10'],
        ...['[destination]', 'type = MDA_external', 'path = /usr/bin/tee', `arguments = ('-a', '${file('mbox')}')`],
        ...['allow_root_commands = true', 'unixfrom = false', '[options]', 'verbose = 1', ...options],
      ])
      succeeded(await run('getmail', [`--getmaildir=${file('.')}`, `--rcfile=${path}`]))
    }

    it('fetches and deletes', () =>
      withPop3(async (running, file) => {
        await getmail(running, file, 'delete = true', 'read_all = true')
        await holdsAll(file('mbox'))
        expect(await left(running)).to.equal(0)
      }))

    it('leaves mail there, and fetches what is new by UIDL', () =>
      withPop3(async (running, file) => {
        const fetch = () => getmail(running, file, 'delete = false', 'read_all = false')
        await fetch()
        await fetch()
        await holdsAll(file('mbox'))
        expect(await left(running)).to.equal(3)
        await mailboxWith(running.settings, 'alice', ['Subject: new\nMessage-ID: <4@example.org>\n\nThe new one.'])
        await fetch()
        await holdsAll(file('mbox'))
        expect((await readFile(file('mbox'), 'latin1')).split('The new one.').length).to.equal(2)
      }))
  })

  describeWith(['neomutt', 'script'], 'NeoMutt', () => {
    /** It wants a terminal, and is told there what to do. */
    const neomutt = async ({ port }: Running, file: (name: string) => string, push: string) => {
      const path = await config(file('neomuttrc'), [
        ...['set pop_user=alice', `set pop_pass="${password}"`, `set folder="${file('.')}"`, 'set mbox_type=mbox'],
        ...['set confirmappend=no confirmcreate=no copy=no move=no quit=yes wait_key=no delete=yes', 'set ssl_force_tls=no'],
        ...['set sort=mailbox-order', `push "${push}"`],
      ])
      const command = `exec neomutt -n -F '${path}' -f 'pop://127.0.0.1:${port}'`
      const env = { HOME: file('.'), TERM: 'xterm', COLUMNS: '100', LINES: '30' }
      succeeded(await run('script', ['-qec', command, '/dev/null'], { env }))
    }

    it('lists by TOP and UIDL, reads, copies and deletes', () =>
      withPop3(async (running, file) => {
        await neomutt(running, file, `<tag-pattern>~A<enter><tag-prefix><copy-message>${file('mbox')}<enter><exit>`)
        await holdsAll(file('mbox'))
        expect(await left(running)).to.equal(3)
        await neomutt(running, file, '<delete-pattern>~s ^large<enter><sync-mailbox><quit>')
        expect(await left(running)).to.equal(2)
        const commands = running.journal.of('conversation.client').map(({ fields }) => String(fields['text']).split(' ')[0])
        expect(commands).to.include.members(['CAPA', 'UIDL', 'TOP', 'RETR', 'DELE', 'QUIT'])
      }))
  })

  describeWith(['nc'], 'netcat', () => {
    it('may send all at once and shut its side', () =>
      withPop3(async ({ port }) => {
        const input = `USER alice\r\nPASS ${password}\r\nSTAT\r\nTOP 1 0\r\nQUIT\r\n`
        const said = succeeded(await run('nc', ['-N', '-w', '10', '127.0.0.1', String(port)], { input }))
        expect(said).to.match(/\+OK 3 \d+\r\n\+OK Top[\s\S]*\r\n\.\r\n\+OK Goodbye\r\n$/)
      }))
  })
})

describe('POP3: what other mail programs say', () => {
  const mailbox = ['Subject: one\nMessage-ID: <1@x>\n\nbody', 'Subject: two\n\nbody']
  const plain = Buffer.from(`\0alice\0${password}`).toString('base64')

  memoryDialogue('Outlook: a bare AUTH, then USER, STAT, UIDL, LIST and what is new', {
    mailbox,
    lines: `
      C: AUTH
      S: +OK …
      S: PLAIN
      S: SCRAM-SHA-256
      S: .
      C: USER alice
      S: +OK …
      C: PASS ${password}
      S: +OK …
      C: STAT
      S: +OK 2 …
      C: UIDL
      S: +OK …
      S: 1 …
      S: 2 …
      S: .
      C: LIST
      S: +OK …
      S: 1 …
      S: 2 …
      S: .
      C: RETR 2
      S: +OK …
      S: Subject: two
      S:
      S: body
      S: .
      C: DELE 2
      S: +OK …
      C: QUIT
      S: +OK Goodbye, 1 message removed
    `,
  })

  memoryDialogue('Thunderbird: AUTH and CAPA, AUTH PLAIN in two steps, headers by TOP, XTND in vain', {
    mailbox,
    lines: `
      C: AUTH
      S: +OK …
      S: PLAIN
      S: SCRAM-SHA-256
      S: .
      C: CAPA
      S: +OK …
      S* …
      S: .
      C: AUTH PLAIN
      S: +\\x20
      C: ${plain}
      S: +OK …
      C: STAT
      S: +OK 2 …
      C: LIST
      S: +OK …
      S* …
      S: .
      C: XTND XLST Message-Id
      S: -ERR XTND is not offered: …
      C: UIDL
      S: +OK …
      S* …
      S: .
      C: TOP 1 0
      S: +OK …
      S: Subject: one
      S: Message-ID: <1@x>
      S:
      S: .
      C: QUIT
      S: +OK …
    `,
  })

  memoryDialogue('fetchmail without UIDL: LAST in vain, LIST of one, RETR and DELE of each', {
    as: 'alice',
    mailbox,
    lines: `
      C: STAT
      S: +OK 2 …
      C: LAST
      S: -ERR LAST is gone from the protocol: …
      C: LIST 1
      S: +OK 1 …
      C: RETR 1
      S: +OK …
      S* …
      S: .
      C: DELE 1
      S: +OK …
      C: QUIT
      S: +OK Goodbye, 1 message removed
    `,
  })
})
