import { join } from 'node:path'
import { expect } from 'chai'
import { serveFtp } from '../ftp/raw-session.ts'
import { testAccounts } from '../kit/fake-desk.ts'
import { dialogues } from './ftp-dialogues.ts'
import { isAlike, readPage } from './ftp-peers-page.ts'
import { play } from './ftp-player.ts'

describe('FTP beside others', function () {
  this.timeout(300_000)

  it('answers each dialogue as docs/ftp-peers.md tells', async () => {
    const page = await readPage()
    await using running = await serveFtp()
    const home = join(running.settings.data, 'files', 'alice')
    const server = { port: running.port, user: 'alice', password: testAccounts['alice'] ?? '', home, owner: null }
    const others: string[] = []
    for (const { title, steps, ...beginning } of dialogues) {
      const answer = await play(server, steps, beginning)
      const told = page.get(title)?.Havre
      if (answer !== told) others.push(`${title}: ${answer}, not ${told}`)
    }
    expect(others.join('\n')).to.equal('')
  })

  it('is told of with a reason where it is otherwise, of each dialogue', async () => {
    const page = await readPage()
    expect([...page.keys()]).to.deep.equal(dialogues.map(({ title }) => title))
    expect(dialogues.length).to.be.at.least(120)
    for (const { title, why = '' } of dialogues) {
      const row = page.get(title)
      if (row === undefined) throw new Error(title)
      if (isAlike(row)) expect(row.why, title).to.equal('')
      else {
        expect(row.why, title).to.equal(why)
        expect(why, title).to.not.equal('')
      }
    }
  })
})
