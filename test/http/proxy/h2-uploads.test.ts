import { expect } from 'chai'
import { eventually } from '../../kit/eventually.ts'
import { fields, flags, frame, pseudo, types, uint32 } from '../h2/frame.ts'
import { FrameClient } from '../h2/frame-client.ts'
import { serveSite } from '../site.ts'
import { nodeUpstream } from './upstream.ts'

describe('content by HTTP/2 that is passed on', () => {
  it('is not whole at the upstream server when its stream is reset, with whatever code', async () => {
    const ends: string[] = []
    await using upstream = await nodeUpstream((request) => {
      request.on('error', () => undefined)
      request.once('data', () => ends.push('begun'))
      request.once('close', () => ends.push(request.complete ? 'whole' : 'broken'))
    })
    const options = { http2: 'prior-knowledge', routes: [{ path: '/', proxy: upstream.url }] }
    await using site = await serveSite({}, { options })
    using client = await FrameClient.connect(site.port)
    for (const [at, code] of [0, 8].entries()) {
      const stream = 1 + 2 * at
      await client.send(
        frame(types.headers, flags.endHeaders, stream, fields(...pseudo('/', 'POST'))),
        frame(types.data, flags.none, stream, 'half'),
      )
      await eventually(() => expect(ends).to.deep.equal(['begun']))
      await client.send(frame(types.reset, flags.none, stream, uint32(code)))
      await eventually(() => expect(ends).to.deep.equal(['begun', 'broken']))
      ends.length = 0
    }
  }).timeout(70_000)
})
