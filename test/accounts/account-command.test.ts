import { chmod, chown, mkdir, readdir, stat, writeFile } from 'node:fs/promises'
import process from 'node:process'
import { DatabaseSync } from 'node:sqlite'
import { expect } from 'chai'
import { createLoginDesk } from '../../shared/accounts/login-desk.ts'
import { createPasswords } from '../../shared/accounts/password.ts'
import { openAccountStore } from '../../shared/accounts/sqlite-account-store.ts'
import { havre, havreProgram } from '../kit/family.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'
import { describeWith } from '../kit/programs.ts'
import { run } from '../kit/run.ts'
import { testSettings } from '../kit/settings.ts'

/** Small, so that the tests are quick. */
const cheap = { memoryKiB: 8, passes: 1, parallelism: 1 }

describe('havre account', () => {
  let folder: TemporaryFolder
  beforeEach(async () => {
    folder = await temporaryFolder()
  })
  afterEach(() => folder.remove())

  /** Runs `havre account ARGS` on this test's data folder. */
  const account = async (args: readonly string[], input: string | Buffer = '') => {
    const { code, stdout, stderr } = await havre(['account', ...args, '--set', `data=${folder.at('data')}`], { input })
    return { code, stdout: stdout.toString(), stderr }
  }
  /** Puts accounts there without the command. */
  const existing = async (...accounts: readonly [string, string][]): Promise<void> => {
    const store = await openAccountStore(folder.at('data', 'accounts.db'))
    for (const [name, password] of accounts) await store.add({ name, passwordHash: await createPasswords(cheap).hash(password) })
    await store.close()
  }
  const stored = async () => {
    const store = await openAccountStore(folder.at('data', 'accounts.db'), { create: false })
    const accounts = await store.list()
    const hashes = await Promise.all(accounts.map(async ({ name }) => (await store.find(name))?.passwordHash ?? ''))
    await store.close()
    return { names: accounts.map(({ name }) => name), hashes }
  }
  const fits = async (password: string) => createPasswords().verify(password, (await stored()).hashes[0] ?? '')

  describe('add', () => {
    it('adds an account and its folder, and says how it is reached', async () => {
      expect(await account(['add', 'Carol', '--password-stdin'], 'pass word ')).to.deep.equal({
        code: 0,
        stdout: `added carol: mail carol@havre.test, files ${folder.at('data', 'files', 'carol')}\n`,
        stderr: '',
      })
      expect((await stored()).names).to.deep.equal(['carol'])
      expect(await fits('pass word ')).to.equal(true)
      expect(await readdir(folder.at('data', 'files'))).to.deep.equal(['carol'])
    })

    it('prints JSON', async () => {
      const { code, stdout } = await account(['add', 'carol', '--password-stdin', '--json'], 'secret\n')
      expect(code).to.equal(0)
      expect(JSON.parse(stdout)).to.deep.equal({
        account: 'carol',
        address: 'carol@havre.test',
        files: folder.at('data', 'files', 'carol'),
      })
    })

    it('refuses what cannot be a password, and adds nothing', async () => {
      for (const [input, message] of [
        ['', 'it is empty'],
        ['a\0b\n', 'it contains a control character'],
        ['x'.repeat(100_000), 'the line has more than 4096 octets'],
      ] as const) {
        const { code, stderr } = await account(['add', 'carol', '--password-stdin'], input)
        expect(code).to.equal(100)
        expect(stderr).to.contain(message)
      }
      expect((await stored()).names).to.deep.equal([])
    })

    it('asks nobody where stdin is no terminal, and says what to do', async () => {
      const { code, stderr } = await account(['add', 'carol'], 'secret\nsecret\n')
      expect(code).to.equal(100)
      expect(stderr).to.contain('--password-stdin')
      expect((await stored()).names).to.deep.equal([])
    })

    it('refuses names that break the rule, and says why', async () => {
      for (const [name, reason] of [
        ['../x', '"/" at position 3'],
        ['carol@havre.test', 'without a domain'],
      ] as const) {
        const { code, stderr } = await account(['add', '--password-stdin', name], 'secret')
        expect(code, name).to.equal(100)
        expect(stderr).to.contain(reason)
      }
      expect(await readdir(folder.path, { recursive: true })).not.to.include('data/files')
    })

    it('refuses a name that is taken, in any case, before it looks for a password', async () => {
      await existing(['carol', 'first'])
      const { code, stderr } = await account(['add', 'CAROL'])
      expect(code).to.equal(100)
      expect(stderr).to.contain('there is an account carol already').and.to.contain('havre account password carol')
      expect(await fits('first')).to.equal(true)
    })

    it('keeps a folder that is there, and says so', async () => {
      await mkdir(folder.at('data', 'files', 'carol'), { recursive: true })
      await writeFile(folder.at('data', 'files', 'carol', 'old.txt'), 'old')
      expect((await account(['add', 'carol', '--password-stdin'], 'secret')).stdout).to.contain('was there already')
      expect(await readdir(folder.at('data', 'files', 'carol'))).to.deep.equal(['old.txt'])
    })

    it('adds nothing where a file has the place of its folder', async () => {
      await mkdir(folder.at('data', 'files'), { recursive: true })
      await writeFile(folder.at('data', 'files', 'carol'), '')
      const { code, stderr } = await account(['add', 'carol', '--password-stdin'], 'secret')
      expect(code).to.equal(100)
      expect(stderr).to.contain('a file is in its place')
      expect((await stored()).names).to.deep.equal([])
    })

    it('is temporary while another process holds the database, and leaves no folder', async () => {
      await existing(['carol', 'secret'])
      const holder = new DatabaseSync(folder.at('data', 'accounts.db'))
      holder.exec('BEGIN IMMEDIATE')
      const { code, stderr } = await account(['add', 'dave', '--password-stdin'], 'secret')
      holder.close()
      expect(code).to.equal(111)
      expect(stderr).to.contain('locked')
      expect(await readdir(folder.at('data', 'files'))).to.deep.equal([])
    })

    it('is permanent where the database is none', async () => {
      await mkdir(folder.at('data'))
      await writeFile(folder.at('data', 'accounts.db'), Buffer.alloc(4_096, 'x'))
      expect((await account(['add', 'carol', '--password-stdin'], 'secret')).code).to.equal(100)
    })
  })

  describe('password', () => {
    it('changes it, for the next login of a desk that is open', async () => {
      await existing(['carol', 'old'])
      const store = await openAccountStore(folder.at('data', 'accounts.db'))
      const desk = createLoginDesk({
        store,
        passwords: createPasswords(),
        limits: testSettings(folder.path).logins,
        domains: ['havre.test'],
        events: { addressBlocked: () => undefined, hashRenewed: () => undefined, hashNotRenewed: () => undefined },
      })
      const login = async (password: string) =>
        (await desk.login({ name: 'carol', password, address: '127.0.0.1', service: 'ftp' })).outcome
      expect([await login('old'), await login('old'), await login('new')]).to.deep.equal(['accepted', 'accepted', 'refused'])
      const { code, stdout } = await account(['password', 'Carol', '--password-stdin'], 'new\n')
      expect([code, stdout]).to.deep.equal([0, 'changed the password of carol\n'])
      expect([await login('old'), await login('new')]).to.deep.equal(['refused', 'accepted'])
      await account(['remove', 'carol'])
      expect(await login('new')).to.equal('refused')
      await account(['add', 'carol', '--password-stdin'], 'newest')
      expect([await login('new'), await login('newest')]).to.deep.equal(['refused', 'accepted'])
      await desk.close()
      await store.close()
    })

    it('refuses an account that is not there, and makes no database for it', async () => {
      for (const prepare of [async () => undefined, () => existing(['carol', 'secret'])]) {
        await prepare()
        const { code, stderr } = await account(['password', 'dave', '--password-stdin'], 'secret')
        expect(code).to.equal(100)
        expect(stderr).to.contain('there is no account dave')
      }
      expect((await stored()).names).to.deep.equal(['carol'])
    })
  })

  describe('remove', () => {
    it('removes the account, and keeps its files', async () => {
      await existing(['carol', 'secret'])
      await mkdir(folder.at('data', 'files', 'carol'), { recursive: true })
      const { code, stdout } = await account(['remove', 'Carol'])
      expect(code).to.equal(0)
      expect(stdout).to.equal(`removed carol; its mail and its files in ${folder.at('data', 'files', 'carol')} stay\n`)
      expect((await stored()).names).to.deep.equal([])
      expect(await readdir(folder.at('data', 'files'))).to.deep.equal(['carol'])
      expect((await account(['remove', 'carol'])).code).to.equal(100)
    })
  })

  describe('list', () => {
    it('lists the oldest first, as a table and as JSON, all or one', async () => {
      await existing(['zoe', 'secret'], ['alice', 'secret'])
      const { stdout } = await account(['list'])
      expect(stdout.split('\n').map((line) => line.split(' ')[0])).to.deep.equal(['NAME', 'zoe', 'alice', ''])
      expect(stdout)
        .to.match(/^zoe {4}\d{4}-\d\d-\d\d \d\d:\d\dZ {2}\d{4}-\d\d-\d\d \d\d:\d\dZ$/m)
        .and.not.to.contain('argon2')
      const { accounts } = JSON.parse((await account(['list', '--json'])).stdout)
      expect(accounts).to.have.length(2)
      expect(accounts[0]).to.have.keys('name', 'createdAt', 'passwordChangedAt').and.include({ name: 'zoe' })
      expect(JSON.parse((await account(['list', 'Alice', '--json'])).stdout).accounts).to.have.length(1)
      expect((await account(['list', 'bob'])).code).to.equal(100)
    })

    it('lists none, and makes no database, before the first account', async () => {
      const { code, stdout } = await account(['list', '--json'])
      expect([code, stdout]).to.deep.equal([0, '{"accounts":[]}\n'])
      expect((await account(['list'])).stderr).to.contain('There are no accounts')
      expect(await readdir(folder.path)).to.deep.equal([])
    })
  })

  it('refuses wrong use with 100 and a hint', async () => {
    for (const args of [
      ['add'],
      ['add', 'a', 'b'],
      ['add', 'a', '--password', 'x'],
      ['frobnicate'],
      ['remove'],
      ['list', '--set', 'dta=1'],
      [],
    ]) {
      const { code, stderr } = await account(args)
      expect(code, args.join(' ')).to.equal(100)
      expect(stderr).not.to.equal('')
    }
  })

  it('has help with examples for every command', async () => {
    for (const args of [[], ['add'], ['password'], ['remove'], ['list']]) {
      const { code, stdout } = await havre(['account', ...args, '--help'])
      expect(code).to.equal(0)
      expect(stdout.toString()).to.match(/Examples:\n {2}\$ havre account/)
    }
  })

  describeWith(['python3'], 'at a terminal', () => {
    /** Runs `havre account ARGS` at a terminal of its own and types; prints the exit code and all that the terminal showed. */
    const script = `
import os, pty, select, sys, time
typed = [line.encode().decode('unicode_escape').encode('latin-1') for line in sys.argv[1].split('|')]
pid, terminal = pty.fork()
if pid == 0: os.execvp(sys.argv[2], sys.argv[2:])
shown = b''
deadline = time.time() + 60
while time.time() < deadline:
    ready, _, _ = select.select([terminal], [], [], 0.1)
    if ready:
        try: octets = os.read(terminal, 4096)
        except OSError: break
        if not octets: break
        shown += octets
    prompts = shown.count(b': ')
    if typed and prompts >= len(sys.argv[1].split('|')) - len(typed) + 1: os.write(terminal, typed.pop(0))
_, status = os.waitpid(pid, 0)
print(os.waitstatus_to_exitcode(status))
sys.stdout.flush()
os.write(1, shown)
`
    const type = async (typed: string, args: readonly string[]) => {
      const command = [process.execPath, ...havreProgram, 'account', ...args, '--set', `data=${folder.at('data')}`]
      const { stdout } = await run('python3', ['-c', script, typed, ...command])
      const [code, ...shown] = stdout.toString().split(/\r?\n/)
      // The folder's name is of random letters.
      return { code: Number(code), shown: shown.join('\n').replaceAll(folder.path, 'FOLDER') }
    }

    it('asks twice and shows nothing of what is typed', async () => {
      const { code, shown } = await type('tippex\\x7f\\x7ft\\r|tippt\\r', ['add', 'carol'])
      expect(code, shown).to.equal(0)
      expect(shown).to.contain('New password for carol: \nAgain: \nadded carol').and.not.to.contain('tip')
      expect(await fits('tippt')).to.equal(true)
    })

    it('takes both lines when they come at once, and erases whole characters and lines', async () => {
      expect((await type('wrong\\x15\\xc3\\xa4\\xc3\\xb6\\x7f!\\r\\xc3\\xa4!\\r', ['add', 'carol'])).code).to.equal(0)
      expect(await fits('ä!')).to.equal(true)
    })

    it('changes nothing when the two differ, at Ctrl-C, at Ctrl-D and at what cannot be a password', async () => {
      await existing(['carol', 'old'])
      for (const [typed, message] of [
        ['new\\r|other\\r', 'not the same'],
        ['new\\x03', 'interrupted'],
        ['\\x04', 'no password'],
        ['\\r', 'it is empty'],
      ] as const) {
        const { code, shown } = await type(typed, ['password', 'carol'])
        expect(code, shown).to.equal(100)
        expect(shown).to.contain(message)
      }
      expect(await fits('old')).to.equal(true)
    })
  })

  const asRoot = process.getuid?.() === 0 ? describe : describe.skip
  asRoot('as root', () => {
    const nobody = 65_534
    const ownersOf = async (): Promise<Set<number>> => {
      const names = await readdir(folder.at('data'), { recursive: true })
      const stats = await Promise.all(names.map((name) => stat(folder.at('data', name))))
      return new Set(stats.map(({ uid }) => uid))
    }

    it('works as the user of the settings, so that no file ends up root’s', async () => {
      await chmod(folder.path, 0o755)
      const { code, stderr } = await account(['add', 'carol', '--password-stdin', '--set', 'user=nobody'], 'secret')
      expect([code, stderr]).to.deep.equal([0, ''])
      expect(await ownersOf()).to.deep.equal(new Set([nobody]))
      expect((await stat(folder.at('data'))).uid).to.equal(nobody)
    })

    it('works as the owner of the data folder where the settings name no user', async () => {
      await chmod(folder.path, 0o755)
      await mkdir(folder.at('data'))
      await chown(folder.at('data'), nobody, nobody)
      expect((await account(['add', 'carol', '--password-stdin'], 'secret')).code).to.equal(0)
      expect(await ownersOf()).to.deep.equal(new Set([nobody]))
    })

    it('is refused for good what that user may not do', async () => {
      await chmod(folder.path, 0o755)
      await mkdir(folder.at('data'))
      await chmod(folder.at('data'), 0o755)
      const { code, stderr } = await account(['add', 'carol', '--password-stdin', '--set', 'user=nobody'], 'secret')
      expect(code).to.equal(100)
      expect(stderr).to.contain('belong to another user')
      expect((await account(['list', '--set', 'user=no-such-user'])).code).to.equal(100)
    })
  })
})
