/**
 * Serves, and has so many requests taken back in the very moment in which all are answered that their connection is cut off. Ends with 0
 * where it was. What Node made of its memory shows at the end of the process at the latest.
 */
import process from 'node:process'
import { expect } from 'chai'
import { eventually } from '../../kit/eventually.ts'
import { FrameClient } from './frame-client.ts'
import { askAndTakeBack, streams, waiting } from './waiting-requests.ts'

const { site, desk } = await waiting(Number(process.argv[2]))
using client = await FrameClient.connect(site.port)
await askAndTakeBack(client, desk, { code: 8, withContent: false })
desk.letGo()
await eventually(() => expect(site.journal.of('request.finished')).to.have.length(streams.length))
await eventually(() => expect(site.journal.of('http2.flooded')).to.have.length(1))
await client.rest()
await site.close()
