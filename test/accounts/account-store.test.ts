import { execFile, execFileSync, spawn } from 'node:child_process'
import { chmod, mkdir, mkdtemp, readdir, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect } from 'chai'
import type { AccountStore } from '../../shared/accounts/account-store.ts'
import { openAccountStore } from '../../shared/accounts/sqlite-account-store.ts'
import { temporaryFolder } from '../kit/folder.ts'
import { accountStoreContract, codeOf } from './contract.ts'
import { type AccountsInMemory, MemoryAccountStore } from './memory-account-store.ts'

const run = promisify(execFile)

accountStoreContract('SQLite', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'havre-accounts-'))
  const opened: AccountStore[] = []
  return {
    async open(now) {
      const store = await openAccountStore(join(folder, 'accounts.db'), now === undefined ? {} : { now })
      opened.push(store)
      return store
    },
    async dispose() {
      await Promise.all(opened.map((store) => store.close()))
      await rm(folder, { recursive: true })
    },
  }
})

accountStoreContract('memory (the double of the tests)', async () => {
  const shared: AccountsInMemory = { accounts: [], touched: false }
  return { open: async (now) => new MemoryAccountStore(shared, now), dispose: async () => undefined }
})

describe("the accounts' database", () => {
  let folder: string
  let file: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'havre-accounts-'))
    file = join(folder, 'data', 'accounts.db')
  })
  afterEach(() => rm(folder, { recursive: true }))

  const make = async (): Promise<void> => {
    const store = await openAccountStore(file)
    await store.add({ name: 'alice', passwordHash: 'a' })
    await store.close()
  }
  const modeOf = async (path: string): Promise<number> => (await stat(path)).mode & 0o777
  /** The store, and the handle that it uses. */
  const openWithHandle = async (): Promise<{ store: AccountStore; database: DatabaseSync }> => {
    const { prepare } = DatabaseSync.prototype
    const seen: DatabaseSync[] = []
    DatabaseSync.prototype.prepare = function (this: DatabaseSync, ...args) {
      seen.push(this)
      return prepare.apply(this, args)
    }
    try {
      const store = await openAccountStore(file)
      const [database] = seen
      if (database === undefined) throw new Error('the store prepared no statement')
      return { store, database }
    } finally {
      DatabaseSync.prototype.prepare = prepare
    }
  }
  /** What another process does to the file. */
  const other = (sql: string): void => {
    const database = new DatabaseSync(file)
    database.exec(sql)
    database.close()
  }

  it('makes its folder, and its files are for the owner only', async () => {
    const store = await openAccountStore(file)
    await store.add({ name: 'alice', passwordHash: 'a' })
    for (const name of [file, `${file}-wal`, `${file}-shm`]) expect(await modeOf(name), name).to.equal(0o600)
    await store.close()
  })

  it('takes from others the right to read a file that has it', async () => {
    await make()
    await chmod(file, 0o644)
    await (await openAccountStore(file)).close()
    expect(await modeOf(file)).to.equal(0o600)
  })

  it('makes no file when it may not', async () => {
    expect(await codeOf(openAccountStore(file, { create: false }))).to.equal('absent')
    expect(await readdir(folder)).to.deep.equal([])
    await make()
    const store = await openAccountStore(file, { create: false })
    expect(await store.count()).to.equal(1)
    await store.close()
  })

  it('syncs every commit', async () => {
    const { store, database } = await openWithHandle()
    expect(database.prepare('PRAGMA journal_mode').get()).to.include({ journal_mode: 'wal' })
    expect(database.prepare('PRAGMA synchronous').get()).to.include({ synchronous: 2 })
    await store.close()
  })

  it('is damaged when it is no database', async () => {
    await make()
    await writeFile(file, Buffer.alloc(8_192, 'not a database '))
    expect(await codeOf(openAccountStore(file))).to.equal('damaged')
  })

  it('is damaged when pages of it are missing', async () => {
    await make()
    await truncate(file, 5_000)
    const result = openAccountStore(file).then((store) => store.list().finally(() => store.close()))
    expect(await codeOf(result)).to.equal('damaged')
  })

  it("is damaged when it is somebody else's database, and that stays as it was", async () => {
    await mkdir(join(folder, 'data'))
    other('CREATE TABLE songs (title TEXT)')
    expect(await codeOf(openAccountStore(file))).to.equal('damaged')
    const database = new DatabaseSync(file)
    expect(database.prepare('SELECT name FROM sqlite_schema').all()).to.deep.equal([{ __proto__: null, name: 'songs' }])
    expect(database.prepare('PRAGMA journal_mode').get()?.['journal_mode']).to.equal('delete')
    database.close()
  })

  it('is damaged when a later version made it', async () => {
    await make()
    other('PRAGMA user_version = 7')
    const error = await openAccountStore(file).then(
      () => null,
      (reason: unknown) => reason,
    )
    expect(error).to.have.property('code', 'damaged')
    expect(error).to.have.property('message').that.contains('version 7, made by a later Havre')
  })

  it('is denied where a folder has its name', async () => {
    await mkdir(file, { recursive: true })
    expect(await codeOf(openAccountStore(file))).to.equal('denied')
  })

  it('is locked while another process holds it, for changes only', async () => {
    await make()
    const store = await openAccountStore(file, { busyMs: 20 })
    const holder = new DatabaseSync(file)
    holder.exec('BEGIN IMMEDIATE')
    expect(await codeOf(store.add({ name: 'bob', passwordHash: 'b' }))).to.equal('locked')
    expect((await store.find('alice'))?.name).to.equal('alice')
    holder.exec('ROLLBACK')
    await store.add({ name: 'bob', passwordHash: 'b' })
    expect(await store.count()).to.equal(2)
    holder.close()
    await store.close()
  })

  it('is full when it may not grow, and nothing of the change is done', async () => {
    const { store, database } = await openWithHandle()
    const pages = database.prepare('PRAGMA page_count').get()?.['page_count']
    database.exec(`PRAGMA max_page_count = ${pages}`)
    const names = Array.from({ length: 100 }, (_, n) => ({ name: `user${n}`, passwordHash: 'x'.repeat(100) }))
    expect(await codeOf(store.add(...names))).to.equal('full')
    expect(await store.count()).to.equal(0)
    database.exec('PRAGMA max_page_count = 1000')
    await store.add(...names)
    expect(await store.count()).to.equal(100)
    await store.close()
  })

  it('reports a disk that takes no more, and is whole afterwards', async () => {
    await make()
    const script = `
      import { openAccountStore } from './shared/accounts/sqlite-account-store.ts'
      const store = await openAccountStore(process.argv[1])
      let added = 0
      try {
        for (; added < 1_000; added++) await store.add({ name: 'user' + added, passwordHash: 'x'.repeat(100) })
      } catch (error) { console.log(added, error.code) }
    `
    const limited = 'ulimit -f 100; exec "$0" --input-type=module -e "$1" "$2"'
    const { stdout } = await run('sh', ['-c', limited, process.execPath, script, file], { cwd: root })
    const [added, code] = stdout.trim().split(' ')
    expect(code).to.be.oneOf(['full', 'failed'])
    const store = await openAccountStore(file)
    expect(await store.count()).to.equal(1 + Number(added))
    await store.close()
  })

  it('opens no other file through this handle', async () => {
    const { store, database } = await openWithHandle()
    expect(() => database.exec(`ATTACH '${file}-other' AS other`)).to.throw('not authorized')
    expect(() => database.exec(`VACUUM INTO '${file}-copy'`)).to.throw(/authoriz/)
    expect(await readdir(join(folder, 'data'))).to.have.members(['accounts.db', 'accounts.db-shm', 'accounts.db-wal'])
    await store.close()
  })

  it('is no stranger’s when another process makes it while this one looks', async () => {
    const make = `
      import { openAccountStore } from './shared/accounts/sqlite-account-store.ts'
      await openAccountStore(process.argv[1], { busyMs: 50 }).catch(() => undefined)
    `
    const { prepare } = DatabaseSync.prototype
    let tried = false
    DatabaseSync.prototype.prepare = function (this: DatabaseSync, sql, ...rest) {
      if (sql.includes('user_version') && !tried) {
        tried = true
        execFileSync(process.execPath, ['--input-type=module', '-e', make, file], { cwd: root })
      }
      return prepare.call(this, sql, ...rest)
    }
    try {
      await (await openAccountStore(file)).close()
      expect(tried).to.equal(true)
    } finally {
      DatabaseSync.prototype.prepare = prepare
    }
  })

  it('is tried again where SQLite does not wait: while another process changes the journal mode', async () => {
    const { exec } = DatabaseSync.prototype
    let refusals = 2
    DatabaseSync.prototype.exec = function (this: DatabaseSync, sql) {
      if (sql.includes('journal_mode') && refusals-- > 0) throw Object.assign(new Error('database is locked'), { errcode: 5 })
      return exec.call(this, sql)
    }
    try {
      await (await openAccountStore(file)).close()
      expect(refusals).to.be.below(0)
    } finally {
      DatabaseSync.prototype.exec = exec
    }
  })

  it('keeps every change that resolved when its process is killed', async () => {
    const script = `
      import { writeSync } from 'node:fs'
      import { openAccountStore } from './shared/accounts/sqlite-account-store.ts'
      const store = await openAccountStore(process.argv[1])
      for (let n = 0; ; n++) {
        await store.add({ name: process.argv[2] + n, passwordHash: 'h' })
        writeSync(1, process.argv[2] + n + '\\n')
      }
    `
    const told: string[] = []
    for (const round of ['a', 'b', 'c']) {
      const child = spawn(process.execPath, ['--input-type=module', '-e', script, file, round], {
        cwd: root,
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      let lines = ''
      for await (const chunk of child.stdout) {
        lines += String(chunk)
        if (lines.length > 200) child.kill('SIGKILL')
      }
      told.push(...lines.split('\n').slice(0, -1))
    }
    const store = await openAccountStore(file)
    const names = (await store.list()).map(({ name }) => name)
    expect(told.length).to.be.greaterThan(100)
    expect(names).to.include.members(told)
    // At most the one that was under way in each round is there beside them.
    expect(names.length - told.length).to.be.within(0, 3)
    await store.close()
  })

  it('is made once by processes that open it at the same time', async () => {
    const script = `
      import { openAccountStore } from './shared/accounts/sqlite-account-store.ts'
      const store = await openAccountStore(process.argv[1])
      for (let n = 0; n < 20; n++) await store.add({ name: process.argv[2] + n, passwordHash: 'h' })
      await store.close()
    `
    await Promise.all(
      ['a', 'b', 'c', 'd'].map((name) => run(process.execPath, ['--input-type=module', '-e', script, file, name], { cwd: root })),
    )
    const store = await openAccountStore(file)
    expect(await store.count()).to.equal(80)
    await store.close()
  })
})

const root = fileURLToPath(new URL('../..', import.meta.url))

describe('a database of accounts of version 1', () => {
  const versionOne = (file: string) => {
    const database = new DatabaseSync(file)
    database.exec(`
      CREATE TABLE accounts (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE, password_hash TEXT NOT NULL,
        created_at_ms INTEGER NOT NULL, password_changed_at_ms INTEGER NOT NULL) STRICT;
      INSERT INTO accounts (name, password_hash, created_at_ms, password_changed_at_ms) VALUES ('alice', 'hash', 1, 2);
      PRAGMA application_id = ${0x48415641}; PRAGMA user_version = 1;`)
    database.close()
  }
  const alice = { name: 'alice', passwordHash: 'hash', scramKeys: null, createdAt: new Date(1), passwordChangedAt: new Date(2) }

  it('is looked at as it is', async () => {
    const folder = await temporaryFolder()
    try {
      versionOne(folder.at('accounts.db'))
      const store = await openAccountStore(folder.at('accounts.db'), { readOnly: true })
      expect(await store.find('alice')).to.deep.equal(alice)
      expect(await store.list()).to.have.length(1)
      await store.close()
      const database = new DatabaseSync(folder.at('accounts.db'))
      expect(database.prepare('PRAGMA user_version').get()).to.include({ user_version: 1 })
      database.close()
    } finally {
      await folder.remove()
    }
  })

  it('is brought to the version of today, by whoever of several opens it first', async () => {
    const folder = await temporaryFolder()
    try {
      versionOne(folder.at('accounts.db'))
      const stores = await Promise.all([1, 2, 3].map(() => openAccountStore(folder.at('accounts.db'))))
      const [one, two] = stores
      if (one === undefined || two === undefined) throw new Error('no stores')
      expect(await one.find('alice')).to.deep.equal(alice)
      expect(await one.setScramKeys('alice', 'hash', 'keys')).to.equal(true)
      expect((await two.find('alice'))?.scramKeys).to.equal('keys')
      expect((await one.secret()).equals(await two.secret())).to.equal(true)
      for (const store of stores) await store.close()
    } finally {
      await folder.remove()
    }
  })
})
