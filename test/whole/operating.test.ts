import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { expect } from 'chai'
import { checks } from '../../cli/doctor/examine.ts'
import { root, textOf } from '../house/sources.ts'
import { examplesOf, matches } from '../kit/document.ts'
import { useFamily } from '../kit/family.ts'

const path = 'docs/operating.md'
const document = textOf(path)
const examples = examplesOf(document)

/** Ports as they are by default, and the services that have them. */
const usual: Readonly<Record<string, string>> = { 8080: 'http', 2121: 'ftp', 2525: 'smtp', 1110: 'pop3' }

describe(`the whole: ${path}`, function () {
  this.timeout(120_000)
  const family = useFamily({ demo: true })

  it('has commands, all of them of havre', () => {
    expect(examples.length).to.be.greaterThan(7)
    for (const { command } of examples) expect(command).to.match(/^node bin\/havre\.js \w/)
  })

  for (const { command, expected, line } of examples) {
    it(`line ${line}: ${command}`, async () => {
      const [, , ...args] = command.split(' ')
      const { code, stdout, stderr } = await family().havre(args, { deadlineMs: 60_000 })
      expect(code, `${stdout}${stderr}`).to.equal(0)
      const real = (text: string) =>
        text.replace(/(127\.0\.0\.1:)(\d+)/g, (_, host, port) => host + family().port(usual[port] ?? port))
      const lines = stdout.toString().replace(/\n$/, '').split('\n')
      expect(matches(lines, expected.map(real)), `it printed\n${stdout}\nand the document says\n${expected.join('\n')}`).to.equal(
        true,
      )
    })
  }

  it('lists the checks of havre doctor, each of them, in their order', () => {
    const section = document.split('| Check |')[1]?.split('\n\n')[0] ?? ''
    const named = [...section.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name)
    expect(named).to.deep.equal(checks.map(({ name }) => name))
  })

  it('links to files that exist', () => {
    const links = [...document.matchAll(/\]\(([^)#:]+)\)/g)].map(([, link]) => join(dirname(path), link ?? ''))
    expect(links.filter((link) => !existsSync(join(root, link)))).to.deep.equal([])
    expect(existsSync(join(root, 'examples/havre.service'))).to.equal(true)
  })
})
