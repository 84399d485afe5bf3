import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { eventually } from '../kit/eventually.ts'
import { useFamily } from '../kit/family.ts'
import { describeWith } from '../kit/programs.ts'
import { run } from '../kit/run.ts'
import { seeded } from '../kit/seeded.ts'
import { withAccounts } from './accounts.ts'
import { succeeded } from './mail-route.ts'

const urllib = `
import sys, urllib.request
with urllib.request.urlopen(sys.argv[1], timeout=10) as answer:
    sys.stdout.buffer.write(answer.read())
`

describe('the whole: pages that real programs fetch', function () {
  // Whole processes start and end here: on a machine that does other things too, that takes what it takes.
  this.timeout(120_000)
  const family = useFamily({ services: ['http'] })
  withAccounts(family, { alice: 'page secret 3' })
  const octets = seeded().octets(300_000)
  const url = (path: string) => `http://${family().host}:${family().port('http')}${path}`

  before('have pages to fetch', async () => {
    const { folder } = family()
    await mkdir(folder.at('data', 'files', 'alice', 'public_html'), { recursive: true })
    await mkdir(folder.at('data', 'www'), { recursive: true })
    await writeFile(folder.at('data', 'www', 'octets.bin'), octets)
    await writeFile(folder.at('data', 'files', 'alice', 'public_html', 'index.html'), '<p>Hello from alice</p>\n')
  })

  describeWith(['curl'], 'curl', () => {
    it('fetches a file, the rest of one, and nothing when it has it', async () => {
      const whole = succeeded(await run('curl', ['-sS', '-f', url('/octets.bin')])).stdout
      expect(whole.equals(octets)).to.equal(true)
      const rest = succeeded(await run('curl', ['-sS', '-f', '-C', '299000', url('/octets.bin')])).stdout
      expect(rest.equals(octets.subarray(299_000))).to.equal(true)
      const head = succeeded(await run('curl', ['-sS', '-I', url('/octets.bin')])).stdout.toString()
      const etag = /^etag: (.*?)\r$/im.exec(head)?.[1] ?? 'no ETag'
      const again = await run('curl', [
        '-sS',
        '-o',
        '/dev/null',
        '-w',
        '%{http_code}',
        '-H',
        `If-None-Match: ${etag}`,
        url('/octets.bin'),
      ])
      expect(again.stdout.toString()).to.equal('304')
    })

    it('cannot climb out of the site', async () => {
      for (const path of [
        '/../../../../etc/passwd',
        '/%2e%2e/%2e%2e/%2e%2e/etc/passwd',
        '/..%2f..%2f..%2fetc/passwd',
        '/~alice/../../accounts.db',
      ]) {
        const { stdout } = await run('curl', ['-sS', '--path-as-is', '-w', '\n%{http_code}', url(path)])
        expect(stdout.toString()).to.match(/\n(?:400|403|404)$/)
        expect(stdout.toString()).not.to.include('root:').and.not.include('SQLite')
      }
    })
  })

  describeWith(['wget'], 'wget', () => {
    it("fetches a file, and an account's page through its redirect", async () => {
      expect(succeeded(await run('wget', ['-q', '-O', '-', '--tries=1', url('/octets.bin')])).stdout.equals(octets)).to.equal(true)
      expect(succeeded(await run('wget', ['-q', '-O', '-', '--tries=1', url('/~alice')])).stdout.toString()).to.include(
        'Hello from alice',
      )
    })
  })

  describeWith(['python3'], "Python's urllib", () => {
    it('fetches a file', async () => {
      expect(succeeded(await run('python3', ['-c', urllib, url('/octets.bin')])).stdout.equals(octets)).to.equal(true)
    })
  })

  describe('fetch', () => {
    it('fetches pages over kept connections, and knows what is not there', async () => {
      for (let n = 0; n < 20; n++) {
        const answer = await fetch(url('/octets.bin'))
        expect(answer.status).to.equal(200)
        expect(Buffer.from(await answer.arrayBuffer()).equals(octets)).to.equal(true)
      }
      const missing = await fetch(url('/nothing/here'), { headers: { accept: 'text/html' } })
      expect(missing.status).to.equal(404)
      expect(missing.headers.get('content-type')).to.match(/^text\/html/)
      const page = await fetch(url('/~alice/'))
      expect(await page.text()).to.equal('<p>Hello from alice</p>\n')
      expect(page.headers.get('content-type')).to.match(/^text\/html/)
    })

    it('leaves a line each in the access log', async () => {
      await eventually(async () => {
        const log = await readFile(family().folder.at('logs', 'http.access.log'), 'utf8')
        expect(log).to.match(
          /^127\.0\.0\.1 - - \[\d\d\/\w{3}\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}\] "GET \/octets\.bin HTTP\/1\.1" 200 300000 "-" "[^"]+"$/m,
        )
        expect(log).to.match(/"GET \/nothing\/here HTTP\/1\.1" 404 /)
      })
    })
  })
})
