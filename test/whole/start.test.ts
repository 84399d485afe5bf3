import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { Client } from '../kit/client.ts'
import { type Family, FamilyError, familyArgs, havre, havreProgram, startFamily } from '../kit/family.ts'
import { temporaryFolder } from '../kit/folder.ts'
import { freePort } from '../kit/free-port.ts'

const isAlive = (pid: number): boolean => {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ESRCH') return false
    throw error
  }
}

/** Resolves when this process is gone. */
const gone = async (pid: number): Promise<void> => {
  for (let tries = 0; isAlive(pid); tries++) {
    if (tries > 2_000) throw new Error(`process ${pid} still lives`)
    await sleep(25)
  }
}

const pidsOf = async (family: Family): Promise<{ supervisor: number; children: number[] }> => {
  const { supervisor, services } = await family.status()
  return { supervisor: supervisor.pid, children: services.flatMap(({ pid }) => (pid === null ? [] : [pid])) }
}

const failureOf = async (start: Promise<Family>): Promise<FamilyError> => {
  try {
    const family = await start
    await family[Symbol.asyncDispose]()
  } catch (error) {
    if (error instanceof FamilyError) return error
    throw error
  }
  throw new Error('it started, but should not have')
}

describe('the whole: start and end', function () {
  // Whole processes start and end here: on a machine that does other things too, that takes what it takes.
  this.timeout(120_000)
  it('prints a line for each service and then "ready"; status tells where they are; SIGTERM ends it with 0', async () => {
    await using family = await startFamily({ demo: true })
    const { supervisor, services } = await family.status()
    expect(supervisor.state).to.equal('ready')
    expect(services.map(({ name }) => name)).to.have.members(['http', 'ftp', 'smtp', 'pop3'])
    const lines = family.output().split('\n')
    for (const { name, protocol, host, port, state, restarts, pid, memory } of services) {
      expect({ name, state, restarts, host }).to.deep.equal({ name, state: 'ready', restarts: 0, host: '127.0.0.1' })
      expect(pid).to.be.a('number')
      expect(memory).to.be.greaterThan(2 ** 20)
      const line = lines.find((text) => text.startsWith(`${name} `))
      expect(line).to.match(new RegExp(protocol, 'i')).and.include(`127.0.0.1:${port}`)
      // Before "ready", not after.
      expect(lines.indexOf(line ?? '')).to.be.below(lines.indexOf('ready'))
    }
    const { children } = await pidsOf(family)
    expect(await family.stop()).to.deep.equal({ code: 0, signal: null })
    for (const pid of children) expect(isAlive(pid)).to.equal(false)
  })

  it('starts again on what it left', async () => {
    await using folder = await temporaryFolder()
    for (let round = 1; round <= 2; round++) {
      const family = await startFamily({ folder, services: ['smtp', 'pop3'] })
      expect(await family.stop()).to.deep.equal({ code: 0, signal: null })
    }
    expect(existsSync(folder.at('data', 'accounts.db'))).to.equal(true)
  })

  it('ends at the first SIGINT too, and at once at a second signal', async () => {
    const family = await startFamily({ services: ['smtp'], args: ['--set', 'drain=30s'] })
    await family.havre(['account', 'add', 'carol', '--password-stdin'], { input: 'carol secret\n' })
    // Work under way: a message that never ends holds the first signal up.
    using client = await Client.connect(family.port('smtp'))
    await client.reply()
    for (const command of ['EHLO client.test', 'MAIL FROM:<a@example.org>', 'RCPT TO:<carol@havre.test>', 'DATA']) {
      await client.command(command)
      expect((await client.reply()).at(-1)).to.match(/^(?:250|354) /)
    }
    const { children } = await pidsOf(family)
    family.process.kill('SIGINT')
    await sleep(1_000)
    expect(family.process.exitCode).to.equal(null)
    family.process.kill('SIGINT')
    await family.ended
    for (const pid of children) await gone(pid)
    await family[Symbol.asyncDispose]()
  })

  it('takes the whole tree along when the supervisor is killed with -9, and the next start finds its ports free', async () => {
    await using folder = await temporaryFolder()
    const ports: string[] = []
    for (const name of ['http', 'ftp', 'smtp', 'pop3']) ports.push('--set', `services.${name}.port=${await freePort()}`)
    const first = await startFamily({ folder, args: ports })
    const { supervisor, children } = await pidsOf(first)
    // An idle client must not hold the orphans up.
    using client = await Client.connect(first.port('pop3'))
    await client.line()
    process.kill(supervisor, 'SIGKILL')
    await first.ended
    const second = await startFamily({ folder, args: ports })
    expect(second.port('pop3')).to.equal(first.port('pop3'))
    for (const pid of children) await gone(pid)
    await second[Symbol.asyncDispose]()
  })

  it('replaces a child that was killed with -9; its port refuses nobody meanwhile', async () => {
    await using family = await startFamily({ services: ['pop3'] })
    const { services } = await family.status()
    const pid = services.find(({ name }) => name === 'pop3')?.pid ?? 0
    process.kill(pid, 'SIGKILL')
    for (let n = 0; n < 20; n++) {
      using client = await Client.connect(family.port('pop3'))
      expect(await client.line()).to.match(/^\+OK/)
    }
    const after = (await family.status()).services.find(({ name }) => name === 'pop3')
    expect(after).to.include({ state: 'ready', restarts: 1 })
    expect(after?.pid).not.to.equal(pid)
  })

  it('ends by `havre stop`, which returns when it has', async () => {
    const family = await startFamily({ services: ['http', 'pop3'] })
    const { supervisor, children } = await pidsOf(family)
    const { code, stderr } = await family.havre(['stop'])
    expect(code, stderr).to.equal(0)
    for (const pid of [supervisor, ...children]) await gone(pid)
    expect((await family.ended).code).to.equal(0)
    await family[Symbol.asyncDispose]()
  })
})

describe('the whole: what cannot start', function () {
  // Whole processes start and end here: on a machine that does other things too, that takes what it takes.
  this.timeout(120_000)
  it('ends with 100 and names file, line and setting when the configuration is wrong', async () => {
    await using folder = await temporaryFolder()
    await writeFile(folder.at('office.yaml'), 'host: 127.0.0.1\nservices:\n  smtp:\n    prot: 2525\n')
    const { code, message } = await failureOf(startFamily({ folder, args: ['--config', folder.at('office.yaml')] }))
    expect(code).to.equal(100)
    expect(message)
      .to.include('office.yaml')
      .and.include('4')
      .and.include('services.smtp.prot')
      .and.match(/port|protocol/)
    expect((await havre(['check', ...familyArgs(folder), '--config', folder.at('office.yaml')])).code).to.equal(100)
  })

  it('ends with 100 and names service, port and the program that holds it when a port is taken', async () => {
    const holder = createServer()
    await new Promise<void>((resolve) => holder.listen(0, '127.0.0.1', resolve))
    const address = holder.address()
    const port = typeof address === 'object' ? (address?.port ?? 0) : 0
    try {
      const { code, message } = await failureOf(startFamily({ services: ['pop3'], args: ['--set', `services.pop3.port=${port}`] }))
      expect(code).to.equal(100)
      expect(message).to.include('pop3').and.include(String(port)).and.include(String(process.pid))
    } finally {
      holder.close()
    }
  })

  it('ends with 100 when another Havre has the data folder, and leaves that one alone', async () => {
    await using first = await startFamily({ services: ['pop3'] })
    const { code, message } = await failureOf(startFamily({ folder: first.folder }))
    expect(code).to.equal(100)
    expect(message).to.match(/\bdata\b/)
    expect((await first.status()).supervisor.state).to.equal('ready')
  })

  it('tells those who ask when nothing runs', async () => {
    await using folder = await temporaryFolder()
    await mkdir(folder.at('data'))
    for (const command of ['status', 'stop', 'reload']) {
      const { code, stderr } = await havre([command, ...familyArgs(folder)])
      expect(code, stderr).to.equal(100)
      expect(stderr).to.include('havre start')
    }
  })

  it('goes on when nobody reads any more what it prints', async () => {
    await using folder = await temporaryFolder()
    const child: ChildProcess = spawn(process.execPath, [...havreProgram, 'start', ...familyArgs(folder)], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, NO_COLOR: '1' },
    })
    child.stdout?.once('data', () => {
      child.stdout?.destroy()
      child.stderr?.destroy()
    })
    // A closed pipe is no reason to end: the services run on, and end as they are told.
    for (let tries = 0; ; tries++) {
      const { code } = await havre(['status', ...familyArgs(folder)])
      if (code === 0) break
      if (tries > 300) throw new Error('it does not run')
      await sleep(100)
    }
    child.kill('SIGTERM')
    const [code] = await once(child, 'exit')
    expect(code).to.equal(0)
  })
})
