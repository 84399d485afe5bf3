import { expect } from 'chai'
import { eventually } from '../kit/eventually.ts'
import type { Running } from '../kit/serving.ts'
import { said } from './raw.ts'
import { serveSite } from './site.ts'

describe('the conversation of HTTP in the journal', () => {
  let site: Running
  beforeEach(async () => {
    site = await serveSite({ 'www/a.txt': 'hello\n' }, { conversations: true })
  })
  afterEach(() => site.close())

  /** What was taken down, as a dialogue: heads are lines, content is counted. */
  const dialogue = () =>
    site.journal.records.flatMap(({ event, fields }) => {
      if (event === 'conversation.client') return [`C: ${String(fields['text'])}`]
      if (event === 'conversation.server') return [`S: ${String(fields['text'])}`]
      return event === 'conversation.content' ? [`${fields['from'] === 'client' ? 'C' : 'S'}: (${String(fields['octets'])})`] : []
    })
  const over = () => eventually(() => expect(site.journal.of('connection.closed')).to.have.length(1))

  it('has the head of the answer as it was sent, all that the engine adds to it', async () => {
    const answer = (await said(site.port, 'GET /a.txt HTTP/1.1\r\nHost: localhost\r\nX-Mine: \xc3\xa9\r\n\r\n')).toString('latin1')
    await over()
    const lines = answer.slice(0, answer.indexOf('\r\n\r\n')).split('\r\n')
    expect(lines.some((line) => line.startsWith('Date: '))).to.equal(true)
    expect(dialogue()).to.deep.equal([
      'C: GET /a.txt HTTP/1.1',
      'C: Host: localhost',
      'C: X-Mine: é',
      ...lines.map((line) => `S: ${line}`),
      'S: (6)',
    ])
  })

  it('has no secret: neither logins nor cookies, nor a query, wherever an address stands', async () => {
    const fields = [
      'Authorization: Basic hunter2',
      'proxy-authorization: hunter2',
      'Cookie: a=hunter2',
      'X-Api-Key: hunter2',
      'X-CSRF-Token: hunter2',
      'Referer: http://u:hunter2@here/x?hunter2',
      'X-Seen: a@b, c:hunter2@d, "e":hunter2@f, @:@',
      'Accept: text/html',
    ]
    await said(
      site.port,
      `GET http://u:hunter2@localhost/a.txt?hunter2 HTTP/1.1\r\nHost: localhost\r\n${fields.join('\r\n')}\r\n\r\n`,
    )
    await over()
    expect(site.journal.records.map((record) => JSON.stringify(record)).join('\n')).not.to.contain('hunter2')
    const text = dialogue()
    expect(text[0]).to.equal('C: GET http://u:***@localhost/a.txt?******** HTTP/1.1')
    expect(text).to.include.members([
      'C: Authorization: ********',
      'C: proxy-authorization: ********',
      'C: Cookie: ********',
      'C: X-Api-Key: ********',
      'C: Referer: http://u:***@here/x?********',
      'C: X-Seen: a@b, c:***@d, "e":***@f, @:***@',
      'C: Accept: text/html',
    ])
  })

  it('has no password of a Host that is none', async () => {
    await said(site.port, 'GET / HTTP/1.1\r\nHost: u:hunter2@localhost\r\nConnection: close\r\n\r\n')
    await over()
    expect(dialogue()).to.include('C: Host: u:***@localhost')
  })

  it('has requests in their order, each before its answer', async () => {
    await said(site.port, 'GET /1 HTTP/1.1\r\nHost: a\r\n\r\nHEAD /2 HTTP/1.1\r\nHost: a\r\n\r\n')
    await over()
    expect(dialogue().filter((line) => /HTTP\//.test(line))).to.deep.equal([
      'C: GET /1 HTTP/1.1',
      'S: HTTP/1.1 404 Not Found',
      'C: HEAD /2 HTTP/1.1',
      'S: HTTP/1.1 404 Not Found',
    ])
  })

  it('has the answer to what is no request, and of that the line alone, where there is one', async () => {
    await said(site.port, 'GET /a?hunter2 HTTP/1.1\r\nA\rb: hunter2\r\n\r\n')
    await over()
    const [line, status] = dialogue()
    expect(line).to.equal('C: GET /a?******** HTTP/1.1')
    expect(status).to.equal('S: HTTP/1.1 400 Bad Request')
    expect(site.journal.records.map((record) => JSON.stringify(record)).join('\n')).not.to.contain('hunter2')
  })
})
