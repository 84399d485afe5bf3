import { expect } from 'chai'
import { commands } from '../../servers/pop3/commands.ts'
import { type StoreErrorCode, storeErrors } from '../../shared/mail/mail-store.ts'
import { Client } from '../kit/client.ts'
import { toldLines } from '../kit/conversation.ts'
import { dialogue } from '../kit/dialogue.ts'
import { testAccounts } from '../kit/fake-desk.ts'
import { mailboxWith, storeOf as openStore } from '../kit/mailbox.ts'
import { patienceMs } from '../kit/patience.ts'
import { serve } from '../kit/serving.ts'
import { undisturbed } from '../kit/undisturbed.ts'
import { memoryDialogue, serveInMemory, storeOf } from './memory-dialogue.ts'

const mailbox = ['one', 'two two', 'three three three']
const logIn = `AUTH PLAIN ${Buffer.from(`\0alice\0${testAccounts['alice']}`).toString('base64')}`

/** A client that has logged in. */
const loggedIn = async (port: number): Promise<Client> => {
  const client = await Client.connect(port)
  await client.line()
  expect(await client.ask(logIn)).to.match(/^\+OK/)
  return client
}

/** Resolves when this holds. */
const until = async (holds: () => boolean): Promise<void> => {
  for (const endsAt = performance.now() + patienceMs; !holds(); ) {
    if (performance.now() > endsAt) throw new Error(`it does not hold: ${holds}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

describe('POP3: marks', () => {
  const lines = `
    C: STAT
    S: +OK 3 33
    C: DELE 2
    S: +OK …
    C: DELE 2
    S: -ERR Message 2 is marked as deleted: …
    C: RETR 2
    S: -ERR Message 2 is marked as deleted: …
    C: TOP 2 0
    S: -ERR Message 2 is marked as deleted: …
    C: LIST 2
    S: -ERR Message 2 is marked as deleted: …
    C: UIDL 2
    S: -ERR Message 2 is marked as deleted: …
    C: STAT
    S: +OK 2 24
    C: LIST
    S: +OK 2 messages (24 octets)
    S: 1 5
    S: 3 19
    S: .
    C: UIDL
    S: +OK …
    S: 1 …
    S: 3 …
    S: .
    C: RETR 3
    S: +OK 19 octets
    S: three three three
    S: .
    C: DELE 3
    S: +OK …
    C: DELE 1
    S: +OK …
    C: STAT
    S: +OK 0 0
    C: LIST
    S: +OK 0 messages (0 octets)
    S: .
    C: RSET
    S: +OK 3 messages (33 octets)
    C: STAT
    S: +OK 3 33
    C: RETR 2
    S: +OK 9 octets
    S: two two
    S: .
    C: DELE 1
    S: +OK …
    C: QUIT
    S: +OK Goodbye, 1 message removed
    S closes
  `
  memoryDialogue('never move a number, and RSET takes them back', {
    as: 'alice',
    mailbox,
    source: 'RFC 1939 §5',
    lines,
    after: (running) => {
      expect(storeOf(running).contents('alice')).to.deep.equal(['two two\r\n', 'three three three\r\n'])
      const [record] = running.journal.of('pop3.session.ended')
      expect(record?.fields).to.include({ account: 'alice', reason: 'quit', messages: 2, octets: 28, deleted: 1 })
    },
  })

  dialogue('do so in the store on the disk too', { service: 'pop3', as: 'alice', mailbox, source: 'RFC 1939 §5', lines })
})

describe('POP3: what is marked', () => {
  const marked = async (port: number) => {
    const client = await loggedIn(port)
    await client.ask('DELE 1')
    await client.ask('DELE 3')
    return client
  }

  it('is removed by QUIT, and stays removed', async () => {
    await using running = await serve({ service: 'pop3', prepare: (settings) => mailboxWith(settings, 'alice', mailbox) })
    using client = await marked(running.port)
    expect(await client.ask('QUIT')).to.equal('+OK Goodbye, 2 messages removed')
    using again = await loggedIn(running.port)
    expect(await again.ask('STAT')).to.equal('+OK 1 9')
  })

  it('is removed by QUIT although the client does not wait for the answer', async () => {
    await using running = await serveInMemory({ mailbox })
    using client = await Client.connect(running.port)
    await client.send(`${logIn}\r\nDELE 1\r\nQUIT\r\n`)
    client.end()
    expect((await client.rest()).toString()).to.match(/\+OK Goodbye, 1 message removed\r\n$/)
    expect(storeOf(running).contents('alice')).to.have.length(2)
  })

  const endings: readonly [name: string, end: (client: Client) => unknown][] = [
    ['a client that closes', (client) => client[Symbol.dispose]()],
    ['a connection that breaks', (client) => client.reset()],
    ['a client that ends without QUIT', (client) => client.end()],
    ['a QUIT without its line break', (client) => client.send('QUIT').then(() => client.end())],
    ['a QUIT with arguments', (client) => client.send('QUIT please\r\n').then(() => client.end())],
  ]
  for (const [name, end] of endings) {
    it(`stays with ${name}, and the mailbox is free at once`, async () => {
      await using running = await serveInMemory({ mailbox })
      using client = await marked(running.port)
      expect(storeOf(running).holds('alice')).to.equal(true)
      await end(client)
      await until(() => !storeOf(running).holds('alice'))
      expect(storeOf(running).contents('alice')).to.have.length(3)
      expect(running.journal.of('pop3.session.ended')[0]?.fields).to.include({ reason: 'closed', deleted: 0 })
    })
  }

  it('stays when the idle time is over: the server closes without a word (RFC 1939 §3)', () =>
    undisturbed(300, async () => {
      await using running = await serveInMemory({ mailbox, limits: { idleMs: 1_000 } })
      using client = await marked(running.port)
      await client.closed()
      expect(storeOf(running).holds('alice')).to.equal(false)
      expect(storeOf(running).contents('alice')).to.have.length(3)
      expect(running.journal.of('pop3.session.ended')[0]?.fields).to.include({ reason: 'idle', deleted: 0 })
    }))

  it('stays when the server stops, which is told', async () => {
    const running = await serveInMemory({ mailbox })
    using client = await marked(running.port)
    const store = storeOf(running)
    await running.close('stop')
    expect((await client.rest()).toString()).to.equal(
      '-ERR [SYS/TEMP] The server is stopping: nothing was removed, please come again\r\n',
    )
    expect(store.contents('alice')).to.have.length(3)
    expect(running.journal.of('pop3.session.ended')[0]?.fields).to.include({ reason: 'stopping' })
  })

  for (const code of Object.keys(storeErrors) as StoreErrorCode[]) {
    it(`stays, all of it, when the store fails (${code}): QUIT says so (RFC 1939 §6)`, async () => {
      await using running = await serveInMemory({ mailbox })
      using client = await marked(running.port)
      storeOf(running).fails = { remove: code }
      const expected = storeErrors[code] === 'temporary' ? 'SYS/TEMP' : 'SYS/PERM'
      expect(await client.ask('QUIT')).to.match(new RegExp(`^-ERR \\[${expected}\\] Nothing was removed\\. `))
      await client.closed()
      expect(storeOf(running).contents('alice')).to.have.length(3)
      expect(running.journal.of('pop3.store.failed')[0]?.fields).to.include({ command: 'QUIT', code, account: 'alice' })
      expect(running.journal.of('pop3.session.ended')[0]?.fields).to.include({ deleted: 0 })
    })
  }

  it('stays when something fails that nobody foresaw: QUIT says so, the journal has the stack', async () => {
    await using running = await serveInMemory({ mailbox })
    using client = await marked(running.port)
    storeOf(running).fails = { remove: new TypeError('a mistake, on purpose') }
    expect(await client.ask('QUIT')).to.match(/^-ERR \[SYS\/TEMP\] Something went wrong here: nothing was removed/)
    await client.closed()
    expect(storeOf(running).holds('alice')).to.equal(false)
    expect(running.journal.of('connection.failed')[0]?.fields['error']).to.match(/a mistake, on purpose\n +at /)
  })
})

describe('POP3: a session', () => {
  it('sees the mailbox as it was at the login (RFC 1939 §8)', async () => {
    await using running = await serve({ service: 'pop3', prepare: (settings) => mailboxWith(settings, 'alice', mailbox) })
    using client = await loggedIn(running.port)
    await mailboxWith(running.settings, 'alice', ['a fourth'])
    expect(await client.ask('STAT')).to.equal('+OK 3 33')
    expect(await client.ask('RETR 4')).to.match(/^-ERR No such message: there are 3/)
    await client.ask('DELE 1')
    await client.ask('QUIT')
    using again = await loggedIn(running.port)
    expect(await again.ask('STAT')).to.equal('+OK 3 38')
    const store = await openStore(running.settings)
    expect((await store.list('alice')).map(({ octets }) => octets)).to.deep.equal([9, 19, 10])
    await store.close()
  })

  it('has unique ids that are never given again, also when the newest message is gone', async () => {
    await using running = await serve({ service: 'pop3', prepare: (settings) => mailboxWith(settings, 'alice', mailbox) })
    const seen = new Set<string>()
    for (let round = 0; round < 3; round += 1) {
      using client = await loggedIn(running.port)
      const id = (await client.ask('UIDL 3')).replace('+OK 3 ', '')
      expect(id).to.match(/^[\x21-\x7e]{1,70}$/)
      expect(seen.has(id)).to.equal(false)
      seen.add(id)
      await client.ask('DELE 3')
      await client.ask('QUIT')
      await mailboxWith(running.settings, 'alice', [mailbox[2] ?? ''])
    }
  })

  it('answers a client that shuts its side after the last command', async () => {
    await using running = await serveInMemory({ mailbox })
    using client = await Client.connect(running.port)
    await client.send(`${logIn}\r\nSTAT\r\nRETR 1\r\nNOOP\r\n`)
    client.end()
    const said = (await client.rest()).toString().split('\r\n')
    expect(said.slice(2)).to.deep.equal(['+OK 3 33', '+OK 5 octets', 'one', '.', '+OK Still here', ''])
  })

  it('ends when the client says goodbye and goes on talking, and the client can read the answer', async () => {
    await using running = await serveInMemory({ mailbox })
    using client = await loggedIn(running.port)
    await client.send(`QUIT\r\n${'STAT\r\n'.repeat(50_000)}`)
    expect((await client.rest()).toString()).to.equal('+OK Goodbye\r\n')
    expect(client.ended).to.equal(true)
  })

  it('may follow at once on one that broke, in the middle of a message too', async () => {
    const large = Buffer.alloc(500_000, `${'x'.repeat(78)}\r\n`)
    await using running = await serve({ service: 'pop3', prepare: (settings) => mailboxWith(settings, 'alice', [large]) })
    for (let round = 0; round < 20; round++) {
      using client = await loggedIn(running.port)
      if (round % 2 === 1) await client.ask('RETR 1')
      if (round % 4 < 2) client.reset()
      else client[Symbol.dispose]()
    }
  })

  it('refuses in the words of the protocol who cannot be served', async () => {
    await using running = await serveInMemory({ limits: { connections: 1 } })
    using _first = await loggedIn(running.port)
    using second = await Client.connect(running.port)
    expect((await second.rest()).toString()).to.match(/^-ERR \[SYS\/TEMP\] Too many connections: .*\r\n$/)
  })

  it('that logs in while the client leaves does not keep the mailbox', async () => {
    const { promise: asked, resolve: ask } = Promise.withResolvers<void>()
    const { promise: answered, resolve: answer } = Promise.withResolvers<void>()
    await using running = await serveInMemory({ mailbox })
    const login = running.desk.login
    running.desk.login = async (attempt) => {
      ask()
      await answered
      return login(attempt)
    }
    const client = await Client.connect(running.port)
    await client.send(`${logIn}\r\n`)
    await asked
    client.reset()
    await until(() => running.journal.of('connection.broken').length > 0)
    answer()
    await until(() => running.journal.of('pop3.session.ended').length > 0)
    expect(storeOf(running).holds('alice')).to.equal(false)
  })
})

describe('POP3: the journal', () => {
  it('has one record a command, its secrets masked', async () => {
    await using running = await serveInMemory({ mailbox })
    using client = await Client.connect(running.port)
    const secrets = ['hush-1', 'hush-2', 'hush-3', 'hush-4', 'hush-5']
    const sent = [
      ...[
        'USER alice',
        'PASS hush-1',
        'pass  hush-1',
        'PASShush-2',
        'AUTH PLAIN hush-3',
        'AUTH LOGIN',
        'aHVzaC00',
        'AUTH PLAIN',
        'hush-5',
      ],
      ...['APOP alice hush-1', 'USER alice hush-1', 'LIST hush-1', 'FROB hush-1', `NOOP ${'hush-1'.repeat(1_000)}`, logIn],
      ...['PASS hush-1', 'AUTH PLAIN', 'hush5', 'DELE 1', 'LIST', 'QUIT'],
    ]
    await client.send(sent.map((line) => `${line}\r\n`).join(''))
    await client.rest()
    expect(toldLines(running)).to.deep.equal([
      ...['USER alice', 'PASS ********', 'pass ********', '… (no command)', 'AUTH PLAIN ********', 'AUTH LOGIN', '… (no command)'],
      ...['AUTH PLAIN', '********', 'APOP ********', 'USER ********', 'LIST ********', 'FROB …', '… (too long)'],
      ...['AUTH PLAIN ********', 'PASS ********', 'AUTH PLAIN', '… (no command)', 'DELE 1', 'LIST', 'QUIT'],
    ])
    for (const secret of [...secrets, 'aHVzaC00', logIn.slice(11)]) expect(running.journal.text()).to.not.include(secret)
  })

  it('shows no word that may be a secret in the wrong place, even where it looks like the name of a command', async () => {
    await using running = await serveInMemory()
    using client = await Client.connect(running.port)
    await client.send('PASShush\r\nauthHUSH x\r\nAUTH LOGIN\r\nhush\r\nHUSH\r\nCAPA\r\nFROB\r\n')
    client.end()
    await client.rest()
    const none = '… (no command)'
    expect(toldLines(running)).to.deep.equal([none, none, 'AUTH LOGIN', none, none, 'CAPA', 'FROB'])
    expect(running.journal.text()).to.not.match(/hush/i)
  })

  it('names an unknown command by its name only, and nothing that is no name', async () => {
    await using running = await serveInMemory()
    using client = await Client.connect(running.port)
    await client.send('FROB \x1b[2J\r\n\x1b]0;x\x07\r\nHELO\x00 x\r\nA-B\r\n\r\n')
    client.end()
    await client.rest()
    const noText = '… (octets that are no text)'
    expect(toldLines(running)).to.deep.equal(['FROB …', noText, noText, '… (no command)', ''])
  })

  it('tells why a login was refused, and of whom', async () => {
    await using running = await serveInMemory()
    using client = await Client.connect(running.port)
    await client.send(`USER ${'x'.repeat(500)}\r\nPASS y\r\n`)
    client.end()
    await client.rest()
    const [record] = running.journal.of('pop3.login.refused')
    expect(record?.level).to.equal('warn')
    expect(record?.fields).to.include({ method: 'USER', reason: 'credentials', name: 'x'.repeat(100) })
  })

  it('has a record of a client that only came and went', async () => {
    await using running = await serveInMemory()
    using client = await Client.connect(running.port)
    client.end()
    await client.rest()
    expect(running.journal.of('pop3.session.ended').map(({ fields }) => fields['reason'])).to.deep.equal(['closed'])
  })

  it('knows all secret rows', () => {
    expect(commands.flatMap(({ name, telling }) => (telling === 'credentials' ? [name] : []))).to.have.members([
      'PASS',
      'AUTH',
      'APOP',
    ])
  })
})
