import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { eventually } from '../../kit/eventually.ts'
import { type FakeDesk, fakeDesk } from '../../kit/fake-desk.ts'
import { serveSite } from '../site.ts'
import { fields, flags, frame, get, pseudo, types, uint32 } from './frame.ts'
import { FrameClient } from './frame-client.ts'

/** A desk that says nothing before it is let go. */
const silentDesk = (): FakeDesk & { letGo(): void } => {
  const desk = fakeDesk()
  const { promise, resolve } = Promise.withResolvers<void>()
  return {
    ...desk,
    async login(attempt) {
      const answer = desk.login(attempt)
      await promise
      return answer
    },
    letGo: resolve,
  }
}

const authorization = `Basic ${Buffer.from('alice:wonder land:1').toString('base64')}`

/** A request that needs a login, with a little content of which there is more to come, or without any. */
const privately = (stream: number, withContent: boolean): Buffer => {
  const head = fields(...pseudo('/private/a.txt'), ['authorization', authorization])
  return withContent
    ? Buffer.concat([frame(types.headers, flags.endHeaders, stream, head), frame(types.data, flags.none, stream, 'some')])
    : frame(types.headers, flags.endHeaders | flags.endStream, stream, head)
}
const reset = (stream: number, code: number) => frame(types.reset, flags.none, stream, uint32(code))

const streams = Array.from({ length: 12 }, (_, nth) => 2 * nth + 1)

/** A site whose requests wait for a desk that says nothing. */
const waiting = async (maxResets: number) => {
  const desk = silentDesk()
  const options = { http2: 'prior-knowledge', maxResets, routes: [{ path: '/private/', auth: ['alice'] }] }
  const site = await serveSite({ 'www/a.txt': 'hello\n', 'www/private/a.txt': 'secret\n' }, { options, desk })
  return { site, desk }
}

/** Asks, until the desk is at each of them. */
const ask = async (client: FrameClient, desk: FakeDesk, withContent = false) => {
  await client.send(...streams.map((stream) => privately(stream, withContent)))
  await eventually(() => expect(desk.attempts).to.have.length(streams.length))
}

/** Asks, and takes it all back then. */
const askAndTakeBack = async (
  client: FrameClient,
  desk: FakeDesk,
  { code, withContent }: { code: number; withContent: boolean },
) => {
  await ask(client, desk, withContent)
  await client.send(...streams.map((stream) => reset(stream, code)))
}

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
})
