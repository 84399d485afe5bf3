import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { scopeOf } from '../../servers/http/replay/known-answers.ts'
import { Representations } from '../../servers/http/static/representation.ts'
import { FileError, type FileStore, type OpenFile } from '../../shared/files/file-store.ts'
import { Client } from '../kit/client.ts'
import { AgainSite, exchange, getOf } from './again-site.ts'

describe('what is remembered of heads that were answered', () => {
  it('is the last thousand, none of them long', async () => {
    await using site = await AgainSite.start()
    using client = await Client.connect(site.port)
    for (let n = 0; n < 1_001; n++) await exchange(client, getOf(`/${n}`))
    const { asked } = site
    await exchange(client, getOf('/1000'))
    expect(site.asked - asked, 'the last one').to.equal(0)
    await exchange(client, getOf('/0'))
    expect(site.asked - asked, 'the first one').to.equal(1)
    const long = getOf('/', `X-A: ${'a'.repeat(2_048)}\r\n`)
    for (let n = 0; n < 2; n++) await exchange(client, long)
    expect(site.asked - asked, 'a long one').to.equal(3)
  })

  it('is nothing of an answer whose date is not of its moment', async () => {
    await using site = await AgainSite.start({ fields: ['date', 'Sun, 06 Nov 1994 08:49:37 GMT'] })
    using client = await Client.connect(site.port)
    for (let n = 0; n < 3; n++) expect((await exchange(client, getOf('/a'))).fields['date']).to.match(/1994/)
    expect(site.asked).to.equal(3)
  })

  it('says the date and the name of each request anew, also where another field has either for its value', async () => {
    const fields = ['X-Request-Id', 'mine', 'X-Copy', 'Date: Sun, 06 Nov 1994 08:49:37 GMT']
    await using site = await AgainSite.start({ fields })
    using client = await Client.connect(site.port)
    const first = await exchange(client, getOf('/a'))
    while (Math.floor(Date.now() / 1_000) * 1_000 <= Date.parse(first.fields['date'] ?? '')) await sleep(50)
    const second = await exchange(client, getOf('/a'))
    expect(site.asked).to.equal(1)
    expect(second.fields['x-copy']).to.equal(first.fields['x-copy'])
    expect(second.fields['x-request-id']).to.equal(first.fields['x-request-id']?.replace(/-1$/, '-2'))
    expect(Date.parse(second.fields['date'] ?? '')).to.be.greaterThan(Date.parse(first.fields['date'] ?? ''))
  })

  it('holds for connections with the same certificate only', () => {
    const tls = (...names: string[]) => ({ tls: { names } as never })
    const scopes = [{ tls: null }, tls('a.test'), tls('a.test', 'b.test'), tls('b.test')].map(scopeOf)
    expect(new Set(scopes).size).to.equal(scopes.length)
  })
})

describe('that nothing compressed lies beside a file', () => {
  it('is believed for a second from when it was looked for, however often it is asked', async () => {
    const content = Buffer.from('some text')
    const stat = { unique: '1', octets: content.length, modifiedMs: 1_000, changedMs: 1_000 }
    const file = { stat, content, again: () => content, close: async () => undefined } as unknown as OpenFile
    let looked = 0
    const store = {
      open: async () => {
        looked += 1
        throw new FileError('missing', 'not there')
      },
    } as unknown as FileStore
    const forms = new Representations(null)
    const choose = () => forms.choose({ acceptEncoding: 'br, gzip, zstd', range: null }, file, store, '/a.txt', Date.now())
    expect((await choose()).again?.()).to.equal(content)
    const before = looked
    await sleep(600)
    const { again } = await choose()
    await sleep(600)
    // On a machine that stalled it was looked for anew.
    if (looked === before) expect(again?.()).to.equal(null)
  })
})
