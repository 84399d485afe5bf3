import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { userInfo } from 'node:os'
import process from 'node:process'
import { expect } from 'chai'
import { isAlive, markOf } from '../../servers/exec/processes.ts'
import { PortTakenError, ProgramError } from '../../servers/exec/run.ts'
import { PermanentError } from '../../shared/service.ts'
import { eventually } from '../kit/eventually.ts'
import { temporaryFolder } from '../kit/folder.ts'
import { freePort } from '../kit/free-port.ts'
import { failureOf, programRun } from './program-run.ts'

const node = process.execPath
/** A server in one line: listens after a while on the port, or on the path, that it is given. */
const server = "setTimeout(() => require('node:net').createServer().listen(process.argv[1]), 100)"

describe('an external program', function () {
  this.timeout(120_000)
  before(function () {
    // What belongs to a program is found in /proc.
    if (process.platform !== 'linux') this.skip()
  })

  it('is ready when a line of its output matches, and not before', async () => {
    await using thing = await programRun('echo starting; sleep 0.3; echo now ready; sleep 60')
    await thing.run.start()
    expect(thing.lines()).to.deep.equal(['starting', 'now ready'])
    expect(thing.journal.of('program.ready')).to.have.length(1)
  })

  it('is ready when its port answers', async () => {
    const port = await freePort()
    await using thing = await programRun('', { command: [node, '-e', server, '{port}'], ready: 'port' }, { port })
    await thing.run.start()
    expect(thing.run.memoryOctets).to.be.greaterThan(2 ** 20)
  })

  it('is ready when its socket answers: one that an earlier run left does not', async () => {
    await using folder = await temporaryFolder()
    const path = folder.at('x.sock')
    // Killed with -9, it leaves its socket behind.
    const earlier = spawn(node, ['-e', server, path], { stdio: 'ignore' })
    await eventually(() => expect(existsSync(path)).to.equal(true))
    earlier.kill('SIGKILL')
    await once(earlier, 'exit')
    const late = `require('node:fs').rmSync('${path}'); ${server}`
    await using thing = await programRun('', { command: [node, '-e', late, path], ready: { file: path } }, { folder })
    await thing.run.start()
    expect(existsSync(path)).to.equal(true)
  })

  it('is ready when its file is made: one that an earlier run left does not count', async () => {
    await using folder = await temporaryFolder()
    await writeFile(folder.at('pid'), 'old')
    await new Promise((resolve) => setTimeout(resolve, 50))
    const script = `sleep 0.3; echo new > ${folder.at('pid')}; sleep 60`
    await using thing = await programRun(script, { ready: { file: folder.at('pid') } }, { folder })
    await thing.run.start()
    expect(readFileSync(folder.at('pid'), 'utf8')).to.match(/^(?:new\n)?$/)
  })

  it('that is not ready in time is ended, with what it said last', async () => {
    await using thing = await programRun('echo still thinking; sleep 60', { readyWithin: '1500ms' })
    const error = await failureOf(thing.run.start())
    expect(error).to.be.instanceOf(ProgramError).and.include({ permanent: false })
    expect(error.message).to.equal('was not ready within 1.5 s, saying: still thinking')
    expect(isAlive(markOf(thing.pid()))).to.equal(false)
  })

  it('that ends is told with its exit code; 100 means that trying again cannot help', async () => {
    await using crash = await programRun('echo ready; printf "no \\033[31mspace\\n" >&2; sleep 0.3; exit 3')
    await crash.run.start()
    const error = await crash.run.over()
    expect(error).to.include({ permanent: false, message: 'ended with exit code 3, saying: no \\u001b[31mspace' })
    await using wrong = await programRun('echo wrong settings; exit 100')
    expect(await failureOf(wrong.run.start())).to.include({
      permanent: true,
      message: 'ended with exit code 100 before it was ready, saying: wrong settings',
    })
  })

  it('that is not installed, or not executable, cannot be started at all', async () => {
    await using missing = await programRun('', { command: ['no-such-program-anywhere'] })
    const error = await failureOf(missing.run.start())
    expect(error).to.be.instanceOf(PermanentError)
    expect(error.message).to.contain('no program is called no-such-program-anywhere').and.contain('/usr/sbin')
    await using folder = await temporaryFolder()
    await writeFile(folder.at('x'), '')
    await using notOne = await programRun('', { command: [folder.at('x')] })
    expect((await failureOf(notOne.run.start())).message).to.equal(`${folder.at('x')} is no program: it is not executable`)
  })

  it('whose port is taken is not started', async () => {
    const other = createServer().listen(0, '127.0.0.1')
    await once(other, 'listening')
    const address = other.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    await using thing = await programRun('echo ready; sleep 60', {}, { port })
    const error = await failureOf(thing.run.start())
    other.close()
    expect(error).to.be.instanceOf(PortTakenError)
    expect(thing.pid()).to.equal(0)
  })

  it('gets a clean environment with what is set for it, and its folder', async () => {
    process.env['HAVRE_TEST_SECRET'] = 'of Havre'
    const userBefore = process.env['USER']
    process.env['USER'] = 'somebody-else'
    const environment = { PLACE: '{host}:{data}' }
    await using thing = await programRun('pwd; env | sort; echo ready; sleep 60', { environment, folder: '{data}/a/b' })
    await thing.run.start()
    delete process.env['HAVRE_TEST_SECRET']
    if (userBefore === undefined) delete process.env['USER']
    else process.env['USER'] = userBefore
    expect(thing.lines()).to.include(`USER=${userInfo().username}`)
    const data = thing.folder.at('data')
    expect(thing.lines()[0]).to.equal(`${data}/a/b`)
    expect(thing.lines()).to.include(`PLACE=127.0.0.1:${data}`)
    expect(thing.lines().join()).to.not.include('of Havre').and.not.include('MALLOC_').and.not.include('NODE_')
    expect(thing.lines().find((line) => line.startsWith('PATH='))).to.include('/usr/sbin')
  })

  it('writes to the journal line by line, cut and bounded, and what is dropped is counted', async () => {
    const script =
      'i=0; while [ $i -lt 500 ]; do echo line $i; i=$((i+1)); done; printf "%0200d\\n" 7 >&2; sleep 3; echo ready; sleep 60'
    await using thing = await programRun(script, { output: { line: '80B', linesPerSecond: 50 } })
    await thing.run.start()
    const dropped = thing.journal.of('program.output-dropped').reduce((sum, { fields }) => sum + Number(fields['lines']), 0)
    expect(dropped).to.be.greaterThan(300)
    expect(thing.lines().length + dropped).to.equal(502)
    for (const line of thing.lines()) expect(line.length).to.be.at.most(80)
  })

  it('is asked to end by its signal, and may end in order', async () => {
    await using thing = await programRun('trap "echo got QUIT; exit 0" QUIT; echo ready; while :; do sleep 0.05; done', {
      stopSignal: 'SIGQUIT',
    })
    await thing.run.start()
    await thing.run.stop(10_000)
    expect(thing.lines()).to.include('got QUIT')
    expect(thing.journal.of('program.ended')[0]?.fields).to.include({ how: 'ended with exit code 0' })
    expect(thing.journal.of('program.killed')).to.have.length(0)
  })

  it('that does not end is killed at its deadline, with all that it started, in other sessions too', async () => {
    const script =
      'trap "" TERM; setsid sh -c "trap \'\' TERM; echo child \\$\\$; sleep 61" & sleep 0.3; echo ready; while :; do sleep 0.05; done'
    await using thing = await programRun(script, { stopWithin: '1200ms' })
    await thing.run.start()
    const child = await eventually(() => {
      const [, pid] = /child (\d+)/.exec(thing.lines().join()) ?? []
      expect(pid).to.be.a('string')
      return markOf(Number(pid))
    })
    const program = markOf(thing.pid())
    expect([isAlive(child), isAlive(program)]).to.deep.equal([true, true])
    await thing.run.stop(10_000)
    expect([isAlive(child), isAlive(program)]).to.deep.equal([false, false])
    expect(thing.journal.of('program.killed')[0]?.fields['processes']).to.be.greaterThan(1)
  })

  it('that leaves children behind when it ends is cleaned up, so that the next one finds its port free', async () => {
    await using thing = await programRun('sleep 61 & echo child $!; echo ready; sleep 0.3; exit 1')
    await thing.run.start()
    const child = markOf(Number(/child (\d+)/.exec(thing.lines().join())?.[1]))
    expect(isAlive(child)).to.equal(true)
    expect((await thing.run.over()).message).to.contain('ended with exit code 1')
    expect(isAlive(child)).to.equal(false)
  })

  it('that is stopped while it is not ready yet ends too', async () => {
    await using thing = await programRun('echo coming; sleep 60')
    const start = thing.run.start()
    await eventually(() => expect(thing.lines()).to.deep.equal(['coming']))
    await thing.run.stop(1_000)
    await start
    expect(isAlive(markOf(thing.pid()))).to.equal(false)
  })

  it('that another runner was killed over is ended before the next one starts', async () => {
    await using folder = await temporaryFolder()
    const left = spawn('sh', ['-c', 'sleep 62 & sleep 62'], { detached: true, stdio: 'ignore' })
    const mark = markOf(left.pid ?? 0)
    await mkdir(folder.at('data', 'run'), { recursive: true })
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    await writeFile(folder.at('data', 'run', 'thing.program'), JSON.stringify({ ...mark, tag: 'none', runner: 1, boot }))
    await using thing = await programRun('echo ready; sleep 60', {}, { folder })
    await thing.run.start()
    expect(isAlive(mark)).to.equal(false)
    // A process that only has the number is left alone.
    const other = spawn('sleep', ['63'], { detached: true, stdio: 'ignore' })
    const note = JSON.stringify({ pid: other.pid, startTime: '1', tag: 'none', runner: 1, boot })
    await writeFile(folder.at('data', 'run', 'thing.program'), note)
    await using next = await programRun('echo ready; sleep 60', {}, { folder })
    await next.run.start()
    expect(isAlive(markOf(other.pid ?? 0))).to.equal(true)
    other.kill('SIGKILL')
    await once(other, 'exit')
  })
})

describe('the preparation of an external program', function () {
  this.timeout(120_000)
  before(function () {
    if (process.platform !== 'linux') this.skip()
  })

  const prepare = (script: string, more = {}) => ({
    prepare: { path: '{data}/made', command: ['sh', '-c', script, '{new}'], ...more },
  })
  const show = 'cat {data}/made; echo ready; sleep 60'

  it('is done once', async () => {
    await using folder = await temporaryFolder()
    for (const round of ['first', 'second']) {
      const command = ['sh', '-c', show]
      await using thing = await programRun('', { command, ...prepare(`echo ${round} > "$0"`) }, { folder })
      await thing.run.start()
      expect(thing.lines()).to.include('first').and.not.include('second')
    }
    expect(existsSync(folder.at('data', 'made.new'))).to.equal(false)
  })

  it('that fails leaves nothing that would count as made, and is done anew', async () => {
    await using folder = await temporaryFolder()
    await using thing = await programRun('', prepare('echo half > "$0"; echo no room >&2; exit 7'), { folder })
    expect((await failureOf(thing.run.start())).message).to.match(
      /^the preparation of .*made, .*sh, ended with exit code 7, saying: no room$/,
    )
    expect(existsSync(folder.at('data', 'made'))).to.equal(false)
    await using again = await programRun('', { command: ['sh', '-c', show], ...prepare('echo whole > "$0"') }, { folder })
    await again.run.start()
    expect(again.lines()).to.include('whole')
  })

  it('that is too slow is ended, and that makes nothing is told', async () => {
    await using slow = await programRun('', prepare('sleep 60', { within: '300ms' }))
    expect((await failureOf(slow.run.start())).message).to.contain('took longer than 0.3 s')
    await using idle = await programRun('', prepare('true'))
    expect((await failureOf(idle.run.start())).message).to.contain('succeeded, but there is no')
  })

  it('ends with a stop', async () => {
    await using thing = await programRun('', prepare('echo preparing; sleep 60'))
    const start = thing.run.start()
    await eventually(() => expect(thing.lines()).to.deep.equal(['preparing']))
    await thing.run.stop(1_000)
    await start
    expect(thing.journal.of('program.started')).to.have.length(0)
    expect(isAlive(markOf(thing.pid()))).to.equal(false)
  })
})
