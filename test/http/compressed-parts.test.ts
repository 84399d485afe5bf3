import { expect } from 'chai'
import type { Running } from '../kit/serving.ts'
import { get } from './raw.ts'
import { serveSite } from './site.ts'

describe('parts of compressed answers', () => {
  let site: Running
  before(async () => {
    site = await serveSite({ 'www/page.html': 'as ever and ever\n'.repeat(1_000) })
  })
  after(() => site.close())

  it('are what who refuses the file’s own octets gets a part of', async () => {
    for (const accept of ['gzip, identity;q=0', 'gzip, *;q=0']) {
      const whole = await get(site.port, '/page.html', { 'Accept-Encoding': accept })
      const part = await get(site.port, '/page.html', { 'Accept-Encoding': accept, Range: 'bytes=5-9' })
      expect(part.status, accept).to.equal(206)
      expect(part.fields).to.include({ 'content-encoding': 'gzip', etag: whole.fields['etag'] })
      expect(part.body.equals(whole.body.subarray(5, 10))).to.equal(true)
    }
  })

  it('are known again by their tag, also where a part is asked for (RFC 9110 §13.2.2)', async () => {
    const tag = (await get(site.port, '/page.html', { 'Accept-Encoding': 'gzip' })).fields['etag'] ?? ''
    const asked = { 'Accept-Encoding': 'gzip', Range: 'bytes=5-9' }
    const same = await get(site.port, '/page.html', { ...asked, 'If-None-Match': tag })
    expect([same.status, same.fields['etag']]).to.deep.equal([304, tag])
    const plain = (await get(site.port, '/page.html')).fields['etag'] ?? ''
    expect((await get(site.port, '/page.html', { ...asked, 'If-None-Match': plain })).status).to.equal(304)
    // Weakened on the way, by a proxy that compresses.
    expect((await get(site.port, '/page.html', { ...asked, 'If-None-Match': `W/${plain}` })).status).to.equal(304)
    expect((await get(site.port, '/page.html', { ...asked, 'If-None-Match': `W/${tag}` })).status).to.equal(304)
  })

  it('are no part of what a client holds of an older file', async () => {
    const asked = { 'Accept-Encoding': 'gzip', Range: 'bytes=5-9', 'If-None-Match': '"0123456789abcdef"' }
    const part = await get(site.port, '/page.html', asked)
    expect([part.status, part.fields['content-encoding']]).to.deep.equal([206, undefined])
    expect(part.body.toString()).to.equal((await get(site.port, '/page.html')).body.subarray(5, 10).toString())
  })
})
