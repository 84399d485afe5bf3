import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { eventually } from '../../kit/eventually.ts'
import { runNode } from '../../kit/run.ts'
import { flags, frame, get, types } from './frame.ts'
import { FrameClient } from './frame-client.ts'
import { ask, askAndTakeBack, streams, waiting } from './waiting-requests.ts'

describe('HTTP/2: requests that are taken back while they wait for something', () => {
  for (const [title, way] of [
    ['with CANCEL', { code: 8, withContent: false }],
    ['with NO_ERROR', { code: 0, withContent: false }],
    ['with CANCEL, in the middle of their content', { code: 8, withContent: true }],
    ['with NO_ERROR, in the middle of their content', { code: 0, withContent: true }],
  ] as const)
    it(`are counted at once, not when that is there: ${title} (RFC 9113 §10.5)`, async () => {
      const { site, desk } = await waiting(1)
      try {
        using client = await FrameClient.connect(site.port)
        await askAndTakeBack(client, desk, way)
        await eventually(() =>
          expect(site.journal.of('http2.flooded').map((each) => each.fields['what'])).to.deep.equal(['resets']),
        )
      } finally {
        desk.letGo()
        await site.close()
      }
    })

  it('are counted once', async () => {
    const { site, desk } = await waiting(streams.length)
    try {
      using client = await FrameClient.connect(site.port)
      await askAndTakeBack(client, desk, { code: 8, withContent: false })
      desk.letGo()
      await eventually(() => expect(site.journal.of('request.finished')).to.have.length(streams.length))
      await client.send(get(1_001))
      expect(await client.outcome(1_001)).to.equal('200')
    } finally {
      desk.letGo()
      await site.close()
    }
  })
  it('are none where the client breaks the rules, or goes: the connection ends with all of them', async () => {
    for (const how of ['breaks the rules', 'goes'] as const) {
      const { site, desk } = await waiting(1)
      try {
        using client = await FrameClient.connect(site.port)
        await ask(client, desk)
        if (how === 'goes') {
          client.client.reset()
          // It is gone before the desk says anything: only then is there anything to count.
          await sleep(100)
        } else {
          await client.send(frame(types.data, flags.none, 0, 'of no stream'))
          await client.rest()
        }
        desk.letGo()
        await eventually(() => expect(site.journal.of('request.finished')).to.have.length(streams.length))
        expect(site.journal.of('http2.flooded')).to.deep.equal([])
      } finally {
        desk.letGo()
        await site.close()
      }
    }
  })

  for (const maxResets of [1, 3, 6])
    it(`cut their connection off while others are answered, and the process goes on (at most ${maxResets})`, async () => {
      // Node would end with an assertion or SIGSEGV, so it is another process.
      const { code, signal, stderr } = await runNode([join(import.meta.dirname, 'cut-off-program.ts'), String(maxResets)])
      expect({ code, signal }, stderr).to.deep.equal({ code: 0, signal: null })
    })
})
