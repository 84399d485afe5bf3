import { writeFileSync } from 'node:fs'
import { rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { brotliDecompressSync, gunzipSync, zstdDecompressSync } from 'node:zlib'
import { expect } from 'chai'
import { readSorting, sizeForPeople, sorted } from '../../../servers/http/pages/listing.ts'
import type { FileEntry } from '../../../shared/files/file-store.ts'
import type { Running } from '../../kit/serving.ts'
import { get } from '../raw.ts'
import { serveSite } from '../site.ts'

const unescapeHtml = (text: string): string =>
  text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&quot;', '"').replaceAll('&#39;', "'").replaceAll('&amp;', '&')

/** The rows of a listing: where each leads and how it is called. */
const rowsOf = (page: string): { href: string; name: string }[] =>
  [...page.matchAll(/<a class="\w+" href="([^"]*)">.*?<bdi>([^<]*)<\/bdi>/g)].map(([, href = '', name = '']) => ({
    href: unescapeHtml(href),
    name: unescapeHtml(name),
  }))

const strange = [
  'a&b.txt',
  '<script>alert(1)<',
  '"quoted" \'too\'',
  'javascript:alert(1)',
  'with space',
  '100%',
  '%41',
  '?query',
  '#hash',
  'a\\b',
  '~tilde',
  '漢字',
  '; a=b',
  '\u202egnp.exe',
]

describe('listings', () => {
  let site: Running
  before(async () => {
    const tree = Object.fromEntries(strange.map((name) => [`www/strange/${name}`, name]))
    site = await serveSite({
      ...tree,
      'www/strange/.hidden': 'x',
      'www/strange/..dots': 'x',
      'www/strange/line\nbreak': 'x',
      'www/sorted/file10': 'x'.repeat(10),
      'www/sorted/file9': 'x'.repeat(999),
      'www/sorted/File1': 'x'.repeat(3),
      'www/sorted/sub/x': 'x',
      'www/sorted/Another/x': 'x',
      'www/empty': null,
      'www/deep/a&b/c/x': 'x',
      'www/old/before-time': 'x',
      'files/alice/public_html/a.txt': 'x',
    })
    await utimes(join(site.settings.data, 'www/sorted/file9'), 2_000_000, 2_000_000)
    await utimes(join(site.settings.data, 'www/sorted/file10'), 1_000_000, 1_000_000)
    const old = new Date('1969-12-31T23:43:20Z')
    await utimes(join(site.settings.data, 'www/old/before-time'), old, old)
  })
  after(() => site.close())
  const page = async (target: string): Promise<string> => {
    const { status, body } = await get(site.port, target)
    expect(status).to.equal(200)
    return body.toString()
  }

  it('escape every name, and each leads to its file', async () => {
    const rows = rowsOf(await page('/strange/'))
    expect(rows.map((row) => row.name)).to.have.members(strange)
    for (const { href, name } of rows) {
      const url = new URL(href, `http://127.0.0.1:${site.port}/strange/`)
      expect(url.origin).to.equal(`http://127.0.0.1:${site.port}`)
      const { status, body } = await get(site.port, url.pathname)
      expect(status, name).to.equal(200)
      expect(body.toString()).to.equal(name)
    }
  })

  it('have no tag but their own, whatever files are called', async () => {
    const text = await page('/strange/')
    const tags = new Set([...text.matchAll(/<\/?([a-z0-9!]+)/gi)].map(([, name = '']) => name.toLowerCase()))
    expect([...tags]).to.have.members(
      'a bdi body footer h1 head html main meta path span style svg symbol table tbody td th thead time title tr use !doctype'.split(
        ' ',
      ),
    )
    expect(text).not.to.match(/<script|\son\w+=/i)
  })

  it('allow a browser nothing but to show them', async () => {
    const { fields } = await get(site.port, '/strange/')
    expect(fields['content-security-policy']).to.contain("default-src 'none'")
    expect(fields['x-content-type-options']).to.equal('nosniff')
    expect(fields['content-type']).to.equal('text/html; charset=utf-8')
  })

  it('are sorted by name as people sort, folders first', async () => {
    expect(rowsOf(await page('/sorted/')).map((row) => row.name)).to.deep.equal(['Another', 'sub', 'File1', 'file9', 'file10'])
    const back = rowsOf(await page('/sorted/?sort=name&order=desc')).map((row) => row.name)
    expect(back).to.deep.equal(['sub', 'Another', 'file10', 'file9', 'File1'])
  })

  it('are sorted by size and date, by links that turn the order round', async () => {
    const bySize = await page('/sorted/?sort=size')
    expect(
      rowsOf(bySize)
        .map((row) => row.name)
        .slice(2),
    ).to.deep.equal(['file9', 'file10', 'File1'])
    expect(bySize).to.contain('<th scope="col" class="size" aria-sort="descending"><a href="?sort=size&amp;order=asc">')
    const byDate = rowsOf(await page('/sorted/?sort=date&order=asc')).map((row) => row.name)
    expect(byDate.slice(2)).to.deep.equal(['file10', 'file9', 'File1'])
  })

  it('take any query', async () => {
    for (const query of ['sort=', 'sort=constructor', 'order=x', '%', 'sort=name&sort=size', '=&&=']) {
      expect(rowsOf(await page(`/sorted/?${query}`)), query).to.have.length(5)
    }
    expect(readSorting('sort=size&order=asc')).to.deep.equal({ key: 'size', descending: false })
  })

  it('lead back up by breadcrumbs', async () => {
    const text = await page('/deep/a&b/c/')
    const crumbs = [...(/<h1>(.*)<\/h1>/.exec(text)?.[1] ?? '').matchAll(/href="([^"]*)">(?:<bdi>)?([^<]*)/g)]
    const at = new URL('http://h/deep/a&b/c/')
    expect(crumbs.map(([, href = '', name = '']) => [new URL(href, at).pathname, unescapeHtml(name)])).to.deep.equal([
      ['/', 'Home'],
      ['/deep/', 'deep'],
      ['/deep/a&b/', 'a&b'],
      ['/deep/a&b/c/', 'c'],
    ])
  })

  it('show an empty folder, an account’s, and times before 1970', async () => {
    expect(await page('/empty/')).to.contain('This folder is empty.')
    expect(await page('/~alice/')).to.contain('a.txt')
    expect(await page('/old/')).to.contain('1969-12-31 23:43')
  })

  it('tell HEAD the length that GET has', async () => {
    const whole = await get(site.port, '/sorted/')
    const head = await get(site.port, '/sorted/', {}, 'HEAD')
    expect(head.fields['content-length']).to.equal(String(whole.body.length))
    expect(head.status).to.equal(200)
  })

  it('are JSON for who asks for it, in the order that is asked for', async () => {
    const { fields, body } = await get(site.port, '/sorted/?sort=size&order=desc', { Accept: 'application/json' })
    expect(fields).to.include({
      'content-type': 'application/json',
      vary: 'Accept, Accept-Encoding',
      'x-content-type-options': 'nosniff',
    })
    const told = JSON.parse(body.toString()) as { entries: { modified: string }[] }
    const folders = told.entries.slice(0, 2).map(({ modified }) => modified)
    expect(told).to.deep.equal({
      path: '/sorted/',
      more: false,
      entries: [
        { name: 'Another', kind: 'folder', modified: folders[0], href: './Another/' },
        { name: 'sub', kind: 'folder', modified: folders[1], href: './sub/' },
        { name: 'file9', kind: 'file', octets: 999, modified: '1970-01-24T03:33:20.000Z', href: './file9' },
        { name: 'file10', kind: 'file', octets: 10, modified: '1970-01-12T13:46:40.000Z', href: './file10' },
        { name: 'File1', kind: 'file', octets: 3, modified: '1994-11-06T08:49:37.000Z', href: './File1' },
      ],
    })
  })

  it('spell every name in JSON, and each leads to its file', async () => {
    const { body } = await get(site.port, '/strange/', { Accept: 'application/json' })
    const told = JSON.parse(body.toString()) as { entries: { name: string; href: string }[] }
    expect(told.entries.map(({ name }) => name)).to.have.members(strange)
    for (const { name, href } of told.entries) {
      const { pathname, origin } = new URL(href, 'http://h/strange/')
      expect(origin).to.equal('http://h')
      expect((await get(site.port, pathname)).body.toString()).to.equal(name)
    }
  })

  it('are a page for browsers and for who takes anything', async () => {
    const browser = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8'
    for (const accept of [browser, '*/*', 'text/*', 'image/png', 'application/json;q=0.5, text/html']) {
      expect((await get(site.port, '/sorted/', { Accept: accept })).fields['content-type'], accept).to.equal(
        'text/html; charset=utf-8',
      )
    }
  })

  it('are told to be unchanged, until something in them is another', async () => {
    const first = await get(site.port, '/empty/')
    const tag = first.fields['etag'] ?? ''
    expect(tag).to.match(/^"[\w-]{22}"$/)
    const again = await get(site.port, '/empty/', { 'If-None-Match': tag })
    expect(again).to.deep.include({ status: 304, body: Buffer.alloc(0) })
    expect(again.fields).not.to.have.any.keys('content-type', 'content-security-policy', 'content-length')
    expect(again.fields).to.include({ etag: tag, vary: 'Accept, Accept-Encoding', 'cache-control': 'no-cache' })
    // Another form is another representation, another folder another resource; a date says nothing about sizes.
    for (const fields of [{ Accept: 'application/json' }, { 'If-None-Match': '"other"' }, {}]) {
      const answer = await get(site.port, '/empty/', {
        'If-None-Match': tag,
        'If-Modified-Since': new Date().toUTCString(),
        ...fields,
      })
      expect(answer.status, JSON.stringify(fields)).to.equal(Object.keys(fields).length === 0 ? 304 : 200)
    }
    expect((await get(site.port, '/empty/', { 'If-Modified-Since': new Date().toUTCString() })).status).to.equal(200)
    expect((await get(site.port, '/empty/', { 'If-Unmodified-Since': 'Sun, 06 Nov 1994 08:49:37 GMT' })).status).to.equal(200)
    expect((await get(site.port, '/empty/', { 'If-Match': '"other"' })).status).to.equal(412)
    const file = join(site.settings.data, 'www/empty/new.txt')
    await writeFile(file, 'x')
    expect((await get(site.port, '/empty/', { 'If-None-Match': tag })).status).to.equal(200)
    await rm(file)
  })

  it('are compressed for who takes that, with a tag of their own', async () => {
    const plain = await get(site.port, '/strange/')
    for (const [accept, name, decode] of [
      ['gzip, deflate, br, zstd', 'br', brotliDecompressSync],
      ['gzip', 'gzip', gunzipSync],
      ['zstd', 'zstd', zstdDecompressSync],
    ] as const) {
      const coded = await get(site.port, '/strange/', { 'Accept-Encoding': accept })
      expect(coded.fields['content-encoding']).to.equal(name)
      expect(decode(coded.body).equals(plain.body)).to.equal(true)
      const tag = coded.fields['etag'] ?? ''
      expect(tag).not.to.equal(plain.fields['etag'])
      const fields = { 'Accept-Encoding': accept, 'If-None-Match': tag }
      expect((await get(site.port, '/strange/', fields)).status).to.equal(304)
      expect((await get(site.port, '/strange/', { 'If-None-Match': tag })).status).to.equal(200)
    }
    await using closed = await serveSite({ 'www/a.txt': 'a' }, { options: { compress: false } })
    const { fields } = await get(closed.port, '/', { 'Accept-Encoding': 'gzip' })
    expect(fields).to.include({ vary: 'Accept' }).and.not.have.any.keys('content-encoding')
  })

  it('end at 10,000 entries, and say so', async () => {
    await using large = await serveSite({ 'www/many': null })
    for (let number = 0; number < 10_003; number += 1) writeFileSync(join(large.settings.data, 'www/many', String(number)), '')
    const { body } = await get(large.port, '/many/?sort=name', { Accept: 'application/json' })
    const told = JSON.parse(body.toString()) as { more: boolean; entries: { name: string }[] }
    expect(told.more).to.equal(true)
    const numbers = told.entries.map(({ name }) => Number(name))
    expect(numbers).to.have.length(10_000)
    expect(numbers.toSorted((a, b) => a - b)).to.deep.equal(numbers)
    const page = (await get(large.port, '/many/')).body.toString()
    expect(page.match(/<tr>/g)).to.have.length(10_001)
    expect(page).to.contain('The first 10000 files, 0 B; the folder holds more.')
  }).timeout(60_000)

  it('have long lists in the order of short ones', () => {
    const names = ['Äpfel 2', 'apfel 10', 'Apfel 1', 'été', 'Etage', 'zebra', 'Zoo', 'img007', 'IMG8', 'img0009', '2', '10', '漢字']
    const entryOf = (name: string): FileEntry => ({
      name,
      kind: 'file',
      octets: 1,
      modifiedMs: 0,
      changedMs: 0,
      createdMs: null,
      mode: 0o644,
      unique: name,
    })
    const orderOf = (entries: readonly FileEntry[]): string[] =>
      sorted(entries, { key: 'name', descending: false })
        .map(({ name }) => name)
        .filter((name) => !name.startsWith('~'))
    const filling = Array.from({ length: 1_000 }, (_, number) => entryOf(`~${number}`))
    expect(orderOf([...names.map(entryOf), ...filling])).to.deep.equal(orderOf(names.map(entryOf)))
  })

  it('can be switched off: 403 for a folder, 404 for none', async () => {
    await using closed = await serveSite(
      { 'www/folder/a.txt': 'a', 'www/indexed/index.html': 'i' },
      { options: { listing: false } },
    )
    expect((await get(closed.port, '/folder/')).status).to.equal(403)
    expect((await get(closed.port, '/')).status).to.equal(403)
    expect((await get(closed.port, '/none/')).status).to.equal(404)
    expect((await get(closed.port, '/folder/a.txt/')).status).to.equal(404)
    expect((await get(closed.port, '/indexed/')).status).to.equal(200)
    expect((await get(closed.port, '/folder/a.txt')).status).to.equal(200)
  })

  it('write sizes as people read them', () => {
    const table: readonly [number, string][] = [
      [0, '0 B'],
      [999, '999 B'],
      [1_000, '1.0 KB'],
      [9_949, '9.9 KB'],
      [9_950, '10 KB'],
      [999_499, '999 KB'],
      [999_500, '1.0 MB'],
      [1_234_567_890, '1.2 GB'],
      [5e15, '5000 TB'],
    ]
    for (const [octets, text] of table) expect(sizeForPeople(octets)).to.equal(text)
  })
})
