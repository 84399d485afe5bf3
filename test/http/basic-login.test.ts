import { expect } from 'chai'
import { readCredentials } from '../../servers/http/routing/basic-login.ts'
import type { Running } from '../kit/serving.ts'
import { nodeUpstream } from './proxy/upstream.ts'
import { get } from './raw.ts'
import { serveSite } from './site.ts'

const encoded = (text: string, coding: BufferEncoding = 'utf8') => Buffer.from(text, coding).toString('base64')

describe('a name and a password (RFC 7617)', () => {
  it('are read from what the scheme has, in letters of either case, behind one blank or more', () => {
    const alice = { name: 'alice', password: 'wonder' }
    for (const scheme of ['Basic', 'basic', 'BASIC', 'Basic  ', ' Basic'])
      expect(readCredentials(`${scheme} ${encoded('alice:wonder')}`), scheme).to.deep.equal(alice)
  })

  it('are cut at the first colon: a name has none, a password may', () => {
    for (const [text, name, password] of [
      ['alice:wonder land:1', 'alice', 'wonder land:1'],
      ['alice:', 'alice', ''],
      [':wonder', '', 'wonder'],
      [':', '', ''],
      ['alice@havre.test::', 'alice@havre.test', ':'],
    ] as const)
      expect(readCredentials(`Basic ${encoded(text)}`), text).to.deep.equal({ name, password })
  })

  it('are UTF-8, as the challenge asks for, and Latin-1 where they can be no UTF-8', () => {
    const greeting = { name: 'jörg', password: 'grüße' }
    expect(readCredentials(`Basic ${encoded('jörg:grüße')}`)).to.deep.equal(greeting)
    expect(readCredentials(`Basic ${encoded('jörg:grüße', 'latin1')}`)).to.deep.equal(greeting)
    expect(readCredentials(`Basic ${encoded('test:123£')}`)).to.deep.equal({ name: 'test', password: '123£' })
  })

  const none: readonly [what: string, field: string][] = [
    ['another scheme', `Bearer ${encoded('alice:wonder')}`],
    ['a scheme that only begins so', `Basics ${encoded('alice:wonder')}`],
    ['a scheme alone', 'Basic'],
    ['nothing', ''],
    ['a tab between', `Basic\t${encoded('alice:wonder')}`],
    ['no colon', `Basic ${encoded('alice')}`],
    ['a line break in the name', `Basic ${encoded('ali\nce:wonder')}`],
    ['a NUL in the password', `Basic ${encoded('alice:won\0der')}`],
    ['a DEL in the password', `Basic ${encoded('alice:won\x7fder')}`],
    ['a letter that base64 has not', 'Basic YWxp_2U6eA=='],
    ['two credentials', `Basic ${encoded('alice:wonder')}, Basic ${encoded('bob:builder')}`],
    ['something behind them', `Basic ${encoded('alice:wonder')} x`],
    ['too many signs at the end', `Basic ${encoded('alice:wonder')}====`],
    ['names of parameters', 'Basic name=alice'],
  ]
  for (const [what, field] of none) it(`are not ${what}`, () => expect(readCredentials(field)).to.equal(null))
})

describe('paths that need a login', () => {
  let site: Running
  before(async () => {
    site = await serveSite({ 'www/private/a.txt': 'secret' }, { options: { routes: [{ path: '/private/', auth: ['alice'] }] } })
  })
  after(() => site.close())

  const ask = (authorization: string) => get(site.port, '/private/a.txt', { Authorization: authorization })

  it('answer what is no login as they answer none: 401 with the challenge, nobody is asked', async () => {
    const asked = site.desk.attempts.length
    for (const field of ['Basic', 'Bearer abc', 'Digest username="alice"', `Basic ${encoded('alice')}`, 'Negotiate']) {
      const { status, fields, body } = await ask(field)
      expect([status, fields['www-authenticate']], field).to.deep.equal([401, 'Basic realm="Havre", charset="UTF-8"'])
      expect(body.toString()).not.to.contain('secret')
    }
    expect(site.desk.attempts.length).to.equal(asked)
  })

  it('are 403 to another account, with no challenge: it would not help', async () => {
    const { status, fields } = await ask(`Basic ${encoded('bob:builder-2')}`)
    expect([status, fields['www-authenticate']]).to.deep.equal([403, undefined])
  })

  it('tell an upstream server the account and not the password; what nobody looked at here goes on as it came (RFC 9110 §11.6.2)', async () => {
    await using upstream = await nodeUpstream(({ headers }, answer) =>
      answer.end(`${headers['authorization']} ${headers['x-forwarded-user']}`),
    )
    const routes = [
      { path: '/private/', auth: 'any', proxy: upstream.url },
      { path: '/open/', proxy: upstream.url },
    ]
    await using proxy = await serveSite({}, { options: { routes } })
    const Authorization = `Basic ${encoded('Alice:wonder land:1')}`
    const told = async (path: string) =>
      (await get(proxy.port, path, { Authorization, 'X-Forwarded-User': 'bob', Connection: 'close' })).body.toString()
    expect(await told('/private/')).to.equal('undefined alice')
    expect(await told('/open/')).to.equal(`${Authorization} undefined`)
  })

  it('say nothing that would let a shared cache keep them (RFC 9111 §3.5)', async () => {
    const { status, fields } = await ask(`bAsIc ${encoded('alice:wonder land:1')}`)
    expect([status, fields['cache-control']]).to.deep.equal([200, 'no-cache'])
  })
})
