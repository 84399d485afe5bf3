import { existsSync, readFileSync } from 'node:fs'
import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { temporaryFolder } from '../kit/folder.ts'
import { type Guard, withoutGuard } from './guard.ts'
import { guards } from './registry.ts'
import { Tree } from './tree.ts'
import { Trials, type Verdict, whyUnreadable } from './trial.ts'

const project = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '')

describe('the guards', () => {
  it('are at least twenty, each of its own name', () => {
    expect(guards.length).to.be.at.least(20)
    expect(new Set(guards.map(({ name }) => name)).size).to.equal(guards.length)
  })

  it('stand in the code as their rows say, and the code can be read without them', () => {
    const wrong = guards.flatMap((guard) => {
      const changed = withoutGuard(guard, readFileSync(join(project, guard.file), 'utf8'))
      const problem = 'problem' in changed ? changed.problem : whyUnreadable(changed.text)
      return problem === null ? [] : [`${guard.name}: ${problem}`]
    })
    expect(wrong).to.deep.equal([])
  })

  it('name tests that are there', () => {
    const missing = guards.flatMap(({ name, tests }) =>
      tests.filter((file) => !existsSync(join(project, file))).map((file) => `${name}: ${file}`),
    )
    expect(missing).to.deep.equal([])
  })
})

describe('the trial of a guard', function () {
  this.timeout(120_000)

  /** A project of one file and its tests, which runs with our packages. */
  const tried = async (code: string, tests: string, row: Partial<Guard> = {}): Promise<Verdict> => {
    await using folder = await temporaryFolder()
    await mkdir(folder.at('test', 'guards'), { recursive: true })
    await symlink(join(project, 'node_modules'), folder.at('node_modules'))
    await writeFile(folder.at('package.json'), '{ "type": "module" }')
    await writeFile(
      folder.at('test', 'guards', 'outcome-reporter.ts'),
      readFileSync(new URL('outcome-reporter.ts', import.meta.url)),
    )
    await writeFile(folder.at('code.ts'), code)
    await writeFile(folder.at('test', 'code.test.ts'), `import { div } from '../code.ts'\n${tests}`)
    await using tree = await Tree.copy(folder.path)
    const guard = {
      name: 'x',
      file: 'code.ts',
      guard: 'if (b === 0) return 0\n',
      without: '',
      tests: ['test/code.test.ts'],
      ...row,
    }
    const verdict = await new Trials(tree, new Map()).try(guard)
    expect(await tree.read('code.ts')).to.equal(code)
    return verdict
  }

  const code = 'export const div = (a: number, b: number): number => {\n  if (b === 0) return 0\n  return a / b\n}\n'
  const good = "it('divides', () => { if (div(4, 2) !== 2) throw new Error() })\n"
  const zero = "it('by nothing', () => { if (div(1, 0) !== 0) throw new Error('endless') })\n"

  it('tells which tests caught it', async () => {
    expect(await tried(code, good + zero)).to.deep.equal({ kind: 'caught', by: ['by nothing'] })
  })

  it('tells that no test did', async () => {
    expect(await tried(code, good)).to.deep.equal({ kind: 'missed', why: 'all its tests pass without it' })
    expect(await tried(code, good + zero, { grep: 'divides' })).to.deep.equal({
      kind: 'missed',
      why: 'all its tests pass without it',
    })
  })

  it('takes no crash for a failing test', async () => {
    const unreadable = await tried(code, good + zero, { without: 'if (' })
    expect(unreadable).to.have.property('why').that.contains('without the guard the code cannot be read')
    const nameless = await tried(code, good + zero, { without: 'nobody()\n' })
    expect(nameless).to.deep.equal({
      kind: 'missed',
      why: 'without the guard the code itself is broken: ReferenceError: nobody is not defined',
    })
    const unloaded = await tried(code, good + zero, { guard: 'export const div', without: 'export const other' })
    expect(unloaded).to.have.property('why').that.contains('0 of 2 tests told what came of them')
    const hook = await tried(code, `before(() => { if (div(1, 0) !== 0) throw new Error('hook') })\n${good}`)
    expect(hook).to.have.property('why').that.contains('no test failed, only "before all" hook')
  })

  it('fails where the code of the guard has gone, or its tests fail or are none from the first', async () => {
    expect(await tried(code, good, { guard: 'no such code' }))
      .to.have.property('why')
      .that.contains('0 times, not once')
    const bad = "it('fails', () => { throw new Error('always') })\n"
    expect(await tried(code, good + bad))
      .to.have.property('why')
      .that.contains('with the guard in place they fail already: fails')
    expect(await tried(code, good, { grep: 'nothing' }))
      .to.have.property('why')
      .that.contains('no test ran')
    expect(await tried(code, "it.skip('by nothing')\n")).to.deep.equal({ kind: 'skipped', why: 'its tests cannot run here' })
  })
})
