import { spawnSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { readdirSync, readFileSync } from 'node:fs'
import { type FileHandle, mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import { expect } from 'chai'
import { pageOctets } from '../../shared/mail/sqlite/schema.ts'
import { openMailStore } from '../../shared/mail/sqlite-mail-store.ts'
import { Client } from '../kit/client.ts'
import { type Family, startFamily } from '../kit/family.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'
import { integrity, until } from '../mail/inspect.ts'
import { count, dele, isBroken, logIn, stuffed } from './conversations.ts'
import { makeAccounts } from './crash.ts'
import { expectCode } from './recorded.ts'

const password = 'durable secret'

/** Something that goes wrong with the mail on disk while the family runs, and is set right again. */
interface Trouble {
  readonly name: string
  /** What a message is answered meanwhile. */
  readonly reply: RegExp
  /** What the QUIT of a session that marked a message is answered. */
  readonly quit: RegExp
  /** Needs a disk of its own, hence root. */
  readonly disk?: true
  /** Makes it; `pids` are those of the services' processes. @returns what sets it right */
  begin(folder: TemporaryFolder, pids: readonly number[]): Promise<() => Promise<void>>
}

const temporary = /^451 4\.3\.0 /
const notRemoved = /^-ERR \[SYS\/TEMP\] /

/** Spoils the file in its place, as a disk does; what sets it right puts the good octets back where they were. */
const spoiled = async (folder: TemporaryFolder, spoil: (file: FileHandle, octets: number) => Promise<void>) => {
  const path = folder.at('data', 'mail.db')
  // What is acknowledged is in the file, and not only in the log beside it.
  const database = new DatabaseSync(path, { timeout: 5_000 })
  database.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  database.close()
  const good = await readFile(path)
  const write = async (work: (file: FileHandle) => Promise<void>) => {
    await using file = await open(path, 'r+')
    await work(file)
  }
  await write((file) => spoil(file, good.length))
  return () => write(async (file) => void (await file.write(good, 0, good.length, 0)))
}

const troubles: readonly Trouble[] = [
  {
    name: 'the folder is gone',
    reply: temporary,
    quit: notRemoved,
    begin: async (folder) => {
      await rename(folder.at('data'), folder.at('away'))
      return async () => {
        // The supervisor may have made it anew, for the files by which it is found.
        await rm(folder.at('data'), { recursive: true, force: true })
        await rename(folder.at('away'), folder.at('data'))
      }
    },
  },
  {
    name: 'the folder is an empty one, as where a disk is no longer mounted',
    reply: temporary,
    quit: notRemoved,
    begin: async (folder) => {
      await rename(folder.at('data'), folder.at('away'))
      await mkdir(folder.at('data'))
      return async () => {
        await rm(folder.at('data'), { recursive: true })
        await rename(folder.at('away'), folder.at('data'))
      }
    },
  },
  {
    name: 'the file is locked by another program',
    reply: temporary,
    quit: notRemoved,
    begin: async (folder) => {
      const other = new DatabaseSync(folder.at('data', 'mail.db'))
      other.exec('BEGIN EXCLUSIVE')
      return async () => {
        other.exec('ROLLBACK')
        other.close()
      }
    },
  },
  {
    name: 'the file was taken away',
    reply: temporary,
    quit: notRemoved,
    begin: async (folder) => {
      const names = ['mail.db', 'mail.db-wal', 'mail.db-shm']
      for (const name of names) await rename(folder.at('data', name), folder.at(name))
      return async () => {
        for (const name of names) await rename(folder.at(name), folder.at('data', name))
      }
    },
  },
  {
    name: 'the log beside the file was removed',
    reply: /^(?:250 2\.0\.0|451 4\.3\.0) /,
    quit: /^(?:\+OK|-ERR \[SYS\/TEMP\]) /,
    begin: async (folder) => {
      await rm(folder.at('data', 'mail.db-wal'))
      return async () => undefined
    },
  },
  {
    name: 'the begin of the file was overwritten',
    reply: temporary,
    quit: notRemoved,
    begin: (folder) => spoiled(folder, async (file) => void (await file.write(Buffer.alloc(4_096, 'no database '), 0, 4_096, 0))),
  },
  {
    name: 'all pages but the first are garbage',
    reply: temporary,
    quit: notRemoved,
    begin: (folder) =>
      spoiled(
        folder,
        async (file, octets) => void (await file.write(randomBytes(octets - pageOctets), 0, octets - pageOctets, pageOctets)),
      ),
  },
  {
    name: 'the file was cut off in the middle',
    reply: temporary,
    quit: notRemoved,
    begin: (folder) => spoiled(folder, (file, octets) => file.truncate(Math.floor(octets / 2))),
  },
  {
    name: 'the file was emptied',
    reply: temporary,
    quit: notRemoved,
    begin: (folder) => spoiled(folder, (file) => file.truncate(0)),
  },
  {
    name: 'no more files may be opened',
    // Where not even a connection can be had, it is closed without a word, which is temporary too.
    reply: /^(?:250 2\.0\.0 |451 4\.3\.0 |closed$)/,
    quit: /^(?:\+OK|-ERR \[SYS\/TEMP\]) /,
    begin: async (_folder, pids) => {
      const before = pids.map((pid) => ({ pid, limit: openFiles(pid) }))
      for (const { pid } of before) prlimit(pid, `${mostOpen(pid) + connectionsLeft}:`)
      return async () => {
        for (const { pid, limit } of before) prlimit(pid, `${limit}:`)
      }
    },
  },
  {
    name: 'the disk is full',
    reply: /^452 4\.3\.1 /,
    quit: notRemoved,
    disk: true,
    begin: async (folder) => {
      const ballast = folder.at('data', 'ballast')
      // As much as there is: the write fails when nothing is left.
      await writeFile(ballast, randomBytes(64 * 1024 * 1024)).catch((error: unknown) => {
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error
      })
      return () => rm(ballast)
    },
  },
]

/** The soft limit of open files, as the system tells it. */
const openFiles = (pid: number): string => /^Max open files\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/limits`, 'utf8'))?.[1] ?? ''

/** The highest number of a file that is open: the limit is about numbers, not about how many there are. */
const mostOpen = (pid: number): number => Math.max(...readdirSync(`/proc/${pid}/fd`).map(Number)) + 1

/** A store that is opened first, or again, finds no file; clients find few connections. */
const connectionsLeft = 2

const prlimit = (pid: number, limit: string): void => {
  const { status, stderr } = spawnSync('prlimit', ['--pid', String(pid), `--nofile=${limit}`])
  if (status !== 0) throw new Error(`prlimit: ${stderr}`)
}

const bodyOf = (id: string, octets: number): Buffer => Buffer.from(`Subject: ${id}\r\n\r\n${`${id}\r\n`.repeat(octets / 16)}`)

/** One message in a session of its own. @returns the reply to the dot, or where it was refused before; `closed`: not even a greeting came */
const send = async (...message: Parameters<typeof converse>): Promise<string> => {
  try {
    return await converse(...message)
  } catch (error) {
    if (!isBroken(error)) throw error
    return 'closed'
  }
}

const converse = async (family: Family, service: 'smtp' | 'lmtp', id: string, octets: number): Promise<string> => {
  using client = await Client.connect(family.port(service), { deadlineMs: 60_000 })
  await expectCode(client, '220')
  await client.command(`${service === 'lmtp' ? 'LHLO' : 'EHLO'} client.test`)
  await expectCode(client, '250')
  await client.command(`MAIL FROM:<${id}@example.org>`)
  await expectCode(client, '250')
  // Where the mailbox's room is looked up for a recipient, trouble shows there.
  const taken = await client.ask('RCPT TO:<box0@havre.test>')
  if (!taken.startsWith('250')) return taken
  await client.command('DATA')
  const ready = await client.line()
  if (!ready.startsWith('354')) return ready
  await client.send(stuffed(bodyOf(id, octets)))
  return await client.line()
}

const pidsOf = async (family: Family) => (await family.status()).services.map(({ name, pid, state }) => ({ name, pid, state }))

describe('the whole: trouble with the mail on disk', function () {
  this.timeout(900_000)
  let folder: TemporaryFolder
  let family: Family | null = null
  const running = (): Family => {
    if (family === null) throw new Error('no family runs')
    return family
  }
  const start = async () => {
    const lmtp = ['protocol=smtp', 'mode=lmtp'].flatMap((setting) => ['--set', `services.lmtp.${setting}`])
    family = await startFamily({ services: ['smtp', 'pop3'], folder, args: lmtp })
  }
  const end = async () => {
    await family?.[Symbol.asyncDispose]()
    family = null
    spawnSync('umount', ['-q', folder.at('data')])
    await folder.remove()
  }

  for (const { name, reply, quit, disk, begin } of troubles)
    it(`${name}: mail is refused for now, nothing of it is kept, and all is well again without a restart`, async function () {
      folder = await temporaryFolder()
      try {
        await mkdir(folder.at('data'), { mode: 0o700 })
        if (disk && spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=12m,mode=700', 'tmpfs', folder.at('data')]).status !== 0)
          this.skip()
        await makeAccounts(folder, 2)
        await start()
        const before = await pidsOf(running())
        for (const id of ['first', 'second', 'third']) expect(await send(running(), 'smtp', id, 20_000)).to.match(/^250 /)
        using reader = await Client.connect(running().port('pop3'), { deadlineMs: 60_000 })
        expect(await logIn(reader, 'box0', password)).to.equal(true)
        await dele(reader, 1)

        const setRight = await begin(
          folder,
          before.map(({ pid }) => pid ?? 0),
        )
        const tried = (['smtp', 'lmtp'] as const).flatMap((service) =>
          [200, 2_000, 300_000].map((octets) => ({ service, octets, id: `${service}-${octets}` })),
        )
        const answers = await Promise.all(tried.map(({ service, octets, id }) => send(running(), service, id, octets)))
        const answerToQuit = await reader.ask('QUIT')
        await setRight()

        for (const answer of answers) expect(answer).to.match(reply)
        expect(answerToQuit).to.match(quit)
        const kept = ['first', 'second', 'third', ...tried.flatMap(({ id }, nth) => (answers[nth]?.startsWith('250 ') ? [id] : []))]
        if (answerToQuit.startsWith('+OK')) kept.shift()
        await until('mail is taken again', async () => (await send(running(), 'smtp', 'after', 100_000)).startsWith('250 '), 30_000)
        expect(await send(running(), 'lmtp', 'after-lmtp', 2_000)).to.match(/^250 /)
        await until(
          'the mailbox is free',
          async () => {
            using session = await Client.connect(running().port('pop3'), { deadlineMs: 60_000 })
            return (await logIn(session, 'box0', password)) && (await count(session)) === kept.length + 2
          },
          70_000,
        )
        expect(await pidsOf(running())).to.deep.equal(before)

        let tellers = 0
        for (const service of ['smtp', 'lmtp', 'pop3']) {
          const records = await running().records(service)
          const told = records.filter(({ event, level }) => level === 'error' && String(event).endsWith('.store.failed'))
          expect(told.length, `${service} told of it`).to.be.at.most(1)
          tellers += told.length
        }
        expect(tellers, 'somebody told of it').to.be.above(answers.some((answer) => answer.startsWith('45')) ? 0 : -1)
        await running().stop()
        const store = await openMailStore({ file: folder.at('data', 'mail.db') })
        const senders = (await store.list('box0')).map(({ sender }) => sender.replace('@example.org', ''))
        await store.close()
        expect(senders).to.have.members([...kept, 'after', 'after-lmtp'])
        expect(integrity(folder.at('data', 'mail.db'))).to.equal('ok')
      } finally {
        await end()
      }
    })
})
