import { readdir, readFile, writeFile } from 'node:fs/promises'
import process from 'node:process'
import { expect } from 'chai'
import { demoPassword } from '../../servers/supervisor/demo.ts'
import { root } from '../house/sources.ts'
import { Client } from '../kit/client.ts'
import { startFamily } from '../kit/family.ts'
import { temporaryFolder } from '../kit/folder.ts'
import { describeWith } from '../kit/programs.ts'
import { run } from '../kit/run.ts'

const unitFile = `${root}/examples/havre.service`

/** The values of a setting, in their order. */
const valuesOf = (unit: string, setting: string): readonly string[] =>
  [...unit.matchAll(new RegExp(`^${setting}=(.*)$`, 'gm'))].map(([, value]) => value ?? '')

/** All system calls of groups, each group's groups included. */
const callsOf = async (groups: readonly string[]): Promise<ReadonlySet<string>> => {
  const calls = new Set<string>()
  const todo = [...groups]
  for (let group = todo.pop(); group !== undefined; group = todo.pop()) {
    const { stdout } = await run('systemd-analyze', ['syscall-filter', group])
    const words = stdout
      .toString()
      .split('\n')
      .slice(1)
      .map((line) => line.trim())
    for (const word of words.filter((each) => each !== '' && !each.startsWith('#'))) {
      if (word.startsWith('@')) todo.push(word)
      else calls.add(word)
    }
  }
  return calls
}

describeWith(['systemd-analyze'], 'examples/havre.service', function () {
  this.timeout(120_000)

  it('is a unit that systemd has nothing to say against', async () => {
    await using folder = await temporaryFolder()
    // Where Node lies is the machine's affair: verified is all else.
    const unit = (await readFile(unitFile, 'utf8')).replaceAll('/usr/bin/node', process.execPath)
    await writeFile(folder.at('havre.service'), unit)
    const { code, stderr, stdout } = await run('systemd-analyze', ['verify', '--man=no', folder.at('havre.service')])
    expect(`${stderr}${stdout}`.split('\n').filter((line) => line.includes('havre'))).to.deep.equal([])
    expect(code).to.equal(0)
    await writeFile(folder.at('havre.service'), unit.replace('Type=notify', 'Type=notified'))
    const wrong = await run('systemd-analyze', ['verify', '--man=no', folder.at('havre.service')])
    expect(wrong.stderr).to.include('notified')
  })

  it('leaves little that could be done with it: at most 2.0 of 10 by systemd’s own measure', async () => {
    const { code, stdout } = await run('systemd-analyze', ['security', '--offline=true', '--threshold=20', unitFile])
    expect(code, stdout.toString()).to.equal(0)
  })

  it('tells of readiness by a process of its own, and reports a reload that fails', async () => {
    const unit = await readFile(unitFile, 'utf8')
    expect(valuesOf(unit, 'Type')).to.deep.equal(['notify'])
    expect(valuesOf(unit, 'NotifyAccess')).to.deep.equal(['all'])
    const [start = '', reload = ''] = [...valuesOf(unit, 'ExecStart'), ...valuesOf(unit, 'ExecReload')]
    // The same configuration, or the reload would look for another family.
    expect(reload).to.equal(start.replace(' start ', ' reload '))
    expect(valuesOf(unit, 'RestartPreventExitStatus')).to.deep.equal(['100'])
  })
})

describeWith(['systemd-analyze', 'strace'], 'the system calls of examples/havre.service', function () {
  this.timeout(180_000)

  it('are all that a family makes from its start to its end, JIT, TLS and passwords included', async function () {
    const unit = await readFile(unitFile, 'utf8')
    const words = valuesOf(unit, 'SystemCallFilter').map((value) => ({
      not: value.startsWith('~'),
      groups: value.replace('~', '').split(' '),
    }))
    const allowed = await callsOf(words.filter(({ not }) => !not).flatMap(({ groups }) => groups))
    const denied = await callsOf(words.filter(({ not }) => not).flatMap(({ groups }) => groups))
    expect(allowed.size).to.be.greaterThan(200)
    await using folder = await temporaryFolder()
    const works = await run('strace', ['-f', '-o', folder.at('try'), 'true']).catch(() => null)
    if (works?.code !== 0) this.skip()
    await using family = await startFamily({
      demo: true,
      under: ['strace', '-qq', '-ff', '-o', folder.at('trace')],
      deadlineMs: 120_000,
    })
    expect((await family.havre(['doctor'], { deadlineMs: 60_000 })).code).to.equal(0)
    using client = await Client.connect(family.port('pop3'), { deadlineMs: 60_000 })
    expect(await client.line()).to.match(/^\+OK/)
    for (const line of ['USER alice', `PASS ${demoPassword}`, 'QUIT']) expect(await client.ask(line)).to.match(/^\+OK/)
    // Not by a signal: strace would take it for itself.
    expect((await family.havre(['stop'], { deadlineMs: 90_000 })).code).to.equal(0)
    expect((await family.ended).code).to.equal(0)
    const made = new Map<string, string>()
    for (const name of (await readdir(folder.path)).filter((each) => each.startsWith('trace.'))) {
      const text = await readFile(folder.at(name), 'latin1')
      for (const [line, call = ''] of text.matchAll(/^(\w+)\(.*$/gm)) made.set(call, line)
    }
    expect(made.size).to.be.greaterThan(40)
    // SQLite gives its files to whose the database is, and does so as root only: under the unit nobody is.
    if (process.getuid?.() === 0) made.delete('fchown')
    const refused = [...made].filter(([call]) => !allowed.has(call) || denied.has(call)).map(([, line]) => line.slice(0, 160))
    expect(refused).to.deep.equal([])
  })
})
