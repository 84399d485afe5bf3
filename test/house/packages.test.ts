import { spawnSync } from 'node:child_process'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { expect } from 'chai'
import { temporaryFolder } from '../kit/folder.ts'
import { textOf } from './sources.ts'

/** A package as the lock file has it. */
interface Locked {
  readonly version?: string
  readonly dev?: boolean
  readonly link?: boolean
  readonly resolved?: string
  readonly integrity?: string
  readonly hasInstallScript?: boolean
}

const manifest: Record<'dependencies' | 'devDependencies', Record<string, string>> = JSON.parse(textOf('package.json'))
const lock: { packages: Record<string, Locked> } = JSON.parse(textOf('package-lock.json'))
const shipped = Object.entries(lock.packages).filter(([path, { dev }]) => path !== '' && dev !== true)
const nameOf = (path: string) => path.split('node_modules/').at(-1) ?? path

/** Packages with a hole that is known and that some version closes: the first version without it; null where none is. */
const holes: Readonly<Record<string, string | null>> = {
  ip: null, // CVE-2024-29415: isPublic takes 127.1 for a public address
  bunyan: null, // asks for native parts
  moment: '2.29.4', // CVE-2022-31129
  lodash: '4.17.21', // CVE-2021-23337
  nodemailer: '7.0.7', // CVE-2025-13033
  async: '3.2.2', // CVE-2021-43138
  yaml: '2.2.2', // CVE-2023-2251
  zod: '3.22.3', // CVE-2023-4316
  'color-string': '1.5.5', // CVE-2021-29060
}

/** Whether one version comes before another: numbers only. */
const below = (version: string, other: string): boolean => {
  const numbers = (text: string) => text.split(/[.-]/).map(Number)
  const [one, two] = [numbers(version), numbers(other)]
  for (const at of [0, 1, 2]) if (one[at] !== two[at]) return (one[at] ?? 0) < (two[at] ?? 0)
  return false
}

describe('the house: packages', () => {
  it('compares versions', () => {
    expect([below('1.1.9', '2.0.2'), below('3.22.3', '3.22.3'), below('10.0.0', '9.9.9'), below('2.9.1', '2.10.0')]).to.deep.equal([
      true,
      false,
      false,
      true,
    ])
  })

  it('that ship have no known hole', () => {
    const wrong = shipped
      .filter(([, { link }]) => link !== true)
      .filter(([path]) => path.startsWith('node_modules/') && Object.hasOwn(holes, nameOf(path)))
      .filter(([path, { version = '0.0.0' }]) => {
        const fixed = holes[nameOf(path)]
        return fixed == null || below(version, fixed)
      })
    expect(wrong.map(([path, { version }]) => `${path} ${version}`)).to.deep.equal([])
  })

  it('below ftp-srv are our stand-ins', () => {
    for (const name of ['ip', 'bunyan', 'yargs']) {
      const found = Object.entries(lock.packages).filter(
        ([path]) => path.startsWith('node_modules/') && nameOf(path) === name && lock.packages[path]?.dev !== true,
      )
      expect(found.map(([path, { link, resolved }]) => [path, link, resolved])).to.deep.equal([
        [`node_modules/${name}`, true, `vendor/${name}`],
      ])
    }
  })

  it('get from the stand-in for ip what ftp-srv asks of it', () => {
    // As ftp-srv itself finds it.
    const { isEqual } = createRequire(createRequire(import.meta.url).resolve('ftp-srv'))('ip')
    expect(isEqual('127.0.0.1', '127.0.0.1')).to.equal(true)
    expect(isEqual('::ffff:192.0.2.1', '192.0.2.1')).to.equal(true)
    expect(isEqual('2001:db8::1', '2001:0db8:0:0::1')).to.equal(true)
    expect(isEqual('192.0.2.1', '192.0.2.2')).to.equal(false)
    expect(isEqual('127.1', '127.0.0.1')).to.equal(false)
    expect(isEqual('', '')).to.equal(false)
  })

  it('run no script of their own when they are installed', () => {
    expect(shipped.filter(([, { hasInstallScript }]) => hasInstallScript === true).map(([path]) => path)).to.deep.equal([])
  })

  it('are pinned to one version each, and the lock file knows their content', () => {
    const loose = Object.entries({ ...manifest.dependencies, ...manifest.devDependencies }).filter(
      ([, version]) => !/^(?:\d+\.\d+\.\d+|file:vendor\/[a-z]+)$/.test(version),
    )
    expect(loose).to.deep.equal([])
    const unknown = Object.entries(lock.packages).filter(
      ([path, { link, integrity }]) => path.startsWith('node_modules/') && link !== true && integrity === undefined,
    )
    expect(unknown.map(([path]) => path)).to.deep.equal([])
  })

  it('come from where npm says: the lock file names no host', () => {
    const hosts = Object.values(lock.packages).flatMap(({ resolved }) =>
      resolved?.includes('://') ? [new URL(resolved).host] : [],
    )
    expect(hosts.filter((host) => host !== 'registry.npmjs.org')).to.deep.equal([])
  })

  it('travel inside the package, where npm would otherwise fetch what the stand-ins replace', async () => {
    // Overrides and file: dependencies do not reach whoever installs the package; what is bundled does.
    await using folder = await temporaryFolder()
    await mkdir(folder.at('scripts'))
    await writeFile(folder.at('package.json'), textOf('package.json'))
    await writeFile(folder.at('scripts', 'pack.js'), textOf('scripts/pack.js'))
    const { scripts }: { scripts: Record<string, string> } = JSON.parse(textOf('package.json'))
    const packed = async (script: string | undefined) => {
      const [program = '', ...args] = (script ?? '').split(' ')
      expect(spawnSync(program, args, { cwd: folder.path }).status).to.equal(0)
      return readFile(folder.at('package.json'), 'utf8')
    }
    const { bundleDependencies } = JSON.parse(await packed(scripts['prepack']))
    expect(bundleDependencies).to.include.members(['ftp-srv', 'ip', 'bunyan', 'yargs', 'uuid'])
    expect(await packed(scripts['postpack'])).to.equal(textOf('package.json'))
  })
})
