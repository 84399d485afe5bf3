import { rm, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { fakeDesk } from '../../kit/fake-desk.ts'
import { WritableSite } from './home.ts'

const rounds = 30

describe('two services that write the same homes', function () {
  this.timeout(60_000)
  let one: WritableSite
  let other: WritableSite
  before(async () => {
    const desk = fakeDesk()
    one = await WritableSite.serve({ 'files/alice/public_html/a': 'first' }, { desk })
    const shared = join(one.running.settings.data, 'files')
    const prepare = async ({ data }: { readonly data: string }) => {
      await rm(join(data, 'files'), { recursive: true })
      await symlink(shared, join(data, 'files'))
    }
    other = await WritableSite.serve({}, { desk, prepare })
  })
  after(async () => {
    await other?.[Symbol.asyncDispose]()
    await one?.[Symbol.asyncDispose]()
  })

  const statuses = async (method: string, fields: Readonly<Record<string, string>>, contents: readonly (string | null)[]) => {
    const asked = [one, other].map((site, nth) => site.status(method, '/~alice/a', { fields, content: contents[nth] ?? null }))
    return Promise.all(asked)
  }
  const tag = async () => (await one.ask('HEAD', '/~alice/a', { as: null })).fields['etag'] ?? ''

  it('take one change of two that know the same file: If-Match', async () => {
    for (let round = 0; round < rounds; round += 1) {
      const sent = [`one ${round}`, `other ${round}`]
      const told = await statuses('PUT', { 'If-Match': await tag() }, sent)
      expect(told.toSorted(), `round ${round}`).to.deep.equal([204, 412])
      expect(await one.text('a')).to.equal(sent[told.indexOf(204)])
    }
  })

  it('remove it once, and make it once: If-None-Match', async () => {
    for (let round = 0; round < rounds; round += 1) {
      expect((await statuses('DELETE', { 'If-Match': await tag() }, [])).toSorted(), `round ${round}`).to.deep.equal([204, 404])
      const made = await statuses('PUT', { 'If-None-Match': '*' }, ['one', 'other'])
      expect(made.toSorted(), `round ${round}`).to.deep.equal([201, 412])
    }
  })

  it('put a change without conditions behind one that knew the file, or refuse the latter', async () => {
    for (let round = 0; round < rounds; round += 1) {
      const known = one.status('PUT', '/~alice/a', { fields: { 'If-Match': await tag() }, content: `known ${round}` })
      const any = other.status('PUT', '/~alice/a', { content: `any ${round}` })
      expect(await any).to.equal(204)
      expect(await known).to.be.oneOf([204, 412])
      expect(await one.text('a'), `round ${round}`).to.equal(`any ${round}`)
    }
  })
})
