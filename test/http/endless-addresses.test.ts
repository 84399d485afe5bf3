import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { expect } from 'chai'
import { Client } from '../kit/client.ts'
import type { Running } from '../kit/serving.ts'
import { serveSite } from './site.ts'

/** Requests of each kind; a million in a long look: HAVRE_TEST_ADDRESSES=1000000. */
const wanted = Number(process.env['HAVRE_TEST_ADDRESSES'] ?? 2_500)

/** What may be left of a request, on the average: an address that was kept with what it leads to takes some hundreds. */
const leftOctets = 120

/** Requests in one packet: fewer than a connection may have waiting. */
const atOnce = 15

setFlagsFromString('--expose-gc')
const collect: unknown = runInNewContext('gc')

/** Octets that live in V8's heap and beside it, when all garbage is gone. */
const living = async (): Promise<number> => {
  if (typeof collect !== 'function') throw new Error('no collector')
  for (let n = 0; n < 4; n++) {
    await new Promise((resolve) => setTimeout(resolve, 20))
    collect()
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

const kinds: Readonly<Record<string, (n: number) => string>> = {
  'paths where nothing is': (n) => `GET /none/${n}/x HTTP/1.1\r\nHost: localhost\r\n\r\n`,
  'queries to one file': (n) => `GET /a.txt?${n} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
  'queries to a list': (n) => `GET /folder/?${n} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
  'spellings of one file': (n) =>
    `GET /${'./'.repeat(n % 40)}${'x/../'.repeat(n % 50)}a.txt?${n} HTTP/1.1\r\nHost: localhost\r\n\r\n`,
  accounts: (n) => `GET /~nobody${n}/ HTTP/1.1\r\nHost: localhost\r\n\r\n`,
  hosts: (n) => `GET /a.txt HTTP/1.1\r\nHost: h${n}.test\r\n\r\n`,
  'hosts in the target': (n) => `GET http://h${n}.test/a.txt HTTP/1.1\r\nHost: h${n}.test\r\n\r\n`,
  'fields that are asked by': (n) =>
    `GET /a.txt HTTP/1.1\r\nHost: localhost\r\nAccept: text/x${n}\r\nAccept-Encoding: x${n}, gzip;q=0.${n % 1000}\r\nOrigin: https://x${n}.test\r\nX-Request-Id: x${n}\r\n\r\n`,
  'names of fields': (n) => `GET /a.txt HTTP/1.1\r\nHost: localhost\r\nX-${n}: ${n}\r\n\r\n`,
  'ranges of a file': (n) =>
    `GET /page.html HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\nRange: bytes=${n % 500}-${n}\r\n\r\n`,
  'tags and dates': (n) =>
    `GET /a.txt HTTP/1.1\r\nHost: localhost\r\nIf-None-Match: "${n}"\r\nIf-Modified-Since: ${new Date(n * 1e6).toUTCString()}\r\n\r\n`,
}

describe('addresses without end', function () {
  this.timeout(Math.max(120_000, wanted * 10))
  let site: Running
  before(async () => {
    site = await serveSite(
      {
        'www/a.txt': 'hello\n',
        'www/folder/b.txt': 'b',
        'www/page.html': '<p>page</p>\n'.repeat(200),
        'files/alice/public_html/a': 'a',
      },
      {
        options: {
          compress: true,
          cors: { origins: ['https://a.test'] },
          sites: { '*.many.test': { root: '/nothing/here' } },
          trust: ['127.0.0.1'],
        },
      },
    )
  })
  after(() => site.close())

  /** Asks so often, and reads what is answered. The journal of the test is emptied: it keeps what a real one writes. */
  const askFor = async (requestOf: (n: number) => string, from: number, count: number): Promise<void> => {
    using client = await Client.connect(site.port, { deadlineMs: 60_000 })
    client.socket.removeAllListeners('data')
    let answers = 0
    let text = ''
    let wake: () => void = () => undefined
    client.socket.on('data', (chunk: Buffer) => {
      text = text.slice(-8) + chunk.toString('latin1')
      answers += text.split('HTTP/1.1 ').length - 1
      wake()
    })
    for (let n = from, sent = 0; n < from + count; ) {
      const batch: string[] = []
      for (; batch.length < atOnce && n < from + count; n++) {
        batch.push(requestOf(n))
      }
      client.socket.write(batch.join(''))
      sent += batch.length
      while (answers < sent && !client.ended) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    }
    site.journal.forget()
  }

  for (const [name, requestOf] of Object.entries(kinds)) {
    it(`of ${name} leave nothing behind in memory`, async () => {
      // What is bounded is filled by then, and what runs often is compiled.
      await askFor(requestOf, 0, Math.min(wanted, 6_000))
      // What the engine takes for itself meanwhile it takes once; what is kept of each is left by every round.
      let left = Number.POSITIVE_INFINITY
      for (let round = 1; round <= 5 && left / wanted >= leftOctets; round++) {
        const before = await living()
        await askFor(requestOf, round * 1_000_000, wanted)
        left = (await living()) - before
      }
      expect(left / wanted, `${Math.round(left / 1024)} KiB are left of ${wanted} requests`).to.be.lessThan(leftOctets)
    })
  }
})
