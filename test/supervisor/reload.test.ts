import { readFile, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { expect } from 'chai'
import { Client } from '../kit/client.ts'
import { eventually } from '../kit/eventually.ts'
import { type Family, havre, startFamily } from '../kit/family.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'

const only = (...names: string[]) =>
  ['http', 'ftp', 'smtp', 'pop3']
    .filter((name) => !names.includes(name))
    .flatMap((name) => ['--set', `services.${name}.enabled=false`])

/** A family whose settings come from a file that the test can change. */
const startFrom = async (folder: TemporaryFolder, yaml: string, ...names: string[]): Promise<Family> => {
  await writeFile(folder.at('havre.yaml'), yaml)
  return startFamily({ folder, args: ['--config', folder.at('havre.yaml'), ...only(...names)] })
}

const pidOf = async (family: Family, name: string): Promise<number | null> => {
  const { services } = await family.status()
  return services.find((service) => service.name === name)?.pid ?? null
}

describe('reload and restart', function () {
  this.timeout(120_000)

  it('replaces only the services whose settings changed, and a conversation goes on in the old child', async () => {
    await using folder = await temporaryFolder()
    await using family = await startFrom(folder, 'hostname: before.test', 'pop3', 'smtp')
    const [pop3, smtp] = [await pidOf(family, 'pop3'), await pidOf(family, 'smtp')]
    using client = await Client.connect(family.port('pop3'))
    await client.line()
    await writeFile(folder.at('havre.yaml'), 'hostname: before.test\nservices: { pop3: { limits: { connections: 7 } } }')
    const { code, stdout } = await family.havre(['reload', '--json'])
    expect(code).to.equal(0)
    expect(JSON.parse(String(stdout))).to.deep.equal({ added: [], removed: [], replaced: ['pop3'], unchanged: ['smtp'] })
    expect(await pidOf(family, 'smtp')).to.equal(smtp)
    expect(await pidOf(family, 'pop3')).not.to.equal(pop3)
    expect(await client.ask('NOOP')).to.match(/^-ERR|^\+OK/)
    expect(await client.ask('QUIT')).to.match(/^\+OK/)
  })

  it('moves to another folder of logs, the supervisor too, and refuses one that cannot be used', async () => {
    await using folder = await temporaryFolder()
    const config = ['--config', folder.at('havre.yaml'), ...only('pop3')]
    const write = (logs: string) => writeFile(folder.at('havre.yaml'), `data: data\nlogs: ${logs}\nports: any\ndemo: false\n`)
    const has = async (name: string, event: string) =>
      (await readFile(folder.at(name), 'utf8').catch(() => '')).includes(`"${event}"`)
    await write('one')
    const running = havre(['start', ...config], { deadlineMs: 60_000 })
    try {
      await eventually(() => has('one/pop3.log', 'service.listening'))
      await write('two')
      // While it starts, nothing is changed.
      await eventually(async () => (await havre(['reload', ...config])).code === 0)
      await eventually(() => has('two/supervisor.log', 'supervisor.reloaded'))
      await eventually(() => has('two/pop3.log', 'service.listening'))
      await writeFile(folder.at('file'), '')
      await write('file')
      const refused = await havre(['reload', ...config])
      expect(refused.code).to.equal(100)
      expect(String(refused.stderr)).to.match(/logs: .*file is not a folder/)
    } finally {
      await write('two')
      expect((await havre(['stop', ...config])).code).to.equal(0)
    }
    expect((await running).code).to.equal(0)
    expect(await has('two/supervisor.log', 'supervisor.not-reloaded')).to.equal(true)
    expect(await has('two/supervisor.log', 'supervisor.stopped')).to.equal(true)
    expect(await has('one/supervisor.log', 'supervisor.reloaded')).to.equal(false)
  })

  it('takes another level of the journal into force without replacing anything, also for one service alone', async () => {
    await using folder = await temporaryFolder()
    await using family = await startFrom(folder, 'log: { level: info }', 'pop3', 'smtp')
    const pids = async () => Promise.all(['pop3', 'smtp'].map((name) => pidOf(family, name)))
    const before = await pids()
    using open = await Client.connect(family.port('pop3'))
    await open.line()
    const quit = async (service: string): Promise<void> => {
      using client = await Client.connect(family.port(service))
      await client.reply()
      await client.command('QUIT')
      await client.reply()
      await client.closed()
    }
    /** How many times QUIT was taken down. */
    const told = async (service: string) =>
      (await family.records(service)).filter(({ event, text }) => event === 'conversation.client' && text === 'QUIT').length
    const becomes = async (yaml: string) => {
      await writeFile(folder.at('havre.yaml'), yaml)
      const { stdout, stderr } = await family.havre(['reload', '--json'])
      expect(JSON.parse(String(stdout)), stderr).to.deep.include({ replaced: [], unchanged: ['smtp', 'pop3'] })
      await quit('pop3')
      await quit('smtp')
    }
    await becomes('services: { pop3: { log: { level: debug } } }')
    await eventually(async () => (await told('pop3')) === 1)
    await becomes('log: { level: debug }')
    await eventually(async () => (await told('pop3')) === 2 && (await told('smtp')) === 1)
    await becomes('log: { level: info }\nservices: { smtp: { log: { level: warn } } }')
    expect(await open.ask('QUIT')).to.match(/^\+OK/)
    expect(await pids()).to.deep.equal(before)
    await family.stop()
    expect([await told('pop3'), await told('smtp')]).to.deep.equal([2, 1])
    expect((await family.records('smtp')).filter(({ event }) => event === 'smtp.session.ended')).to.have.length(2)
  }).timeout(120_000)

  it('starts services that were added and ends those that were removed', async () => {
    await using folder = await temporaryFolder()
    await using family = await startFrom(folder, 'services: { old: { protocol: pop3 } }', 'pop3')
    await writeFile(folder.at('havre.yaml'), 'services: { new: { protocol: smtp } }')
    const { stdout } = await family.havre(['reload', '--json'])
    expect(JSON.parse(String(stdout))).to.deep.include({ added: ['new'], removed: ['old'], unchanged: ['pop3'] })
    const { services } = await family.status()
    expect(services.map(({ name, state }) => `${name} ${state}`)).to.have.members(['pop3 ready', 'new ready'])
    const gone = await Client.connect(family.port('old')).catch((error: Error) => error.name)
    expect(gone).to.equal('ClientError')
  })

  it('changes nothing when the new configuration is wrong, and says what is wrong', async () => {
    await using folder = await temporaryFolder()
    await using family = await startFrom(folder, 'hostname: good.test', 'pop3')
    const before = await pidOf(family, 'pop3')
    await writeFile(folder.at('havre.yaml'), 'hostnme: typo.test')
    const { code, stderr } = await family.havre(['reload'])
    expect(code).to.equal(100)
    expect(stderr).to.contain('havre.yaml:1:1').and.contain('hostname')
    await writeFile(folder.at('havre.yaml'), 'hostname: good.test')
    expect(await pidOf(family, 'pop3')).to.equal(before)
    using client = await Client.connect(family.port('pop3'))
    expect(await client.line()).to.match(/^\+OK.*good\.test/)
  })

  it('changes nothing when what cannot change while it runs is changed beside something else', async () => {
    await using folder = await temporaryFolder()
    await using family = await startFrom(folder, 'hostname: good.test', 'pop3')
    const before = await pidOf(family, 'pop3')
    const user = `user: ${userInfo().username}\n`
    await writeFile(folder.at('havre.yaml'), `${user}hostname: other.test\nservices: { new: { protocol: smtp } }`)
    const { code, stderr } = await family.havre(['reload'])
    expect(stderr).to.contain('user cannot change while Havre runs: stop it and start it again. Nothing was changed')
    expect(code).to.equal(100)
    expect((await family.status()).services.map(({ name, pid }) => `${name} ${pid}`)).to.deep.equal([`pop3 ${before}`])
  })

  it('by SIGHUP too, when stdin is no terminal', async () => {
    await using folder = await temporaryFolder()
    await using family = await startFrom(folder, 'hostname: before.test', 'pop3')
    await writeFile(folder.at('havre.yaml'), 'hostname: after.test')
    family.process.kill('SIGHUP')
    await eventually(() => /^reloaded$/m.test(family.output()))
    using client = await Client.connect(family.port('pop3'))
    expect(await client.line()).to.contain('after.test')
  })

  it('refuses nobody while a service is restarted again and again', async () => {
    await using folder = await temporaryFolder()
    await using family = await startFrom(folder, '', 'pop3')
    let going = true
    let served = 0
    const clients = Array.from({ length: 4 }, async () => {
      while (going) {
        using client = await Client.connect(family.port('pop3'))
        expect(await client.line()).to.match(/^\+OK/)
        expect(await client.ask('QUIT')).to.match(/^\+OK/)
        served += 1
      }
    })
    for (let round = 0; round < 5; round++) expect((await family.havre(['restart', 'pop3'])).code).to.equal(0)
    going = false
    await Promise.all(clients)
    expect(served).to.be.greaterThan(20)
    const { services } = await family.status()
    // Planned ones are none of the restarts that an operator should look at.
    expect(services.find(({ name }) => name === 'pop3')).to.include({ state: 'ready', restarts: 0 })
  })

  it('names the services there are when asked for one that is not', async () => {
    await using folder = await temporaryFolder()
    await using family = await startFrom(folder, '', 'pop3')
    const { code, stderr } = await family.havre(['restart', 'popper'])
    expect(code).to.equal(100)
    expect(stderr).to.contain('popper').and.contain('pop3')
  })

  it('waits ever longer for what dies at once, and tells so in status; one failing service disturbs no other', async () => {
    await using folder = await temporaryFolder()
    await using family = await startFrom(folder, '', 'pop3', 'smtp')
    const smtp = await pidOf(family, 'smtp')
    for (let round = 1; round <= 3; round++) {
      await eventually(async () => (await pidOf(family, 'pop3')) !== null)
      process.kill((await pidOf(family, 'pop3')) ?? 0, 'SIGKILL')
      await eventually(async () =>
        (await family.status()).services.some(({ name, restarts }) => name === 'pop3' && restarts === round),
      )
    }
    await eventually(async () => (await family.status()).services.every(({ state }) => state === 'ready'))
    expect(await pidOf(family, 'smtp')).to.equal(smtp)
    const records = await family.records('supervisor')
    const pauses = records.filter(({ event }) => event === 'service.died').map(({ nextTryMs }) => Number(nextTryMs))
    expect(pauses[0]).to.be.within(75, 100)
    expect(pauses[1]).to.be.within(150, 200)
    expect(pauses[2]).to.be.within(300, 400)
  })
})
