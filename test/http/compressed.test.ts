import { rename, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { brotliCompressSync, brotliDecompressSync, gunzipSync, gzipSync, zstdDecompressSync } from 'node:zlib'
import { expect } from 'chai'
import { Compression } from '../../servers/http/static/compression.ts'
import { FileChanged } from '../../servers/http/static/reading.ts'
import { openFileStore } from '../../shared/files/disk-file-store.ts'
import { eventually } from '../kit/eventually.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'
import { seeded } from '../kit/seeded.ts'
import type { Running } from '../kit/serving.ts'
import { type Answer, get } from './raw.ts'
import { fileDate, serveSite } from './site.ts'

const words = (kib: number, seed = 7): Buffer => {
  const random = seeded(seed)
  return Buffer.from(Array.from({ length: kib * 64 }, () => `${random.text(7, 'abcdefgh')} as ever`).join('\n'))
}
const text = words(100)
const decoded: Record<string, (octets: Buffer) => Buffer> = { br: brotliDecompressSync, gzip: gunzipSync, zstd: zstdDecompressSync }
const plainOf = ({ fields, body }: Answer): Buffer => decoded[fields['content-encoding'] ?? '']?.(body) ?? body
const everything = { 'Accept-Encoding': 'gzip, deflate, br, zstd' }

const beforehand = 'compressed beforehand'
const tree = {
  'www/page.html': text,
  'www/small.html': text.subarray(0, 1023),
  'www/least.html': text.subarray(0, 1024),
  'www/random.txt': seeded(3).octets(50_000),
  'www/picture.png': text,
  'www/app.js': text,
  'www/app.js.br': brotliCompressSync(Buffer.from(beforehand)),
  'www/app.js.gz': gzipSync(Buffer.from(beforehand)),
  'www/old.css': text,
  'www/old.css.gz': gzipSync(Buffer.from('older')),
  'www/tiny.svg': '<svg/>',
  'www/tiny.svg.gz': gzipSync(Buffer.from(beforehand)),
  'www/leads-out.js': text,
  'www/leads-out.js.br': { link: '../secret' },
  secret: 'secret',
  'www/folder.js': text,
  'www/folder.js.br/x': 'x',
  'www/index.html': 'short',
  'www/index.html.gz': gzipSync(Buffer.from(beforehand)),
}

describe('compressed answers', () => {
  let site: Running
  before(async () => {
    site = await serveSite(tree)
    const old = join(site.settings.data, 'www', 'old.css.gz')
    const date = new Date(Date.parse(fileDate) - 1_000)
    await utimes(old, date, date)
  })
  after(() => site.close())

  it('hold the file, in the coding that the client likes best', async () => {
    for (const [accept, coding] of [
      ['gzip', 'gzip'],
      ['br', 'br'],
      ['zstd', 'zstd'],
      ['gzip, deflate, br, zstd', 'br'],
      ['br;q=0.1, gzip', 'gzip'],
      ['*', 'br'],
    ] as const) {
      const answer = await get(site.port, '/page.html', { 'Accept-Encoding': accept })
      expect(answer.fields, accept).to.include({ 'content-encoding': coding, vary: 'Accept-Encoding' })
      expect(answer.fields['content-type']).to.equal('text/html; charset=utf-8')
      expect(answer.body.length).to.be.lessThan(text.length * 0.9)
      expect(plainOf(answer).equals(text), accept).to.equal(true)
    }
  })

  it('are sent to nobody who does not ask for them', async () => {
    for (const fields of [
      {},
      { 'Accept-Encoding': 'identity' },
      { 'Accept-Encoding': 'deflate' },
      { 'Accept-Encoding': 'gzip;q=0' },
    ]) {
      const answer = await get(site.port, '/page.html', fields)
      expect(answer.fields).not.to.have.property('content-encoding')
      // What the answer depends on is told all the same (RFC 9110 §12.5.5).
      expect(answer.fields['vary']).to.equal('Accept-Encoding')
      expect(answer.body.equals(text)).to.equal(true)
    }
  })

  it('are made of what becomes smaller only', async () => {
    for (const name of ['small.html', 'random.txt', 'picture.png']) {
      expect((await get(site.port, `/${name}`, everything)).fields, name).not.to.have.property('content-encoding')
    }
    expect((await get(site.port, '/least.html', everything)).fields['content-encoding']).to.equal('br')
    expect((await get(site.port, '/picture.png', everything)).fields).not.to.have.property('vary')
  })

  it('have a strong tag of their own, the same each time', async () => {
    const tags = new Set<string>()
    for (const accept of ['identity', 'gzip', 'br', 'zstd']) {
      const first = await get(site.port, '/page.html', { 'Accept-Encoding': accept })
      const second = await get(site.port, '/page.html', { 'Accept-Encoding': accept })
      expect(second.octets.toString('latin1').replace(/(Date|X-Request-Id): .*/g, '')).to.equal(
        first.octets.toString('latin1').replace(/(Date|X-Request-Id): .*/g, ''),
      )
      expect(first.fields['etag']).to.match(/^"[\w.-]+"$/)
      tags.add(first.fields['etag'] ?? '')
    }
    expect(tags.size).to.equal(4)
  })

  it('are known again by their tag, and by no other', async () => {
    const tagOf = async (accept: string) =>
      (await get(site.port, '/page.html', { 'Accept-Encoding': accept }, 'HEAD')).fields['etag'] ?? ''
    const [plain, packed] = [await tagOf('identity'), await tagOf('gzip')]
    const ask = (accept: string, tag: string) => get(site.port, '/page.html', { 'Accept-Encoding': accept, 'If-None-Match': tag })
    const unchanged = await ask('gzip', packed)
    expect(unchanged.status).to.equal(304)
    expect(unchanged.fields).to.include({ etag: packed, vary: 'Accept-Encoding' })
    expect(unchanged.fields).not.to.have.property('content-encoding')
    expect((await ask('gzip', plain)).status).to.equal(200)
    expect((await ask('identity', packed)).status).to.equal(200)
    expect((await ask('gzip', `${plain}, ${packed}`)).status).to.equal(304)
  })

  it('to HEAD say what they would be to GET', async () => {
    for (const path of ['/page.html', '/app.js', '/random.txt', '/index.html']) {
      for (const fields of [{}, everything, { 'Accept-Encoding': 'gzip' }]) {
        const got = await get(site.port, path, fields)
        const head = await get(site.port, path, fields, 'HEAD')
        const without = ({ date: _date, 'x-request-id': _id, ...rest }: Readonly<Record<string, string>>) => rest
        expect(without(head.fields)).to.deep.equal(without(got.fields))
      }
    }
  })

  it('to who asks for a part are the file’s own octets', async () => {
    const answer = await get(site.port, '/page.html', { ...everything, Range: 'bytes=10-19' })
    expect(answer.status).to.equal(206)
    expect(answer.fields).not.to.have.property('content-encoding')
    expect(answer.fields).to.include({ vary: 'Accept-Encoding', 'content-range': `bytes 10-19/${text.length}` })
    expect(answer.body.equals(text.subarray(10, 20))).to.equal(true)
  })

  it('to who asks for a part of the file by the tag of the file are that part', async () => {
    const tag = (await get(site.port, '/page.html')).fields['etag'] ?? ''
    for (const fields of [
      { 'If-Range': tag },
      { 'If-Match': tag },
      { 'If-Match': '*' },
      { 'If-Match': `"x", ${tag}` },
      { 'If-Range': fileDate },
    ]) {
      const answer = await get(site.port, '/page.html', { ...everything, Range: 'bytes=10-19', ...fields })
      expect(answer.status, JSON.stringify(fields)).to.equal(206)
      expect(answer.body.equals(text.subarray(10, 20))).to.equal(true)
    }
  })

  it('go on exactly where the client has a part of them, by their tag', async () => {
    for (const path of ['/page.html', '/app.js']) {
      for (const accept of ['gzip', 'br']) {
        const whole = await get(site.port, path, { 'Accept-Encoding': accept })
        const tag = whole.fields['etag'] ?? ''
        const rest = await get(site.port, path, { 'Accept-Encoding': accept, Range: 'bytes=5-', 'If-Range': tag })
        expect(rest.status).to.equal(206)
        expect(rest.fields).to.include({ 'content-encoding': accept, etag: tag })
        expect(rest.body.equals(whole.body.subarray(5))).to.equal(true)
        const parts = await get(site.port, path, { 'Accept-Encoding': accept, Range: 'bytes=0-1,5-6', 'If-Range': tag })
        expect(parts.fields['content-type']).to.match(/^multipart\/byteranges/)
        expect(parts.body.includes(whole.body.subarray(5, 7))).to.equal(true)
        const matched = await get(site.port, path, { 'Accept-Encoding': accept, Range: 'bytes=5-', 'If-Match': tag })
        expect(matched.status).to.equal(206)
        expect(matched.body.equals(rest.body)).to.equal(true)
        // Without the coding, the tag is of something else.
        const other = await get(site.port, path, { Range: 'bytes=5-', 'If-Range': tag })
        expect(other.status).to.equal(200)
        expect(other.fields).not.to.have.property('content-encoding')
      }
    }
  })

  describe('beforehand', () => {
    it('are preferred, whichever of those that the client takes is there', async () => {
      for (const [path, accept, coding] of [
        ['/app.js', 'br, gzip', 'br'],
        ['/app.js', 'gzip', 'gzip'],
        ['/app.js', 'gzip, br;q=0.5', 'gzip'],
        ['/tiny.svg', 'br, zstd, gzip', 'gzip'],
        ['/', 'gzip', 'gzip'],
      ] as const) {
        const answer = await get(site.port, path, { 'Accept-Encoding': accept })
        expect(answer.fields['content-encoding'], `${path} ${accept}`).to.equal(coding)
        expect(plainOf(answer).toString()).to.equal(beforehand)
      }
      expect((await get(site.port, '/app.js', everything)).fields['content-type']).to.equal('text/javascript; charset=utf-8')
      // Nothing of zstd is there: it is made of the file.
      expect(plainOf(await get(site.port, '/app.js', { 'Accept-Encoding': 'zstd' })).equals(text)).to.equal(true)
    })

    it('have a tag that changes with them and with the file, and begins as that of the file does', async () => {
      const tag = async (accept: string) => (await get(site.port, '/app.css', { 'Accept-Encoding': accept })).fields['etag'] ?? ''
      const put = async (name: string, content: string) => {
        const path = join(site.settings.data, 'www', name)
        await writeFile(`${path}.new`, content)
        await rename(`${path}.new`, path)
      }
      await put('app.css', 'a{}')
      await put('app.css.gz', 'packed')
      const first = await tag('gzip')
      expect(first.slice(0, 23)).to.equal((await tag('identity')).slice(0, 23))
      await put('app.css.gz', 'packed again')
      const second = await tag('gzip')
      await put('app.css', 'b{}')
      await put('app.css.gz', 'packed again')
      expect(new Set([first, second, await tag('gzip')]).size).to.equal(3)
    })

    it('are files of their own too', async () => {
      const answer = await get(site.port, '/app.js.gz', everything)
      expect(answer.fields['content-type']).to.equal('application/gzip')
      expect(answer.fields).not.to.have.property('content-encoding')
    })

    it('are not used for a file that was written to after them, by however little', async () => {
      for (const [fileMs, packedMs, used] of [
        [1_000_000_000_500, 1_000_000_000_499, false],
        [1_000_000_000_500, 1_000_000_000_500, true],
        [1_000_000_000_500, 1_000_000_000_501, true],
        // As tools leave it that copy whole seconds only.
        [1_000_000_000_500, 1_000_000_000_000, true],
        [1_000_000_000_500, 999_999_999_000, false],
      ] as const) {
        const name = `at-once-${packedMs}.css`
        const path = join(site.settings.data, 'www', name)
        await writeFile(path, text)
        await writeFile(`${path}.gz`, gzipSync(Buffer.from(beforehand)))
        await utimes(path, fileMs / 1_000, fileMs / 1_000)
        await utimes(`${path}.gz`, packedMs / 1_000, packedMs / 1_000)
        const content = plainOf(await get(site.port, `/${name}`, everything)).toString()
        expect(content === beforehand, `${fileMs} ${packedMs}`).to.equal(used)
      }
    })

    it('count only while they are no older than the file, inside the site, and files', async () => {
      for (const path of ['/old.css', '/leads-out.js', '/folder.js']) {
        const answer = await get(site.port, path, everything)
        expect(plainOf(answer).equals(text), path).to.equal(true)
      }
    })
  })

  it('are never those of an older state of the file', async () => {
    const path = join(site.settings.data, 'www', 'changing.txt')
    for (let round = 0; round < 20; round++) {
      const content = words(3, round)
      // As a date only tells seconds apart, or nothing at all.
      if (round % 2 === 0) await writeFile(path, content)
      else {
        await writeFile(`${path}.new`, content)
        await rename(`${path}.new`, path)
      }
      for (let time = 0; time < 3; time++) {
        const answer = await get(site.port, '/changing.txt', { 'Accept-Encoding': 'gzip' })
        expect(answer.fields['content-encoding']).to.equal('gzip')
        expect(plainOf(answer).equals(content), `round ${round}`).to.equal(true)
      }
    }
  })

  it('are never those of an older state that had the same length and date', async () => {
    const path = join(site.settings.data, 'www', 'same-date.txt')
    const tags = new Set<string>()
    for (let round = 0; round < 6; round++) {
      const content = Buffer.alloc(3_000, `${round} and on `)
      await writeFile(path, content)
      await utimes(path, new Date(fileDate), new Date(fileDate))
      // Longer than a tick of the clock; now and then so long that what was compressed is kept.
      await sleep(round % 2 === 0 ? 150 : 30)
      for (const accept of ['gzip', 'identity', 'gzip']) {
        const answer = await get(site.port, '/same-date.txt', {
          'Accept-Encoding': accept,
          'If-None-Match': [...tags, '"x"'].join(', '),
        })
        expect(answer.status, `round ${round}`).to.equal(200)
        expect(plainOf(answer).equals(content), `round ${round}`).to.equal(true)
        if (accept === 'identity') tags.add(answer.fields['etag'] ?? '')
      }
    }
    expect(tags.size).to.equal(6)
  })

  it('are all there for many who ask at once', async () => {
    const answers = await Promise.all(
      Array.from({ length: 60 }, (_, at) =>
        get(site.port, '/page.html?', { 'Accept-Encoding': ['gzip', 'br', 'zstd'][at % 3] ?? '' }),
      ),
    )
    for (const answer of answers) expect(plainOf(answer).equals(text)).to.equal(true)
  })
})

describe('what was compressed', () => {
  let temporary: TemporaryFolder
  let folder: string
  before(async () => {
    temporary = await temporaryFolder()
    folder = temporary.path
  })
  after(() => temporary.remove())

  const compressed = async (compression: Compression, name: string): Promise<Buffer | null> => {
    const file = await openFileStore({ root: folder, sync: null }).open(`/${name}`)
    try {
      return await compression.compressed(file, 'gzip')
    } finally {
      await file.close()
    }
  }

  it('is kept for the next one, up to so much', async function () {
    this.timeout(120_000)
    const compression = new Compression()
    const date = new Date(fileDate)
    // Digits and capitals hardly become smaller than three quarters: 3 MiB each are kept.
    const content = Buffer.from(
      seeded(5)
        .octets(3 * 2 ** 20)
        .toString('base64'),
    )
    for (let at = 0; at < 14; at++) {
      await writeFile(join(folder, `${at}.txt`), content)
      await utimes(join(folder, `${at}.txt`), date, date)
    }
    await sleep(200)
    for (let at = 0; at < 14; at++) {
      const octets = await compressed(compression, `${at}.txt`)
      expect(octets).not.to.equal(null)
      expect(await compressed(compression, `${at}.txt`)).to.equal(octets)
      expect(compression.octets).to.be.within(3 * 2 ** 20 * Math.min(at + 1, 9), 32 * 2 ** 20)
    }
  })

  it('of a file that was written to just now is not kept: it may change again within a tick of the clock', async () => {
    // Where the machine stood still for a while, it was not just now.
    await eventually(async () => {
      const compression = new Compression()
      const fromMs = performance.now()
      await writeFile(join(folder, 'new.txt'), text)
      expect(await compressed(compression, 'new.txt')).not.to.equal(null)
      expect(compression.octets, `after ${performance.now() - fromMs} ms`).to.equal(0)
    })
  })

  it('is no file that is written to while it is read: that is told', async () => {
    const store = openFileStore({ root: folder, sync: null })
    await writeFile(join(folder, 'torn.txt'), text)
    for (const change of [text.subarray(1), Buffer.from(text).fill('x', 0, 9)]) {
      const file = await store.open('/torn.txt')
      await writeFile(join(folder, 'torn.txt'), change)
      const caught = await new Compression().compressed(file, 'gzip').catch((error: unknown) => error)
      expect(caught).to.be.instanceOf(FileChanged)
      await file.close()
    }
  })

  it('waits for nobody: beyond two at once, files are sent as they are', async () => {
    const store = openFileStore({ root: folder, sync: null })
    const files = await Promise.all(
      Array.from({ length: 6 }, async (_, at) => {
        await writeFile(join(folder, `many-${at}.txt`), text)
        return store.open(`/many-${at}.txt`)
      }),
    )
    const compression = new Compression()
    const results = await Promise.all(files.map((file) => compression.compressed(file, 'br')))
    expect(results.filter((octets) => octets !== null)).to.have.length(2)
    expect(await Promise.all(files.slice(0, 2).map((file) => compression.compressed(file, 'br')))).not.to.include(null)
    await Promise.all(files.map((file) => file.close()))
  })

  it('is no file that is too large to be held', async () => {
    await writeFile(join(folder, 'large.txt'), Buffer.alloc(8 * 2 ** 20 + 1, 'a'))
    expect(await compressed(new Compression(), 'large.txt')).to.equal(null)
  })
})
