import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises'
import process from 'node:process'
import { expect } from 'chai'
import { isAlive, type Mark, markOf } from '../../servers/exec/processes.ts'
import { ProgramError } from '../../servers/exec/run.ts'
import { PermanentError } from '../../shared/service.ts'
import { eventually } from '../kit/eventually.ts'
import { temporaryFolder } from '../kit/folder.ts'
import { failureOf, type ProgramRun, programRun } from './program-run.ts'

/** The process whose number a line tells. */
const told = (thing: ProgramRun, word: string): Mark =>
  markOf(Number(new RegExp(`^${word} (\\d+)$`, 'm').exec(thing.lines().join('\n'))?.[1]))

/** Waits, in a shell, until another one has made this file. */
const until = (file: string): string => `until [ -e ${file} ]; do sleep 0.05; done`

/** What a program starts in a session of its own, its parent gone at once: as daemons do. */
const daemon = (what: string): string => `(setsid sh -c "echo daemon \\$\\$; ${what}" &)`

describe('an external program that behaves badly', function () {
  this.timeout(120_000)
  before(function () {
    if (process.platform !== 'linux') this.skip()
  })

  it('ends at once, and all went well: that is no service', async () => {
    await using thing = await programRun('exit 0')
    const error = await failureOf(thing.run.start())
    expect(error).to.be.instanceOf(ProgramError).and.include({ permanent: false })
    expect(error.message).to.equal('ended with exit code 0 before it was ready')
  })

  it('goes into the background: the one that stays there is found by its tag, and ended', async () => {
    await using folder = await temporaryFolder()
    const there = folder.at('there')
    const script = `${daemon(`echo ready; : > ${there}; exec sleep 71`)}; ${until(there)}; sleep 1; exit 0`
    await using thing = await programRun(script, {}, { folder })
    await thing.run.start()
    const left = told(thing, 'daemon')
    expect(isAlive(left)).to.equal(true)
    expect((await thing.run.over()).message).to.equal('ended with exit code 0, saying: ready')
    expect(isAlive(left)).to.equal(false)
  })

  it('goes into the background and is stopped', async () => {
    await using thing = await programRun(`${daemon('echo ready; exec sleep 71')}; sleep 71`)
    await thing.run.start()
    const left = told(thing, 'daemon')
    expect(isAlive(left)).to.equal(true)
    await thing.run.stop(5_000)
    expect(isAlive(left)).to.equal(false)
  })

  it('leaves its output to one that is not known to be its own: its end is told all the same', async () => {
    // Without the tag, and without parent and session: nobody's.
    await using folder = await temporaryFolder()
    const there = folder.at('there')
    const stray = `(env -u HAVRE_PROGRAM setsid sh -c "echo stranger \\$\\$; : > ${there}; exec sleep 72" &)`
    await using thing = await programRun(`${stray}; ${until(there)}; echo ready; exit 4`, {}, { folder })
    await thing.run.start()
    expect((await thing.run.over()).message).to.equal('ended with exit code 4, saying: ready')
    const stranger = told(thing, 'stranger')
    expect(isAlive(stranger)).to.equal(true)
    process.kill(stranger.pid, 'SIGKILL')
  })

  it('writes a hundred megabytes: as many lines as the journal takes, and the others counted', async () => {
    const line = 'x'.repeat(999)
    const script = `yes ${line} | head -c 50000000; head -c 50000000 /dev/zero | tr '\\0' y; echo; echo ready; sleep 60`
    await using thing = await programRun(script, { output: { linesPerSecond: 10 } })
    await thing.run.start()
    await thing.run.stop(1_000)
    const dropped = thing.journal.of('program.output-dropped').reduce((sum, { fields }) => sum + Number(fields['lines']), 0)
    // 50,000 lines of a thousand octets, one of fifty million, one that says it is ready.
    expect(thing.lines().length + dropped).to.equal(50_002)
    expect(thing.lines().every((text) => text.length <= 4_096)).to.equal(true)
  })

  it('writes octets that are no text', async () => {
    await using thing = await programRun('head -c 200000 /dev/urandom; printf "\\0\\0\\033[2J\\n"; echo ready; sleep 60')
    await thing.run.start()
    expect(thing.lines().at(-1)).to.equal('ready')
  })

  it('is killed in its preparation with who looks after it: the next one ends that first', async () => {
    await using folder = await temporaryFolder()
    const prepare = { path: '{data}/made', command: ['sh', '-c', 'echo preparing $$; sleep 73'] }
    await using first = await programRun('', { prepare }, { folder })
    const start = failureOf(first.run.start())
    const preparing = await eventually(() => {
      const mark = told(first, 'preparing')
      expect(isAlive(mark)).to.equal(true)
      return mark
    })
    const note = JSON.parse(await readFile(folder.at('data', 'run', 'thing.program'), 'utf8'))
    expect(note).to.include({ pid: preparing.pid, startTime: preparing.startTime })
    // As another process would find it.
    await writeFile(folder.at('data', 'run', 'thing.program'), JSON.stringify({ ...note, runner: 1 }))
    await using second = await programRun('echo ready; sleep 60', {}, { folder })
    await second.run.start()
    expect(isAlive(preparing)).to.equal(false)
    expect((await start).message).to.match(/^the preparation of \S+made, \S+sh, was ended by SIGTERM, saying: preparing \d+$/)
  })
})

describe('a program that cannot be started', () => {
  const failing = async (options: Parameters<typeof programRun>[1]): Promise<Error> => {
    await using thing = await programRun('', options)
    const error = await failureOf(thing.run.start())
    expect(error).to.be.instanceOf(PermanentError)
    return error
  }

  it('is told in words that say what to look at', async () => {
    await using folder = await temporaryFolder()
    await writeFile(folder.at('plain'), 'hello')
    await writeFile(folder.at('script'), '#!/no/such/interpreter\n')
    await chmod(folder.at('script'), 0o755)
    expect((await failing({ command: [folder.at('missing')] })).message).to.equal(`there is no program ${folder.at('missing')}`)
    expect((await failing({ command: [folder.at('plain')] })).message).to.equal(
      `${folder.at('plain')} is no program: it is not executable`,
    )
    expect((await failing({ command: [folder.path] })).message).to.equal(`${folder.path} is no program: it is no file`)
    expect((await failing({ command: [folder.at('script')] })).message).to.match(
      /^\S+\/script cannot be started: its interpreter \(.*\) or its folder \S+ is missing$/,
    )
    expect((await failing({ command: ['sh', '-c', `:${'x'.repeat(300_000)}`] })).message).to.match(
      /^\S+\/sh cannot be started: its arguments and environment are too long$/,
    )
  })

  it('has a user that is not there, or that may not execute it', async () => {
    if (process.getuid?.() !== 0) {
      const { message } = await failing({ user: 'root' })
      expect(message).to.equal('user: only root can start a program as root; start Havre as root, or leave this setting out')
      return
    }
    expect((await failing({ user: 'no-such-user' })).message).to.equal('user: this system has no user no-such-user')
    await using folder = await temporaryFolder()
    await mkdir(folder.at('closed'), { mode: 0o700 })
    await writeFile(folder.at('closed', 'x'), '#!/bin/sh\n', { mode: 0o755 })
    const { message } = await failing({ command: [folder.at('closed', 'x')], user: 'nobody' })
    expect(message).to.match(/\/closed\/x cannot be started as nobody: it, or its folder \S+, is closed to nobody$/)
  })
})
