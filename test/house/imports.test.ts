import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { expect } from 'chai'
import { codeFiles, type Import, importsOf, programFiles, reachedFrom, root, textOf } from './sources.ts'

/** The part that a file belongs to: `shared`, `servers/pop3`, `servers/host`, `cli`, `test`, … */
const partOf = (file: string): string =>
  file.startsWith('servers/') ? file.split('/', 2).join('/') : (file.split('/', 1)[0] ?? '')

const isProtocol = (part: string) => part.startsWith('servers/') && part !== 'servers/host' && part !== 'servers/supervisor'

/** Whether code of one part may import from another. */
const mayImport = (from: string, to: string): boolean => {
  if (from === to || from === 'test' || from === 'bench' || to === 'shared') return true
  if (from === 'servers/host') return isProtocol(to)
  if (from === 'servers/supervisor') return isProtocol(to) || to === 'servers/host'
  if (from === 'cli') return to.startsWith('servers/')
  if (from === 'scripts') return to.startsWith('servers/') || to === 'cli'
  return from === 'bin' && to === 'cli'
}

/** Foreign engines, and the files that may know of them. */
const engines: Readonly<Record<string, RegExp>> = {
  'ftp-srv': /^servers\/ftp\/engine[\w-]*\.ts$/,
  'smtp-server': /^servers\/smtp\/engine[\w-]*\.ts$/,
  undici: /^servers\/http\/proxy\/(?:upstream-engine|undici-pool\.d)\.ts$/,
  winston: /^shared\/log\/winston-[\w-]+\.ts$/,
  mailparser: /^(?:cli|shared\/mail)\//,
  zod: /^(?:cli|shared\/config|servers\/supervisor|servers\/\w+\/(?:\w+\/[\w-]+-)?options\.ts|shared\/service\.ts)/,
  yaml: /^shared\/config\//,
  commander: /^cli\//,
}

/** What a child never loads: it gets checked options. */
const neverInChildren = ['zod', 'yaml', 'commander']

const shown = ({ from, specifier }: Import) => `${from} → ${specifier}`
const programImports = programFiles.flatMap((file) => importsOf(file))

describe('the house: imports', () => {
  it('are seen by this test at all', () => {
    const text = `
      import a from './a.ts'
      import type { B } from './b.ts'
      import { type C,
        d } from '../c.ts'
      export { e } from "./e.ts"
      import './f.ts'
      // import g from './g.ts'
      /* import h from './h.ts' */
      const text = 'import i from "./i.ts"'
      const j = await import('./j.ts')
      type K = typeof import('./k.ts')
      new Worker(new URL('./l.ts', import.meta.url))
      import winston, { type M } from 'winston'
      import n from '@scope/name/deep.js'
    `
    const found = importsOf('shared/x/y.ts', text).map((each) => `${each.kind} ${each.file ?? each.package}`)
    expect(found).to.have.members([
      'static shared/x/a.ts',
      'type shared/x/b.ts',
      'static shared/c.ts',
      'static shared/x/e.ts',
      'static shared/x/f.ts',
      'dynamic shared/x/j.ts',
      'type shared/x/k.ts',
      'dynamic shared/x/l.ts',
      'static winston',
      'static @scope/name',
    ])
    expect(programImports.length).to.be.greaterThan(50)
  })

  it('point one way: shared ← protocols ← host, supervisor ← cli ← test, and no protocol imports another', () => {
    const wrong = codeFiles
      .flatMap((file) => importsOf(file))
      .filter(({ from, file }) => file !== null && !mayImport(partOf(from), partOf(file)))
    expect(wrong.map(shown)).to.deep.equal([])
    expect(mayImport('servers/pop3', 'servers/smtp')).to.equal(false)
    expect(mayImport('shared', 'servers/pop3')).to.equal(false)
    expect(mayImport('servers/pop3', 'servers/host')).to.equal(false)
    expect(mayImport('servers/host', 'servers/supervisor')).to.equal(false)
    expect(mayImport('cli', 'test')).to.equal(false)
  })

  it('name files that exist, as they are called', () => {
    const missing = codeFiles
      .flatMap((file) => importsOf(file))
      .filter(({ file, kind }) => file !== null && kind !== 'dynamic' && !existsSync(join(root, file)))
    expect(missing.map(shown)).to.deep.equal([])
  })

  it('reach foreign engines only in their adapters', () => {
    const wrong = programImports.filter(({ package: name, from }) => name !== null && engines[name]?.test(from) === false)
    expect(wrong.map(shown)).to.deep.equal([])
  })

  it('name only packages that package.json does', () => {
    const { dependencies, devDependencies } = JSON.parse(textOf('package.json'))
    const shipped = programImports.filter(({ package: name }) => name !== null && !Object.hasOwn(dependencies, name))
    expect(shipped.map(shown)).to.deep.equal([])
    const all = { ...dependencies, ...devDependencies }
    const others = codeFiles.flatMap((file) => importsOf(file))
    expect(others.filter(({ package: name }) => name !== null && !Object.hasOwn(all, name)).map(shown)).to.deep.equal([])
  })

  it('keep the schemas and the command line out of the children', () => {
    const wrong = [...reachedFrom('servers/host/main.ts').values()].flatMap(({ file, path }) =>
      importsOf(file)
        .filter(({ package: name, kind }) => kind !== 'type' && name !== null && neverInChildren.includes(name))
        .map((each) => `${path.join(' → ')} → ${each.specifier}`),
    )
    expect(wrong).to.deep.equal([])
    const children = [...reachedFrom('servers/host/main.ts').keys()]
    for (const protocol of ['http', 'ftp', 'smtp', 'pop3']) expect(children).to.include(`servers/${protocol}/service.ts`)
  })

  it('load mailparser, which is large, only when a message is looked into', () => {
    const wrong = programImports.filter(({ package: name, kind }) => name === 'mailparser' && kind === 'static')
    expect(wrong.map(shown)).to.deep.equal([])
  })

  it('keep protocols apart: a child loads the code of its own only', () => {
    for (const protocol of ['http', 'ftp', 'smtp', 'pop3']) {
      const others = [...reachedFrom(`servers/${protocol}/service.ts`).keys()].filter(
        (file) => file.startsWith('servers/') && partOf(file) !== `servers/${protocol}`,
      )
      expect(others).to.deep.equal([])
    }
    const atOnce = [...reachedFrom('servers/host/main.ts', ['static']).keys()].filter((file) => isProtocol(partOf(file)))
    expect(atOnce).to.deep.equal([])
  })
})
