import { utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { readSorting, sizeForPeople } from '../../servers/http/listing.ts'
import type { Running } from '../kit/serving.ts'
import { get } from './raw.ts'
import { serveSite } from './site.ts'

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
