import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { expect } from 'chai'
import { root, textOf } from '../house/sources.ts'
import { blocksOf, examplesOf, matches } from '../kit/document.ts'
import { havre } from '../kit/family.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'
import { findProgram } from '../kit/programs.ts'
import { run } from '../kit/run.ts'

const readme = textOf('README.md')
const examples = examplesOf(readme)
const blocks = (language: string) => blocksOf(readme, language)

/** The path as a newcomer has it, without what npm put before it: there, `node` may be an old one. */
const plainPath = (process.env['PATH'] ?? '')
  .split(delimiter)
  .filter((folder) => !folder.includes('node_modules'))
  .join(delimiter)

/** The commands that this test must not run: it would install under its own feet, or run itself. */
const elsewhere: Readonly<Record<string, string>> = { 'npm ci': 'retry npm ci' }

const lacksCurl = findProgram('curl') === null && process.env['HAVRE_REQUIRE_CLIENTS'] !== '1'

describe('the whole: the README', function () {
  // Whole processes start and end here: on a machine that does other things too, that takes what it takes.
  this.timeout(120_000)
  let folder: TemporaryFolder
  let started: ChildProcess | null = null
  let printed = ''
  const ports = new Map<string, string>()
  const environment = () => ({
    HAVRE_PORTS: 'any',
    HAVRE_DATA: folder.at('data'),
    HAVRE_LOGS: folder.at('logs'),
    PATH: plainPath,
  })

  before(async function () {
    if (process.env['HAVRE_TEST_BUILT'] !== '1' || !existsSync(join(root, 'dist'))) this.skip()
    folder = await temporaryFolder()
  })

  after(async function () {
    this.timeout(120_000)
    if (started === null) return
    await run('node', ['bin/havre.js', 'stop'], { cwd: root, env: environment(), deadlineMs: 60_000 })
    await folder.remove()
  })

  /** Runs `npm start` until it is ready, on ports that the system chooses. */
  const start = async (command: string): Promise<string> => {
    const child = spawn('sh', ['-c', command], {
      cwd: root,
      env: { ...process.env, ...environment() },
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    started = child
    await new Promise<void>((resolve, reject) => {
      const take = (chunk: Buffer) => {
        printed += chunk.toString()
        if (/^ready$/m.test(printed)) resolve()
      }
      child.stdout.on('data', take)
      child.stderr.on('data', take)
      child.once('exit', (code) => reject(new Error(`"${command}" ended with ${code}:\n${printed}`)))
    })
    const { stdout } = await run('node', ['bin/havre.js', 'status', '--json'], { cwd: root, env: environment() })
    const usual: Readonly<Record<string, string>> = { http: '8080', ftp: '2121', smtp: '2525', pop3: '1110' }
    for (const { name, port } of JSON.parse(stdout.toString()).services) ports.set(usual[name] ?? name, String(port))
    return printed
  }

  const withRealPorts = (text: string): string =>
    text.replace(/(127\.0\.0\.1:)(\d+)/g, (_, host, port) => `${host}${ports.get(port) ?? port}`)

  it('is there, with commands', () => {
    expect(examples.length).to.be.greaterThan(10)
    expect(examples.filter(({ command }) => /^(?:npm|curl|printf|echo|node)\b/.test(command))).to.have.length(examples.length)
    expect(matches(['a', 'b c', 'd'], ['…', 'b …', '…'])).to.equal(true)
    expect(matches(['a', 'b c', 'd'], ['…', 'c …', '…'])).to.equal(false)
    expect(matches(['a'], [])).to.equal(false)
  })

  for (const { command, expected, line } of examples) {
    it(`line ${line}: ${command}`, async function () {
      // One follows from the other, and most use curl.
      if (lacksCurl && !command.startsWith('npm ')) this.skip()
      if (Object.hasOwn(elsewhere, command)) {
        // The clone that these tests run in came about by it.
        expect(textOf('.ci/run')).to.include(elsewhere[command])
        return
      }
      const isStart = command === 'npm start'
      const ended = isStart
        ? null
        : await run('bash', ['-c', withRealPorts(command)], { cwd: root, env: { ...environment(), HOME: folder.path } })
      // Stdout alone: curl shows its progress on stderr where no terminal is.
      const text = ended === null ? await start(command) : ended.stdout.toString()
      if (ended !== null) expect(ended.code, ended.stderr).to.equal(0)
      const lines = text.replaceAll('\r', '').replace(/\n$/, '').split('\n')
      const real = expected.map(withRealPorts)
      if (!matches(text === '' ? [] : lines, real)) expect.fail(`it printed\n${text}\nand the README says\n${real.join('\n')}`)
    })
  }

  it('names settings and commands that exist, also where it does not run them', async () => {
    const others = blocks('')
      .flat()
      .filter(({ text }) => /^(?:npm|node) /.test(text))
    expect(others.length).to.be.greaterThan(2)
    for (const { text } of others) {
      const sets = [...text.matchAll(/--set (\S+)/g)].flatMap(([, set]) => ['--set', set ?? ''])
      expect((await havre(['check', ...sets])).code, text).to.equal(0)
    }
    const office = blocks('yaml')
      .flat()
      .map(({ text }) => text)
      .join('\n')
    await writeFile(folder.at('office.yaml'), office)
    const { code, stderr } = await havre(['check', '--config', folder.at('office.yaml')])
    expect(code, stderr).to.equal(0)
  })

  it('links to files that exist', () => {
    const links = [...readme.matchAll(/\]\(([^)#:]+)\)/g)].map(([, path]) => path ?? '')
    expect(links.length).to.be.greaterThan(3)
    expect(links.filter((path) => !existsSync(join(root, path)))).to.deep.equal([])
  })
})
