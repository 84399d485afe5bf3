import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { Client } from '../../kit/client.ts'
import { eventually } from '../../kit/eventually.ts'
import { undisturbed } from '../../kit/undisturbed.ts'
import { readAnswers } from '../raw.ts'
import { loginOf, WritableSite } from './home.ts'

const deadlineMs = 1_500
/** What has to come in this time, at least. */
const leastOctets = 64 * 1024

const head = (name: string, framing: string): string =>
  `PUT /~alice/${name} HTTP/1.1\r\nHost: a\r\nAuthorization: ${loginOf('alice')}\r\n${framing}\r\nConnection: close\r\n\r\n`

describe('uploads that are slow', function () {
  this.timeout(120_000)
  const serve = () =>
    WritableSite.serve(
      { 'files/alice/public_html/a.txt': 'old' },
      { options: { timeouts: { headers: '1s', request: `${deadlineMs}ms`, keepAlive: '1s' } } },
    )

  it('but go on are taken whole, however much longer than the deadline they take', () =>
    undisturbed(400, async () => {
      await using site = await serve()
      const octets = 40 * leastOctets
      using client = await Client.connect(site.running.port, { deadlineMs: 60_000 })
      await client.send(head('big.bin', `Content-Length: ${octets}`))
      const from = performance.now()
      // In each period at least twice what is asked for, unless the machine stands still.
      for (let sent = 0; sent < octets; sent += leastOctets / 2) {
        await client.send(Buffer.alloc(leastOctets / 2, 'x'))
        await sleep(40)
      }
      const [answer] = readAnswers(await client.rest(), ['PUT'])
      expect(performance.now() - from).to.be.greaterThan(deadlineMs * 1.5)
      expect(answer?.status).to.equal(201)
      expect((await site.text('big.bin')).length).to.equal(octets)
    }))

  for (const [name, framing, piece] of [
    ['an octet', 'Content-Length: 100000', 'x'],
    ['a chunk', 'Transfer-Encoding: chunked', '1\r\nx\r\n'],
    ['nothing', 'Content-Length: 100000', ''],
  ] as const) {
    it(`and send ${name} now and then are told 408, and leave the old file and nothing else`, () =>
      undisturbed(400, async () => {
        await using site = await serve()
        const clients = await Promise.all(
          Array.from({ length: 10 }, () => Client.connect(site.running.port, { deadlineMs: 60_000 })),
        )
        const going = clients.map(async (client) => {
          await client.send(head('a.txt', framing))
          while (!client.ended && client.unread === 0) {
            if (piece !== '') await client.send(piece)
            await sleep(50)
          }
          const [answer] = readAnswers(await client.rest(), ['PUT'])
          return answer?.status
        })
        expect((await site.ask('GET', '/~alice/a.txt', { as: null })).body.toString()).to.equal('old')
        expect(await Promise.all(going)).to.deep.equal(clients.map(() => 408))
        await eventually(async () => expect(await site.names()).to.deep.equal(['a.txt']))
        expect(await site.text('a.txt')).to.equal('old')
      }))
  }
})
