import { chmod, readdir, stat, writeFile } from 'node:fs/promises'
import { createServer, type Server, type Socket } from 'node:net'
import process from 'node:process'
import { expect } from 'chai'
import { accounts } from '../../../cli/doctor/accounts.ts'
import { conversation } from '../../../cli/doctor/conversation.ts'
import { demoPassword } from '../../../servers/supervisor/demo.ts'
import { createPasswords } from '../../../shared/accounts/password.ts'
import { openAccountStore } from '../../../shared/accounts/sqlite-account-store.ts'
import { eventually } from '../../kit/eventually.ts'
import { havre, startFamily } from '../../kit/family.ts'
import { temporaryFolder } from '../../kit/folder.ts'
import { freePort } from '../../kit/free-port.ts'
import { findingsOf, troublesOf } from './patient.ts'

interface Fake extends AsyncDisposable {
  readonly port: number
}

/** A server that does as told with whoever connects. */
const fake = async (serve: (socket: Socket) => void): Promise<Fake> => {
  const sockets = new Set<Socket>()
  const server: Server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    serve(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  return {
    port: typeof address === 'object' && address !== null ? address.port : 0,
    [Symbol.asyncDispose]: async () => {
      for (const socket of sockets) socket.destroy()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

const remedy = '`havre logs --service pop3` tells more; `havre restart pop3` replaces its process'

/** Stops a process; the supervisor kills it when it ends. @returns whether it was there */
const stopIfThere = (pid: number): boolean => {
  try {
    return process.kill(pid, 'SIGSTOP')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false
    throw error
  }
}

describe('havre doctor: conversations', function () {
  this.timeout(120_000)

  const cases = [
    {
      title: 'a greeting of another kind',
      serve: (socket: Socket) => socket.write('-ERR \u001b[2Jno room\r\n'),
      why: 'a client that waits for the greeting is answered with "-ERR \\u001b[2Jno room"',
    },
    {
      title: 'a server that says nothing',
      serve: () => undefined,
      why: 'a client that waits for the greeting gets no answer within 5 s',
    },
    {
      title: 'a server that hangs up',
      serve: (socket: Socket) => socket.end('+OK hello\r\n'),
      why: '"CAPA" gets no answer: the connection ends',
    },
  ]
  for (const { title, serve, why } of cases) {
    it(`find ${title}`, async () => {
      await using folder = await temporaryFolder()
      await using server = await fake(serve)
      const running = [{ name: 'pop3', port: server.port }]
      expect(await troublesOf(conversation, folder, { services: ['pop3'], running })).to.deep.equal([
        `problem: pop3: a client is not served on 127.0.0.1:${server.port}: ${why} → ${remedy}`,
      ])
    })
  }

  it('find that nobody listens', async () => {
    await using folder = await temporaryFolder()
    const running = [{ name: 'pop3', port: await freePort() }]
    const [problem] = await troublesOf(conversation, folder, { services: ['pop3'], running })
    expect(problem).to.include('a connection fails (ECONNREFUSED)')
  })

  it('find STARTTLS refused, and a handshake that fails', async () => {
    await using folder = await temporaryFolder()
    const speak = (stls: string) =>
      fake((socket) => {
        socket.write('+OK hello\r\n')
        socket.on('data', (chunk) => {
          const line = chunk.toString('latin1').trim()
          if (line === 'STLS') socket.write(stls)
          else if (line === 'CAPA') socket.write('+OK\r\n.\r\n')
          else if (line === 'QUIT') socket.end('+OK bye\r\n')
          else socket.destroy()
        })
      })
    await using refusing = await speak('-ERR not today\r\n')
    const running = (port: number) => ({ services: ['pop3'], running: [{ name: 'pop3', port }] })
    const [refused] = await troublesOf(conversation, folder, running(refusing.port))
    expect(refused).to.include(`over STARTTLS on 127.0.0.1:${refusing.port}: "STLS" is answered with "-ERR not today"`)
    await using failing = await speak('+OK go on\r\n')
    const [failed] = await troublesOf(conversation, folder, running(failing.port))
    expect(failed).to.match(/over STARTTLS on \S+: the TLS handshake fails \(\w+\)/)
  })

  it('ask nothing of a program of somebody else but that its port answers', async () => {
    await using folder = await temporaryFolder()
    await using server = await fake(() => undefined)
    await writeFile(folder.at('x'), '')
    const sets = [`services.db.protocol=exec`, `services.db.command=[sleep, "9"]`, `services.db.port=${server.port}`]
    const options = { services: ['db'], sets, running: [{ name: 'db', port: server.port }] }
    const [finding] = await findingsOf(conversation, folder, options)
    expect(finding?.message).to.match(/^db: a client is served on 127\.0\.0\.1:\d+ in [\d.]+ ms$/)
  })

  it('go through with a family that runs, in clear and over TLS; one whose process was stopped is found', async () => {
    const args = [
      ...['services.pop3s.protocol=pop3', 'services.pop3s.tls=implicit', 'services.smtp.proxyProtocol={from: [127.0.0.1]}'],
      ...['services.lmtp.protocol=smtp', 'services.lmtp.mode=lmtp'],
      // The end of the family is not held up by who is stopped then.
      'drain=1s',
    ]
    await using family = await startFamily({ services: ['http', 'smtp', 'ftp'], args: args.flatMap((set) => ['--set', set]) })
    const well = await family.havre(['doctor', '--json'])
    const { ok, findings } = JSON.parse(well.stdout.toString())
    expect(ok, well.stdout.toString()).to.equal(true)
    expect(
      findings.filter(({ check, severity }: Record<string, string>) => check === 'permissions' && severity !== 'ok'),
    ).to.deep.equal([])
    expect(well.code).to.equal(0)
    const held = findings.filter(({ check }: { check: string }) => check === 'conversation')
    expect(held.map(({ message }: { message: string }) => message.replace(/127.*/, ''))).to.deep.equal([
      'http: a client is served on ',
      'ftp: a client is served on ',
      'ftp: a client is served over STARTTLS on ',
      'smtp: a client is served on ',
      'smtp: a client is served over STARTTLS on ',
      'pop3s: a client is served over TLS on ',
      'lmtp: a client is served on ',
      'lmtp: a client is served over STARTTLS on ',
    ])
    // On a slow machine the supervisor may have replaced it before it is looked at: then the next one is stopped.
    await eventually(async () => {
      const pid = (await family.status()).services.find(({ name }) => name === 'smtp')?.pid ?? null
      expect(pid).to.not.equal(null)
      expect(stopIfThere(pid ?? 0)).to.equal(true)
      const ill = await family.havre(['doctor', '--service', 'smtp'])
      expect(ill.code, ill.stdout.toString()).to.not.equal(0)
      expect(ill.stdout.toString()).to.match(/PROBLEM {2}(?:processes|conversation) +smtp/)
    }, 50_000)
  })

  it('have a certificate that clients would not take', async () => {
    await using family = await startFamily({ services: ['pop3'] })
    await using other = await temporaryFolder()
    // As if the authority in data/tls were another than the one that clients met: only the answers differ.
    const port = family.port('pop3')
    const troubles = await troublesOf(conversation, other, { services: ['pop3'], running: [{ name: 'pop3', port }] })
    expect(troubles).to.have.length(1)
    expect(troubles[0]).to.match(
      /^problem: pop3: a client is served over STARTTLS .*, but its certificate is not trusted \(\w+\) → /,
    )
  })
})

describe('havre doctor: accounts', function () {
  this.timeout(120_000)

  it('are read without a change: neither a mode, nor a file beside the database', async () => {
    await using folder = await temporaryFolder()
    const file = folder.at('data', 'accounts.db')
    const store = await openAccountStore(file)
    await store.add({ name: 'alice', passwordHash: await createPasswords().hash('something else') })
    const one = [{ severity: 'ok', message: '1 account' }]
    const look = async () => (await findingsOf(accounts, folder)).map(({ severity, message }) => ({ severity, message }))
    expect(await look(), 'while another process has it open, and the account waits in the -wal').to.deep.equal(one)
    await store.close()
    await chmod(file, 0o644)
    const before = await stat(file)
    expect(await look()).to.deep.equal(one)
    const after = await stat(file)
    expect([after.mode, after.mtimeMs, after.size]).to.deep.equal([before.mode, before.mtimeMs, before.size])
    expect(await readdir(folder.at('data'))).to.deep.equal(['accounts.db'])
  })

  it('with the demo password are a problem where other machines reach them', async () => {
    await using folder = await temporaryFolder()
    const store = await openAccountStore(folder.at('data', 'accounts.db'))
    await store.add({ name: 'alice', passwordHash: await createPasswords().hash(demoPassword) })
    await store.close()
    const words = `alice has the demo password (${demoPassword}), which everybody knows`
    expect(await troublesOf(accounts, folder)).to.deep.equal([
      `hint: ${words}; only this machine reaches the services → havre account password alice`,
    ])
    expect(await troublesOf(accounts, folder, { sets: ['host=0.0.0.0'] })).to.deep.equal([
      `problem: ${words}, and other machines reach the services → havre account password alice`,
    ])
  })

  it('are not there, or are damaged', async () => {
    await using folder = await temporaryFolder()
    expect(await troublesOf(accounts, folder)).to.deep.equal([])
    expect((await troublesOf(accounts, folder, { sets: ['demo=false'] }))[0]).to.match(/^hint: there is no account yet/)
    expect((await troublesOf(accounts, folder, { sets: ['host=0.0.0.0'] }))[0]).to.match(/^problem: a start is refused/)
    const store = await openAccountStore(folder.at('data', 'accounts.db'))
    await store.close()
    await writeFile(folder.at('data', 'accounts.db'), 'x'.repeat(8_192))
    expect((await troublesOf(accounts, folder))[0]).to.match(/^problem: the accounts' database: .* → Restore it from a backup/)
  })
})

describe('havre doctor', function () {
  this.timeout(120_000)

  it('ends with 100 where the configuration is wrong, and names the nearest service where one is unknown', async () => {
    await using folder = await temporaryFolder()
    const wrong = await havre(['doctor', '--set', 'drain=soon'])
    expect(wrong.code).to.equal(100)
    expect(wrong.stderr).to.include('--set drain=soon: drain: ')
    const unknown = await havre(['doctor', '--service', 'smpt', '--set', `data=${folder.at('data')}`])
    expect([unknown.code, unknown.stderr]).to.deep.equal([100, 'havre: no service is called smpt: is smtp meant?\n'])
  })

  it('changes nothing: no folder is made by looking', async () => {
    await using folder = await temporaryFolder()
    const { stdout } = await havre(['doctor', '--set', `data=${folder.at('data')}`, '--set', `logs=${folder.at('logs')}`])
    expect(stdout.toString()).to.include('no Havre runs')
    const { stdout: names } = await havre(['doctor', '--trust', '--set', `data=${folder.at('data')}`])
    expect(names.toString()).to.include('It is not made yet')
    const { readdir } = await import('node:fs/promises')
    expect(await readdir(folder.path)).to.deep.equal([])
  })
})
