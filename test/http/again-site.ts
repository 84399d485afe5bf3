import type { HttpRequest } from '../../servers/http/handler.ts'
import { protocol } from '../../servers/http/options.ts'
import { type Reply, withOctets } from '../../servers/http/replies.ts'
import { HttpServer } from '../../servers/http/service.ts'
import type { Client } from '../kit/client.ts'
import type { Running } from '../kit/serving.ts'
import { type Answer, readAnswers } from './raw.ts'
import { serveSite } from './site.ts'

/** GET of a path on localhost. @param fields each with its line break */
export const getOf = (target: string, fields = ''): string => `GET ${target} HTTP/1.1\r\nHost: localhost\r\n${fields}\r\n`

/** One request, and its answer with a body of known length. */
export const exchange = async (client: Client, request: string): Promise<Answer> => {
  await client.send(request)
  return nextAnswer(client, request.split(' ')[0])
}

/** The next answer. @param method of its request */
export const nextAnswer = async (client: Client, method = 'GET'): Promise<Answer> => {
  const lines: string[] = []
  for (let line = await client.line(); line !== ''; line = await client.line()) lines.push(line)
  const head = `${lines.join('\r\n')}\r\n\r\n`
  const octets = Number(/^content-length: (\d+)$/im.exec(head)?.[1] ?? 0)
  const body = await client.octets(method === 'HEAD' ? 0 : octets)
  const [answer] = readAnswers(Buffer.concat([Buffer.from(head, 'latin1'), body]), [method])
  if (answer === undefined) throw new Error('no answer')
  return answer
}

/** What a site without files says. */
export interface Answering {
  /** To GET of `/large`; to all else its method and target. The answer to `/ends` is the last of its connection. */
  readonly large?: Buffer
  /** How long it takes to answer `/slow`. */
  readonly slow?: () => Promise<unknown>
  readonly fields?: readonly string[]
}

/** A site without files that would give every answer again, and counts the requests that it was asked. */
export class AgainSite implements AsyncDisposable {
  readonly site: Running
  readonly #asked: () => number

  private constructor(site: Running, asked: () => number) {
    this.site = site
    this.#asked = asked
  }

  static async start(answering: Answering = {}, setup: Parameters<typeof serveSite>[1] = {}): Promise<AgainSite> {
    let asked = 0
    const options = protocol.options.parse(setup.options ?? {})
    const answer = async ({ exchange: { method, target } }: HttpRequest): Promise<Reply> => {
      asked += 1
      if (target === '/slow') await answering.slow?.()
      const octets = target === '/large' && answering.large !== undefined ? answering.large : Buffer.from(`${method} ${target}`)
      const reply = withOctets(200, answering.fields ?? [], octets)
      if (target === '/slow') return reply
      return { ...reply, again: () => octets, ...(target === '/ends' ? { ends: true } : {}) }
    }
    const site = await serveSite(
      {},
      {
        ...setup,
        limits: { memoryOctets: 64 * 2 ** 20, ...setup.limits },
        create: (context) => new HttpServer({ ...context, options }, { allow: () => null, answer }),
      },
    )
    return new AgainSite(site, () => asked)
  }

  /** Requests that were read, checked and answered. */
  get asked(): number {
    return this.#asked()
  }

  get port(): number {
    return this.site.port
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.site.close()
  }
}
