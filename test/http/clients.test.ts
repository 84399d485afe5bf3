import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { describeWith } from '../kit/programs.ts'
import { type Ended, run } from '../kit/run.ts'
import { seeded } from '../kit/seeded.ts'
import type { Running } from '../kit/serving.ts'
import { fileDate, serveSite } from './site.ts'

const large = seeded(3).octets(700_000)
const words = 'Ever tried. Ever failed. No matter.\n'.repeat(2_000)

describe('real clients', () => {
  let site: Running
  let at: (path: string) => string
  before(async () => {
    site = await serveSite({
      'www/index.html': '<a href="folder/">folder</a> <a href="large.bin">large</a>',
      'www/large.bin': large,
      'www/folder/a.txt': 'a\n',
      'www/folder/with blank & more.txt': 'blank\n',
      'www/folder/sub/grüße.txt': 'Grüße\n',
      'www/words.txt': words,
      'files/alice/public_html/index.html': 'alice',
    })
    at = (path) => `http://127.0.0.1:${site.port}${path}`
  })
  after(() => site.close())
  const succeeds = async (command: string, args: readonly string[], cwd?: string): Promise<Ended> => {
    const ended = await run(command, args, { ...(cwd === undefined ? {} : { cwd }), env: { LC_ALL: 'C.UTF-8' } })
    expect(ended.code, `${command} ${args.join(' ')}\n${ended.stderr}`).to.equal(0)
    return ended
  }
  const folder = async (name: string): Promise<string> => {
    const path = site.folder.at(name)
    await succeeds('mkdir', [path])
    return path
  }

  describeWith(['curl'], 'curl', () => {
    const curl = async (...args: string[]) => (await succeeds('curl', ['-sS', ...args])).stdout

    it('fetches files and pages', async () => {
      expect((await curl(at('/large.bin'))).equals(large)).to.equal(true)
      expect((await curl(at('/~alice/'))).toString()).to.equal('alice')
      expect((await curl('-L', at('/folder'))).toString()).to.contain('with blank &amp; more.txt')
    })

    it('asks for the head', async () => {
      const head = (await curl('-I', at('/large.bin'))).toString()
      expect(head)
        .to.match(/^HTTP\/1\.1 200 OK\r\n/)
        .and.contain(`Last-Modified: ${fileDate}`)
        .and.contain('Content-Length: 700000')
    })

    it('fetches a part, and goes on where it was', async () => {
      expect((await curl('-r', '100-199', at('/large.bin'))).equals(large.subarray(100, 200))).to.equal(true)
      const part = join(await folder('curl'), 'part')
      writeFileSync(part, large.subarray(0, 123_456))
      await curl('-C', '-', '-o', part, at('/large.bin'))
      expect(readFileSync(part).equals(large)).to.equal(true)
    })

    it('unpacks what comes compressed, and goes on in the middle of what it unpacked', async () => {
      const headers = (await curl('--compressed', '-D', '-', '-o', '/dev/null', at('/words.txt'))).toString()
      expect(headers).to.match(/^Content-Encoding: (?:br|zstd|gzip)\r$/m)
      expect((await curl('--compressed', at('/words.txt'))).toString()).to.equal(words)
      const part = join(await folder('unpacked'), 'part')
      writeFileSync(part, words.slice(0, 12_345))
      await curl('--compressed', '-C', '-', '-o', part, at('/words.txt'))
      expect(readFileSync(part, 'utf8')).to.equal(words)
    })

    it('fetches several parts', async () => {
      const said = (await curl('-r', '0-4,-8', at('/words.txt'))).toString()
      expect(said).to.match(/^--\S+\r\n(?:.+\r\n){2}\r\nEver \r\n--\S+\r\n(?:.+\r\n){2}\r\nmatter\.\n\r\n--\S+--\r\n$/)
    })

    it('fetches only what is newer, by date and by tag', async () => {
      expect((await curl('-z', fileDate, '-w', '%{http_code}', at('/large.bin'))).toString()).to.equal('304')
      const tags = join(await folder('tags'), 'tag')
      await curl('--etag-save', tags, '-o', `${tags}.file`, at('/large.bin'))
      expect((await curl('--etag-compare', tags, '-w', '%{http_code}', at('/large.bin'))).toString()).to.equal('304')
    })

    it('uses one connection for many requests', async () => {
      const urls = Array.from({ length: 20 }, (_, number) => at(`/folder/a.txt?${number}`))
      const { stderr } = await succeeds('curl', ['-sSv', ...urls])
      expect(stderr.match(/Re-using existing connection/g)).to.have.length(19)
    })

    it('reads why its upload is refused, with and without Expect', async () => {
      for (const args of [[], ['-H', 'Expect: 100-continue'], ['-H', 'Expect:'], ['-H', 'Transfer-Encoding: chunked']]) {
        const file = join(site.settings.data, 'www', 'large.bin')
        const said = (await curl(...args, '-T', file, '-w', '%{http_code}', at('/new'))).toString()
        expect(said, args.join(' ')).to.match(/405$/).and.contain('What it takes: GET, HEAD, OPTIONS')
      }
    })

    it('gets nowhere with dots', async () => {
      for (const path of ['/../../etc/passwd', '/%2e%2e/%2e%2e/etc/passwd', '/..%2f..%2fetc/passwd', '/%252e%252e/etc/passwd']) {
        const said = (await curl('--path-as-is', '-w', '%{http_code}', at(path))).toString()
        expect(said, path)
          .to.match(/40[04]$/)
          .and.not.contain('root:')
      }
    })
  })

  describeWith(['wget'], 'wget', () => {
    it('goes on where it was', async () => {
      const cwd = await folder('wget')
      writeFileSync(join(cwd, 'large.bin'), large.subarray(0, 200_000))
      await succeeds('wget', ['-q', '-c', at('/large.bin')], cwd)
      expect(readFileSync(join(cwd, 'large.bin')).equals(large)).to.equal(true)
      // And once more, when nothing is missing (416).
      await succeeds('wget', ['-q', '-c', at('/large.bin')], cwd)
      expect(statSync(join(cwd, 'large.bin')).size).to.equal(700_000)
    })

    it('mirrors the site through its listings, and fetches nothing twice', async () => {
      const cwd = await folder('mirror')
      const mirror = () => succeeds('wget', ['-q', '-m', '-nH', at('/')], cwd)
      await mirror()
      expect(readFileSync(join(cwd, 'folder', 'with blank & more.txt'), 'utf8')).to.equal('blank\n')
      expect(readdirSync(join(cwd, 'folder', 'sub'))).to.include('grüße.txt')
      expect(readFileSync(join(cwd, 'large.bin')).equals(large)).to.equal(true)
      const before = site.journal.of('request.finished').length
      await mirror()
      const recorded = () => site.journal.of('request.finished').slice(before)
      // A record comes when the answer is out, which the client may know a moment before us.
      while (recorded().length === 0) await sleep(5)
      const again = recorded()
      expect(again.map((record) => record.fields['status'])).to.include(304)
      const fetched = again.filter(({ fields }) => fields['status'] === 200 && !String(fields['path']).endsWith('/'))
      expect(fetched).to.deep.equal([])
    })
  })

  describeWith(['python3'], 'Python', () => {
    const python = async (script: string): Promise<string> =>
      (await succeeds('python3', ['-c', script.replaceAll('PORT', String(site.port))])).stdout.toString().trim()

    it('speaks http.client, several requests on one connection', async () => {
      const said = await python(`
import http.client
c = http.client.HTTPConnection('127.0.0.1', PORT)
for method, path in (('GET', '/folder/a.txt'), ('HEAD', '/large.bin'), ('GET', '/missing'), ('OPTIONS', '*'), ('POST', '/folder/a.txt')):
    c.request(method, path, body='x' if method == 'POST' else None)
    r = c.getresponse()
    body = r.read()
    print(r.status, r.reason, len(body) if r.status == 200 else r.getheader('Allow'))
`)
      expect(said.split('\n')).to.deep.equal([
        '200 OK 2',
        '200 OK 0',
        '404 Not Found None',
        '204 No Content GET, HEAD, OPTIONS',
        '405 Method Not Allowed GET, HEAD, OPTIONS',
      ])
    })

    it('speaks urllib, which follows redirects', async () => {
      const said = await python(`
import urllib.request
r = urllib.request.urlopen('http://127.0.0.1:PORT/~alice')
print(r.status, r.url.endswith('/~alice/'), r.read().decode())
`)
      expect(said).to.equal('200 True alice')
    })
  })

  describe('fetch', () => {
    it('gets files, parts and pages, many at once', async () => {
      const answers = await Promise.all(Array.from({ length: 50 }, () => fetch(at('/large.bin')).then((answer) => answer.bytes())))
      expect(answers.every((octets) => large.equals(octets))).to.equal(true)
      const part = await fetch(at('/large.bin'), { headers: { Range: 'bytes=-5' } })
      expect(part.status).to.equal(206)
      expect(Buffer.from(await part.bytes()).equals(large.subarray(-5))).to.equal(true)
      const page = await fetch(at('/folder'))
      expect(page.redirected).to.equal(true)
      expect(await page.text()).to.contain('sub/')
    })

    it('stops in the middle', async () => {
      const stopping = new AbortController()
      const answer = await fetch(at('/large.bin'), { signal: stopping.signal })
      stopping.abort()
      await answer.bytes().then(
        () => expect.fail('it went on'),
        (error: unknown) => expect(error).to.have.property('name', 'AbortError'),
      )
    })

    it('reads the reason of a refusal as JSON', async () => {
      const answer = await fetch(at('/none'), { headers: { Accept: 'application/json' } })
      const told: unknown = await answer.json()
      expect(told).to.include({ status: 404, title: 'Not Found' })
    })
  })
})
