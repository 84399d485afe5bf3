import { expect } from 'chai'
import { readHttpDate } from '../../servers/http/dates.ts'
import type { Running } from '../kit/serving.ts'
import { type Answer, readAnswers, said } from './raw.ts'
import { further, get, head, host, post } from './rows.ts'
import { serveSite } from './site.ts'

describe('answers of any kind', () => {
  let site: Running
  before(async () => {
    site = await serveSite({ 'www/a.txt': 'hello\n', 'www/large.txt': 'hello\n'.repeat(100_000), 'www/folder/b.txt': 'b' })
  })
  after(() => site.close())

  it('have Date and Server, whatever they are', async () => {
    const requests: readonly (readonly [status: number, raw: string])[] = [
      [200, further],
      [200, head('/a.txt')],
      [200, get('/large.txt')],
      [200, get('/folder/')],
      [204, `OPTIONS * HTTP/1.1\r\n${host}\r\n`],
      [206, get('/a.txt', 'Range: bytes=0-1\r\n')],
      [301, get('/folder')],
      [304, get('/a.txt', 'If-None-Match: *\r\n')],
      [400, get('/%')],
      [400, '\0\r\n\r\n'],
      [404, get('/missing')],
      [405, post('')],
      [405, `CONNECT a:1 HTTP/1.1\r\n${host}\r\n`],
      [412, get('/a.txt', 'If-Match: "x"\r\n')],
      [414, get(`/${'a'.repeat(9_000)}`)],
      [416, get('/a.txt', 'Range: bytes=9-\r\n')],
      [417, get('/a.txt', 'Expect: x\r\n')],
      [431, get('/a.txt', `X: ${'a'.repeat(40_000)}\r\n`)],
      [501, `FETCH / HTTP/1.1\r\n${host}\r\n`],
      [505, `GET / HTTP/3.0\r\n${host}\r\n`],
    ]
    for (const [status, raw] of requests) {
      const [answer, ...more] = readAnswers(await said(site.port, raw), [raw.slice(0, raw.indexOf(' '))])
      const shown = JSON.stringify(raw.slice(0, 60))
      expect([answer?.status, more.length], shown).to.deep.equal([status, 0])
      expect(answer?.reason, shown).to.match(/^[A-Z]/)
      expect(answer?.fields['server'], shown).to.equal('Havre')
      const date = answer?.fields['date'] ?? ''
      // One Date, in the one form that is written, of now.
      expect(date, shown).to.match(/^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT$/)
      expect(Math.abs((readHttpDate(date, Date.now()) ?? 0) - Date.now()), shown).to.be.below(120_000)
    }
  })

  it('say to HEAD what they say to GET, failures and redirections too (RFC 9110 §9.3.2)', async () => {
    for (const target of ['/a.txt', '/large.txt', '/folder/', '/folder', '/missing', '/%', '/../x']) {
      for (const accept of ['', 'Accept: text/html\r\n', 'Accept: application/json\r\n']) {
        // On one connection: its id stands in what is told.
        const octets = await said(site.port, get(target, accept) + head(target, accept))
        const [full, bare] = readAnswers(octets, ['GET', 'HEAD'])
        const told = ({ fields }: Answer) => ({ ...fields, date: null, 'x-request-id': null })
        if (full === undefined || bare === undefined) throw new Error('an answer is missing')
        expect([bare.status, told(bare)], target).to.deep.equal([full.status, told(full)])
      }
    }
  })

  it('to HTTP/1.0 are never in chunks', async () => {
    for (const target of ['/large.txt', '/folder/', '/missing', '/']) {
      for (const fields of ['', 'Accept-Encoding: gzip, br, zstd\r\n', 'TE: chunked\r\nConnection: keep-alive\r\n']) {
        const text = (await said(site.port, `GET ${target} HTTP/1.0\r\n${fields}\r\n`)).toString('latin1')
        expect(text, target).to.match(/^HTTP\/1\.1 \d{3} /)
        expect(text.slice(0, text.indexOf('\r\n\r\n')), target).not.to.match(/transfer-encoding/i)
      }
    }
  })

  it('are problems of RFC 9457 for who asks for them', async () => {
    const raw = get('/missing', 'Accept: application/problem+json\r\n')
    const [answer] = readAnswers(await said(site.port, raw))
    expect(answer?.fields['content-type']).to.equal('application/problem+json')
    const problem: unknown = JSON.parse(answer?.body.toString() ?? '')
    expect(problem).to.include({ status: 404, title: 'Not Found', asked: 'GET /missing' }).and.not.have.property('type')
    expect(problem).to.have.property('detail').that.is.a('string')
    // By these the journal has it.
    expect(problem).to.have.property('connection').that.is.a('string')
    expect(problem).to.have.property('request').that.is.a('string')
  })
})
