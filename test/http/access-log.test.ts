import { expect } from 'chai'
import { type AccessEntry, accessLine, escapeField, withoutPassword } from '../../servers/http/access-log.ts'
import type { Running } from '../kit/serving.ts'
import { get, said } from './raw.ts'
import { serveSite } from './site.ts'

const entry: AccessEntry = {
  address: '192.0.2.1',
  at: new Date('2026-11-21T10:08:21.999Z'),
  line: 'GET /a HTTP/1.1',
  status: 200,
  octets: 6,
  referer: undefined,
  userAgent: 'curl/8',
}

/** What a reader of Combined Log Format takes a line for. */
const combined =
  /^(\S+) (\S+) (\S+) \[(\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d [+-]\d{4})\] "((?:[^"\\]|\\.)*)" (\d{3}) (\d+|-) "((?:[^"\\]|\\.)*)" "((?:[^"\\]|\\.)*)"$/

describe('the access log', () => {
  it('is Combined Log Format', () => {
    expect(accessLine(entry)).to.equal('192.0.2.1 - - [21/Nov/2026:10:08:21 +0000] "GET /a HTTP/1.1" 200 6 "-" "curl/8"')
    expect(accessLine({ ...entry, line: null, referer: 'http://a/' })).to.match(combined)
  })

  it('tells the time of each second anew', () => {
    expect(accessLine({ ...entry, at: new Date('2027-01-02T03:04:05Z') })).to.contain('[02/Jan/2027:03:04:05 +0000]')
  })

  it('escapes whatever could end a field, a line or a terminal’s peace', () => {
    expect(escapeField('a"b\\c')).to.equal('a\\"b\\\\c')
    expect(escapeField('\x00\n\r\t\x1b[31m\x7f\x80\x9b\xff')).to.equal('\\x00\\x0A\\x0D\\x09\\x1B[31m\\x7F\\x80\\x9B\\xFF')
    expect(escapeField('漢')).to.equal('\\xE6\\xBC\\xA2')
    expect(escapeField('x'.repeat(10_000))).to.have.length(4_096)
  })

  it('keeps passwords out', () => {
    expect(withoutPassword('GET http://alice:secret@h/ HTTP/1.1')).to.equal('GET http://alice:***@h/ HTTP/1.1')
    expect(withoutPassword('http://alice:se:cr@et@h/a@b')).to.equal('http://alice:***@h/a@b')
    expect(withoutPassword('http://h:80/a:b@c')).to.equal('http://h:80/a:b@c')
  })

  describe('of a server', () => {
    let site: Running
    before(async () => {
      site = await serveSite({ 'www/a.txt': 'hello\n' })
    })
    after(() => site.close())
    const last = () => site.journal.written.access.at(-1) ?? ''

    it('has the request as it was, and JSON beside it', async () => {
      await get(site.port, '/a.txt?q=1', { Referer: 'http://from/', 'User-Agent': 'me' })
      expect(last()).to.match(/^127\.0\.0\.1 - - \[[^\]]+\] "GET \/a\.txt\?q=1 HTTP\/1\.1" 200 6 "http:\/\/from\/" "me"$/)
      const { level, fields } = site.journal.of('request.finished').at(-1) ?? {}
      expect(level).to.equal('info')
      expect(fields).to.deep.include({ method: 'GET', path: '/a.txt', status: 200, octets: 6 })
      expect(fields).to.have.property('durationMs').that.is.a('number')
      expect(fields).to.have.property('connection').that.is.a('string')
      expect(fields)
        .to.have.property('remote')
        .that.matches(/^127\.0\.0\.1:\d+$/)
      expect(fields).not.to.have.property('complete')
    })

    it('counts no octets for HEAD and 304', async () => {
      await get(site.port, '/a.txt', {}, 'HEAD')
      expect(last()).to.contain('" 200 0 "')
      await get(site.port, '/a.txt', { 'If-None-Match': '*' })
      expect(last()).to.contain('" 304 0 "')
    })

    it('cannot be forged', async () => {
      const forged = '" 200 1 "-" "-"\\\n127.0.0.1 - - [x] "GET / HTTP/1.1'
      for (const fields of [
        { 'User-Agent': '" 200 1 "-" "x' },
        { Referer: 'a\\" "b' },
        { 'User-Agent': `\xff\x80${'"'.repeat(50)}\\` },
        { 'User-Agent': 'a\t\tb' },
      ]) {
        await get(site.port, '/a.txt?"\\"', fields)
        expect(last()).to.match(combined)
        expect(combined.exec(last())?.[6]).to.equal('200')
      }
      await said(site.port, Buffer.from(`GET /${forged} HTTP/1.1\r\nHost: a\r\n\r\n`, 'latin1'))
      await said(site.port, Buffer.from('GET /\x1b]0;owned\x07 HTTP/1.1\r\nHost: a\r\n\r\n', 'latin1'))
      for (const line of site.journal.written.access) expect(line).to.match(combined)
      expect(site.journal.text()).not.to.match(/[\0-\x09\x0b-\x1f\x7f-\x9f]/)
    })

    it('never has a password, a cookie or a query in JSON', async () => {
      await said(
        site.port,
        'GET http://alice:hunter2@h/ HTTP/1.1\r\nHost: h\r\nAuthorization: Basic aHVudGVyMg==\r\nCookie: hunter2\r\nReferer: http://a:hunter2@h/\r\n\r\n',
      )
      await said(site.port, 'GET /\xff?hunter2 HTTP/1.1\r\nAuthorization: Basic aHVudGVyMg==\r\n\r\n')
      await said(site.port, 'GET /a.txt?token=hunter3 HTTP/1.1\r\nHost: h\r\n\r\n')
      expect(site.journal.records.map((record) => JSON.stringify(record)).join('')).not.to.match(/hunter|aHVud/)
      expect(site.journal.written.access.join('')).not.to.match(/hunter2@|aHVud/)
    })
  })
})
