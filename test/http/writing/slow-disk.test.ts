import { expect } from 'chai'
import { fakeDesk } from '../../kit/fake-desk.ts'
import { WritableSite } from './home.ts'

const file = 'alice/public_html/a'

describe('a PUT whose content the disk takes long to keep', () => {
  it('does not have the turn of its file meanwhile, and judges when it has it', async () => {
    const desk = fakeDesk()
    const reached = Promise.withResolvers<void>()
    const kept = Promise.withResolvers<void>()
    const slow = {
      ...desk,
      sync: async (path: string) => {
        if (!path.endsWith('/public_html')) {
          reached.resolve()
          await kept.promise
        }
        await desk.sync(path)
      },
    }
    await using site = await WritableSite.serve({ 'files/alice/public_html/a': 'old' }, { desk: slow })
    const tag = (await site.ask('HEAD', '/~alice/a', { as: null })).fields['etag'] ?? ''
    const puts = [
      site.status('PUT', '/~alice/a', { content: 'on condition', fields: { 'If-Match': tag } }),
      site.status('PUT', '/~alice/a', { content: 'without' }),
    ]
    await reached.promise
    {
      using _turn = await desk.turn(file)
      await site.put('a', 'of another process')
      kept.resolve()
    }
    expect(await Promise.all(puts)).to.deep.equal([412, 204])
    expect(await site.text('a')).to.equal('without')
  })
})
