import { readFileSync } from 'node:fs'
import { mkdir, readdir, readFile, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import type { JournalOptions } from '../../shared/log/journal.ts'
import { openJournal } from '../../shared/log/winston-journal.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'
import { run, runNode } from '../kit/run.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const journalModule = `${root}shared/log/winston-journal.ts`

/** Code for a process of its own that opens a journal as `journal`. */
const withJournal = (options: JournalOptions, code: string): string =>
  `import { openJournal } from ${JSON.stringify(journalModule)}\nconst journal = await openJournal(${JSON.stringify(options)})\n${code}`

const records = async (path: string): Promise<Record<string, unknown>[]> =>
  (await readFile(path, 'utf8'))
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line))

describe('the journal', () => {
  let folder: TemporaryFolder
  let options: JournalOptions
  beforeEach(async () => {
    folder = await temporaryFolder()
    options = { service: 'smtp', folder: folder.at('logs'), level: 'info', console: false }
  })
  afterEach(() => folder.remove())
  const log = () => folder.at('logs', 'smtp.log')

  it('writes one JSON object a line: time, level, service, event, what ties records together, then the fields', async () => {
    const journal = await openJournal(options)
    journal.log.with({ connection: 'c1', remote: '127.0.0.1:4242' }).write('info', 'message.accepted', {
      octets: 12,
      account: 'alice',
      list: ['a', 1],
      none: undefined,
      nothing: null,
      yes: true,
    })
    await journal.close()
    const text = await readFile(log(), 'utf8')
    expect(text).to.match(
      /^{"time":"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z","level":"info","service":"smtp","event":"message\.accepted","connection":"c1","remote":"127\.0\.0\.1:4242","account":"alice","octets":12,"list":\["a",1\],"nothing":null,"yes":true}\n$/,
    )
  })

  it('goes on in another folder when it is told to, and loses nothing on the way', async () => {
    const journal = await openJournal(options)
    const access = journal.lines('access')
    for (let n = 0; n < 2_000; n++) {
      journal.log.write(n % 3 === 0 ? 'warn' : 'info', 'a.b', { n })
      access.write(`line ${n}`)
      if (n === 1_000) journal.moveTo(folder.at('elsewhere'))
    }
    await journal.close()
    const [before, after] = [await records(log()), await records(folder.at('elsewhere', 'smtp.log'))]
    expect([...before, ...after].map(({ n }) => n)).to.deep.equal(Array.from({ length: 2_000 }, (_, n) => n))
    expect(before.length).to.be.greaterThan(0)
    expect(after.length).to.be.greaterThan(900)
    const lines = await Promise.all(['logs', 'elsewhere'].map((name) => readFile(folder.at(name, 'smtp.access.log'), 'utf8')))
    expect(lines.join('').split('\n')).to.have.length(2_001)
  })

  it('has handed all to the system once it is settled, also what waits in winston', async () => {
    const journal = await openJournal({ ...options, console: false })
    for (let n = 0; n < 500; n++) journal.log.write(n % 2 === 0 ? 'warn' : 'info', 'a.b', { n })
    journal.settle()
    const there = readFileSync(log(), 'utf8').split('\n').slice(0, -1)
    expect(there.map((line) => JSON.parse(line).n)).to.deep.equal(Array.from({ length: 500 }, (_, n) => n))
    await journal.close()
    expect(await records(log()), 'none twice').to.have.length(500)
  })

  it('lets a field of the event win over a bound one, and never over its own names', async () => {
    const journal = await openJournal(options)
    journal.log.with({ remote: 'one' }).with({ extra: 1 }).write('info', 'a.b', { remote: 'two', time: 'mine', event: 'mine' })
    await journal.close()
    const [record] = await records(log())
    expect(record).to.include({ remote: 'two', extra: 1, event: 'a.b', event_: 'mine', time_: 'mine' })
    expect((await readFile(log(), 'utf8')).match(/"remote"/g)).to.have.length(1)
  })

  it('escapes every control character, also those that JSON leaves, and the marks that turn text around', async () => {
    const journal = await openJournal(options)
    const nasty = 'a\r\n\u0000\u001b[2J\u007f\u0085\u009b31m\u2028\u2029\u202e\ud800é'
    journal.log.write('warn', 'a.b', { name: nasty, [nasty]: 1 })
    journal.lines('access').write(`GET /\u001b[2J\n"x" ${nasty}`)
    await journal.close()
    const texts = [await readFile(log(), 'utf8'), await readFile(folder.at('logs', 'smtp.access.log'), 'utf8')]
    for (const text of texts) {
      expect(text.slice(0, -1)).not.to.match(/[\u0000-\u001f\u007f-\u009f\u2028-\u202e]/)
      expect(text.endsWith('\n')).to.equal(true)
    }
    expect((await records(log()))[0]).to.include({ name: nasty })
    expect(texts[1]).to.include('GET /\\u001b[2J\\u000a"x"')
  })

  it('keeps levels up to its own and does no work for the others', async () => {
    const journal = await openJournal({ ...options, level: 'warn' })
    expect([
      journal.log.keeps('error'),
      journal.log.keeps('warn'),
      journal.log.keeps('info'),
      journal.log.keeps('debug'),
    ]).to.deep.equal([true, true, false, false])
    const costly = new Proxy({}, { ownKeys: () => expect.fail('the fields were looked at') })
    journal.log.write('info', 'a.b', costly)
    journal.log.write('warn', 'a.c')
    await journal.close()
    expect((await records(log())).map(({ event }) => event)).to.deep.equal(['a.c'])
  })

  it('cuts values that are longer than anyone reads', async () => {
    const journal = await openJournal(options)
    journal.log.write('info', 'a.b', { name: 'x'.repeat(1_000_000) })
    await journal.close()
    expect((await readFile(log(), 'utf8')).length).to.be.below(9_000)
  })

  it('loses nothing at close with a backlog of 200,000 records, and keeps their order', async () => {
    const journal = await openJournal(options)
    const bound = journal.log.with({ connection: 'c1', remote: '127.0.0.1:4242' })
    for (let n = 0; n < 200_000; n++) bound.write('info', 'a.b', { n })
    await journal.close()
    const numbers = (await records(log())).map(({ n }) => n)
    expect(numbers).to.have.length(200_000)
    expect(numbers.every((n, at) => n === at)).to.equal(true)
  })

  it('has in the file at flush what was written before it', async () => {
    const journal = await openJournal(options)
    for (let round = 1; round <= 50; round++) {
      journal.log.write('info', 'a.b', { round })
      journal.lines('transfer').write(`line ${round}`)
      await journal.flush()
      expect((await records(log())).at(-1)).to.include({ round })
      expect((await readFile(folder.at('logs', 'smtp.transfer.log'), 'utf8')).trim().split('\n')).to.have.length(round)
    }
    await journal.close()
  })

  it('leaves what it had to say when the process ends without closing it', async () => {
    const ended = await runNode([
      '--input-type=module',
      '-e',
      withJournal(options, `for (let n = 0; n < 5000; n++) journal.log.write('info', 'a.b', { n })\nprocess.exit(7)`),
    ])
    expect(ended).to.include({ code: 7, stderr: '' })
    expect(await records(log())).to.have.length(5_000)
  })

  it('keeps lines whole when two processes append to one file', async () => {
    const code = withJournal(
      options,
      `for (let n = 0; n < 20000; n++) { journal.log.write('info', 'a.b', { n, pid: process.pid, text: 'x'.repeat(n % 300) }); if (n % 1000 === 0) await journal.flush() }\nawait journal.close()`,
    )
    const ended = await Promise.all([1, 2].map(() => runNode(['--input-type=module', '-e', code])))
    expect(ended.map(({ code }) => code)).to.deep.equal([0, 0])
    const all = await records(log())
    expect(all).to.have.length(40_000)
    for (const pid of new Set(all.map((record) => record['pid']))) {
      const numbers = all.filter((record) => record['pid'] === pid).map(({ n }) => n)
      expect(numbers.every((n, at) => n === at)).to.equal(true)
    }
  })

  it('works in a sandbox in which only its folder may be written', async () => {
    await using logs = await temporaryFolder()
    const script = folder.at('script.mjs')
    const code = `journal.log.write('info', 'a.b'); journal.lines('access').write('one'); await journal.close()`
    await writeFile(script, withJournal({ ...options, folder: logs.path }, code))
    const readable = [root, `${await realpath(`${root}node_modules`)}/`, logs.path].map((path) => `--allow-fs-read=${path}`)
    const ended = await runNode(['--permission', ...readable, `--allow-fs-write=${logs.path}`, script])
    expect(ended).to.include({ code: 0, stderr: '' })
    expect(await records(logs.at('smtp.log'))).to.have.length(1)
  })

  it('goes on in a new file when the old one was moved away or removed', async () => {
    const journal = await openJournal(options)
    journal.log.write('info', 'a.first')
    await journal.flush()
    await rename(log(), folder.at('logs', 'smtp.log.1'))
    const until = performance.now() + 30_000
    for (let n = 0; performance.now() < until; n++) {
      journal.log.write('info', 'a.next', { n })
      await journal.flush()
      try {
        expect((await records(log())).at(-1)).to.include({ event: 'a.next', n })
        break
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error
        await new Promise((resolve) => setTimeout(resolve, 20))
      }
    }
    await journal.close()
    const moved = await records(folder.at('logs', 'smtp.log.1'))
    const fresh = await records(log())
    // None is lost on the way from one to the other.
    const numbers = [...moved.slice(1), ...fresh].map(({ n }) => n)
    expect(numbers.every((n, at) => n === at)).to.equal(true)
    expect(moved[0]).to.include({ event: 'a.first' })
  })

  describe('whose file cannot be written', () => {
    /** Runs this in a process of its own, since what it says on the terminal counts. */
    const failing = async (code: string) => {
      const ended = await runNode(['--input-type=module', '-e', withJournal(options, code)])
      expect(ended.code, ended.stderr).to.equal(0)
      return ended.stderr
    }
    const tell = `const say = (n) => { for (let i = 0; i < n; i++) journal.log.write('info', 'a.b', { i, text: 'x'.repeat(100) }) }\n`

    it('lets the service go on, and says so once', async () => {
      await writeFile(folder.at('logs'), 'a file where the folder should be')
      const stderr = await failing(`${tell}for (let n = 0; n < 20; n++) { say(10); await journal.flush() }\nawait journal.close()`)
      expect(stderr.match(/cannot be written \((?:ENOTDIR|EEXIST)\)/g)).to.have.length(1)
      expect(stderr).to.include('200 record(s) are lost')
    })

    it('keeps lines whole and loses none where the disk takes a part of a batch', async () => {
      const script = folder.at('script.mjs')
      const code = `
        import { rename } from 'node:fs/promises'
        process.on('SIGXFSZ', () => undefined)
        ${tell}
        say(500)
        await journal.flush()
        for (let part = 1; part < 20; part++) {
          await rename(${JSON.stringify(log())}, ${JSON.stringify(log())} + '.' + part)
          await new Promise((resolve) => setTimeout(resolve, 20))
          await journal.flush()
          await new Promise((resolve) => setTimeout(resolve, 20))
          if (!(await import('node:fs')).existsSync(${JSON.stringify(log())})) break
        }
        await journal.close()
      `
      await writeFile(script, withJournal(options, code))
      // No file may grow beyond 20 KiB: the write that would is done in part, the next one fails.
      const ended = await run('bash', ['-c', 'ulimit -f 20; exec "$0" "$1"', process.execPath, script])
      expect(ended.code, ended.stderr).to.equal(0)
      expect(ended.stderr).to.include('EFBIG')
      const names = (await readdir(folder.at('logs'))).sort(
        (one, other) => Number(one.split('.')[2] ?? 99) - Number(other.split('.')[2] ?? 99),
      )
      expect(names.length).to.be.greaterThan(3)
      const numbers: unknown[] = []
      for (const name of names) {
        const lines = (await readFile(folder.at('logs', name), 'utf8')).split('\n')
        // The last one of a full file is cut; it comes again, whole, in the next.
        for (const line of lines.slice(0, -1)) numbers.push(JSON.parse(line).i)
      }
      expect(numbers).to.deep.equal(Array.from({ length: 500 }, (_, i) => i))
    })

    it('says so of a full disk too, and counts what it dropped when there is room again', async () => {
      await failing('await journal.flush()')
      await writeFile(folder.at('real.log'), '')
      await mkdir(folder.at('logs'), { recursive: true })
      await rm(log(), { force: true })
      await symlink('/dev/full', log())
      const stderr = await failing(`
        import { rm } from 'node:fs/promises'
        ${tell}
        say(10)
        await journal.flush()
        say(100_000)
        const memory = process.memoryUsage().heapUsed
        say(100_000)
        await journal.flush()
        globalThis.gc?.()
        await rm(${JSON.stringify(log())})
        await new Promise((resolve) => setTimeout(resolve, 1200))
        say(5)
        await journal.close()
      `)
      expect(stderr.match(/ENOSPC/g)).to.have.length(1)
      const all = await records(log())
      const dropped = all.filter(({ event }) => event === 'log.dropped')
      expect(dropped).to.have.length(1)
      const kept = all.length - 1
      expect(kept).to.be.greaterThan(10_000)
      expect(kept + Number(dropped[0]?.['records'])).to.equal(200_015)
      expect(dropped[0]).to.include({ level: 'error', file: 'smtp.log' })
    })
  })

  describe('on the terminal', () => {
    it('shows records of info and above in a line for people, without colours where it is none', async () => {
      const ended = await runNode([
        '--input-type=module',
        '-e',
        withJournal(
          { ...options, level: 'debug', console: true },
          `
        const log = journal.log.with({ connection: 'c1', remote: '127.0.0.1:4242' })
        log.write('debug', 'a.hidden')
        log.write('warn', 'login.refused', { account: 'alice', reason: 'bad password', name: 'a\\u001b[2Jb' })
        await journal.close()
      `,
        ),
      ])
      expect(ended.stdout.toString()).to.match(
        /^\d\d:\d\d:\d\d warn {2}smtp +login\.refused +127\.0\.0\.1:4242 alice reason="bad password" name=a\\u001b\[2Jb\n$/,
      )
      expect(await records(log())).to.have.length(2)
    })

    it('goes on when nobody reads it any more', async () => {
      const script = folder.at('script.mjs')
      await writeFile(
        script,
        withJournal(
          { ...options, console: true },
          `
        for (let n = 0; n < 100; n++) { journal.log.write('info', 'a.b', { n }); await new Promise((resolve) => setTimeout(resolve, 2)) }
        await journal.close()
      `,
        ),
      )
      const ended = await run('sh', ['-c', '"$0" "$1" | head -n 1', process.execPath, script])
      expect(ended.stderr).to.equal('')
      expect(ended.stdout.toString().split('\n')).to.have.length(2)
      expect(await records(log())).to.have.length(100)
    })
  })
})
