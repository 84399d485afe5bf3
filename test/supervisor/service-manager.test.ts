import { chmod, readFile, writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { ServiceManager } from '../../servers/supervisor/service-manager.ts'
import { eventually } from '../kit/eventually.ts'
import { havre, startFamily } from '../kit/family.ts'
import { temporaryFolder } from '../kit/folder.ts'
import { programForOthers } from '../kit/program-for-others.ts'
import { describeWith } from '../kit/programs.ts'
import { type NotifySocket, notifySocket } from './notify-socket.ts'

const patienceMs = 60_000

/** Waits for a message that has these lines, behind the first `from` messages. @returns the place behind it */
const heard = (socket: NotifySocket, lines: readonly (string | RegExp)[], from = 0): Promise<number> =>
  eventually(() => {
    const at = socket.messages.findIndex(
      (message, place) =>
        place >= from &&
        lines.every((line) => message.some((each) => (typeof line === 'string' ? each === line : line.test(each)))),
    )
    expect(at, `${lines.join(' ')} in ${JSON.stringify(socket.messages)}`).to.be.greaterThanOrEqual(0)
    return at + 1
  }, patienceMs)

const countOf = (socket: NotifySocket, line: string): number => socket.messages.filter((message) => message.includes(line)).length

describeWith(['systemd-notify', 'python3'], 'the supervisor under systemd', function () {
  this.timeout(120_000)

  for (const kind of ['path', 'abstract'] as const) {
    it(`tells readiness, reload and stop on a socket of kind ${kind}`, async () => {
      await using folder = await temporaryFolder()
      const address = kind === 'path' ? folder.at('notify') : `@havre-test-${process.pid}-${folder.path}`
      await using socket = await notifySocket(address)
      await using family = await startFamily({ services: ['http'], env: { NOTIFY_SOCKET: address } })
      let at = await heard(socket, ['READY=1', 'STATUS=ready: http'])
      expect((await family.havre(['reload'])).code).to.equal(0)
      at = await heard(socket, ['RELOADING=1', /^MONOTONIC_USEC=\d+$/], at)
      at = await heard(socket, ['READY=1', 'STATUS=ready: http'], at)
      await family.stop()
      await heard(socket, ['STOPPING=1', /^STATUS=.*SIGTERM/, /^EXTEND_TIMEOUT_USEC=4500\d{4}$/], at)
    })
  }

  it('gives the time of a reload as the clock that systemd compares it with', async () => {
    await using folder = await temporaryFolder()
    await using socket = await notifySocket(folder.at('notify'))
    const manager = new ServiceManager({ NOTIFY_SOCKET: folder.at('notify') }, (text) => expect.fail(text))
    const uptime = async () => Number((await readFile('/proc/uptime', 'utf8')).split(' ')[0]) * 1e6
    const before = await uptime()
    manager.reloading()
    await heard(socket, ['RELOADING=1'])
    await manager.close()
    const line = socket.messages[0]?.find((each) => each.startsWith('MONOTONIC_USEC=')) ?? ''
    // /proc/uptime has hundredths of a second, and counts time spent suspended.
    expect(Number(line.split('=')[1])).to.be.within(before - 60e6, (await uptime()) + 20_000)
  })

  it('says why a reload was refused, and that it is ready as before', async () => {
    await using folder = await temporaryFolder()
    await using socket = await notifySocket(folder.at('notify'))
    await writeFile(folder.at('own.yaml'), 'drain: 5s\n')
    const args = ['--config', folder.at('own.yaml')]
    await using family = await startFamily({ services: ['http'], args, env: { NOTIFY_SOCKET: folder.at('notify') } })
    const at = await heard(socket, ['READY=1'])
    await writeFile(folder.at('own.yaml'), 'drain: soon\n')
    family.process.kill('SIGHUP')
    const then = await heard(socket, ['RELOADING=1'], at)
    await heard(socket, ['READY=1', /^STATUS=not reloaded \(.*own\.yaml:1:8: drain: .*; ready: http$/], then)
  })

  it('tells when a service is lost, and when it is back', async () => {
    await using folder = await temporaryFolder()
    await using socket = await notifySocket(folder.at('notify'))
    await using family = await startFamily({ services: ['http', 'pop3'], env: { NOTIFY_SOCKET: folder.at('notify') } })
    const at = await heard(socket, ['READY=1'])
    const pid = (await family.status()).services.find(({ name }) => name === 'pop3')?.pid
    process.kill(pid ?? 0, 'SIGKILL')
    await heard(socket, [/^STATUS=ready: http, pop3$/], await heard(socket, [/^STATUS=.*(?:waiting|starting): pop3/], at))
  })

  it('feeds the watchdog while it is well, and stops when it hangs', async () => {
    await using folder = await temporaryFolder()
    await using socket = await notifySocket(folder.at('notify'))
    const env = { NOTIFY_SOCKET: folder.at('notify'), WATCHDOG_USEC: '400000' }
    await using family = await startFamily({ services: ['http'], env })
    await eventually(() => expect(countOf(socket, 'WATCHDOG=1')).to.be.greaterThan(3), patienceMs)
    const { pid } = (await family.status()).supervisor
    process.kill(pid, 'SIGSTOP')
    try {
      // What was on its way is let arrive; then as many intervals as were enough before bring nothing.
      await new Promise((resolve) => setTimeout(resolve, 1_000))
      const before = countOf(socket, 'WATCHDOG=1')
      await new Promise((resolve) => setTimeout(resolve, 1_500))
      expect(countOf(socket, 'WATCHDOG=1')).to.equal(before)
    } finally {
      process.kill(pid, 'SIGCONT')
    }
    const before = countOf(socket, 'WATCHDOG=1')
    await eventually(() => expect(countOf(socket, 'WATCHDOG=1')).to.be.greaterThan(before), patienceMs)
  })

  it('does not feed a watchdog that is for another process, and none that is not well', async () => {
    await using folder = await temporaryFolder()
    await using socket = await notifySocket(folder.at('notify'))
    const fail = (text: string) => expect.fail(text)
    const address = folder.at('notify')
    const other = new ServiceManager({ NOTIFY_SOCKET: address, WATCHDOG_USEC: '20000', WATCHDOG_PID: '1' }, fail)
    let asked = 0
    const ill = async () => {
      asked += 1
      return false
    }
    const unwell = new ServiceManager({ NOTIFY_SOCKET: address, WATCHDOG_USEC: '20000', WATCHDOG_PID: `${process.pid}` }, fail)
    other.ready('other', async () => true)
    unwell.ready('unwell', ill)
    await eventually(() => expect(asked).to.be.greaterThan(5), patienceMs)
    await Promise.all([other.close(), unwell.close()])
    // The very first word comes with READY=1: by then all is well.
    expect(countOf(socket, 'WATCHDOG=1')).to.equal(1)
  })

  it('takes the variables out of the environment, so that no child finds them', async () => {
    await using folder = await temporaryFolder()
    await using _socket = await notifySocket(folder.at('notify'))
    const env = { NOTIFY_SOCKET: folder.at('notify'), WATCHDOG_USEC: '60000000' }
    await using family = await startFamily({ services: ['http'], env })
    for (const { pid } of (await family.status()).services) {
      const environment = await readFile(`/proc/${pid}/environ`, 'utf8')
      expect(environment).to.include('MALLOC_ARENA_MAX=')
      expect(environment).to.not.match(/NOTIFY_SOCKET|WATCHDOG/)
    }
  })

  it('ends all the same when nobody reads its messages', async () => {
    await using folder = await temporaryFolder()
    await using family = await startFamily({ services: ['http'], env: { NOTIFY_SOCKET: folder.at('nobody') } })
    await eventually(() => expect(family.output()).to.include('the service manager cannot be told how it goes'), patienceMs)
    expect((await family.stop()).code).to.equal(0)
    // Once, however many messages there were.
    expect(family.output().split('cannot be told').length).to.equal(2)
  })

  it('still tells once it has given up root', async function () {
    if (process.getuid?.() !== 0) this.skip()
    await using program = await programForOthers()
    await using folder = await temporaryFolder()
    await chmod(folder.path, 0o777)
    const address = `@havre-test-${process.pid}-${folder.path}`
    await using socket = await notifySocket(address)
    const { command } = program
    const options = { command, services: ['http'], args: ['--set', 'user=nobody'], env: { NOTIFY_SOCKET: address } }
    await using family = await startFamily({ ...options, folder })
    const at = await heard(socket, ['READY=1'])
    const { pid } = (await family.status()).supervisor
    expect(await readFile(`/proc/${pid}/status`, 'utf8')).to.match(/^Uid:\t65534\t65534/m)
    await family.stop()
    await heard(socket, ['STOPPING=1'], at)
  })

  it('tells why it could not start', async () => {
    await using folder = await temporaryFolder()
    await using socket = await notifySocket(folder.at('notify'))
    const args = ['start', '--set', 'hots=x', '--set', `data=${folder.at('data')}`]
    expect((await havre(args, { env: { NOTIFY_SOCKET: folder.at('notify') } })).code).to.equal(100)
    await heard(socket, [/^STATUS=.*hots/])
  })
})
