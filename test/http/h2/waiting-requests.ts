/** Requests that wait for a desk, and are taken back meanwhile. */
import { expect } from 'chai'
import { eventually } from '../../kit/eventually.ts'
import { type FakeDesk, fakeDesk } from '../../kit/fake-desk.ts'
import { serveSite } from '../site.ts'
import { fields, flags, frame, pseudo, types, uint32 } from './frame.ts'
import type { FrameClient } from './frame-client.ts'

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

/** Of the requests. */
export const streams = Array.from({ length: 12 }, (_, nth) => 2 * nth + 1)

/** A site whose requests wait for a desk that says nothing. */
export const waiting = async (maxResets: number) => {
  const desk = silentDesk()
  const options = { http2: 'prior-knowledge', maxResets, routes: [{ path: '/private/', auth: ['alice'] }] }
  const site = await serveSite({ 'www/a.txt': 'hello\n', 'www/private/a.txt': 'secret\n' }, { options, desk })
  return { site, desk }
}

/** Asks, until the desk is at each of them. */
export const ask = async (client: FrameClient, desk: FakeDesk, withContent = false) => {
  await client.send(...streams.map((stream) => privately(stream, withContent)))
  await eventually(() => expect(desk.attempts).to.have.length(streams.length))
}

/** Asks, and takes it all back then. */
export const askAndTakeBack = async (
  client: FrameClient,
  desk: FakeDesk,
  { code, withContent }: { code: number; withContent: boolean },
) => {
  await ask(client, desk, withContent)
  await client.send(...streams.map((stream) => reset(stream, code)))
}
