import { symlink } from 'node:fs/promises'
import { expect } from 'chai'
import { DeskError } from '../../../shared/accounts/desk.ts'
import { Client } from '../../kit/client.ts'
import { eventually } from '../../kit/eventually.ts'
import { fakeDesk } from '../../kit/fake-desk.ts'
import { undisturbed } from '../../kit/undisturbed.ts'
import { readAnswers, said } from '../raw.ts'
import { loginOf, WritableSite } from './home.ts'

const tree = { 'files/alice/public_html/a.txt': 'old', 'files/alice/public_html/folder': null }

describe('PUT', () => {
  let site: WritableSite
  beforeEach(async () => {
    site = await WritableSite.serve(tree)
  })
  afterEach(() => site[Symbol.asyncDispose]())
  const port = () => site.running.port
  const stored = () => site.running.journal.of('web.file.stored').map(({ fields }) => fields)
  /** No file is on its way in any more, and nothing else has changed. */
  const unchanged = async () => {
    expect(await site.names()).to.deep.equal(['a.txt', 'folder'])
    expect(await site.text('a.txt')).to.equal('old')
  }

  it('makes a file: 201 with its tag, and the file is served with that', async () => {
    const { status, fields, body } = await site.ask('PUT', '/~alice/new.txt', { content: 'hello' })
    expect(status).to.equal(201)
    expect(body).to.have.length(0)
    expect(await site.text('new.txt')).to.equal('hello')
    const read = await site.ask('GET', '/~alice/new.txt', { as: null })
    expect(read.body.toString()).to.equal('hello')
    expect(read.fields).to.include({ etag: fields['etag'], 'last-modified': fields['last-modified'] })
  })

  it('replaces one: 204, at once', async () => {
    const { status, fields } = await site.ask('PUT', '/~alice/a.txt', { content: '' })
    expect(status).to.equal(204)
    expect(fields).to.have.property('etag')
    expect(await site.text('a.txt')).to.equal('')
  })

  it('makes the web folder of an account that has none, and its home', async () => {
    expect(await site.status('PUT', '/~bob/index.html', { as: 'bob', content: 'hi' })).to.equal(201)
    expect((await site.ask('GET', '/~bob/', { as: null })).body.toString()).to.equal('hi')
  })

  it('is for later, as the other changes are, where the supervisor gives no turn for the file', async () => {
    const desk = { ...fakeDesk(), turn: () => Promise.reject(new DeskError('no answer')) }
    await using other = await WritableSite.serve(tree, { desk })
    for (const [method, target, content] of [
      ['PUT', '/~alice/a.txt', 'new'],
      ['DELETE', '/~alice/a.txt', null],
      ['MKCOL', '/~alice/more', null],
    ] as const) {
      const { status, fields } = await other.ask(method, target, { content })
      expect([method, status, fields['retry-after']]).to.deep.equal([method, 503, '5'])
    }
    expect(await other.names()).to.deep.equal(['a.txt', 'folder'])
    expect(await other.text('a.txt')).to.equal('old')
    expect(other.running.journal.of('request.failed')).to.have.length(3)
  })

  it('has the content on the disk and on record before it answers', async () => {
    await site.ask('PUT', '/~alice/folder/new.txt', { content: 'hello' })
    const { synced } = site.running.desk
    expect(synced.some((path) => /public_html\/folder\/\.havre-upload-/.test(path))).to.equal(true)
    expect(synced.at(-1)).to.match(/public_html\/folder$/)
    expect(stored()).to.have.length(1)
    expect(stored()[0]).to.include({ account: 'alice', path: '/~alice/folder/new.txt', octets: 5, created: true })
    const { records, settled } = site.running.journal
    expect(settled.records).to.be.greaterThan(records.findIndex(({ event }) => event === 'web.file.stored'))
  })

  it('is in the logs with its account, its id and what came', async () => {
    const { fields } = await site.ask('PUT', '/~alice/a.txt', { content: 'hello' })
    const { journal } = site.running
    const request = fields['x-request-id']
    expect(journal.of('request.finished').at(-1)?.fields).to.include({ account: 'alice', status: 204, received: 5, request })
    expect(stored()[0]).to.include({ request })
    expect(journal.written.access.at(-1)).to.match(/^127\.0\.0\.1 - alice \[.*\] "PUT \/~alice\/a\.txt HTTP\/1\.1" 204 0 /)
    await site.ask('GET', '/~alice/a.txt', { as: null })
    expect(journal.of('request.finished').at(-1)?.fields['account']).to.equal(undefined)
    expect(journal.written.access.at(-1)).to.match(/^127\.0\.0\.1 - - \[/)
  })

  it('takes chunks, with extensions and trailers, and content octet by octet', async () => {
    const head = `PUT /~alice/c.txt HTTP/1.1\r\nHost: a\r\nAuthorization: ${loginOf('alice')}\r\nTransfer-Encoding: chunked\r\n\r\n`
    const raw = `${head}3;a=b\r\nabc\r\n2\r\nde\r\n0\r\nX-T: 1\r\n\r\n`
    const [answer] = readAnswers(await said(port(), raw, 'octet by octet'), ['PUT'])
    expect(answer?.status).to.equal(201)
    expect(await site.text('c.txt')).to.equal('abcde')
  })

  it('takes large files as they are', async () => {
    const content = Buffer.alloc(5_000_000, 'abcdefg')
    expect(await site.status('PUT', '/~alice/large', { content })).to.equal(201)
    expect((await site.ask('GET', '/~alice/large', { as: null })).body.equals(content)).to.equal(true)
  })

  it('leaves the connection to the next request', async () => {
    const put = (name: string) =>
      `PUT /~alice/${name} HTTP/1.1\r\nHost: a\r\nAuthorization: ${loginOf('alice')}\r\nContent-Length: 2\r\n\r\nhi`
    const raw = `${put('1')}${put('1')}GET /~alice/1 HTTP/1.1\r\nHost: a\r\n\r\n`
    expect(readAnswers(await said(port(), raw), ['PUT', 'PUT', 'GET']).map(({ status }) => status)).to.deep.equal([201, 204, 200])
  })

  describe('asks who it is', () => {
    it('and nobody else may write, nor in another account’s folder', async () => {
      const nobody = await site.ask('PUT', '/~alice/a.txt', { content: 'x', as: null })
      expect(nobody.status).to.equal(401)
      expect(nobody.fields['www-authenticate']).to.equal('Basic realm="Havre", charset="UTF-8"')
      expect(await site.status('PUT', '/~alice/a.txt', { content: 'x', as: 'bob' })).to.equal(403)
      const wrong = { Authorization: loginOf('alice', 'wrong') }
      expect(await site.status('PUT', '/~alice/a.txt', { content: 'x', as: null, fields: wrong })).to.equal(401)
      for (const Authorization of ['Basic', 'Basic !!!', 'Bearer x', 'Basic YWxpY2U=', `Basic ${btoa('al\0ice:x')}`])
        expect(await site.status('PUT', '/~alice/a.txt', { content: 'x', as: null, fields: { Authorization } })).to.equal(401)
      await unchanged()
      expect(site.running.journal.of('web.login.refused').map(({ fields }) => fields['reason'])).to.deep.equal(['wrong'])
    })

    it('never in clear from elsewhere: 403, and the desk is not asked', async () => {
      await using behind = await WritableSite.serve(tree, { proxiesFrom: ['127.0.0.1'] })
      const head = `PUT /~alice/a.txt HTTP/1.1\r\nHost: a\r\nAuthorization: ${loginOf('alice')}\r\nContent-Length: 1\r\n\r\nx`
      const answer = await said(behind.running.port, `PROXY TCP4 192.0.2.1 192.0.2.2 4000 80\r\n${head}`)
      expect(answer.toString()).to.match(/^HTTP\/1\.1 403 /)
      expect(behind.running.desk.attempts).to.deep.equal([])
      expect(await behind.text('a.txt')).to.equal('old')
    })

    it('before 100 Continue', async () => {
      using client = await Client.connect(port())
      await client.send('PUT /~alice/a.txt HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n')
      expect(await client.line()).to.equal('HTTP/1.1 401 Unauthorized')
    })

    it('and tells who comes too often, or when nobody can tell', async () => {
      site.running.desk.block(4_200)
      const { status, fields } = await site.ask('PUT', '/~alice/a.txt', { content: 'x' })
      expect(status).to.equal(429)
      expect(fields['retry-after']).to.equal('5')
      site.running.desk.block(null)
      site.running.desk.fail(true)
      expect(await site.status('PUT', '/~alice/a.txt', { content: 'x' })).to.equal(503)
      site.running.desk.fail(false)
      await unchanged()
    })
  })

  it('is told to go on once all else is right', async () => {
    using client = await Client.connect(port())
    const login = `Authorization: ${loginOf('alice')}\r\n`
    await client.send(`PUT /~alice/e.txt HTTP/1.1\r\nHost: a\r\n${login}Content-Length: 3\r\nExpect: 100-continue\r\n\r\n`)
    expect(await client.line()).to.equal('HTTP/1.1 100 Continue')
    expect(await client.line()).to.equal('')
    await client.send('abc')
    expect(await client.line()).to.equal('HTTP/1.1 201 Created')
    expect(await site.text('e.txt')).to.equal('abc')
  })

  it('needs a length: 411', async () => {
    expect(await site.status('PUT', '/~alice/a.txt')).to.equal(411)
    await unchanged()
  })

  it('is whole: no Content-Range (400), no coding (415)', async () => {
    expect(await site.status('PUT', '/~alice/a.txt', { content: 'x', fields: { 'Content-Range': 'bytes 0-0/3' } })).to.equal(400)
    const coded = await site.ask('PUT', '/~alice/a.txt', { content: 'x', fields: { 'Content-Encoding': 'gzip' } })
    expect(coded.status).to.equal(415)
    expect(coded.fields['accept-encoding']).to.equal('identity')
    expect(await site.status('PUT', '/~alice/b', { content: 'x', fields: { 'Content-Encoding': 'Identity' } })).to.equal(201)
  })

  it('goes into a folder that is there (409), and onto none (405)', async () => {
    expect(await site.status('PUT', '/~alice/none/a', { content: 'x' })).to.equal(409)
    expect(await site.status('PUT', '/~alice/a.txt/b', { content: 'x' })).to.equal(409)
    const folder = await site.ask('PUT', '/~alice/folder', { content: 'x' })
    expect(folder.status).to.equal(405)
    expect(folder.fields['allow']).to.equal('GET, HEAD, DELETE, OPTIONS')
    expect(await site.status('PUT', '/~alice/folder/', { content: 'x' })).to.equal(405)
    expect(await site.status('PUT', '/~alice/', { content: 'x' })).to.equal(405)
    expect(await site.status('PUT', '/a.txt', { content: 'x' })).to.equal(405)
    await unchanged()
  })

  it('takes no names that are never shown, and none that lead out', async () => {
    for (const name of ['.htaccess', 'folder/.x', '.havre-upload-x', 'a%2Fb'])
      expect(await site.status('PUT', `/~alice/${name}`, { content: 'x' }), name).to.equal(403)
    expect(await site.status('PUT', `/~alice/${'x'.repeat(256)}`, { content: 'x' })).to.equal(400)
    expect(await site.status('PUT', '/~alice/%00', { content: 'x' })).to.equal(400)
    expect(await site.status('PUT', '/~alice/../~bob/x', { content: 'x' })).to.equal(403)
    await symlink('/tmp', site.at('out'))
    expect(await site.status('PUT', '/~alice/out/x', { content: 'x' })).to.equal(403)
  })

  it('breaks off, and the old file is as it was', async () => {
    const login = `Authorization: ${loginOf('alice')}\r\n`
    for (const end of ['reset', 'end'] as const) {
      using client = await Client.connect(port())
      await client.send(`PUT /~alice/a.txt HTTP/1.1\r\nHost: a\r\n${login}Content-Length: 10\r\n\r\nhalf`)
      await eventually(async () => expect(await site.names()).to.have.length(3))
      client[end]()
      if (end === 'end') expect((await client.rest()).toString()).to.match(/^HTTP\/1\.1 400 /)
      await eventually(unchanged)
    }
    expect(site.running.journal.of('web.file.not-stored').map(({ fields }) => fields['octets'])).to.deep.equal([4, 4])
    expect(stored()).to.deep.equal([])
  })

  it('breaks off where a chunk is none: 400, and the connection ends', async () => {
    const head = `PUT /~alice/a.txt HTTP/1.1\r\nHost: a\r\nAuthorization: ${loginOf('alice')}\r\nTransfer-Encoding: chunked\r\n\r\n`
    using client = await Client.connect(port())
    await client.send(`${head}3\r\nabc\r\nnone\r\n`)
    expect((await client.rest()).toString()).to.match(/^HTTP\/1\.1 400 [\s\S]*Connection: close\r\n/)
    await unchanged()
  })
})

describe('PUT at its limits', () => {
  it('is refused beyond maxContent: before it comes, or in the middle where nobody said how much (413)', async () => {
    await using site = await WritableSite.serve(tree, { options: { maxContent: '1000B' } })
    expect(await site.status('PUT', '/~alice/1', { content: Buffer.alloc(1_000) })).to.equal(201)
    expect(await site.status('PUT', '/~alice/2', { content: Buffer.alloc(1_001) })).to.equal(413)
    const chunk = `3e9\r\n${'x'.repeat(1_001)}\r\n0\r\n\r\n`
    const head = `PUT /~alice/2 HTTP/1.1\r\nHost: a\r\nAuthorization: ${loginOf('alice')}\r\nTransfer-Encoding: chunked\r\n\r\n`
    expect((await said(site.running.port, head + chunk)).toString()).to.match(/^HTTP\/1\.1 413 /)
    expect(await site.names()).to.deep.equal(['1', 'a.txt', 'folder'])
  })

  it('is refused over the quota: before it comes, or in the middle (507), and the old file stays', async () => {
    await using site = await WritableSite.serve(tree, { settings: { files: { quota: { octets: 200_000 } } } })
    const content = Buffer.alloc(300_000)
    expect(await site.status('PUT', '/~alice/a.txt', { content })).to.equal(507)
    const head = `PUT /~alice/a.txt HTTP/1.1\r\nHost: a\r\nAuthorization: ${loginOf('alice')}\r\nTransfer-Encoding: chunked\r\n\r\n`
    const chunked = Buffer.concat([Buffer.from(`${head}${content.length.toString(16)}\r\n`), content, Buffer.from('\r\n0\r\n\r\n')])
    expect((await said(site.running.port, chunked)).toString()).to.match(/^HTTP\/1\.1 507 /)
    expect(await site.text('a.txt')).to.equal('old')
    expect(await site.names()).to.deep.equal(['a.txt', 'folder'])
    expect(await site.status('PUT', '/~alice/a.txt', { content: 'fits' })).to.equal(204)
  })

  it('is what the access of the account allows', async () => {
    {
      await using site = await WritableSite.serve(tree, { settings: { files: { access: 'read-only' } } })
      expect(await site.status('PUT', '/~alice/b', { content: 'x' })).to.equal(403)
      expect(await site.status('DELETE', '/~alice/a.txt')).to.equal(403)
      expect(await site.status('MKCOL', '/~alice/f/')).to.equal(403)
    }
    await using site = await WritableSite.serve(tree, { settings: { files: { access: 'drop-box' } } })
    expect(await site.status('PUT', '/~alice/b', { content: 'x' })).to.equal(201)
    expect(await site.status('PUT', '/~alice/a.txt', { content: 'x' })).to.equal(409)
    expect(await site.status('DELETE', '/~alice/folder/')).to.equal(403)
    expect(await site.status('MKCOL', '/~alice/f/')).to.equal(201)
    expect(await site.text('a.txt')).to.equal('old')
  })

  it('that takes too long is 408', () =>
    undisturbed(60, async () => {
      await using site = await WritableSite.serve(tree, { options: { timeouts: { headers: '200ms', request: '400ms' } } })
      using client = await Client.connect(site.running.port)
      const login = `Authorization: ${loginOf('alice')}\r\n`
      await client.send(`PUT /~alice/a.txt HTTP/1.1\r\nHost: a\r\n${login}Content-Length: 10\r\n\r\nhalf`)
      expect((await client.rest()).toString()).to.match(/^HTTP\/1\.1 408 /)
      expect(await site.text('a.txt')).to.equal('old')
    }))

  it('is one of as many as the account may have at once: 429', async () => {
    await using site = await WritableSite.serve(tree, { settings: { files: { transfers: 1 } } })
    using client = await Client.connect(site.running.port)
    await client.send(`PUT /~alice/1 HTTP/1.1\r\nHost: a\r\nAuthorization: ${loginOf('alice')}\r\nContent-Length: 4\r\n\r\nha`)
    await eventually(async () => expect(await site.names()).to.have.length(3))
    expect(await site.status('PUT', '/~alice/2', { content: 'x' })).to.equal(429)
    await client.send('lf')
    expect(await client.line()).to.equal('HTTP/1.1 201 Created')
    expect(await site.status('PUT', '/~alice/2', { content: 'x' })).to.equal(201)
  })

  it('is not taken where the setting does not say so', async () => {
    await using site = await WritableSite.serve(tree, { options: { write: false } })
    const { status, fields } = await site.ask('PUT', '/~alice/a.txt', { content: 'x' })
    expect(status).to.equal(405)
    expect(fields['allow']).to.equal('GET, HEAD, OPTIONS')
  })
})
