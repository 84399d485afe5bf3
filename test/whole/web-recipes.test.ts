import { writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:http'
import { expect } from 'chai'
import { textOf } from '../house/sources.ts'
import { writeTree } from '../http/site.ts'
import { blocksOf, type Example, examplesOf, matches } from '../kit/document.ts'
import { type Family, startFamily } from '../kit/family.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'
import { freePort } from '../kit/free-port.ts'
import { describeWith } from '../kit/programs.ts'
import { run } from '../kit/run.ts'

const page = textOf('docs/web.md')

/** A recipe: its file of configuration, and the commands behind it. */
interface Recipe {
  readonly name: string
  readonly yaml: string
  readonly examples: readonly Example[]
}

const recipes: readonly Recipe[] = page
  .split(/^## /m)
  .slice(1)
  .flatMap((section) => {
    const [block] = blocksOf(section, 'yaml')
    const name = /^# (\w+)$/.exec(block?.[0]?.text ?? '')?.[1]
    if (block === undefined || name === undefined) return []
    return [{ name, yaml: `${block.map(({ text }) => text).join('\n')}\n`, examples: examplesOf(section) }]
  })

const tree = {
  'site/index.html': '<h1>The site</h1>\n',
  'site/about.html': '<h1>About</h1>\n',
  'site/404.html': '<h1>Not here</h1>\n',
  'site/hello.txt': 'Hello\n',
  'site/old.bak': 'old\n',
  'site/list/a.txt': 'a\n',
  'site/assets/app.1f3a.js': 'go()\n',
  'site/downloads/report.txt': 'report\n',
  'site/private/plan.txt': 'The plan\n',
  'shop/index.html': '<h1>Shop</h1>\n',
  'bank/index.html': '<h1>Bank</h1>\n',
}

/** The server behind, on a port of the system's choice. */
const upstream = async (): Promise<Server> => {
  const server = createServer(({ url, headers }, response) => {
    response.end(`upstream: ${url} for ${headers['x-forwarded-for']}\n`)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

const portOf = (server: Server): number => {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('a server without a port')
  return address.port
}

/** Settings of a recipe are the user's; the rest is a test's: other services off. */
const others = ['ftp', 'smtp', 'pop3'].flatMap((name) => ['--set', `services.${name}.enabled=false`])

describeWith(['curl'], 'the whole: recipes of docs/web.md', function () {
  // Whole processes start and end here: on a machine that does other things too, that takes what it takes.
  this.timeout(120_000)
  let folder: TemporaryFolder
  let server: Server
  let family: Family
  /** Ports of the page and those that they are here. */
  const ports = new Map<string, string>()
  const real = (text: string): string => text.replaceAll(/\b(?:3000|8080|8443)\b/g, (port) => ports.get(port) ?? port)
  const use = (recipe: Recipe): Promise<void> => writeFile(folder.at('my.yaml'), real(recipe.yaml))
  const [first, ...further] = recipes.toSorted((a, b) => Number(b.name === 'sites') - Number(a.name === 'sites'))

  before(async () => {
    folder = await temporaryFolder()
    server = await upstream()
    // One that clients are told has to be chosen beforehand.
    ports.set('3000', String(portOf(server))).set('8443', String(await freePort()))
    await writeTree(folder.path, tree)
    if (first !== undefined) await use(first)
    family = await startFamily({ folder, demo: true, args: ['--config', folder.at('my.yaml'), ...others] })
    ports.set('8080', String(family.port('http')))
  })
  after(async () => {
    await family?.[Symbol.asyncDispose]()
    server?.closeAllConnections()
    await new Promise((resolve) => server?.close(resolve))
    await folder?.remove()
  })

  const play = async ({ examples }: Recipe): Promise<void> => {
    for (const { command, expected } of examples) {
      const { code, stdout, stderr } = await run('bash', ['-c', real(command)], { cwd: folder.path, deadlineMs: 60_000 })
      expect(code, `${command}\n${stderr}`).to.equal(0)
      const lines = stdout.toString().replaceAll('\r', '').replace(/\n$/, '').split('\n')
      if (!matches(lines, expected.map(real)))
        expect.fail(`${command} printed\n${stdout.toString()}\nand docs/web.md says\n${expected.join('\n')}`)
    }
  }

  it('are all there, each with commands', () => {
    const names = ['folder', 'application', 'pages', 'sites', 'behind', 'protected', 'writing', 'cors']
    expect(recipes.map(({ name }) => name)).to.deep.equal(names)
    for (const { name, examples } of recipes) expect(examples, name).to.not.be.empty
  })

  if (first !== undefined) it(`do what they say: ${first.name}`, () => play(first))

  it('are begun by a start that tells what to try, in clear and encrypted', async () => {
    const told = [...family.output().matchAll(/ (curl .*)$/gm)].map(([, line]) => line ?? '')
    // In the order in which they became ready.
    expect(told.map((line) => /https?:/.exec(line)?.[0])).to.have.members(['http:', 'https:'])
    for (const line of told) {
      const { code, stderr } = await run('bash', ['-c', `${line} -sS -o /dev/null`], { deadlineMs: 60_000 })
      expect(code, `${line}\n${stderr}`).to.equal(0)
    }
  })

  for (const recipe of further) {
    it(`do what they say: ${recipe.name}`, async () => {
      await use(recipe)
      const { code, stderr } = await family.havre(['reload'])
      expect(code, stderr).to.equal(0)
      const { services } = await family.status()
      ports.set('8080', String(services.find(({ name }) => name === 'http')?.port))
      await play(recipe)
    })
  }
})
