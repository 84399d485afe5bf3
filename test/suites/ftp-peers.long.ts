import { join } from 'node:path'
import { serveFtp } from '../ftp/raw-session.ts'
import { testAccounts } from '../kit/fake-desk.ts'
import { dialogues } from './ftp-dialogues.ts'
import { peers } from './ftp-peers.ts'
import { type Answers, type Column, readPage, writePage } from './ftp-peers-page.ts'
import { play } from './ftp-player.ts'

const answersOf = async (server: Parameters<typeof play>[0]): Promise<ReadonlyMap<string, string>> => {
  const answers = new Map<string, string>()
  for (const { title, steps, ...beginning } of dialogues) answers.set(title, await play(server, steps, beginning))
  return answers
}

/** Plays all dialogues with all servers, and writes the page. */
const write = async () => {
  const all = new Map<Column, ReadonlyMap<string, string>>()
  await using running = await serveFtp()
  const home = join(running.settings.data, 'files', 'alice')
  const password = testAccounts['alice'] ?? ''
  all.set('Havre', await answersOf({ port: running.port, user: 'alice', password, home, owner: null }))
  for (const peer of peers) {
    await using server = await peer.start()
    all.set(peer.name, await answersOf(server))
  }
  const of = (column: Column, title: string) => all.get(column)?.get(title) ?? ''
  await writePage(
    new Map(
      dialogues.map(({ title }): [string, Answers] => [
        title,
        {
          ...{ Havre: of('Havre', title), vsftpd: of('vsftpd', title) },
          ...{ ProFTPD: of('ProFTPD', title), pyftpdlib: of('pyftpdlib', title) },
        },
      ]),
    ),
  )
}

describe('FTP: the peers', function () {
  this.timeout(900_000)
  if (process.env['HAVRE_TEST_WRITE_PAGE'] === '1') {
    it('are told of in docs/ftp-peers.md', write)
    return
  }
  for (const peer of peers) {
    it(`answer as docs/ftp-peers.md tells: ${peer.name}`, async function () {
      if (!(await peer.isInstalled())) this.skip()
      const page = await readPage()
      await using server = await peer.start()
      const others: string[] = []
      for (const { title, steps, ...beginning } of dialogues) {
        const told = page.get(title)?.[peer.name]
        // What they do in the middle of a transfer hangs on how busy the machine is.
        if (steps.some((step) => step.startsWith('begin:'))) continue
        const answer = await play(server, steps, beginning)
        if (answer !== told) others.push(`${title}: ${answer}, not ${told}`)
      }
      if (others.length > 0) throw new Error(others.join('\n'))
    })
  }
})
