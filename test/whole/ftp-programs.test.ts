import { createHash } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { eventually } from '../kit/eventually.ts'
import { useFamily } from '../kit/family.ts'
import { describeWith } from '../kit/programs.ts'
import { seeded } from '../kit/seeded.ts'
import { withAccounts } from './accounts.ts'
import { ftpClients } from './ftp-clients.ts'

const login = { user: 'alice', password: 'file secret 2' }
const digest = (octets: Buffer) => `${octets.length} octets, sha256 ${createHash('sha256').update(octets).digest('hex')}`

describe('the whole: files that real programs put and fetch', function () {
  // Whole processes start and end here: on a machine that does other things too, that takes what it takes.
  this.timeout(120_000)
  const family = useFamily({ services: ['ftp'] })
  withAccounts(family, { alice: login.password })

  // All values of an octet, line breaks of all systems, and enough of it for many packets.
  const octets = Buffer.concat([Buffer.from('\r\n\n\r\0\xff\xff\xf4', 'latin1'), seeded().octets(300_000), Buffer.from('\n')])
  const onDisk = (name: string) => family().folder.at('data', 'files', 'alice', name)

  before('have a file to fetch', async () => {
    await mkdir(onDisk(''), { recursive: true })
    await writeFile(onDisk('there.bin'), octets)
  })

  for (const [title, { needs, upload, download }] of Object.entries(ftpClients)) {
    describeWith(needs, title, () => {
      if (upload !== undefined) {
        it('uploads a file, each octet of it', async () => {
          const name = `${title.toLowerCase().replaceAll(/[^a-z]+/g, '-')}.bin`
          await upload(family(), login, name, octets)
          expect(digest(await readFile(onDisk(name)))).to.equal(digest(octets))
          // Over the old one.
          await upload(family(), login, name, octets.subarray(0, 1_000))
          expect(digest(await readFile(onDisk(name)))).to.equal(digest(octets.subarray(0, 1_000)))
        })
      }
      it('downloads a file, each octet of it', async () => {
        expect(digest(await download(family(), login, 'there.bin'))).to.equal(digest(octets))
      })
    })
  }

  for (const title of ['curl (EPSV)', 'lftp (passive)', "Python's ftplib (passive)", 'basic-ftp']) {
    const { needs = [], upload, download } = ftpClients[title] ?? {}
    describeWith(needs, `${title}, names`, () => {
      it('with blanks, quotes, umlauts and other scripts go up and come down', async () => {
        for (const name of ['with blank.bin', 'größe-日本.bin', 'a"b.bin', 'a%20b.bin']) {
          await upload?.(family(), login, name, octets.subarray(0, 100))
          expect(digest(await readFile(onDisk(name)))).to.equal(digest(octets.subarray(0, 100)))
          expect(digest((await download?.(family(), login, name)) ?? Buffer.alloc(0))).to.equal(digest(octets.subarray(0, 100)))
        }
      })
    })
  }

  describe('all of them', () => {
    it('leave a line each in the transfer log', async () => {
      const lines = await eventually(async () => {
        const log = await readFile(family().folder.at('logs', 'ftp.transfer.log'), 'utf8')
        const all = log.trimEnd().split('\n')
        expect(all.length).to.be.greaterThan(4)
        return all
      })
      // xferlog(5): date, seconds, client, octets, name, type, action, direction, mode, account, service, …, complete or not.
      for (const line of lines) {
        expect(line).to.match(
          /^\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4} \d+ 127\.0\.0\.1 \d+ \S+ [ab] _ [io] r alice ftp \d \S+ c$/,
        )
      }
    })
  })
})
