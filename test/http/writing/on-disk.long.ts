import { randomBytes } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { expect } from 'chai'
import { makeFtpAccounts, password } from '../../ftp/ftp-family.ts'
import { expectPromisesKept, type Promised, record } from '../../ftp/recorded.ts'
import { Client } from '../../kit/client.ts'
import { startFamily } from '../../kit/family.ts'
import { temporaryFolder } from '../../kit/folder.ts'
import type { FoundTree } from '../../kit/lost-tree.ts'
import { describeWith } from '../../kit/programs.ts'
import { loginOf } from './home.ts'

/** A change, and what its answer promises of the disk. */
interface Deed extends Promised {
  readonly method: 'PUT' | 'DELETE' | 'MKCOL'
  /** Below alice's web folder. */
  readonly path: string
  readonly fields?: readonly string[]
  readonly content?: Buffer
  readonly status: number
}

const first = randomBytes(300_000)
const second = randomBytes(70_000)
const none = Buffer.alloc(0)
const place = (name: string) => `alice/public_html/${name}`
const isFile = (found: FoundTree, name: string, octets: Buffer): boolean => found.get(place(name))?.equals(octets) ?? false
const isGone = (found: FoundTree, name: string): boolean => !found.has(place(name))

const put = (name: string, path: string, content: Buffer, status: 201 | 204, fields: readonly string[] = []): Deed => ({
  name,
  method: 'PUT',
  path,
  content,
  fields,
  status,
  // Of an empty file there is nothing but its name to be on disk.
  syncs: content.length === 0 ? 1 : 2,
  holds: (found) => isFile(found, path, content),
})

const deeds: readonly Deed[] = [
  put('a new file', 'a', first, 201),
  put('one in the place of an old one', 'a', second, 204),
  put('one that may replace none', 'b', first, 201, ['If-None-Match: *']),
  put('one that replaces what its client knows', 'b', second, 204, ['If-Match: *']),
  put('an empty file', 'empty', none, 201),
  {
    name: 'a folder',
    method: 'MKCOL',
    path: 'folder',
    status: 201,
    syncs: 1,
    holds: (found) => found.get(place('folder')) === null,
  },
  put('a file in it', 'folder/c', second, 201),
  {
    name: 'a file that is gone',
    method: 'DELETE',
    path: 'folder/c',
    status: 204,
    syncs: 1,
    holds: (found) => isGone(found, 'folder/c'),
  },
  {
    name: 'a folder that is gone',
    method: 'DELETE',
    path: 'folder',
    status: 204,
    syncs: 1,
    holds: (found) => isGone(found, 'folder'),
  },
]

const ask = async (client: Client, { method, path, fields = [], content }: Deed): Promise<string> => {
  const login = `Authorization: ${loginOf('alice', password)}`
  const length = content === undefined ? [] : [`Content-Length: ${content.length}`]
  const head = [`${method} /~alice/${path} HTTP/1.1`, 'Host: a', login, ...fields, ...length]
  await client.send(`${head.join('\r\n')}\r\n\r\n`)
  if (content !== undefined) await client.send(content)
  const status = await client.line()
  for (let line = status; line !== ''; ) line = await client.line()
  return status
}

/** Does all of it in a family of its own. */
const recorded = async (args: readonly string[]) => {
  await using folder = await temporaryFolder()
  await makeFtpAccounts(folder)
  await mkdir(folder.at('data', 'files', 'alice', 'public_html'), { recursive: true })
  const write = ['--set', 'services.http.write=true']
  await using family = await startFamily({ folder, services: ['http'], args: [...write, ...args] })
  const answers: string[] = []
  using client = await Client.connect(family.port('http'), { deadlineMs: 60_000 })
  // The home is opened with the first change.
  await ask(client, put('something before', 'before', first, 201))
  const recording = await record({ family, folder }, async () => {
    for (const deed of deeds) answers.push(await ask(client, deed))
  })
  return { recording, answers, port: client.localPort }
}

describeWith(['strace'], 'http: on disk before the answer', function () {
  this.timeout(900_000)

  it('is all that 201 and 204 acknowledge, and not without each of its syncs', async () => {
    const { recording, answers, port } = await recorded([])
    for (const [nth, { name, status }] of deeds.entries()) expect(answers[nth], name).to.contain(` ${status} `)
    expectPromisesKept(recording, deeds, { answers, port, from: 0 })
  })

  it('is nothing for certain, and nothing is synced, where files.sync is never', async () => {
    const { recording, answers } = await recorded(['--set', 'files.sync=never'])
    for (const [nth, { name, status }] of deeds.entries()) expect(answers[nth], name).to.contain(` ${status} `)
    const kinds = recording.events.map(({ kind }) => kind)
    expect(kinds).to.include('renamed').and.not.include('sync-begins')
  })
})
