import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { eventually } from '../../kit/eventually.ts'
import { seeded } from '../../kit/seeded.ts'
import type { Running } from '../../kit/serving.ts'
import { get } from '../raw.ts'
import { serveSite } from '../site.ts'

const browser = 'text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8'
const picture = seeded(5).octets(300_000)

describe('own pages for errors', () => {
  let site: Running
  before(async () => {
    site = await serveSite(
      {
        'www/fehler/nicht da.html': '<h1>Nicht da</h1>',
        'www/taken.html': '<h1>Only read</h1>',
        'www/forbidden.png': picture,
        'www/range.txt': 'beyond',
        'www/file.txt': '0123456789',
        'www/folder/a.txt': 'a',
        'www/out.html': { link: '../secret.html' },
        'secret.html': 'secret',
      },
      {
        options: {
          listing: false,
          pages: { 404: '/fehler/nicht da.html', 403: '/forbidden.png', 405: '/taken.html', 412: '/out.html', 416: '/range.txt' },
        },
      },
    )
  })
  after(() => site.close())

  it('are shown for what is not there, with its status and as an error', async () => {
    for (const accept of [browser, 'text/html', '*/*', undefined]) {
      const answer = await get(site.port, '/none', accept === undefined ? {} : { Accept: accept })
      expect(answer, accept).to.include({ status: 404, reason: 'Not Found' })
      expect(answer.body.toString()).to.equal('<h1>Nicht da</h1>')
      expect(answer.fields).to.include({
        'content-type': 'text/html; charset=utf-8',
        'cache-control': 'no-store',
        'x-content-type-options': 'nosniff',
        vary: 'Accept',
      })
      // What belongs to the page itself would let it be kept, or asked for in parts, in the place of what is missing.
      expect(answer.fields).not.to.have.any.keys('etag', 'last-modified', 'accept-ranges', 'content-security-policy')
    }
    await eventually(() =>
      expect(site.journal.of('request.finished').at(-1)?.fields).to.include({ path: '/none', status: 404, octets: 17 }),
    )
  })

  it('are pages of their own too', async () => {
    const answer = await get(site.port, '/fehler/nicht%20da.html')
    expect(answer.status).to.equal(200)
    expect(answer.fields).to.include.keys('etag', 'last-modified')
  })

  it('leave programs the form that they ask for', async () => {
    for (const form of ['application/json', 'application/problem+json']) {
      const answer = await get(site.port, '/none', { Accept: form })
      expect(answer.fields['content-type']).to.equal(form)
      expect(JSON.parse(answer.body.toString())).to.include({ status: 404, title: 'Not Found' })
    }
    expect((await get(site.port, '/none', { Accept: 'text/plain' })).body.toString()).to.match(/^404 Not Found\n/)
  })

  it('keep the fields of the failure', async () => {
    const taken = await get(site.port, '/file.txt', {}, 'POST')
    expect(taken).to.include({ status: 405 })
    expect(taken.fields['allow']).to.equal('GET, HEAD, OPTIONS')
    expect(taken.body.toString()).to.equal('<h1>Only read</h1>')
    const beyond = await get(site.port, '/file.txt', { Range: 'bytes=10-' })
    expect(beyond).to.include({ status: 416 })
    expect(beyond.fields).to.include({ 'content-range': 'bytes */10', 'content-type': 'text/plain; charset=utf-8' })
    expect(beyond.body.toString()).to.equal('beyond')
  })

  it('may be of any kind and size', async () => {
    const answer = await get(site.port, '/folder/')
    expect(answer.status).to.equal(403)
    expect(answer.fields['content-type']).to.equal('image/png')
    expect(answer.body.equals(picture)).to.equal(true)
  })

  it('tell HEAD what GET would be told', async () => {
    const answer = await get(site.port, '/none', {}, 'HEAD')
    expect(answer).to.include({ status: 404 })
    expect(answer.fields).to.include({ 'content-length': '17', 'content-type': 'text/html; charset=utf-8' })
  })

  it('are the newest there are, and in our words while there is none, which the journal tells', async () => {
    const path = join(site.settings.data, 'www/taken.html')
    await writeFile(path, 'changed')
    expect((await get(site.port, '/file.txt', {}, 'DELETE')).body.toString()).to.equal('changed')
    await rm(path)
    const answer = await get(site.port, '/file.txt', { Accept: browser }, 'DELETE')
    expect(answer.status).to.equal(405)
    expect(answer.body.toString()).to.contain('Method Not Allowed')
    const records = site.journal.of('page.failed').filter(({ fields }) => fields['status'] === 405)
    expect(records, 'one for the answer').to.have.length(1)
    const [record] = records
    expect(record?.fields).to.include({ status: 405, page: '/taken.html', code: 'missing' })
    expect(record?.level).to.equal('warn')
  })

  it('lie in the site: a link out of it is not followed', async () => {
    const answer = await get(site.port, '/file.txt', { 'If-Match': '"other"' })
    expect(answer.status).to.equal(412)
    expect(answer.body.toString()).to.match(/^412 Precondition Failed\n/)
    expect(site.journal.of('page.failed').at(-1)?.fields).to.include({ page: '/out.html' })
  })
})
