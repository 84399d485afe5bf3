import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import process from 'node:process'
import { expect } from 'chai'
import { isAlive, type Mark, markOf, parentOf } from '../../servers/exec/processes.ts'
import { Client } from '../kit/client.ts'
import { eventually } from '../kit/eventually.ts'
import { type Family, FamilyError, familyArgs, havre, type ServiceStatus, startFamily } from '../kit/family.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'
import { freePort } from '../kit/free-port.ts'

/** A server of one line a connection, with a child of its own; its greeting is what the test gives it. */
const program = `
  const child = require('node:child_process').spawn('sleep', ['300'])
  console.log('child ' + child.pid)
  require('node:net').createServer((socket) => socket.on('error', () => {}).end(process.argv[3] + '\\n')).listen(Number(process.argv[2]), process.argv[1])
  process.on('SIGTERM', () => { console.log('asked to end'); child.kill(); process.exit(0) })
`

/** The family with this one service. */
const yamlOf = (greeting: string, more: object = {}): string => {
  const off = Object.fromEntries(['http', 'ftp', 'smtp', 'pop3'].map((name) => [name, { enabled: false }]))
  const command = [process.execPath, '-e', program, '{host}', '{port}', greeting]
  return JSON.stringify({ services: { ...off, thing: { protocol: 'exec', command, ...more } } })
}

const start = async (folder: TemporaryFolder, yaml: string, args: readonly string[] = []): Promise<Family> => {
  await writeFile(folder.at('havre.yaml'), yaml)
  return startFamily({ folder, args: ['--config', folder.at('havre.yaml'), ...args], deadlineMs: 60_000 })
}

const thingOf = async (family: Family): Promise<ServiceStatus> => {
  const found = (await family.status()).services.find(({ name }) => name === 'thing')
  if (found === undefined) throw new Error('there is no such service')
  return found
}

const ready = (family: Family, holds: (thing: ServiceStatus) => boolean): Promise<ServiceStatus> =>
  eventually(async () => {
    const thing = await thingOf(family)
    expect(thing.state === 'ready' && holds(thing), JSON.stringify(thing)).to.equal(true)
    return thing
  }, 60_000)

const greetingOf = async (port: number): Promise<string> => {
  using client = await Client.connect(port)
  return await client.line()
}

/** The program and its child, as they are now. */
const marksOf = (family: Family): Promise<Mark[]> =>
  eventually(async () => {
    const { pid } = await thingOf(family)
    const records = await family.records('thing')
    const started = records.findLastIndex((record) => record.event === 'program.started' && record['pid'] === pid)
    expect(started).to.be.at.least(0)
    const told = records.slice(started).find(({ text }) => /^child \d+$/.test(String(text)))
    expect(told).to.be.an('object')
    return [markOf(pid ?? 0), markOf(Number(String(told?.['text']).slice(6)))]
  })

const gone = (marks: readonly Mark[]): Promise<void> =>
  eventually(() => {
    expect(marks.filter(isAlive)).to.deep.equal([])
  })

describe('an external program under the supervisor', function () {
  this.timeout(180_000)
  before(function () {
    if (process.platform !== 'linux') this.skip()
  })

  it('shows in status like any other, with its own pid and memory, and ends with the family', async () => {
    await using folder = await temporaryFolder()
    await using family = await start(folder, yamlOf('hello', { example: 'nc {host} {port}' }))
    const thing = await thingOf(family)
    expect(thing).to.include({ protocol: 'exec', host: '127.0.0.1', state: 'ready', restarts: 0 })
    expect(thing.memory).to.be.greaterThan(2 ** 20)
    expect(family.output()).to.contain(`nc 127.0.0.1 ${thing.port}`)
    expect(await greetingOf(thing.port)).to.equal('hello')
    const marks = await marksOf(family)
    expect(marks.map(isAlive)).to.deep.equal([true, true])
    expect(await family.stop()).to.deep.equal({ code: 0, signal: null })
    expect(marks.map(isAlive)).to.deep.equal([false, false])
    const events = (await family.records('thing')).map(({ event, text }) => text ?? event)
    expect(events).to.include.members(['program.started', 'program.ready', 'program.stopping', 'asked to end', 'program.ended'])
  })

  it('is replaced when it is stopped, or listens on its port no more, or when its runner is stopped', async () => {
    await using folder = await temporaryFolder()
    const deaf = `
      const server = require('node:net').createServer().listen(Number(process.argv[2]), process.argv[1])
      process.on('SIGUSR2', () => server.close(() => setInterval(() => {}, 1000)))
    `
    await using family = await start(folder, yamlOf('hello', { command: [process.execPath, '-e', deaf, '{host}', '{port}'] }))
    const troubles = [
      { signal: 'SIGSTOP', to: ({ pid }: ServiceStatus) => pid ?? 0, why: /^was stopped \(SIGSTOP\) for 8 s and was killed/ },
      { signal: 'SIGUSR2', to: ({ pid }: ServiceStatus) => pid ?? 0, why: /^did not listen on its port for 8 s and was killed/ },
      { signal: 'SIGSTOP', to: ({ pid }: ServiceStatus) => parentOf(pid ?? 0) ?? 0, why: /^did not answer for 8 s and was killed/ },
    ] as const
    for (const [round, { signal, to, why }] of troubles.entries()) {
      const before = await thingOf(family)
      process.kill(to(before), signal)
      const thing = await ready(family, ({ restarts }) => restarts === round + 1)
      expect(thing.pid).to.not.equal(before.pid)
      expect(thing.lastError).to.match(why)
    }
  })

  it('is started again after it was killed with -9, ever later, on the same port, and nothing of it is left', async () => {
    await using folder = await temporaryFolder()
    await using family = await start(folder, yamlOf('hello'))
    const { port } = await thingOf(family)
    for (const round of [1, 2, 3]) {
      const marks = await marksOf(family)
      process.kill(marks[0]?.pid ?? 0, 'SIGKILL')
      const thing = await ready(family, ({ restarts }) => restarts === round)
      expect(thing.port).to.equal(port)
      expect(thing.pid).to.not.equal(marks[0]?.pid)
      await gone(marks)
    }
    expect(await greetingOf(port)).to.equal('hello')
    const died = (await family.records('supervisor')).filter(({ event }) => event === 'service.died')
    expect(String(died[0]?.['why'])).to.match(/^was ended by SIGKILL, saying: child \d+$/)
    const [first, second, third] = died.map(({ nextTryMs }) => Number(nextTryMs))
    expect(first).to.be.within(75, 100)
    expect(second).to.be.within(150, 200)
    expect(third).to.be.within(300, 400)
  })

  it('dies with its runner when that is killed with -9, and comes back', async () => {
    await using folder = await temporaryFolder()
    await using family = await start(folder, yamlOf('hello'))
    const marks = await marksOf(family)
    const { runner } = JSON.parse(await readFile(folder.at('data', 'run', 'thing.program'), 'utf8'))
    process.kill(runner, 'SIGKILL')
    await ready(family, ({ restarts }) => restarts === 1)
    await gone(marks)
  })

  it('does not outlive a supervisor that was killed with -9, and the next start has its port at once', async () => {
    await using folder = await temporaryFolder()
    const port = await freePort()
    const first = await start(folder, yamlOf('first', { port }))
    const marks = await marksOf(first)
    process.kill((await first.status()).supervisor.pid, 'SIGKILL')
    await using second = await start(folder, yamlOf('second', { port }))
    expect(await greetingOf(port)).to.equal('second')
    await gone(marks)
    expect(second.port('thing')).to.equal(port)
    const events = (await second.records('thing')).map(({ event }) => event)
    expect(events).to.include('service.orphaned')
  })

  it('does not outlive the next start when supervisor and runner were killed with -9 at once', async () => {
    await using folder = await temporaryFolder()
    const port = await freePort()
    const first = await start(folder, yamlOf('first', { port }))
    const marks = await marksOf(first)
    const { runner } = JSON.parse(await readFile(folder.at('data', 'run', 'thing.program'), 'utf8'))
    // The supervisor is held, so that it sees nothing of its child's end.
    const { pid } = (await first.status()).supervisor
    process.kill(pid, 'SIGSTOP')
    process.kill(runner, 'SIGKILL')
    process.kill(pid, 'SIGKILL')
    await first.ended
    expect(marks.map(isAlive)).to.deep.equal([true, true])
    await using second = await start(folder, yamlOf('second', { port }))
    expect(await greetingOf(second.port('thing'))).to.equal('second')
    await gone(marks)
  })

  it('is restarted with changed settings at a reload, left alone without, and ended when it is removed', async () => {
    await using folder = await temporaryFolder()
    await using family = await start(folder, yamlOf('before'))
    const { port } = await thingOf(family)
    const marks = await marksOf(family)
    expect((await family.havre(['reload'])).code).to.equal(0)
    expect(marks.map(isAlive)).to.deep.equal([true, true])
    await writeFile(folder.at('havre.yaml'), yamlOf('after'))
    const { stdout } = await family.havre(['reload', '--json'])
    expect(JSON.parse(String(stdout))).to.deep.include({ replaced: ['thing'] })
    expect(await greetingOf(port)).to.equal('after')
    expect(marks.map(isAlive)).to.deep.equal([false, false])
    const later = await marksOf(family)
    expect((await family.havre(['restart', 'thing'])).code).to.equal(0)
    expect(await ready(family, ({ restarts }) => restarts === 0)).to.include({ port })
    await gone(later)
    const last = await marksOf(family)
    await writeFile(folder.at('havre.yaml'), yamlOf('after', { enabled: false }))
    expect((await family.havre(['reload'])).code).to.equal(0)
    await gone(last)
  })

  it('goes to another port at a reload, and no other service may take the one that it has', async () => {
    await using folder = await temporaryFolder()
    await using family = await start(folder, yamlOf('before'))
    const { port, pid } = await thingOf(family)
    const taken = JSON.parse(yamlOf('before'))
    taken.services.web = { protocol: 'http', port }
    await writeFile(folder.at('havre.yaml'), JSON.stringify(taken))
    const refused = await family.havre(['reload'])
    expect(refused.code).to.equal(100)
    expect(refused.stderr).to.contain('Nothing was changed')
    expect(await thingOf(family)).to.include({ pid, state: 'ready' })
    const other = await freePort()
    await writeFile(folder.at('havre.yaml'), yamlOf('after', { port: other }))
    expect((await family.havre(['reload'])).code).to.equal(0)
    expect(await thingOf(family)).to.include({ port: other, state: 'ready', restarts: 0 })
    expect(await greetingOf(other)).to.equal('after')
    await eventually(() => expect(isAlive(markOf(pid ?? 0))).to.equal(false))
  })

  it('that cannot start with its new settings says so at the reload, and is tried again', async () => {
    await using folder = await temporaryFolder()
    await using family = await start(folder, yamlOf('before'))
    await writeFile(folder.at('havre.yaml'), yamlOf('after', { command: ['sh', '-c', 'echo no licence; exit 5'] }))
    const { code, stderr } = await family.havre(['reload'])
    expect(code).to.not.equal(0)
    expect(stderr).to.contain('thing: ended with exit code 5 before it was ready, saying: no licence')
    await eventually(async () => expect((await thingOf(family)).restarts).to.be.greaterThan(1))
    await writeFile(folder.at('havre.yaml'), yamlOf('again'))
    expect((await family.havre(['reload'])).code).to.equal(0)
    expect(await greetingOf((await thingOf(family)).port)).to.equal('again')
  })

  it('is reloaded again while it starts with the settings of the reload before, and stopped while it starts', async () => {
    await using folder = await temporaryFolder()
    await using family = await start(folder, yamlOf('first'))
    const { port } = await thingOf(family)
    // It never listens: only the next reload helps.
    const stuck = { command: ['sh', '-c', 'echo stuck $$; exec sleep 74'], readyWithin: '60s' }
    const stuckOnes = async () =>
      (await family.records('thing')).flatMap(({ text }) =>
        /^stuck \d+$/.test(String(text)) ? [Number(String(text).slice(6))] : [],
      )
    const getStuck = async (nth: number) => {
      const pid = await eventually(async () => {
        const all = await stuckOnes()
        expect(all.length).to.be.at.least(nth)
        return all.at(-1) ?? 0
      })
      return markOf(pid)
    }
    await writeFile(folder.at('havre.yaml'), yamlOf('second', stuck))
    const second = family.havre(['reload'], { deadlineMs: 90_000 })
    const inBetween = await getStuck(1)
    await writeFile(folder.at('havre.yaml'), yamlOf('third'))
    expect((await family.havre(['reload'], { deadlineMs: 90_000 })).code).to.equal(0)
    const overtaken = await second
    expect(overtaken.code).to.not.equal(0)
    expect(overtaken.stderr).to.contain('thing: was not ready yet when another change was asked for')
    expect(await greetingOf(port)).to.equal('third')
    await gone([inBetween])
    await writeFile(folder.at('havre.yaml'), yamlOf('fourth', stuck))
    const fourth = family.havre(['reload'], { deadlineMs: 90_000 })
    const last = await getStuck(2)
    expect(await family.stop()).to.deep.equal({ code: 0, signal: null })
    await gone([last])
    await fourth
  })

  it('that ends with 100, or is not there, ends the whole start with 100', async () => {
    await using folder = await temporaryFolder()
    const fails = async (yaml: string): Promise<FamilyError> => {
      try {
        await using _family = await start(folder, yaml)
      } catch (error) {
        if (error instanceof FamilyError) return error
        throw error
      }
      throw new Error('it started')
    }
    const wrong = await fails(yamlOf('x', { command: ['sh', '-c', 'echo wrong settings; exit 100'] }))
    expect(wrong.code).to.equal(100)
    expect(wrong.message).to.contain('thing: ended with exit code 100 before it was ready, saying: wrong settings')
    const missing = await fails(yamlOf('x', { command: ['no-such-program-anywhere'] }))
    expect(missing.code).to.equal(100)
    expect(missing.message).to.contain('thing: no program is called no-such-program-anywhere')
  })

  it('whose port another program has ends the start with 100, naming that program', async () => {
    await using folder = await temporaryFolder()
    const other = createServer().listen(0, '127.0.0.1')
    await new Promise((resolve) => other.once('listening', resolve))
    const address = other.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    await mkdir(folder.at('data'))
    await writeFile(folder.at('havre.yaml'), yamlOf('x', { port }))
    const { code, stderr } = await havre(['start', ...familyArgs(folder), '--config', folder.at('havre.yaml')])
    other.close()
    expect(code).to.equal(100)
    expect(stderr).to.contain(`thing: port ${port} on 127.0.0.1 is already in use by`).and.contain(`(pid ${process.pid})`)
  })
})
