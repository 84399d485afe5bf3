import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod } from 'node:fs/promises'
import process from 'node:process'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { seeSupervisor } from '../../cli/supervisor-status.ts'
import { eventually } from '../kit/eventually.ts'
import { familyArgs, havre, havreProgram, startFamily } from '../kit/family.ts'
import { temporaryFolder } from '../kit/folder.ts'
import { describeWith } from '../kit/programs.ts'
import { run } from '../kit/run.ts'
import { onTerminal } from '../kit/terminal.ts'

const patienceMs = 60_000
const watchArgs = (data: string, ...args: string[]) => [
  process.execPath,
  ...havreProgram,
  'status',
  '--set',
  `data=${data}`,
  ...args,
]

/** Frames of a watch, oldest first. */
const framesOf = (output: string): readonly string[] => output.split('\u001b[H').slice(1)

/** It may be gone since it was told. */
const killIfThere = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

describe('havre status', function () {
  this.timeout(120_000)

  it('tells by its exit code whether all are ready, one is not, or none runs', async () => {
    await using folder = await temporaryFolder()
    expect((await havre(['status', ...familyArgs(folder)])).code).to.equal(100)
    await using family = await startFamily({ services: ['http', 'pop3'], folder })
    expect((await family.havre(['status'])).code).to.equal(0)
    // Killed so often that it waits for seconds before the next try.
    const killedOften = async () => {
      const seen = await seeSupervisor(folder.at('data'))
      const now = seen.kind === 'running' ? seen.status.services.find(({ name }) => name === 'pop3') : null
      if (now?.pid) killIfThere(now.pid)
      expect(now?.restarts ?? 0).to.be.greaterThan(5)
    }
    await eventually(killedOften, patienceMs)
    // Where the command took so long to start that it was ready again, once more: the pause is twice as long then.
    await eventually(async () => {
      await killedOften()
      const { code, stdout } = await family.havre(['status'])
      expect(stdout.toString()).to.match(/^pop3 +(?:waiting|starting)/m)
      expect(stdout.toString()).to.include('pop3: was ended by SIGKILL')
      expect(code).to.equal(1)
    }, patienceMs)
    // What asks for JSON gets an answer, and reads the state in it.
    expect((await family.havre(['status', '--json'])).code).to.equal(0)
  })

  it("tells that it is another user's, as doctor does, in place of what only that user could see", async function () {
    const asNobody = ['--reuid=65534', '--regid=65534', '--clear-groups']
    // A checkout below root's home cannot be run by anybody else.
    const readable = await run('setpriv', [...asNobody, 'test', '-r', fileURLToPath(import.meta.url)]).catch(() => null)
    if (readable?.code !== 0) this.skip()
    await using folder = await temporaryFolder()
    await chmod(folder.path, 0o755)
    await using _family = await startFamily({ services: ['pop3'], folder })
    for (const command of ['status', 'doctor', 'reload']) {
      const args = [process.execPath, ...havreProgram, command, ...familyArgs(folder)]
      const { code, stderr } = await run('setpriv', [...asNobody, ...args])
      const words = `havre: ${folder.at('data')} is another user's: ask as the user that Havre runs as, or as root\n`
      expect([code, stderr], command).to.deep.equal([100, words])
    }
  })

  it('tells that the supervisor does not answer', async () => {
    await using family = await startFamily({ services: ['pop3'] })
    const { pid } = (await family.status()).supervisor
    process.kill(pid, 'SIGSTOP')
    try {
      const { code, stderr } = await family.havre(['status'])
      expect(code).to.equal(111)
      expect(stderr).to.include('does not answer')
    } finally {
      process.kill(pid, 'SIGCONT')
    }
  })

  it('prints a table an interval where no terminal is, and ends by SIGINT', async () => {
    await using family = await startFamily({ services: ['http'] })
    const [program = '', ...args] = watchArgs(family.folder.at('data'), '--watch', '0.2')
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    let output = ''
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
    await eventually(() => expect(output.match(/^\d{4}-.*Z {2}havre .*ready/gm)?.length ?? 0).to.be.greaterThan(2), patienceMs)
    child.kill('SIGINT')
    const [code] = await once(child, 'exit')
    expect(code).to.equal(0)
    expect(output).to.not.include('\u001b')
  })
})

describeWith(['python3'], 'havre status --watch on a terminal', function () {
  this.timeout(120_000)

  it('draws over itself, gives the screen and the cursor back at SIGINT', async () => {
    await using family = await startFamily({ services: ['http'] })
    await using terminal = onTerminal(watchArgs(family.folder.at('data'), '--watch', '0.2'))
    await eventually(() => expect(framesOf(terminal.output()).length).to.be.greaterThan(2), patienceMs)
    terminal.signal('SIGINT')
    expect(await terminal.ended).to.equal(0)
    const output = terminal.output()
    expect(output.startsWith('\u001b[?1049h\u001b[?25l'), JSON.stringify(output.slice(0, 40))).to.equal(true)
    expect(output.endsWith('\u001b[?25h\u001b[?1049l'), JSON.stringify(output.slice(-40))).to.equal(true)
    expect(output.split('\u001b[?25l').length).to.equal(2)
    // No flicker: nothing is cleared before it is drawn over.
    expect(output).to.not.include('\u001b[2J')
    expect(output).to.include('\u001b[32mready')
  })

  for (const signal of ['SIGTERM', 'SIGHUP'] as const) {
    it(`gives the cursor back at ${signal}`, async () => {
      await using folder = await temporaryFolder()
      await using terminal = onTerminal(watchArgs(folder.at('data'), '--watch', '0.2'))
      await eventually(() => expect(terminal.output()).to.include('not running'), patienceMs)
      terminal.signal(signal)
      expect(await terminal.ended).to.equal(0)
      expect(terminal.output().endsWith('\u001b[?25h\u001b[?1049l')).to.equal(true)
    })
  }

  it('fits the terminal, also when its size changes', async () => {
    await using family = await startFamily({ services: ['http'] })
    await using terminal = onTerminal(watchArgs(family.folder.at('data'), '--watch', '600'), {
      columns: 100,
      env: { NO_COLOR: '1' },
    })
    await eventually(() => expect(terminal.output()).to.include('MEMORY'), patienceMs)
    const before = framesOf(terminal.output()).length
    terminal.resize(30, 40)
    await eventually(() => expect(framesOf(terminal.output()).length).to.be.greaterThan(before), patienceMs)
    const last = framesOf(terminal.output()).at(-1) ?? ''
    expect(last).to.include('ADDRESS').and.not.include('MEMORY')
    for (const line of last.split('\r\n')) expect(line.replace('\u001b[K', '').replace('\u001b[J', '').length).to.be.at.most(40)
    // Fewer rows than lines.
    terminal.resize(3, 40)
    await eventually(() => expect(framesOf(terminal.output()).at(-1)).to.include('more lines'), patienceMs)
    expect(framesOf(terminal.output()).at(-1)?.split('\r\n')).to.have.length(3)
  })

  it('goes on when the supervisor is restarted, and says meanwhile that it does not run', async () => {
    await using folder = await temporaryFolder()
    await using terminal = onTerminal(watchArgs(folder.at('data'), '--watch', '0.2'))
    const last = () => framesOf(terminal.output()).at(-1)
    {
      await using _family = await startFamily({ services: ['http'], folder })
      await eventually(() => expect(last()).to.include('127.0.0.1:'), patienceMs)
    }
    await eventually(() => expect(last()).to.include('not running'), patienceMs)
    await using _again = await startFamily({ services: ['http'], folder })
    await eventually(() => expect(last()).to.include('127.0.0.1:'), patienceMs)
  })

  it('gives the terminal back while it is stopped by Ctrl-Z', async () => {
    await using folder = await temporaryFolder()
    await using terminal = onTerminal(watchArgs(folder.at('data'), '--watch', '0.2'))
    await eventually(() => expect(terminal.output()).to.include('not running'), patienceMs)
    terminal.signal('SIGTSTP')
    await eventually(() => expect(terminal.output().endsWith('\u001b[?25h\u001b[?1049l')).to.equal(true), patienceMs)
    terminal.signal('SIGCONT')
    await eventually(() => expect(terminal.output().split('\u001b[?1049h').length).to.equal(3), patienceMs)
    terminal.signal('SIGINT')
    expect(await terminal.ended).to.equal(0)
  })
})
