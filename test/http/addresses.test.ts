import { expect } from 'chai'
import type { Running } from '../kit/serving.ts'
import { get } from './raw.ts'
import { serveSite } from './site.ts'

const html = { Accept: 'text/html,application/xhtml+xml,*/*;q=0.8' }

/** What is at an address: the body of 200, where 301 leads, else the status. */
const at = async ({ port }: Running, path: string, fields: Readonly<Record<string, string>> = {}): Promise<string | number> => {
  const answer = await get(port, path, fields)
  const head = await get(port, path, fields, 'HEAD')
  expect(head.status, `HEAD ${path}`).to.equal(answer.status)
  if (answer.status === 301) return `→ ${answer.fields['location']}`
  return answer.status === 200 ? answer.body.toString() : answer.status
}

const check = (site: () => Running, table: readonly (readonly [string, string | number])[]): void => {
  for (const [path, wanted] of table) {
    it(`${path} is ${wanted}`, async () => {
      expect(await at(site(), path)).to.equal(wanted)
    })
  }
}

describe('clean addresses', () => {
  let site: Running
  before(async () => {
    const page = {
      'about.html': 'about',
      'index.html': 'start',
      'both.html': 'page',
      both: 'file',
      'beside.html': 'beside',
      'beside/a.txt': 'a',
      'beside/index.html': 'within',
      'only/index.html': 'only',
      'empty/a.txt': 'a',
      'a.txt': 'text',
      'x.html/a.txt': 'a folder',
      'twice.html.html': 'twice',
      'hidden~.html': 'hidden',
      'with blank.html': 'blank',
      'A.HTML': 'capitals',
    }
    const named = (folder: string) => Object.fromEntries(Object.entries(page).map(([name, text]) => [`${folder}/${name}`, text]))
    site = await serveSite(
      { ...named('www'), ...named('www/sub'), ...named('files/alice/public_html') },
      { options: { cleanUrls: true, hide: ['*~'], listing: false } },
    )
  })
  after(() => site.close())

  for (const base of ['', '/sub', '/~alice']) {
    check(
      () => site,
      [
        [`${base}/`, 'start'],
        [`${base}/index.html`, `→ ${base}/`],
        [`${base}/index`, `→ ${base}/`],
        [`${base}/about`, 'about'],
        [`${base}/about.html`, `→ ${base}/about`],
        [`${base}/about.html?a=b&c`, `→ ${base}/about?a=b&c`],
        [`${base}/about/`, `→ ${base}/about`],
        [`${base}/about/x`, 404],
        [`${base}/about.html/`, 404],
        // A file of the shorter name is itself.
        [`${base}/both`, 'file'],
        [`${base}/both.html`, 'page'],
        // A folder of the name keeps its slash.
        [`${base}/beside`, 'beside'],
        [`${base}/beside.html`, `→ ${base}/beside`],
        [`${base}/beside/`, 'within'],
        [`${base}/beside/index.html`, `→ ${base}/beside/`],
        [`${base}/only`, `→ ${base}/only/`],
        [`${base}/only/index`, `→ ${base}/only/`],
        [`${base}/empty`, `→ ${base}/empty/`],
        [`${base}/empty/`, 403],
        [`${base}/a.txt`, 'text'],
        [`${base}/a`, 404],
        [`${base}/a.txt/`, 404],
        [`${base}/x.html`, `→ ${base}/x.html/`],
        [`${base}/x`, 404],
        [`${base}/twice.html.html`, `→ ${base}/twice.html`],
        [`${base}/twice.html`, 'twice'],
        [`${base}/twice`, 404],
        [`${base}/hidden~`, 404],
        [`${base}/with%20blank.html`, `→ ${base}/with%20blank`],
        [`${base}/with%20blank`, 'blank'],
        [`${base}/A.HTML`, 'capitals'],
        [`${base}/missing`, 404],
        [`${base}/missing.html`, 404],
        [`${base}/.html`, 404],
        [`${base}//about.html`, `→ ${base}/about`],
      ],
    )
  }

  it('have the type of their file', async () => {
    expect((await get(site.port, '/about')).fields['content-type']).to.equal('text/html; charset=utf-8')
    expect((await get(site.port, '/both')).fields['content-type']).to.equal('application/octet-stream')
  })

  it('tell of no other address for the page of a folder', async () => {
    expect((await get(site.port, '/')).fields).not.to.have.property('content-location')
  })
})

describe('the address of a file', () => {
  let site: Running
  before(async () => {
    site = await serveSite({ 'www/über/index.html': 'x', 'www/a.html': 'a', 'files/alice/public_html/index.html': 'alice' })
  })
  after(() => site.close())

  it('is told where a folder was asked for (RFC 9110 §8.7)', async () => {
    for (const [path, location] of [
      ['/%C3%BCber/', '/%C3%BCber/index.html'],
      ['/~alice/', '/~alice/index.html'],
      ['/%C3%BCber/?x', '/%C3%BCber/index.html'],
    ] as const) {
      const answer = await get(site.port, path)
      expect(answer.fields['content-location']).to.equal(location)
      const there = await get(site.port, location)
      expect(there.fields['etag']).to.equal(answer.fields['etag'])
      expect(there.fields).not.to.have.property('content-location')
      const unchanged = await get(site.port, path, { 'If-None-Match': answer.fields['etag'] ?? '' })
      expect(unchanged.status).to.equal(304)
      expect(unchanged.fields['content-location']).to.equal(location)
    }
  })

  it('is the only one without the setting', async () => {
    expect(await at(site, '/a')).to.equal(404)
    expect(await at(site, '/a.html')).to.equal('a')
    expect(await at(site, '/%C3%BCber/index.html')).to.equal('x')
  })
})

describe('a page for all that are none', () => {
  let site: Running
  before(async () => {
    site = await serveSite(
      {
        'www/app/index.html': 'application',
        'www/a.txt': 'text',
        'www/folder/b.txt': 'b',
        'www/.secret': 'secret',
        'www/old.bak': 'secret',
        'files/alice/public_html/a.txt': 'alice',
      },
      { options: { fallback: '/app/index.html', hide: ['*.bak'] } },
    )
  })
  after(() => site.close())

  it('answers browsers that ask for a page', async () => {
    for (const path of ['/users/7', '/users/', '/a.txt/x', '/missing.html', '/x?y', '/folder/x']) {
      expect(await at(site, path, html), path).to.equal('application')
    }
    const answer = await get(site.port, '/users/7', html)
    expect(answer.fields).to.include({ 'content-type': 'text/html; charset=utf-8', vary: 'Accept-Encoding, Accept' })
    const again = await get(site.port, '/users/8', { ...html, 'If-None-Match': answer.fields['etag'] ?? '' })
    expect(again.status).to.equal(304)
    expect(again.fields['vary']).to.equal('Accept-Encoding, Accept')
  })

  it('answers nobody who asks for something else, and nothing that is there', async () => {
    for (const accept of ['*/*', 'application/json', 'image/avif,image/webp,*/*;q=0.8', 'text/html;q=0', 'text/*']) {
      const answer = await get(site.port, '/users/7', { Accept: accept })
      expect(answer.status, accept).to.equal(404)
      expect(answer.fields['vary']).to.match(/\bAccept\b/)
    }
    expect((await get(site.port, '/users/7')).status).to.equal(404)
    expect(await at(site, '/a.txt', html)).to.equal('text')
    expect(await at(site, '/folder', html)).to.equal('→ /folder/')
    expect(await at(site, '/folder/', html)).to.match(/b\.txt/)
  })

  it('does not hide that hidden files, and files of accounts, are not there', async () => {
    for (const path of ['/.secret', '/.git/config', '/old.bak', '/~alice/x', '/~bob/', '/.well-known/havre/x']) {
      expect(await at(site, path, html), path).to.equal(404)
    }
  })
})

describe('hidden names', () => {
  let site: Running
  before(async () => {
    site = await serveSite(
      {
        'www/a.txt': 'a',
        'www/a.txt~': 'secret',
        'www/a.BAK': 'secret',
        'www/backup.bak/a.txt': 'secret',
        'www/page/index.html': 'secret',
        'www/page/b.txt': 'b',
        'files/alice/public_html/x.bak': 'secret',
      },
      { options: { hide: ['*~', '*.bak', 'index.html', '{draft,wip}-*'] } },
    )
  })
  after(() => site.close())

  check(
    () => site,
    [
      ['/a.txt', 'a'],
      ['/a.txt~', 404],
      ['/a.txt%7E', 404],
      ['/a.BAK', 404],
      ['/a.bak', 404],
      ['/backup.bak/', 404],
      ['/backup.bak', 404],
      ['/backup.bak/a.txt', 404],
      ['/page/index.html', 404],
      ['/~alice/x.bak', 404],
      ['/draft-1', 404],
    ],
  )

  it('are in no list, as no page of a folder is', async () => {
    const list = String(await at(site, '/', html))
    expect(list).to.contain('a.txt')
    expect(list).not.to.match(/~|bak/i)
    expect(await at(site, '/page/', html)).to.match(/b\.txt/)
  })
})
