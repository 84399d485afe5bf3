import { mkdir, rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { serve } from '../kit/serving.ts'
import { Home, RawSession, serveFtp } from './raw-session.ts'

const octets = 300_000
const letter = (n: number): string => String.fromCharCode(97 + (n % 26))

describe('ftp: what is uploaded to the web folder', () => {
  it('is on the web the moment that 226 is said, and never half, while it is read all the time', async function () {
    this.timeout(120_000)
    await using ftp = await serveFtp()
    await using web = await serve({
      service: 'http',
      prepare: async ({ data }) => {
        await rm(join(data, 'files'), { recursive: true, force: true })
        await symlink(join(ftp.settings.data, 'files'), join(data, 'files'))
      },
    })
    await mkdir(new Home(ftp).path('public_html'), { recursive: true })
    const url = `http://${web.host}:${web.port}/~alice/page.txt`
    /** Which upload is seen, by its letter; null for none. */
    const seen = async (): Promise<string | null> => {
      const response = await fetch(url)
      const text = await response.text()
      if (response.status === 404) return null
      expect(response.status).to.equal(200)
      const first = text.charAt(0)
      expect(text === first.repeat(octets), `${text.length} octets that begin with ${first}`).to.equal(true)
      return first
    }
    expect(await seen()).to.equal(null)
    let reading = true
    let reads = 0
    const all = new Set<string>()
    const reader = (async () => {
      while (reading) {
        const now = await seen()
        if (now !== null) all.add(now)
        reads += 1
      }
    })()
    using session = await RawSession.open(ftp)
    for (let n = 0; n < 40; n += 1) {
      // Parts only show where they are: every third upload breaks off.
      if (n % 3 === 2) {
        const data = await session.passive()
        expect(await session.ask('STOR public_html/page.txt')).to.match(/^150/)
        data.send('#'.repeat(1000))
        expect(await session.ask('ABOR')).to.match(/^426/)
        expect(await session.reply()).to.match(/^226/)
        expect(await seen()).to.equal(letter(n - 1))
        continue
      }
      expect(await session.upload('STOR public_html/page.txt', letter(n).repeat(octets))).to.match(/^226/)
      expect(await seen()).to.equal(letter(n))
    }
    reading = false
    await reader
    expect(reads).to.be.greaterThan(20)
    expect(all.has('#')).to.equal(false)
    expect((await fetch(`http://${web.host}:${web.port}/~alice/`).then((list) => list.text())).includes('.havre-')).to.equal(false)
  })
})
