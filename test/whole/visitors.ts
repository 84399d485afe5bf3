import { readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { Agent, get } from 'node:http'
import { dirname } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { Client } from '../kit/client.ts'
import { eventually } from '../kit/eventually.ts'
import { type Family, familyArgs, havre, startFamily } from '../kit/family.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'
import { greet, isBroken, send, testMessage } from './conversations.ts'

export const services = ['http', 'ftp', 'smtp', 'pop3'] as const
export type Name = (typeof services)[number]

export const password = 'continuity secret'

/** Between two conversations of one client: enough of them come so, and the machine has time for the changes of children. */
const paceMs = 10

/** Larger than what the sockets of both sides hold: a transfer of it is not over before its reader says so. */
export const large = Buffer.alloc(24 * 1024 * 1024, 'what is sent must arrive whole, whoever is replaced meanwhile. ')

export interface Setting {
  readonly folder: TemporaryFolder
  readonly family: Family
  /** Makes the file's settings other ones for all four services, and reloads: each gets a new child. */
  change(): Promise<void>
}

const write = async (path: string, content: string | Buffer): Promise<void> => {
  await mkdir(dirname(path), { recursive: true })
  await writeFile(path, content)
}

/** Nobody is cut off by the end of a drain: a machine that does other things too takes its time for twenty reloads. */
const settings = (connections: number): string => `drain: 10m\nlimits: { connections: ${connections} }\n`

/** A family with the accounts alice and bob, whose settings lie in a file. */
const start = async (folder: TemporaryFolder): Promise<Setting> => {
  const file = folder.at('havre.yaml')
  await write(folder.at('data/www/index.html'), '<p>here</p>')
  await write(file, settings(1_000))
  for (const name of ['alice', 'bob']) {
    const { code, stderr } = await havreAlone(folder, ['account', 'add', name, '--password-stdin'])
    expect(code, stderr.toString()).to.equal(0)
  }
  await write(folder.at('data/files/alice/large.bin'), large)
  const family = await startFamily({ folder, args: ['--config', file] })
  let changes = 0
  const change = async () => {
    await writeFile(file, settings(1_000 + ++changes))
    const { code, stdout, stderr } = await family.havre(['reload', '--json'])
    expect(code, stderr.toString()).to.equal(0)
    expect(JSON.parse(stdout.toString()).replaced).to.have.members([...services])
  }
  return { folder, family, change }
}

const havreAlone = async (folder: TemporaryFolder, args: readonly string[]) => {
  return havre([...args, ...familyArgs(folder)], { input: `${password}\n`, cwd: folder.path })
}

export const ftpLogIn = async (client: Client): Promise<void> => {
  await client.reply()
  await client.ask('USER alice')
  expect(await client.ask(`PASS ${password}`)).to.match(/^230/)
  expect(await client.ask('TYPE I')).to.match(/^200/)
}

export const passive = async (client: Client): Promise<Client> => {
  const answer = await client.ask('EPSV')
  return Client.connect(Number(/\|(\d+)\|\)/.exec(answer)?.[1]))
}

/** One short conversation of each kind: what a client comes for, from the connection to the goodbye. */
export const visits: Readonly<Record<Name, (client: Client) => Promise<void>>> = {
  http: async (client) => {
    await client.send('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    // Nothing at all, where the child is killed: the connection broke.
    expect(await client.line()).to.match(/^HTTP\/1\.1 200 /)
    expect((await client.rest()).toString()).to.contain('here')
  },
  ftp: async (client) => {
    await ftpLogIn(client)
    using data = await passive(client)
    await client.command('NLST')
    expect(await client.line()).to.match(/^1(?:25|50)/)
    expect((await data.rest()).toString()).to.contain('large.bin')
    expect(await client.line()).to.match(/^226/)
    expect(await client.ask('QUIT')).to.match(/^221/)
  },
  smtp: async (client) => {
    await greet(client)
    await send(client, ['bob@havre.test'], testMessage('visit'))
    expect(await client.ask('QUIT')).to.match(/^221/)
  },
  pop3: async (client) => {
    // alice has no mail, and others may visit her too.
    expect(await client.line()).to.match(/^\+OK/)
    await client.command('CAPA')
    while ((await client.line()) !== '.');
    expect(await client.ask('QUIT')).to.match(/^\+OK/)
  },
}

/** Without a data connection: a killed child takes that along at any moment, and its client sees it in many ways. */
export const visitsToKilled: typeof visits = {
  ...visits,
  ftp: async (client) => {
    await client.reply()
    expect(await client.ask('NOOP')).to.match(/^[25]/)
    expect(await client.ask('QUIT')).to.match(/^221/)
  },
}

/** Visits until told to stop. @returns how many visits went well; anything else is thrown, with the dialogue */
export const visitOn = async (family: Family, service: Name, isOver: () => boolean): Promise<number> => {
  let went = 0
  for (; !isOver(); went++) {
    using client = await Client.connect(family.port(service), { deadlineMs: 60_000 })
    await visits[service](client)
    await sleep(paceMs)
  }
  return went
}

/** Asks on kept connections, as browsers do, until told to stop. @returns how many answers came */
export const browseOn = async (family: Family, isOver: () => boolean): Promise<number> => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  let answers = 0
  try {
    for (; !isOver(); answers++) {
      const status = await new Promise<number>((resolve, reject) => {
        get({ host: family.host, port: family.port('http'), path: '/', agent }, (answer) => {
          answer.resume()
          answer.once('end', () => resolve(answer.statusCode ?? 0))
          answer.once('error', reject)
        }).once('error', reject)
      })
      expect(status).to.equal(200)
      await sleep(paceMs)
    }
    return answers
  } finally {
    agent.destroy()
  }
}

/** Holds one conversation of SMTP after the other, each with some messages. @returns messages that were taken */
export const mailOn = async (family: Family, isOver: () => boolean): Promise<number> => {
  let taken = 0
  while (!isOver()) {
    using client = await Client.connect(family.port('smtp'), { deadlineMs: 60_000 })
    await greet(client)
    for (let n = 0; n < 20 && !isOver(); n++) {
      await send(client, ['bob@havre.test'], testMessage(`kept-${n}`))
      taken += 1
      await sleep(paceMs)
    }
    await client.ask('QUIT')
  }
  return taken
}

/** Uploads and downloads in turn over one login. @returns transfers */
export const transferOn = async (family: Family, isOver: () => boolean): Promise<number> => {
  using client = await Client.connect(family.port('ftp'), { deadlineMs: 60_000 })
  await ftpLogIn(client)
  const content = large.subarray(0, 300_000)
  let transfers = 0
  for (; !isOver(); transfers += 2) {
    await upload(client, 'passing.bin', content)
    expect((await download(client, 'passing.bin')).equals(content)).to.equal(true)
    await sleep(paceMs)
  }
  return transfers
}

const upload = async (client: Client, name: string, content: Buffer): Promise<void> => {
  using data = await passive(client)
  await client.command(`STOR ${name}`)
  expect(await client.line()).to.match(/^1(?:25|50)/)
  await data.send(content)
  data.end()
  expect(await client.line()).to.match(/^226/)
}

const download = async (client: Client, name: string): Promise<Buffer> => {
  using data = await passive(client)
  await client.command(`RETR ${name}`)
  expect(await client.line()).to.match(/^1(?:25|50)/)
  const octets = await data.rest()
  expect(await client.line()).to.match(/^226/)
  return octets
}

export const pidOf = async (family: Family, name: Name): Promise<number | null> =>
  (await family.status()).services.find((service) => service.name === name)?.pid ?? null

/** Whether the system still has the process, other than as one that nobody has asked after. */
export const lives = (pid: number): boolean => {
  try {
    return !/^\d+ \(.*\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

/** One family for the tests of a group, with clients' accounts, files and settings. */
export const useVisited = (): (() => Setting) => {
  let folder: TemporaryFolder | null = null
  let setting: Setting | null = null
  before('start the family', async function () {
    this.timeout(120_000)
    if (process.platform !== 'linux') this.skip()
    folder = await temporaryFolder()
    setting = await start(folder)
  })
  after('end the family', async function () {
    this.timeout(120_000)
    await setting?.family[Symbol.asyncDispose]()
    await folder?.remove()
  })
  return () => {
    if (setting === null) throw new Error('the family was not started')
    return setting
  }
}

/** Reloads so many times, each with a new child for every service, while clients of all kinds go on. @throws what one of them met */
export const reloadUnderLoad = async (setting: Setting, rounds: number): Promise<void> => {
  const { family, change } = setting
  let over = false
  const isOver = () => over
  const going = {
    ...Object.fromEntries(services.map((service) => [`visits of ${service}`, visitOn(family, service, isOver)])),
    browsing: browseOn(family, isOver),
    mailing: mailOn(family, isOver),
    transferring: transferOn(family, isOver),
  }
  // A client that failed has the word before the reloads that go on do.
  const failing = Promise.all(Object.values(going))
  const reloading = (async () => {
    for (let round = 0; round < rounds; round++) await change()
  })()
  try {
    await Promise.race([failing, reloading])
  } finally {
    over = true
  }
  await reloading
  for (const [what, happened] of Object.entries(going)) expect(await happened, what).to.be.greaterThan(rounds)
  for (const { name, state, restarts } of (await family.status()).services) {
    expect({ name, state, restarts }).to.deep.equal({ name, state: 'ready', restarts: 0 })
  }
}

/** Pauses between them are 0.1, 0.2, 0.4 s. */
const killsInARow = 4

/** Kills a service's child so many times with -9 while four clients visit it. @throws where one was refused that no killed child had taken */
export const killUnderLoad = async ({ family }: Setting, service: Name, kills: number): Promise<void> => {
  let over = false
  let served = 0
  const wrong: string[] = []
  /** From when on nobody is there who could take a connection and break it. */
  let dead: number | null = null
  const visiting = Array.from({ length: 4 }, async () => {
    while (!over) {
      const begunAt = performance.now()
      const deadAtBegin = dead
      try {
        using client = await Client.connect(family.port(service), { deadlineMs: 60_000 })
        await visitsToKilled[service](client)
        served += 1
      } catch (error) {
        // What the child had taken dies with it; whoever came when it was dead, or is told that nobody is there, must not.
        if (!isBroken(error) || /no connection to/.test(String(error)) || (deadAtBegin !== null && dead === deadAtBegin)) {
          wrong.push(`begun at ${begunAt}, child dead since ${deadAtBegin}: ${error}`)
        }
      }
      await sleep(paceMs)
    }
  })
  try {
    for (let kill = 0; kill < kills; kill++) {
      // The pause before the next child would double with each: a restart that somebody asks for begins anew.
      if (kill > 0 && kill % killsInARow === 0) expect((await family.havre(['restart', service])).code).to.equal(0)
      const from = served
      const pid = await eventually(async () => {
        const now = await pidOf(family, service)
        expect(now).not.to.equal(null)
        return now ?? 0
      })
      process.kill(pid, 'SIGKILL')
      await eventually(() => expect(lives(pid)).to.equal(false))
      dead = performance.now()
      // Those who come now wait for the next child, which serves them all.
      await eventually(() => expect(served).to.be.greaterThan(from + 8), 60_000)
      dead = null
    }
  } finally {
    over = true
  }
  await Promise.all(visiting)
  expect(wrong).to.deep.equal([])
  expect((await family.status()).services.find(({ name }) => name === service)?.restarts).to.equal(kills)
}
