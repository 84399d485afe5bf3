import { expect } from 'chai'
import { languageOf } from '../../servers/pop3/languages.ts'
import { replies, statusLine } from '../../servers/pop3/replies.ts'
import { headerFields } from '../../shared/mail/header.ts'
import { Client } from '../kit/client.ts'
import { testAccounts } from '../kit/fake-desk.ts'
import { storeOf as openStore } from '../kit/mailbox.ts'
import { describeWith } from '../kit/programs.ts'
import { run } from '../kit/run.ts'
import { serve } from '../kit/serving.ts'
import { memoryDialogue, serveInMemory, storeOf } from './memory-dialogue.ts'
import type { MemoryMailStore } from './memory-mail-store.ts'

const password = testAccounts['alice'] ?? ''
const logIn = `AUTH PLAIN ${Buffer.from(`\0alice\0${password}`).toString('base64')}`

const international = Buffer.from(
  [
    'Received: from 例え.jp (localhost)',
    'From: Jörg <jörg@bücher.example>, "Doe, Jane" <jane@example.org>',
    'To: =?utf-8?q?Al?= <alice@havre.test>,',
    ' Zoë "quoted" <zoe@example.org>',
    'Subject: Grüße aus Übersee, und zwar sehr viele, damit die Zeile nicht in ein Wort passt',
    'X-Note: ein Wort: äöü',
    'Message-ID: <1@example.org>',
    'X-Folded:  as  it',
    '\tcame ',
    'Content-Type: text/plain; charset=utf-8; name="Grüße aus Übersee.txt"',
    'Content-Transfer-Encoding: 8bit',
    '',
    'Schöne Grüße',
    '.',
    '',
  ].join('\r\n'),
)
const plain = 'Subject: plain\r\n\r\nbody\r\n'
const fill = (store: MemoryMailStore) => {
  store.add('alice', international, true)
  store.add('alice', plain, true)
  store.add('alice', international)
}

/** The octets of a reply of several lines, without stuffing. */
const multi = async (client: Client, command: string): Promise<Buffer> => {
  expect(await client.ask(command)).to.match(/^\+OK/)
  const lines: Buffer[] = []
  for (let line = await client.lineOctets(); line.toString() !== '.'; line = await client.lineOctets()) {
    lines.push(line[0] === 0x2e ? line.subarray(1) : line, Buffer.from('\r\n'))
  }
  return Buffer.concat(lines)
}
/** Up to the empty line, and what is behind it. */
const headOf = (message: Buffer): Buffer => message.subarray(0, message.indexOf('\r\n\r\n') + 2)
const bodyOf = (message: Buffer): Buffer => message.subarray(headOf(message).length + 2)

const entered = async (port: number, ...before: string[]): Promise<Client> => {
  const client = await Client.connect(port)
  await client.line()
  for (const line of [...before, logIn]) expect(await client.ask(line)).to.match(/^\+OK/)
  return client
}

describe('POP3: messages that need UTF-8 (RFC 6856)', () => {
  it('go as they are to a client that said UTF8', async () => {
    await using running = await serveInMemory({ store: fill })
    using client = await entered(running.port, 'UTF8')
    expect(await client.ask('LIST 1')).to.equal(`+OK 1 ${international.length}`)
    for (const number of [1, 3]) expect((await multi(client, `RETR ${number}`)).equals(international)).to.equal(true)
  })

  it('go to any other with their header in ASCII, and octets are those of STAT, LIST and RETR', async () => {
    await using running = await serveInMemory({ store: fill })
    using client = await entered(running.port)
    const [one, two, three] = [await multi(client, 'RETR 1'), await multi(client, 'RETR 2'), await multi(client, 'RETR 3')]
    expect((await multi(client, 'LIST')).toString()).to.equal(`1 ${one.length}\r\n2 ${two.length}\r\n3 ${three.length}\r\n`)
    expect(await client.ask('STAT')).to.equal(`+OK 3 ${one.length + two.length + three.length}`)
    expect(headOf(one).every((octet) => octet < 0x80)).to.equal(true)
    expect(bodyOf(one).equals(bodyOf(international))).to.equal(true)
    // Only the header counts, and only what came with SMTPUTF8.
    expect(two.toString()).to.equal(plain)
    expect(three.equals(international)).to.equal(true)
    expect((await multi(client, 'TOP 1 0')).equals(Buffer.concat([headOf(one), Buffer.from('\r\n')]))).to.equal(true)
    expect((await multi(client, 'TOP 1 1')).toString()).to.equal(`${headOf(one).toString()}\r\nSchöne Grüße\r\n`)
    expect(await client.ask('UIDL 1')).to.equal('+OK 1 uid-1')
  })

  it('do so from the store on the disk too, and are removed there', async () => {
    await using running = await serve({
      service: 'pop3',
      prepare: async (settings) => {
        const store = await openStore(settings)
        for (const [octets, utf8] of [
          [international, true],
          [Buffer.from(plain), false],
        ] as const) {
          const recipients = [{ address: 'alice@havre.test', account: 'alice' }]
          const delivery = store.deliver({ sender: 'jörg@bücher.example', recipients, utf8 })
          await delivery.write(Buffer.from(octets))
          await delivery.commit()
        }
        await store.close()
      },
    })
    using client = await entered(running.port)
    const told = await multi(client, 'RETR 1')
    expect(await client.ask('LIST 1')).to.equal(`+OK 1 ${told.length}`)
    expect(headOf(told).every((octet) => octet < 0x80)).to.equal(true)
    expect(bodyOf(told).equals(bodyOf(international))).to.equal(true)
    expect((await multi(client, 'RETR 2')).toString()).to.equal(plain)
    const id = await client.ask('UIDL 1')
    expect(id).to.match(/^\+OK 1 [\x21-\x7e]{1,70}$/)
    await client.ask('QUIT')
    using other = await entered(running.port, 'UTF8')
    expect(await other.ask('UIDL 1')).to.equal(id)
    expect((await multi(other, 'RETR 1')).equals(international)).to.equal(true)
    await other.ask('QUIT')
    using third = await entered(running.port)
    await third.ask('DELE 1')
    expect(await third.ask('QUIT')).to.equal('+OK Goodbye, 1 message removed')
    using last = await entered(running.port)
    expect(await last.ask('STAT')).to.equal(`+OK 1 ${plain.length}`)
  })

  it('lose nothing in it: what ASCII cannot tell under its name is kept under another, what was ASCII is as it came', async () => {
    await using running = await serveInMemory({ store: fill })
    using client = await entered(running.port)
    const told = await multi(client, 'RETR 1')
    expect(headerFields(told).map(({ name, value }) => `${name}: ${value}`)).to.deep.equal([
      'Downgraded-Received: from 例え.jp (localhost)',
      'From: Jörg jörg@bücher.example :;, "Doe, Jane" <jane@example.org>',
      'To: Al <alice@havre.test>, Zoë quoted <zoe@example.org>',
      'Subject: Grüße aus Übersee, und zwar sehr viele, damit die Zeile nicht in ein Wort passt',
      'Downgraded-X-Note: ein Wort: äöü',
      'Message-ID: <1@example.org>',
      'X-Folded: as  it\tcame',
      "Content-Type: text/plain; charset=utf-8; name*=UTF-8''Gr%C3%BC%C3%9Fe%20aus%20%C3%9Cbersee.txt",
      'Content-Transfer-Encoding: 8bit',
    ])
    expect(told.toString()).to.include('\r\nX-Folded:  as  it\r\n\tcame \r\n')
    for (const line of headOf(told).toString().split('\r\n')) expect(line.length, line).to.be.at.most(78)
  })

  it('whose header is longer than the store gives at once are measured all the same', async () => {
    for (const fields of [
      `X-Long: ${'x\r\n '.repeat(40_000)}y\r\n`,
      `To: ${'Jö <j@b.example>,\r\n '.repeat(50_000)}j@b.example\r\n`,
    ]) {
      const long = Buffer.from(`${fields}Subject: ä\r\n\r\nö\r\n`)
      await using running = await serveInMemory({ store: (store) => store.add('alice', long, true) })
      using client = await entered(running.port)
      const told = await multi(client, 'RETR 1')
      expect(await client.ask('STAT')).to.equal(`+OK 1 ${told.length}`)
      expect(headOf(told).every((octet) => octet < 0x80)).to.equal(true)
      expect(told.toString().endsWith('\r\nSubject: =?UTF-8?B?w6Q=?=\r\n\r\nö\r\n')).to.equal(true)
    }
  }).timeout(20_000)

  it('come so from the octets that are at hand too', async () => {
    await using running = await serveInMemory({ store: fill })
    using client = await entered(running.port)
    const read = await multi(client, 'RETR 1')
    storeOf(running).atHand = true
    expect((await multi(client, 'RETR 1')).equals(read)).to.equal(true)
  })

  it('are removed as what they stand for', async () => {
    await using running = await serveInMemory({ store: fill })
    using client = await entered(running.port)
    await client.ask('DELE 1')
    expect(await client.ask('QUIT')).to.equal('+OK Goodbye, 1 message removed')
    expect(storeOf(running).contents('alice')).to.have.length(2)
  })

  it('that cannot be read do not keep their mailbox from being opened', async () => {
    await using running = await serveInMemory({ store: fill })
    storeOf(running).fails = { read: 'damaged' }
    using client = await entered(running.port)
    expect(await client.ask('RETR 1')).to.match(/^-ERR \[SYS\/TEMP\]/)
  })

  memoryDialogue('UTF8 is taken before the login only, and STLS not after it', {
    tls: 'starttls',
    source: 'RFC 6856 §2.1',
    lines: `
      C: UTF8
      S: +OK …
      C: STLS
      S: -ERR STLS comes before UTF8, not after it
      C: ${logIn}
      S: +OK …
      C: UTF8
      S: -ERR You are logged in already
    `,
  })

  memoryDialogue('names and passwords of UTF-8 are taken, what is none is refused', {
    source: 'RFC 6856 §2.2',
    lines: `
      C: USER jörg
      S: +OK …
      C: PASS pässwörd
      S: -ERR [AUTH] …
      C: USER alice
      S: +OK …
      C: PASS p\\xe4ss
      S: -ERR Usage: PASS password
      C: PASS a\\xe2\\x80\\xaeb
      S: -ERR Usage: PASS password
      C: USER j\\xf6rg
      S: -ERR Usage: USER name
    `,
  })
})

describe('POP3: LANG (RFC 6856 §3)', () => {
  memoryDialogue('lists the languages, changes to one, and says what follows in it', {
    source: 'RFC 6856 §3',
    lines: `
      C: LANG
      S: +OK Languages follow
      S: en English
      S: de Deutsch
      S: i-default English
      S: .
      C: LANG de-AT
      S: +OK de Von jetzt an auf Deutsch
      C: USER alice
      S: +OK Weiter mit PASS
      C: PASS wrong
      S: -ERR [AUTH] Name oder Passwort ist falsch
      C: FROB
      S: -ERR Unbekannter Befehl: …
      C: LANG uz
      S: -ERR Diese Sprache wird hier nicht gesprochen
      C: AUTH PLAIN
      S: +\\x20
      C: *
      S: -ERR Anmeldung abgebrochen
      C: ${logIn}
      S: +OK Angemeldet: 0 Nachrichten (0 Oktette)
      C: DELE 1
      S: -ERR Keine solche Nachricht: das Postfach ist leer
      C: LANG *
      S: +OK en English it is
      C: DELE 1
      S: -ERR No such message: the mailbox is empty
      C: LANG I-DEFAULT
      S: +OK i-default English it is
      C: LANG de
      S: +OK de …
      C: QUIT
      S: +OK Auf Wiedersehen
    `,
  })

  it('says what is not ASCII in UTF-8, and tells the journal so', async () => {
    await using running = await serveInMemory({ mailbox: ['one'] })
    using client = await entered(running.port, 'LANG de')
    expect((await multi(client, 'CAPA')).toString()).to.include('LANG\r\n')
    await client.send('CAPA\r\n')
    expect((await client.lineOctets()).equals(Buffer.from('+OK Die Fähigkeiten'))).to.equal(true)
  })

  it('finds the language of a range (RFC 4647 §3.4)', () => {
    const tag = (range: string) => languageOf(range)?.tag ?? null
    expect(['de', 'DE-de-1996', 'en-GB', 'i-default', '*', 'fr', 'd', 'i', 'den'].map(tag)).to.deep.equal([
      ...['de', 'de', 'en', 'i-default', 'en', null, null, null, null],
    ])
  })

  it('has ASCII in all that is said before a language is chosen (RFC 6856 §3.2, RFC 2277 §4.5)', () => {
    for (const reply of Object.values(replies)) {
      if (typeof reply === 'function') continue
      expect(statusLine(reply)).to.match(/^[\x20-\x7e]+\r\n$/)
      expect(statusLine(reply, 'de')).to.not.equal(statusLine(reply))
    }
  })
})

describeWith(['python3'], 'POP3: Python’s poplib with utf8()', () => {
  it('gets the message as it is, and by the other way one whose header and body its parser reads as those of the original', async () => {
    await using running = await serveInMemory({ store: fill })
    const script = `
import poplib, email, email.policy, sys
def log_in(utf8):
    p = poplib.POP3('127.0.0.1', ${running.port}, timeout=10)
    assert 'UTF8' in p.capa(), p.capa()
    if utf8: p.utf8()
    p.user('alice'); p.pass_(sys.argv[1])
    return p
p = log_in(True)
raw = b'\\r\\n'.join(p.retr(1)[1])
assert 'jörg@bücher.example'.encode() in raw, raw
p.quit()
p = log_in(False)
_, lines, octets = p.retr(1)
got = b'\\r\\n'.join(lines)
assert sum(len(line) + 2 for line in lines) == int(p.list(1).split()[2])
p.quit()
old = email.message_from_bytes(raw, policy=email.policy.default)
new = email.message_from_bytes(got, policy=email.policy.default)
assert got.partition(b'\\r\\n\\r\\n')[0].isascii()
assert str(new['Subject']) == str(old['Subject']) and str(new['Subject']).startswith('Grüße aus Übersee'), new['Subject']
assert [(a.display_name, a.addr_spec) for a in new['To'].addresses] == [('Al', 'alice@havre.test'), ('Zoë quoted', 'zoe@example.org')], new['To']
assert [g.display_name for g in new['From'].groups] == ['Jörg jörg@bücher.example', None], new['From']
assert [(a.display_name, a.addr_spec) for a in new['From'].addresses] == [('Doe, Jane', 'jane@example.org')], new['From']
assert new.get_filename() == 'Grüße aus Übersee.txt' and new.get_content_type() == 'text/plain', new.get_filename()
assert new.get_content().split() == ['Schöne', 'Grüße', '.'] and not new.is_multipart(), new.get_content()
assert new.get_payload(decode=True) == old.get_payload(decode=True)
`
    const { code, stderr } = await run('python3', ['-c', script, password])
    expect(code, stderr.toString()).to.equal(0)
  })
})
