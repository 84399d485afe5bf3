import { createHash } from 'node:crypto'
import { mkdir, readdir, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { expect } from 'chai'
import { fakeDesk } from '../kit/fake-desk.ts'
import { testKeys } from '../kit/keys.ts'
import { type Ended, run } from '../kit/run.ts'
import { seeded } from '../kit/seeded.ts'
import type { Running, Setup } from '../kit/serving.ts'
import { Home, serveFtp } from './raw-session.ts'

/** alice's password here: nothing that a program's command line or a URL has to quote. */
export const password = 'tests-only-4711'

/** Names that URLs, shells, patterns or lists could take for something else. */
export const oddNames = ['a b', 'a#b;c', 'a%20b', 'ä 🐦', "it's", 'a"b', '[x]{y}', 'a*?', '-dash', '#1', '~tilde', 'a\\b'] as const

const digest = (octets: Buffer) => `${octets.length} octets, ${createHash('sha256').update(octets).digest('hex')}`

/** Expects a file to hold just these octets. */
export const holds = async (path: string, octets: Buffer | string): Promise<void> => {
  expect(digest(await readFile(path)), path).to.equal(digest(Buffer.from(octets)))
}

/** All files below a folder, with their octets as text, by their paths. */
export const treeOf = async (folder: string): Promise<Record<string, string>> => {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true })
  const paths = entries.filter((entry) => entry.isFile()).map((entry) => `${entry.parentPath}/${entry.name}`)
  const files = paths.map(async (path) => [path.slice(folder.length + 1), await readFile(path, 'latin1')] as const)
  return Object.fromEntries((await Promise.all(files)).sort(([a], [b]) => (a < b ? -1 : 1)))
}

/** Writes files of so many octets into a folder and some folders below it. */
export const makeTree = async (folder: string, files: number): Promise<void> => {
  const random = seeded()
  for (let n = 0; n < files; n++) {
    const path = `${folder}/${['', 'a b/', 'ü/', 'ü/deep/er/'][n % 4]}file ${n}.${n % 2 === 0 ? 'bin' : 'txt'}`
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, random.octets((n * 211) % 5_000))
    // Whole minutes: lists tell no more.
    const modified = new Date(Date.UTC(2020, 1, 1 + (n % 28), 3, n % 60))
    await utimes(path, modified, modified)
  }
}

/** The FTP service in this process, with alice's home and a folder for the programs' own files, both empty before each test. */
export class ProgramLab {
  readonly running: Running
  readonly authority: string
  /** How long a program may take. */
  deadlineMs = 50_000
  readonly #home: Home
  #heard = 0

  constructor(running: Running, authority: string) {
    this.running = running
    this.authority = authority
    this.#home = new Home(running)
  }

  get port(): number {
    return this.running.port
  }

  /** `ftp://alice:…@localhost:…` */
  get url(): string {
    return `ftp://alice:${password}@localhost:${this.port}`
  }

  /** Absolute path in alice's home. */
  home(...names: readonly string[]): string {
    return this.#home.path(...names)
  }

  /** Absolute path in the programs' folder. */
  local(...names: readonly string[]): string {
    return this.running.folder.at('local', ...names)
  }

  /** The commands that clients have said in this test, without arguments that are secret. */
  get heard(): string[] {
    return this.running.journal
      .of('conversation.client')
      .slice(this.#heard)
      .map(({ fields }) => String(fields['text']))
  }

  async empty(): Promise<void> {
    for (const folder of [this.home(), this.local()]) {
      await rm(folder, { recursive: true, force: true })
      await mkdir(folder, { recursive: true })
    }
    this.#heard = this.running.journal.of('conversation.client').length
  }

  /** Runs a program in the folder of the programs' files. */
  run(program: string, args: readonly string[], input: string | Buffer = ''): Promise<Ended> {
    const env = { HOME: this.local(), LC_ALL: 'C.UTF-8', SSL_CERT_FILE: this.authority }
    return run(program, args, { input, cwd: this.local(), env, deadlineMs: this.deadlineMs })
  }

  /** The same, where it has to end well. @returns what it printed */
  async succeeds(program: string, args: readonly string[], input: string | Buffer = ''): Promise<string> {
    const { code, stdout, stderr } = await this.run(program, args, input)
    expect(code, `${program} ${args.join(' ')}\n${stdout}\n${stderr}\n${this.heard.join('\n')}`).to.equal(0)
    return `${stdout}${stderr}`
  }
}

/** For a group of tests: the service with TLS when a client asks for it, or as given. */
export const useProgramLab = (setup: Partial<Setup> = {}): (() => ProgramLab) => {
  let lab: ProgramLab | null = null
  const theLab = () => {
    if (lab === null) throw new Error('not begun')
    return lab
  }
  before('serve', async () => {
    const running = await serveFtp({ tls: 'starttls', desk: fakeDesk({ accounts: { alice: password } }), ...setup })
    const authority = running.folder.at('authority.pem')
    await writeFile(authority, (await testKeys()).authority)
    lab = new ProgramLab(running, authority)
  })
  after('end', () => lab?.running.close())
  beforeEach('empty', () => theLab().empty())
  return theLab
}
