import { randomBytes } from 'node:crypto'
import { expect } from 'chai'
import type { FoundTree } from '../kit/lost-tree.ts'
import { describeWith } from '../kit/programs.ts'
import { type FtpFamily, password, startFtpFamily } from './ftp-family.ts'
import { RawSession } from './raw-session.ts'
import { expectPromisesKept, type Promised, record } from './recorded.ts'

/** Something that is done in the home, and what its reply promises of the disk. */
interface Deed extends Promised {
  /** What is said before the one that counts. */
  readonly first?: readonly string[]
  readonly command: string
  /** What goes over the data connection. */
  readonly octets?: Buffer
  readonly code: string
}

const first = randomBytes(300_000)
const second = randomBytes(70_000)
const isFile = (found: FoundTree, name: string, octets: Buffer): boolean => found.get(`alice/${name}`)?.equals(octets) ?? false
const isGone = (found: FoundTree, name: string): boolean => !found.has(`alice/${name}`)
const rest = 100_001

const deeds: readonly Deed[] = [
  { name: 'a new file', command: 'STOR a', octets: first, code: '226', syncs: 2, holds: (found) => isFile(found, 'a', first) },
  {
    name: 'one over an old one',
    command: 'STOR a',
    octets: second,
    code: '226',
    syncs: 2,
    holds: (found) => isFile(found, 'a', second),
  },
  {
    name: 'what is appended',
    command: 'APPE a',
    octets: first,
    code: '226',
    syncs: 2,
    holds: (found) => isFile(found, 'a', Buffer.concat([second, first])),
  },
  {
    name: 'what goes on from a restart point',
    first: [`REST ${rest}`],
    command: 'STOR a',
    octets: second,
    code: '226',
    syncs: 2,
    holds: (found) => isFile(found, 'a', Buffer.concat([second, first.subarray(0, rest - second.length), second])),
  },
  {
    name: 'an empty file',
    command: 'STOR empty',
    octets: Buffer.alloc(0),
    code: '226',
    syncs: 1,
    holds: (found) => isFile(found, 'empty', Buffer.alloc(0)),
  },
  { name: 'a new folder', command: 'MKD folder', code: '257', syncs: 1, holds: (found) => found.get('alice/folder') === null },
  {
    name: 'a file in it',
    command: 'STOR folder/b',
    octets: second,
    code: '226',
    syncs: 2,
    holds: (found) => isFile(found, 'folder/b', second),
  },
  {
    name: 'a new name',
    first: ['RNFR empty'],
    command: 'RNTO other',
    code: '250',
    syncs: 1,
    holds: (found) => isGone(found, 'empty') && isFile(found, 'other', Buffer.alloc(0)),
  },
  {
    name: 'a new name in another folder, which another file had',
    first: ['RNFR folder/b'],
    command: 'RNTO a',
    code: '250',
    syncs: 2,
    holds: (found) => isGone(found, 'folder/b') && isFile(found, 'a', second),
  },
  { name: 'a file that is gone', command: 'DELE a', code: '250', syncs: 1, holds: (found) => isGone(found, 'a') },
  { name: 'a folder that is gone', command: 'RMD folder', code: '250', syncs: 1, holds: (found) => isGone(found, 'folder') },
]

/** Does all of it. @returns of each the last reply, and the client's port */
const doAll = async (ftp: FtpFamily, replies: string[]): Promise<number> => {
  using session = await RawSession.open({ host: '127.0.0.1', port: ftp.port }, 'alice', { deadlineMs: 60_000 }, password)
  for (const { first: before = [], command, octets } of deeds) {
    const wanted = octets === undefined ? undefined : await session.passive()
    for (const line of before) await session.ask(line)
    const reply = await session.ask(command)
    if (wanted === undefined || octets === undefined) replies.push(reply)
    else {
      await wanted.send(octets)
      wanted.end()
      replies.push(await session.reply())
    }
  }
  return session.control.localPort
}

describeWith(['strace'], 'ftp: on disk before the reply', function () {
  this.timeout(180_000)

  const recorded = async (args: readonly string[]) => {
    await using ftp = await startFtpFamily(args)
    // Its home is made when she logs in first.
    const warm = await RawSession.open({ host: '127.0.0.1', port: ftp.port }, 'alice', { deadlineMs: 60_000 }, password)
    warm[Symbol.dispose]()
    const replies: string[] = []
    let port = 0
    const recording = await record(ftp, async () => {
      port = await doAll(ftp, replies)
    })
    return { recording, replies, port }
  }

  it('is all that is acknowledged, and not without each of its syncs', async () => {
    const { recording, replies, port } = await recorded([])
    for (const [nth, { name, code }] of deeds.entries()) expect(replies[nth], name).to.match(new RegExp(`^${code} `))
    // Data connections have ports of their own: what this one is told comes in its order.
    expectPromisesKept(recording, deeds, { answers: replies, port, from: recording.saidAt(port, '200 ') })
  })

  it('is nothing for certain, and nothing is synced, where files.sync is never', async () => {
    const { recording, replies } = await recorded(['--set', 'files.sync=never'])
    for (const [nth, { name, code }] of deeds.entries()) expect(replies[nth], name).to.match(new RegExp(`^${code} `))
    const kinds = recording.events.map(({ kind }) => kind)
    expect(kinds).to.include('renamed').and.not.include('sync-begins')
  })
})
