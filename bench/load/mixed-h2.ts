/** The clients of HTTP/2 of the mixed load: sessions in clear and over TLS, with several streams at once, good ones and bad ones. */
import { once } from 'node:events'
import { type ClientHttp2Session, connect, constants, type OutgoingHttpHeaders } from 'node:http2'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Seeded } from '../../test/kit/seeded.ts'

/** Who asks, and where. */
export interface H2Client {
  readonly ports: { readonly http: number; readonly https: number }
  readonly account: string
  readonly password: string
}

/** What an answer came to. */
interface Answered {
  readonly status: number
  readonly octets: number
}

const ask = async (session: ClientHttp2Session, headers: OutgoingHttpHeaders, content: Buffer | null = null): Promise<Answered> => {
  const stream = session.request(headers, { endStream: content === null })
  if (content !== null) stream.end(content)
  let status = 0
  let octets = 0
  stream.on('response', (head) => {
    status = head[':status'] ?? 0
  })
  stream.on('data', (chunk: Buffer) => {
    octets += chunk.length
  })
  await once(stream, 'close')
  if (stream.rstCode !== constants.NGHTTP2_NO_ERROR) throw new Error(`a stream was reset: ${stream.rstCode}`)
  return { status, octets }
}

const demand = ({ status }: Answered, ...allowed: readonly number[]): void => {
  if (!allowed.includes(status)) throw new Error(`HTTP/2 answered ${status}`)
}

/** One file of the account's, stored, read back and removed. */
const putAndDelete = async (session: ClientHttp2Session, { account, password }: H2Client, random: Seeded): Promise<void> => {
  const content = Buffer.alloc(random.pick([0, 1_000, 100_000, 1_048_576]), 'w')
  const path = `/~${account}/h2-${random.text(8)}.bin`
  const authorization = `Basic ${btoa(`${account}:${password}`)}`
  demand(
    await ask(session, { ':method': 'PUT', ':path': path, authorization, 'content-length': content.length }, content),
    201,
    204,
  )
  const read = await ask(session, { ':path': path })
  if (read.octets !== content.length) throw new Error('a file that was stored over HTTP/2 did not come back')
  demand(await ask(session, { ':method': 'DELETE', ':path': path, authorization }), 204)
}

/** What is asked for, and what may be said to it. */
const targets: readonly (readonly [headers: OutgoingHttpHeaders, ...allowed: number[]])[] = [
  [{ ':path': '/' }, 200],
  [{ ':path': '/', 'accept-encoding': 'gzip, br, zstd' }, 200],
  [{ ':path': '/large.bin' }, 200],
  [{ ':path': '/large.bin', range: 'bytes=1000-70000' }, 206],
  [{ ':path': '/large.bin', range: 'bytes=0-9,20-29,-10' }, 206],
  [{ ':path': '/none', accept: 'application/json' }, 404],
  [{ ':method': 'HEAD', ':path': '/large.bin' }, 200],
  [{ ':method': 'OPTIONS', ':path': '/' }, 204, 200],
  [{ ':path': '/proxy/' }, 200],
  [{ ':path': '/proxy/?octets=300000' }, 200],
]

/** One session, from its first stream to its end. */
export const converseOverH2 = async (client: H2Client, random: Seeded): Promise<void> => {
  const secure = random.chance(0.5)
  const { http, https } = client.ports
  const session = secure
    ? connect(`https://localhost:${https}`, { rejectUnauthorized: false })
    : connect(`http://localhost:${http}`)
  const failed = Promise.withResolvers<never>()
  session.on('error', failed.reject)
  failed.promise.catch(() => undefined)
  try {
    await Promise.race([converse(session, client, random), failed.promise])
    if (random.chance(0.1)) return // leaves without a word
    session.close()
    if (!session.destroyed) await Promise.race([once(session, 'close'), failed.promise])
  } finally {
    session.destroy()
  }
}

const converse = async (session: ClientHttp2Session, client: H2Client, random: Seeded): Promise<void> => {
  if (random.chance(0.2)) return putAndDelete(session, client, random)
  if (random.chance(0.1)) {
    // A client that takes back what it asked for, unread.
    const stream = session.request({ ':path': '/large.bin' })
    stream.on('error', () => undefined)
    await sleep(random.between(0, 50))
    stream.close(constants.NGHTTP2_CANCEL)
    return void stream.resume()
  }
  await Promise.all(
    Array.from({ length: random.between(1, 8) }, async () => {
      const [headers, ...allowed] = random.pick(targets)
      demand(await ask(session, headers), ...allowed)
    }),
  )
}
