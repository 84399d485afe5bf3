import { mkdir, stat, symlink } from 'node:fs/promises'
import { expect } from 'chai'
import { Client } from '../../kit/client.ts'
import { eventually } from '../../kit/eventually.ts'
import { fileDate } from '../site.ts'
import { loginOf, WritableSite } from './home.ts'

const tree = {
  'files/alice/public_html/a.txt': 'old',
  'files/alice/public_html/full/in': 'x',
  'files/alice/public_html/empty': null,
}
const before = 'Sun, 06 Nov 1994 08:49:36 GMT'

describe('changes', () => {
  let site: WritableSite
  beforeEach(async () => {
    site = await WritableSite.serve(tree)
  })
  afterEach(() => site[Symbol.asyncDispose]())

  const tag = async (path = '/~alice/a.txt') => (await site.ask('GET', path, { as: null })).fields['etag'] ?? ''
  const put = (fields: Record<string, string>, path = '/~alice/a.txt') => site.status('PUT', path, { content: 'new', fields })

  describe('by PUT on conditions (RFC 9110 §13)', () => {
    it('are made where If-Match names what is there, strongly compared', async () => {
      const etag = await tag()
      expect(await put({ 'If-Match': '"x"' })).to.equal(412)
      expect(await put({ 'If-Match': `W/${etag}` })).to.equal(412)
      expect(await put({ 'If-Match': 'no list' })).to.equal(412)
      expect(await site.text('a.txt')).to.equal('old')
      expect(await put({ 'If-Match': `"x", ${etag}` })).to.equal(204)
      expect(await put({ 'If-Match': etag })).to.equal(412)
      expect(await put({ 'If-Match': '*' })).to.equal(204)
      expect(await put({ 'If-Match': '*' }, '/~alice/none')).to.equal(412)
    })

    it('know a file by the tag of its compressed form too', async () => {
      const content = 'text '.repeat(2_000)
      await site.ask('PUT', '/~alice/t.txt', { content })
      let etag = ''
      await eventually(async () => {
        const { fields } = await site.ask('GET', '/~alice/t.txt', { as: null, fields: { 'Accept-Encoding': 'gzip' } })
        etag = fields['etag'] ?? ''
        expect(fields['content-encoding']).to.equal('gzip')
      })
      expect(etag).not.to.equal(await tag('/~alice/t.txt'))
      expect(await put({ 'If-Match': etag }, '/~alice/t.txt')).to.equal(204)
      expect(await put({ 'If-Match': etag }, '/~alice/t.txt')).to.equal(412)
    })

    it('are made where If-None-Match names nothing that is there', async () => {
      expect(await put({ 'If-None-Match': '*' })).to.equal(412)
      expect(await put({ 'If-None-Match': `W/${await tag()}` })).to.equal(412)
      expect(await put({ 'If-None-Match': '"x"' })).to.equal(204)
      expect(await put({ 'If-None-Match': '*' }, '/~alice/new')).to.equal(201)
    })

    it('are made where nothing has changed since the date of If-Unmodified-Since, which If-Match outdoes', async () => {
      expect(await put({ 'If-Unmodified-Since': before })).to.equal(412)
      expect(await put({ 'If-Unmodified-Since': before, 'If-Match': '"x"' })).to.equal(412)
      expect(await put({ 'If-Unmodified-Since': before, 'If-Match': await tag() })).to.equal(204)
      await site.put('b', '')
      expect(await put({ 'If-Unmodified-Since': 'yesterday' }, '/~alice/b')).to.equal(204)
      expect(await put({ 'If-Unmodified-Since': before }, '/~alice/none')).to.equal(201)
      expect(await put({ 'If-Modified-Since': fileDate }, '/~alice/none')).to.equal(204)
    })

    it('are judged again when the content is there: of two that know one state, one is too late', async () => {
      const etag = await tag()
      using slow = await Client.connect(site.running.port)
      const fields = `Authorization: ${loginOf('alice')}\r\nIf-Match: ${etag}\r\nContent-Length: 4\r\n`
      await slow.send(`PUT /~alice/a.txt HTTP/1.1\r\nHost: a\r\n${fields}\r\nsl`)
      await eventually(async () => expect((await site.names()).some((name) => name.startsWith('.havre-'))).to.equal(true))
      expect(await put({ 'If-Match': etag })).to.equal(204)
      await slow.send('ow')
      expect(await slow.line()).to.equal('HTTP/1.1 412 Precondition Failed')
      expect(await site.text('a.txt')).to.equal('new')
      expect(await site.names()).to.deep.equal(['a.txt', 'empty', 'full'])
    })

    it('make one new file, however many want to', async () => {
      const all = await Promise.all(Array.from({ length: 20 }, () => put({ 'If-None-Match': '*' }, '/~alice/once')))
      expect(all.sort()).to.deep.equal([201, ...Array.from({ length: 19 }, () => 412)])
    })

    it('come one after the other where many know one state', async () => {
      const etag = await tag()
      const all = await Promise.all(Array.from({ length: 20 }, () => put({ 'If-Match': etag })))
      expect(all.sort()).to.deep.equal([204, ...Array.from({ length: 19 }, () => 412)])
    })
  })

  describe('by DELETE', () => {
    it('remove a file, durably and on record: 204, then 404', async () => {
      expect(await site.status('DELETE', '/~alice/a.txt')).to.equal(204)
      expect(site.running.desk.synced.at(-1)).to.match(/public_html$/)
      expect(site.running.journal.of('web.file.removed').map(({ fields }) => fields['path'])).to.deep.equal(['/~alice/a.txt'])
      expect(await site.names()).to.deep.equal(['empty', 'full'])
      for (const fields of [{}, { 'If-Match': '*' }, { 'If-Match': '"x"' }])
        expect(await site.status('DELETE', '/~alice/a.txt', { fields })).to.equal(404)
    })

    it('remove a folder only where it is empty (409), and never the web folder (405)', async () => {
      expect(await site.status('DELETE', '/~alice/full/')).to.equal(409)
      expect(await site.status('DELETE', '/~alice/empty/')).to.equal(204)
      await mkdir(site.at('empty'))
      expect(await site.status('DELETE', '/~alice/empty')).to.equal(204)
      expect(await site.status('DELETE', '/~alice/')).to.equal(405)
      expect(await site.status('DELETE', '/~alice')).to.equal(405)
      expect(await site.names()).to.deep.equal(['a.txt', 'full'])
    })

    it('take a file for no folder, and nothing for anything', async () => {
      for (const path of ['/~alice/a.txt/', '/~alice/none', '/~alice/none/a', '/~alice/a.txt/b', '/~bob/a'])
        expect(await site.status('DELETE', path), path).to.equal(path.startsWith('/~bob') ? 403 : 404)
      expect(await site.status('DELETE', '/~alice/.x')).to.equal(403)
      expect(await site.text('a.txt')).to.equal('old')
    })

    it('are made on conditions', async () => {
      expect(await site.status('DELETE', '/~alice/a.txt', { fields: { 'If-Match': '"x"' } })).to.equal(412)
      expect(await site.status('DELETE', '/~alice/a.txt', { fields: { 'If-Unmodified-Since': before } })).to.equal(412)
      expect(await site.status('DELETE', '/~alice/empty/', { fields: { 'If-Match': '"x"' } })).to.equal(412)
      expect(await site.status('DELETE', '/~alice/a.txt', { fields: { 'If-Match': await tag() } })).to.equal(204)
    })

    it('remove a link, never what it leads to', async () => {
      await symlink('full/in', site.at('link'))
      expect(await site.status('DELETE', '/~alice/link')).to.equal(204)
      expect(await site.text('full/in')).to.equal('x')
    })

    it('need a login', async () => {
      expect(await site.status('DELETE', '/~alice/a.txt', { as: null })).to.equal(401)
      expect(await site.text('a.txt')).to.equal('old')
    })
  })

  describe('by MKCOL (RFC 4918 §9.3)', () => {
    it('make a folder: 201 with its address', async () => {
      const { status, fields } = await site.ask('MKCOL', '/~alice/new')
      expect(status).to.equal(201)
      expect(fields['location']).to.equal('/~alice/new/')
      expect((await stat(site.at('new'))).isDirectory()).to.equal(true)
      expect(site.running.journal.of('web.folder.made')).to.have.length(1)
      expect(await site.status('MKCOL', '/~alice/new/er/')).to.equal(201)
      expect(await site.status('MKCOL', '/~bob/', { as: 'bob' })).to.equal(201)
    })

    it('only where nothing is (405), in a folder that is there (409), without content (415)', async () => {
      const taken = await site.ask('MKCOL', '/~alice/a.txt')
      expect(taken.status).to.equal(405)
      expect(taken.fields['allow']).to.equal('GET, HEAD, PUT, DELETE, OPTIONS')
      expect(await site.status('MKCOL', '/~alice/empty/')).to.equal(405)
      expect(await site.status('MKCOL', '/~alice/none/new/')).to.equal(409)
      expect(await site.status('MKCOL', '/~alice/a.txt/new/')).to.equal(409)
      expect(await site.status('MKCOL', '/~alice/new/', { content: '<x/>' })).to.equal(415)
      expect(await site.status('MKCOL', '/~alice/new/', { fields: { 'If-Match': '*' } })).to.equal(412)
      expect(await site.names()).to.deep.equal(['a.txt', 'empty', 'full'])
    })
  })

  it('are told by OPTIONS where they can be made, and by 405 where not', async () => {
    const allow = async (path: string) => (await site.ask('OPTIONS', path, { as: null })).fields['allow']
    expect(await allow('/~alice/a.txt')).to.equal('GET, HEAD, PUT, DELETE, MKCOL, OPTIONS')
    expect(await allow('/~alice/empty/')).to.equal('GET, HEAD, DELETE, MKCOL, OPTIONS')
    expect(await allow('/~alice/')).to.equal('GET, HEAD, MKCOL, OPTIONS')
    expect(await allow('/index.html')).to.equal('GET, HEAD, OPTIONS')
    for (const method of ['PUT', 'DELETE', 'MKCOL']) expect(await site.status(method, '/x')).to.equal(405)
  })
})
