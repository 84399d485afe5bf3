import { existsSync } from 'node:fs'
import { join } from 'node:path'
import process from 'node:process'
import { expect } from 'chai'
import { temporaryFolder } from '../kit/folder.ts'
import { type Result, runPyftpdlib } from './pyftpdlib.ts'
import { differs, leftOut, plainName } from './pyftpdlib-differs.ts'

/** Where pyftpdlib's tests lie. No package has them, so that they are never asked for: who has them names the folder. */
const folder = process.env['HAVRE_TEST_PYFTPDLIB']

describe("FTP: pyftpdlib's functional tests [where HAVRE_TEST_PYFTPDLIB names the folder that holds them]", function () {
  this.timeout(900_000)
  let results: readonly Result[] = []
  const open = new AsyncDisposableStack()
  after('remove their folder', () => open.disposeAsync())

  before('run them', async function () {
    if (folder === undefined) this.skip()
    if (!existsSync(join(folder, 'test_functional.py'))) throw new Error(`HAVRE_TEST_PYFTPDLIB: no test_functional.py in ${folder}`)
    const home = open.use(await temporaryFolder())
    results = await runPyftpdlib(folder, home.path, leftOut)
  })

  const failed = () => results.filter(({ outcome }) => outcome === 'failed')

  it('pass, but for those of which it is written why not', () => {
    const unexpected = failed().filter(({ test }) => differs[plainName(test)] === undefined)
    if (unexpected.length > 0) throw new Error(unexpected.map(({ test, why }) => `${test}: ${why}`).join('\n'))
  })

  it('do not pass where it is written that they do not', () => {
    const passed = results.filter(({ test, outcome }) => outcome === 'passed' && differs[plainName(test)] !== undefined)
    const named = failed().map(({ test }) => plainName(test))
    const missing = Object.keys(differs).filter((test) => !named.includes(test))
    const unexpected = [...passed.map(({ test }) => test), ...missing]
    if (unexpected.length > 0) throw new Error(unexpected.join('\n'))
  })

  it('pass for the most part, in clear and over TLS', () => {
    const passed = results.filter(({ outcome }) => outcome === 'passed').map(({ test }) => test)
    const encrypted = passed.filter((test) => /TLSMixin\.|^TestFTPS\./.test(test))
    // As many as pass of those that the table was made with, their commit 01f998f3; more where theirs have grown.
    expect(passed.length - encrypted.length).to.be.at.least(77)
    expect(encrypted.length).to.be.at.least(63)
  })
})
