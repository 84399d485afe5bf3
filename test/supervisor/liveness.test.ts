import { mkdir } from 'node:fs/promises'
import { expect } from 'chai'
import { type Child, forkChildren, type Plan } from '../../servers/supervisor/child.ts'
import { LocalConnections } from '../../servers/supervisor/local-connections.ts'
import { bindPort } from '../../servers/supervisor/ports.ts'
import { protocols } from '../../servers/supervisor/protocols.ts'
import { loadConfiguration } from '../../shared/config/load.ts'
import { AdmissionTable } from '../../shared/limits/admission.ts'
import { mailFile } from '../../shared/mail/mail-files.ts'
import { makeMailStore } from '../../shared/mail/sqlite-mail-store.ts'
import { Client } from '../kit/client.ts'
import { eventually } from '../kit/eventually.ts'
import { type Family, startFamily } from '../kit/family.ts'
import { temporaryFolder } from '../kit/folder.ts'

/** Twelve seconds until it is found, the start of the next one, and a machine that is busy with other tests. */
const foundMs = 60_000

const serviceOf = async (family: Family, name: string) => {
  const service = (await family.status()).services.find((each) => each.name === name)
  if (service === undefined) throw new Error(`no ${name}`)
  return service
}

const greetings: Readonly<Record<string, RegExp>> = { ftp: /^220 /, smtp: /^220 /, pop3: /^\+OK/ }

describe('liveness', function () {
  this.timeout(180_000)

  it('replaces children that are stopped, while their ports go on accepting; who waits is served by the next', async () => {
    await using family = await startFamily()
    const before = await family.status()
    // One of each kind of conversation that is in a child when it is stopped is lost; it begins before.
    for (const { pid } of before.services) process.kill(pid ?? 0, 'SIGSTOP')
    const from = performance.now()
    const served = before.services.map(async ({ name, port }) => {
      using client = await Client.connect(port, { deadlineMs: foundMs })
      if (name === 'http') await client.send('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
      expect(await client.line(), name).to.match(greetings[name] ?? /^HTTP\/1\.1 \d/)
      return Math.round(performance.now() - from)
    })
    expect(Math.max(...(await Promise.all(served)))).to.be.lessThan(foundMs)
    for (const { name, pid } of before.services) {
      const now = await eventually(async () => {
        const service = await serviceOf(family, name)
        expect(service).to.include({ state: 'ready', restarts: 1 })
        return service
      }, foundMs)
      expect(now.pid, name).not.to.equal(pid)
      expect(now.lastError, name).to.match(/^did not answer for 8 s and was killed/)
    }
    const died = (await family.records('supervisor')).filter(({ event }) => event === 'service.died')
    expect(died.map(({ about, level }) => `${about} ${level}`)).to.have.members(before.services.map(({ name }) => `${name} error`))
  })

  it('asks so that nobody sees it: no count, no record, no limit, within TLS and without', async function () {
    this.timeout(300_000)
    const args = [
      ...[
        'services.pop3s.protocol=pop3',
        'services.pop3s.tls=implicit',
        'services.https.protocol=http',
        'services.https.tls=implicit',
      ],
      ...[
        'services.smtps.protocol=smtp',
        'services.smtps.tls=implicit',
        'services.ftps.protocol=ftp',
        'services.ftps.tls=implicit',
      ],
      ...['limits.connections=1', 'limits.handshake=5m', 'limits.login=null', 'log.level=debug'],
    ].flatMap((setting) => ['--set', setting])
    await using family = await startFamily({ args, deadlineMs: 120_000 })
    const started = await family.status()
    // Each of them is full: only a question that no limit holds for is answered.
    const clients = await Promise.all(started.services.map(({ port }) => Client.connect(port)))
    // Long enough that somebody who did not answer would have been found.
    await new Promise((resolve) => setTimeout(resolve, 16_000))
    const { services } = await family.status()
    expect(services.map(({ name, pid, state, restarts, served }) => ({ name, pid, state, restarts, served }))).to.deep.equal(
      started.services.map(({ name, pid }) => ({ name, pid, state: 'ready', restarts: 0, served: 0 })),
    )
    for (const client of clients) client[Symbol.dispose]()
    for (const { name } of services) {
      const records = await family.records(name)
      const connections = new Set(records.flatMap(({ connection }) => (connection === undefined ? [] : [connection])))
      expect(connections.size, `${name}: ${JSON.stringify(records)}`).to.be.lessThan(2)
    }
    expect(await family.everythingLogged()).to.not.match(/OPTIONS|NOOP/)
  })

  it('kills nobody after the supervisor itself was stopped for longer than its patience', async () => {
    await using family = await startFamily({ services: ['pop3', 'ftp'] })
    const before = await family.status()
    process.kill(before.supervisor.pid, 'SIGSTOP')
    await new Promise((resolve) => setTimeout(resolve, 14_000))
    process.kill(before.supervisor.pid, 'SIGCONT')
    await new Promise((resolve) => setTimeout(resolve, 5_000))
    const { services } = await family.status()
    expect(services.map(({ pid, restarts }) => ({ pid, restarts }))).to.deep.equal(
      before.services.map(({ pid }) => ({ pid, restarts: 0 })),
    )
  })

  it('finds a child whose event loop is blocked', async () => {
    await using folder = await temporaryFolder()
    const { settings, services } = loadConfiguration({
      protocols,
      env: {},
      sets: [`data=${folder.at('data')}`, `logs=${folder.at('logs')}`, 'services.pop3.port=0'],
    })
    const service = services.find(({ name }) => name === 'pop3')
    if (service === undefined) throw new Error('no pop3')
    // Told by signals what to suffer from.
    const troubles = `process.on('SIGUSR2', () => { for (;;); })`
    const flags = ['--import', `data:text/javascript,${encodeURIComponent(troubles)}`]
    const plan: Plan = { service, settings, version: '0', console: false, network: 'connect', flags }
    const port = await bindPort({ service: 'pop3', host: '127.0.0.1', port: 0 }, () => false)
    const connections = new LocalConnections()
    try {
      await mkdir(settings.data)
      await mkdir(settings.logs)
      makeMailStore(mailFile(settings.data))
      const gone = Promise.withResolvers<string>()
      const ready = Promise.withResolvers<Child>()
      const child = forkChildren(connections)(
        { plan, port },
        {
          ready: ready.resolve,
          gone: (_child, _permanent, why) => gone.resolve(why),
          asked: () => undefined,
          admission: new AdmissionTable(service.limits),
        },
      )
      // What is wrong with it otherwise is told by this.
      await Promise.race([ready.promise, gone.promise])
      process.kill(child.pid, 'SIGUSR2')
      expect(await gone.promise).to.match(/^did not answer for 8 s and was killed/)
    } finally {
      connections.close()
      port.close()
    }
  })
})
