import { spawn } from 'node:child_process'
import { chmod, chown, lstat, readdir, readFile, writeFile } from 'node:fs/promises'
import { BoundSocket } from 'node:net'
import { join } from 'node:path'
import process from 'node:process'
import { createInterface } from 'node:readline'
import { expect } from 'chai'
import { findUser } from '../../shared/system-user.ts'
import { Client } from '../kit/client.ts'
import { eventually } from '../kit/eventually.ts'
import { havre } from '../kit/family.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'
import { copyProgram, type ProgramForOthers, programForOthers } from '../kit/program-for-others.ts'
import { findProgram } from '../kit/programs.ts'
import { run } from '../kit/run.ts'

const ports = { http: 80, ftp: 21, smtp: 25, pop3: 110 } as const

const isRoot = process.getuid?.() === 0

/** Ports that some other program has now. */
const taken = (): number[] =>
  Object.values(ports).filter((port) => {
    try {
      new BoundSocket({ host: '127.0.0.1', port }).close()
      return false
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error
      return true
    }
  })

/** Why the ports cannot be had here, or null. */
const hindrance = (): string | null => {
  if (process.platform !== 'linux' || !isRoot) return 'needs root on Linux'
  if (findProgram('setpriv') === null) return 'setpriv is not installed'
  const others = taken()
  return others.length === 0 ? null : `in use by others: ${others.join(', ')}`
}

const settings = (folder: TemporaryFolder, ...more: string[]): string[] =>
  [`data=${folder.at('data')}`, `logs=${folder.at('logs')}`, 'ports=well-known', 'demo=false', ...more].flatMap((each) => [
    '--set',
    each,
  ])

/** A folder that any user can pass through. */
const openFolder = async (): Promise<TemporaryFolder> => {
  const folder = await temporaryFolder()
  await chmod(folder.path, 0o755)
  return folder
}

/** Set while the tests run. */
let forOthers: ProgramForOthers | null = null

/** A family that is started by some other program before it. */
const startBy = async (before: readonly string[], args: readonly string[], folder: TemporaryFolder) => {
  const [program = '', ...rest] = [...before, ...(forOthers?.command ?? []), 'start', ...args]
  const child = spawn(program, rest, { cwd: folder.path, stdio: ['ignore', 'pipe', 'pipe'] })
  const said: string[] = []
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve))
  child.stderr.on('data', (chunk: Buffer) => said.push(chunk.toString()))
  const ready = (async () => {
    for await (const line of createInterface({ input: child.stdout })) {
      said.push(`${line}\n`)
      if (line === 'ready') return true
    }
    return false
  })()
  const isReady = await Promise.race([ready, ended.then(() => false)])
  child.stdout.resume()
  const stop = async () => {
    child.kill('SIGTERM')
    return ended
  }
  if (!isReady) throw new Error(`it did not start:\n${said.join('')}`)
  return { said, stop, [Symbol.asyncDispose]: async () => void (await stop()) }
}

/** All processes of a family, by the pid of one and the children that `status` tells. */
const pidsOf = async (folder: TemporaryFolder): Promise<{ supervisor: number; services: Map<string, number> }> => {
  const { stdout } = await havre(['status', '--json', ...settings(folder, 'user=nobody')])
  const { supervisor, services } = JSON.parse(stdout.toString())
  return {
    supervisor: supervisor.pid,
    services: new Map(services.map(({ name, pid }: { name: string; pid: number }) => [name, pid])),
  }
}

const statusOf = async (pid: number): Promise<Map<string, string>> => {
  const lines = (await readFile(`/proc/${pid}/status`, 'utf8')).split('\n')
  return new Map(
    lines.map((line) => line.split(/:\s*/)).map(([name = '', value = '']) => [name, value.trim().replace(/\s+/g, ' ')]),
  )
}

const everything = async (folder: string): Promise<string[]> => {
  const names = await readdir(folder, { recursive: true })
  return [folder, ...names.map((name) => join(folder, name))]
}

describe('well-known ports', function () {
  this.timeout(120_000)

  before(async function () {
    const why = hindrance()
    if (why === null) {
      forOthers = await programForOthers()
      return
    }
    if (isRoot && process.env['HAVRE_REQUIRE_CLIENTS'] === '1') throw new Error(`HAVRE_REQUIRE_CLIENTS=1, but ${why}`)
    console.log(`      skipped: ${why}`)
    this.skip()
  })

  after(() => forOthers?.[Symbol.asyncDispose]())

  const served = async () => {
    for (const [service, port] of Object.entries(ports)) {
      using client = await Client.connect(port)
      if (service === 'http') await client.send('GET /none HTTP/1.0\r\n\r\n')
      expect(await client.line()).to.match(/^(?:220|\+OK|HTTP)/)
    }
  }

  it('as root: are bound, and then supervisor and children are the user, for good', async () => {
    await using folder = await openFolder()
    await using _family = await startBy([], settings(folder, 'user=nobody'), folder)
    await served()
    const { uid, gid } = findUser('nobody')
    const { supervisor, services } = await pidsOf(folder)
    for (const pid of [supervisor, ...services.values()]) {
      const status = await statusOf(pid)
      expect(status.get('Uid')).to.equal(`${uid} ${uid} ${uid} ${uid}`)
      expect(status.get('Gid')).to.equal(`${gid} ${gid} ${gid} ${gid}`)
      expect(status.get('Groups')).to.equal(String(gid))
      for (const set of ['CapInh', 'CapPrm', 'CapEff', 'CapAmb']) expect(status.get(set), set).to.match(/^0+$/)
    }
    // The port stays while the child is replaced, by a child of the same user.
    process.kill(services.get('pop3') ?? 0, 'SIGKILL')
    await eventually(async () => {
      const pid = (await pidsOf(folder)).services.get('pop3') ?? 0
      expect(pid).to.not.equal(services.get('pop3'))
      expect((await statusOf(pid)).get('Uid')).to.equal(`${uid} ${uid} ${uid} ${uid}`)
    })
    await served()
    for (const path of [...(await everything(folder.at('data'))), ...(await everything(folder.at('logs')))]) {
      expect((await lstat(path)).uid, path).to.equal(uid)
    }
  })

  it('as root: a reload that would need root again says so and changes nothing', async () => {
    await using folder = await openFolder()
    const file = folder.at('more.yaml')
    await using _family = await startBy(
      [],
      [...settings(folder, 'user=nobody'), '--config', await written(file, 'domains: [a.test]\n')],
      folder,
    )
    const before = await pidsOf(folder)
    await written(file, 'services: { submission: { protocol: pop3, port: 587 } }\n')
    const { code, stderr } = await havre(['reload', ...settings(folder, 'user=nobody'), '--config', file])
    expect(code).to.equal(100)
    expect(stderr).to.contain('submission: port 587 on 127.0.0.1 needs privilege')
    expect(await pidsOf(folder)).to.deep.equal(before)
    await served()
  })

  it('as root: a user that may not read the program is told so, before anything is served', async () => {
    await using folder = await openFolder()
    await using own = await temporaryFolder()
    const [node = '', ...program] = copyProgram(own)
    const { code, stderr } = await run(node, [...program, 'start', ...settings(folder, 'user=nobody')], { cwd: folder.path })
    expect(stderr).to.match(/^havre: user: nobody may not read .* or run .*: put the program where it may/)
    expect(code).to.equal(100)
  })

  it('as root without a user: refused, before anything is made', async () => {
    await using folder = await openFolder()
    const { code, stderr } = await havre(['start', ...settings(folder)], { cwd: folder.path })
    expect(code).to.equal(100)
    expect(stderr).to.contain('ports: well-known as root needs the setting `user`')
    expect(await readdir(folder.path)).to.deep.equal([])
  })

  const asNobody = ['setpriv', '--reuid', 'nobody', '--regid', 'nogroup', '--clear-groups', '--inh-caps', '-all']

  it('as a plain user: an error that names the ways', async () => {
    await using folder = await ownFolder()
    const outcome = await startBy(asNobody, settings(folder), folder).catch((error: unknown) => error)
    const said = outcome instanceof Error ? outcome.message : 'it started'
    expect(said).to.match(/port (?:80|21|25|110) on 127\.0\.0\.1 needs privilege\. Three ways: /)
    for (const way of ['`user`', 'setcap cap_net_bind_service', 'net.ipv4.ip_unprivileged_port_start', '`ports: high`']) {
      expect(said).to.contain(way)
    }
  })

  it('as a plain user that may bind them (as systemd’s AmbientCapabilities has it): are bound, and children get no more than that', async () => {
    await using folder = await ownFolder()
    const able = ['setpriv', '--reuid', 'nobody', '--regid', 'nogroup', '--clear-groups']
    const caps = ['--inh-caps', '-all,+net_bind_service', '--ambient-caps', '-all,+net_bind_service']
    await using _family = await startBy([...able, ...caps], settings(folder), folder)
    await served()
    const { services } = await pidsOf(folder)
    for (const pid of services.values()) expect((await statusOf(pid)).get('CapEff')).to.match(/^0+(?:400)?$/)
  })
})

const written = async (file: string, text: string): Promise<string> => {
  await writeFile(file, text)
  return file
}

/** A folder of nobody's own. */
const ownFolder = async (): Promise<TemporaryFolder> => {
  const folder = await openFolder()
  const { uid, gid } = findUser('nobody')
  await chown(folder.path, uid, gid)
  return folder
}
