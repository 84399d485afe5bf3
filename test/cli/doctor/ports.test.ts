import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import process from 'node:process'
import { expect } from 'chai'
import { ports } from '../../../cli/doctor/ports.ts'
import { processes } from '../../../cli/doctor/processes.ts'
import { eventually } from '../../kit/eventually.ts'
import { type TemporaryFolder, temporaryFolder } from '../../kit/folder.ts'
import { freePort } from '../../kit/free-port.ts'
import { findingsOf, troublesOf } from './patient.ts'

const listener = `
const server = require('node:net').createServer().listen(0, '127.0.0.1', () => console.log(server.address().port))
`

/** A program that listens on a port that the system chose. */
interface Holder extends AsyncDisposable {
  readonly process: ChildProcess
  readonly port: number
}

const holder = async (args: readonly string[]): Promise<Holder> => {
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const [line] = await once(child.stdout, 'data')
  return {
    process: child,
    port: Number(String(line)),
    [Symbol.asyncDispose]: async () => {
      child.kill('SIGKILL')
      await once(child, 'exit')
    },
  }
}

/** A program that looks in the list of processes as a child of the folder's family does. */
const leftOver = async (folder: TemporaryFolder): Promise<Holder> => {
  const file = folder.at('servers', 'host', 'main.js')
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, listener)
  return holder([file, 'smtp', `--data=${folder.at('data')}`])
}

const onLinux = process.platform === 'linux'

describe('havre doctor: ports and processes', function () {
  this.timeout(120_000)
  before(function () {
    if (!onLinux) this.skip()
  })

  it('finds ports free', async () => {
    await using folder = await temporaryFolder()
    const port = await freePort()
    expect(await findingsOf(ports, folder, { services: ['smtp'], sets: [`services.smtp.port=${port}`] })).to.deep.equal([
      { severity: 'ok', service: 'smtp', message: `smtp: 127.0.0.1:${port} is free`, suggestion: null },
    ])
  })

  it('names the program that holds a port, and what to do', async () => {
    await using folder = await temporaryFolder()
    await writeFile(folder.at('server.cjs'), listener)
    await using other = await holder([folder.at('server.cjs')])
    const sets = [`services.smtp.port=${other.port}`]
    expect(await troublesOf(ports, folder, { services: ['smtp'], sets })).to.deep.equal([
      `problem: smtp: port ${other.port} on 127.0.0.1 is in use by node ${folder.at('server.cjs')} (pid ${other.process.pid}) → ` +
        'Stop that program, or choose another port: --set services.smtp.port=NUMBER',
    ])
  })

  it('names an address that this machine does not have', async () => {
    await using folder = await temporaryFolder()
    const sets = ['services.smtp.host=192.0.2.1', 'services.smtp.port=2525']
    expect(await troublesOf(ports, folder, { services: ['smtp'], sets })).to.deep.equal([
      'problem: smtp: port 2525 on 192.0.2.1: this machine has no address 192.0.2.1 → Set services.smtp.host to one that it has',
    ])
  })

  it('knows a child that an earlier family left, by its port and by itself', async () => {
    await using folder = await temporaryFolder()
    await using old = await leftOver(folder)
    const { pid } = old.process
    const sets = [`services.smtp.port=${old.port}`]
    const [port] = await troublesOf(ports, folder, { services: ['smtp'], sets })
    expect(port).to.match(
      new RegExp(`^warning: .* is still held by what is left of an earlier Havre \\(pid ${pid}\\) → .*kill ${pid}$`),
    )
    const [process] = await troublesOf(processes, folder)
    expect(process).to.match(new RegExp(`^warning: smtp \\(pid ${pid}\\) is left over from a Havre that is gone → .*kill ${pid}`))
  })

  it('takes a running family for the owner of its ports, and tells of one that a reload would move', async () => {
    await using folder = await temporaryFolder()
    await using ours = await leftOver(folder)
    const { port } = ours
    const pid = ours.process.pid ?? 0
    const running = [{ name: 'smtp', port, pid }]
    const [own] = await findingsOf(ports, folder, { services: ['smtp'], running })
    expect(own).to.include({ severity: 'ok', message: `smtp: 127.0.0.1:${port} is held by this Havre (pid ${pid})` })
    const moved = await troublesOf(ports, folder, { services: ['smtp'], running, sets: ['services.smtp.port=2525'] })
    expect(moved).to.deep.equal([
      `warning: smtp runs on 127.0.0.1:${port}, the configuration says 127.0.0.1:2525 → \`havre reload\` moves it`,
    ])
    // This very process is the supervisor and the parent: nothing is left over.
    expect(await troublesOf(processes, folder, { running })).to.deep.equal([])
  })

  it('finds a process that was stopped', async () => {
    await using folder = await temporaryFolder()
    await using ours = await leftOver(folder)
    const pid = ours.process.pid ?? 0
    const running = [{ name: 'smtp', port: ours.port, pid }]
    process.kill(pid, 'SIGSTOP')
    await eventually(async () => {
      expect(await troublesOf(processes, folder, { running })).to.deep.equal([
        `problem: smtp (pid ${pid}) was stopped by a signal and does nothing → Let it go on: kill -CONT ${pid}`,
      ])
    })
  })
})
