import { rename, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { protocol } from '../../servers/http/options.ts'
import { assemble } from '../../servers/http/routing/assembly.ts'
import { Trust } from '../../servers/http/routing/trust.ts'
import { HttpServer } from '../../servers/http/service.ts'
import type { Context } from '../../shared/service.ts'
import { Client } from '../kit/client.ts'
import type { Running } from '../kit/serving.ts'
import { type Answer, readAnswers } from './raw.ts'
import { fileDate, serveSite } from './site.ts'

/** A site that counts how many requests were answered in the usual way. */
class CountingSite implements AsyncDisposable {
  readonly site: Running
  #asked: () => number

  private constructor(site: Running, asked: () => number) {
    this.site = site
    this.#asked = asked
  }

  static async start(tree: Parameters<typeof serveSite>[0], setup: Parameters<typeof serveSite>[1] = {}): Promise<CountingSite> {
    let asked = 0
    const options = protocol.options.parse(setup.options ?? {})
    const create = (given: Context<unknown>) => {
      const context = { ...given, options }
      const { router, companions } = assemble(context, new Trust([]))
      const answer: typeof router.answer = (request) => {
        asked += 1
        return router.answer(request)
      }
      return new HttpServer(context, { answer }, companions)
    }
    return new CountingSite(await serveSite(tree, { ...setup, create }), () => asked)
  }

  /** Requests that were read, checked and answered. */
  get asked(): number {
    return this.#asked()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.site.close()
  }
}

/** One request, and its answer with a body of known length. */
const exchange = async (client: Client, request: string): Promise<Answer> => {
  await client.send(request)
  const lines: string[] = []
  for (let line = await client.line(); line !== ''; line = await client.line()) lines.push(line)
  const head = `${lines.join('\r\n')}\r\n\r\n`
  const octets = Number(/^content-length: (\d+)$/im.exec(head)?.[1] ?? 0)
  const body = await client.octets(request.startsWith('HEAD') ? 0 : octets)
  const [answer] = readAnswers(Buffer.concat([Buffer.from(head, 'latin1'), body]), [request.split(' ')[0] ?? ''])
  if (answer === undefined) throw new Error('no answer')
  return answer
}

const request = (target: string, fields = ''): string => `GET ${target} HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n`

/** Asks until the answer came without anybody being asked for it: of a file that was written just now nobody knows whether it stays as it is. */
const untilKnown = async (counting: CountingSite, client: Client, raw: string): Promise<Answer> => {
  for (const until = performance.now() + 20_000; performance.now() < until; await sleep(20)) {
    const before = counting.asked
    const answer = await exchange(client, raw)
    if (counting.asked === before) return answer
  }
  throw new Error('the answer never became known')
}

const withoutNames = ({ octets }: Answer): string => octets.toString('latin1').replace(/^(X-Request-Id|Date): .*$/gm, '$1')

describe('requests that are the same', () => {
  it('get the same answer, but for its date and the name of the request, and a record each', async () => {
    await using counting = await CountingSite.start({ 'www/a.txt': 'hello\n' })
    using client = await Client.connect(counting.site.port)
    const first = await exchange(client, request('/a.txt'))
    const known = await untilKnown(counting, client, request('/a.txt'))
    expect(withoutNames(known)).to.equal(withoutNames(first))
    expect(known.body.toString()).to.equal('hello\n')
    const lines = counting.site.journal.written.access
    const records = counting.site.journal.of('request.finished')
    expect(records.length).to.equal(lines.length)
    const ids = records.map(({ fields }) => fields['request'])
    expect(ids.at(-1)).to.equal(known.fields['x-request-id'])
    expect(ids.map((id) => Number(/-(\d+)$/.exec(String(id))?.[1]))).to.deep.equal(ids.map((_, at) => at + 1))
    expect(records.at(-1)?.fields).to.deep.include({ method: 'GET', path: '/a.txt', status: 200, octets: 6 })
    const stampless = (line: string | undefined) => line?.replace(/\[.*?\]/, '')
    expect(stampless(lines.at(-1))).to.equal(stampless(lines[0]))
  })

  it('get a new answer as soon as the file is another', async () => {
    await using counting = await CountingSite.start({ 'www/a.txt': 'hello\n' })
    using client = await Client.connect(counting.site.port)
    const path = join(counting.site.settings.data, 'www', 'a.txt')
    await untilKnown(counting, client, request('/a.txt'))
    await writeFile(path, 'HELLO\n')
    expect((await exchange(client, request('/a.txt'))).body.toString()).to.equal('HELLO\n')
    await writeFile(`${path}.new`, 'third\n')
    await utimes(`${path}.new`, new Date(fileDate), new Date(fileDate))
    await rename(`${path}.new`, path)
    expect((await exchange(client, request('/a.txt'))).body.toString()).to.equal('third\n')
  })

  it('are none within the content of another request', async () => {
    await using counting = await CountingSite.start({ 'www/a.txt': 'hello\n' })
    using client = await Client.connect(counting.site.port)
    const known = request('/a.txt')
    await untilKnown(counting, client, known)
    await client.send(`POST /a.txt HTTP/1.1\r\nHost: localhost\r\nContent-Length: ${known.length}\r\n\r\n`)
    const before = counting.asked
    const refused = await exchange(client, known)
    expect(refused.status).to.equal(405)
    expect(counting.asked - before).to.be.at.most(1)
    expect((await exchange(client, known)).status).to.equal(200)
  })
})
