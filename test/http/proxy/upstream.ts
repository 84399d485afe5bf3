import { once } from 'node:events'
import { createServer as createHttp, type Server as HttpServerOfNode, type RequestListener } from 'node:http'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import type { HttpOptions } from '../../../servers/http/options.ts'
import { Proxies } from '../../../servers/http/proxy/proxies.ts'
import type { ProxyOptions } from '../../../servers/http/routing/route-options.ts'
import { HttpServer } from '../../../servers/http/service.ts'
import { loadProtocol, type Running, type Setup, serve } from '../../kit/serving.ts'

/** An upstream server of a test. */
export interface Upstream extends AsyncDisposable {
  readonly port: number
  readonly url: string
  /** Connections that were made to it, in turn. */
  readonly connections: readonly Socket[]
  close(): Promise<void>
}

/** Of a server that the test has made. */
export const upstreamOf = async (server: Server | HttpServerOfNode, port = 0): Promise<Upstream> => {
  const connections: Socket[] = []
  server.on('connection', (socket: Socket) => {
    connections.push(socket)
    socket.on('error', () => undefined)
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  const { port: given } = server.address() as AddressInfo
  const close = async () => {
    for (const socket of connections) socket.destroy()
    if (!server.listening) return
    server.close()
    await once(server, 'close')
  }
  return { port: given, url: `http://127.0.0.1:${given}`, connections, close, [Symbol.asyncDispose]: close }
}

/** One that speaks HTTP as Node does. */
export const nodeUpstream = (listener: RequestListener, port?: number): Promise<Upstream> => upstreamOf(createHttp(listener), port)

/** One that says what it likes: called for each head that has come, with the head as it came. */
export const rawUpstream = (answer: (head: string, socket: Socket) => void, port?: number): Promise<Upstream> =>
  upstreamOf(
    createServer((socket) => {
      let text = ''
      socket.on('data', (octets: Buffer) => {
        text += octets.toString('latin1')
        for (let end = text.indexOf('\r\n\r\n'); end !== -1; end = text.indexOf('\r\n\r\n')) {
          const head = text.slice(0, end + 4)
          text = text.slice(end + 4)
          answer(head, socket)
        }
      })
    }),
    port,
  )

/** A port that nobody listens on, and that the system gives to nobody. */
export const deadUrl = 'http://127.0.0.1:1'

/** What a test sets of a route. */
export interface RouteSetup {
  readonly path?: string
  readonly timeouts?: Partial<ProxyOptions['timeouts']>
  readonly health?: ProxyOptions['health']
  readonly host?: ProxyOptions['host']
  readonly maxContentOctets?: number
  readonly trusted?: boolean
  readonly setup?: Partial<Setup>
}

/** Serves one route, all of the site unless told otherwise, from upstream servers. */
export const serveProxy = async (to: string | readonly string[], route: RouteSetup = {}): Promise<Running> => {
  const { options } = await loadProtocol('http')
  return serve({
    service: 'http',
    ...route.setup,
    create: (context) => {
      const proxies = new Proxies(() => route.trusted === true, context.log)
      const handler = proxies.handler(route.path ?? '/', {
        to: typeof to === 'string' ? [to] : to,
        timeouts: { connectMs: 20_000, responseMs: 20_000, idleMs: 20_000, ...route.timeouts },
        health: route.health ?? null,
        host: route.host ?? 'client',
        maxContentOctets: route.maxContentOctets ?? 10_000_000,
      })
      return new HttpServer({ ...context, options: options.parse({}) as HttpOptions }, handler, [proxies])
    },
  })
}
