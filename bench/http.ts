/**
 * HTTP of the whole family, as a user starts it: `npm run bench -- http`. Small and large files over kept connections and over new ones,
 * HTTP/2, a proxy's way to an upstream server, and how long requests take at 70 % of what a server can, all with the access log on; beside
 * nginx and Caddy where they are installed, and sirv and serve where a lab is named (`kit/web-peers.ts`). `node bench/http.ts ROUNDS CASES` for
 * more than one round, or for some of its cases (`1k,proxy`).
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { truncate, writeFile } from 'node:fs/promises'
import process from 'node:process'
import { startCrowd } from './kit/crowd.ts'
import { conditions, percentile } from './kit/figures.ts'
import { h2load, type WebFigures, wrk } from './kit/http-load.ts'
import { type WebPeer, WebPeers } from './kit/web-peers.ts'

const seconds = 4
const rounds = Number(process.argv[2] ?? 1)
const workers = Number(process.env['HAVRE_TEST_WORKERS'] ?? 1)

/** A case: what is asked of a server; null where it cannot. `mib`: what counts is MiB a second. */
interface Case {
  readonly name: string
  readonly counts: 'requests' | 'mib'
  load(peer: WebPeer, seconds: number): WebFigures | null
}

const requests = (name: string, load: Case['load']): Case => ({ name, counts: 'requests', load })

const cases: readonly Case[] = [
  requests('1k', ({ files }, time) => wrk(`${files}/1k.bin`, 64, time)),
  requests('100k', ({ files }, time) => wrk(`${files}/100k.bin`, 64, time)),
  { name: '1g', counts: 'mib', load: ({ files, hasLargest }, time) => (hasLargest ? wrk(`${files}/1g.bin`, 2, time * 2) : null) },
  requests('close', ({ files }, time) => wrk(`${files}/1k.bin`, 64, time, { close: true })),
  requests('h2', ({ http2 }, time) => (http2 === undefined ? null : h2load(`${http2}/1k.bin`, time, { clients: 16, streams: 16 }))),
  requests('proxy', ({ proxy }, time) => (proxy === undefined ? null : wrk(proxy, 64, time))),
  requests('70%', ({ files }, time) => {
    const url = `${files}/1k.bin`
    const most = h2load(url, Math.min(time, 2), { clients: 32, streams: 1, http1: true })
    return h2load(url, time, { clients: 32, streams: 1, http1: true, perSecond: most.perSecond * 0.7 })
  }),
]

const wanted = process.argv[3]?.split(',') ?? cases.map(({ name }) => name)

console.log(conditions())
const upstream = fork(new URL('load/upstream.ts', import.meta.url), { stdio: 'inherit' })
const [upstreamPort]: number[] = await once(upstream, 'message')
try {
  await using family = await startCrowd({}, [
    ...['--set', 'limits.connectionsPerAddress=1000', '--set', `services.http.workers=${workers}`],
    ...[
      '--set',
      'services.https.protocol=http',
      '--set',
      'services.https.tls=implicit',
      '--set',
      `services.https.workers=${workers}`,
    ],
    ...['--set', `services.http.routes=[{"path":"/proxy/","proxy":"http://127.0.0.1:${upstreamPort}/"}]`],
  ])
  const root = family.folder.at('data', 'www')
  for (const [name, octets] of [
    ['1k.bin', 1_024],
    ['100k.bin', 102_400],
  ] as const) {
    await writeFile(`${root}/${name}`, Buffer.alloc(octets, 'havre '))
  }
  await writeFile(`${root}/1g.bin`, '')
  await truncate(`${root}/1g.bin`, 2 ** 30)
  await using others = await WebPeers.start({
    folder: family.folder.path,
    root,
    upstreamPort: upstreamPort ?? 0,
    certificate: family.folder.at('data', 'tls', 'certificate.pem'),
    key: family.folder.at('data', 'tls', 'certificate.key'),
  })
  const base = `http://127.0.0.1:${family.port('http')}`
  const ours: WebPeer = {
    name: 'havre',
    files: base,
    hasLargest: true,
    http2: `https://127.0.0.1:${family.port('https')}`,
    proxy: `${base}/proxy/`,
  }
  const all = [ours, ...others.peers]
  const figures = new Map<string, WebFigures[]>()
  for (const each of cases.filter(({ name }) => wanted.includes(name))) {
    // Code that has not run yet is slow.
    for (const peer of all) each.load(peer, 1)
    for (let round = 0; round < rounds; round += 1) {
      for (const peer of all) {
        const figure = each.load(peer, seconds)
        if (figure !== null) figures.set(`${each.name} ${peer.name}`, [...(figures.get(`${each.name} ${peer.name}`) ?? []), figure])
      }
    }
    show(each, all, figures)
  }
} finally {
  upstream.kill()
}

/** Prints the medians of a case. */
function show({ name, counts }: Case, peers: readonly WebPeer[], figures: ReadonlyMap<string, readonly WebFigures[]>): void {
  const median = (peer: string, of: (figure: WebFigures) => number) =>
    percentile((figures.get(`${name} ${peer}`) ?? []).map(of), 0.5)
  const amount = (peer: string) => median(peer, (figure) => (counts === 'mib' ? figure.mibPerSecond : figure.perSecond))
  console.log(`${name.padEnd(8)}${counts === 'mib' ? 'MiB' : 'requests'} a second   Havre is   p50 ms   p99 ms   errors`)
  for (const peer of peers.filter(({ name: of }) => figures.has(`${name} ${of}`))) {
    const columns = [
      [amount(peer.name).toFixed(0), 22],
      [`${(amount('havre') / amount(peer.name)).toFixed(2)} ×`, 11],
      [median(peer.name, ({ p50Ms }) => p50Ms).toFixed(2), 9],
      [median(peer.name, ({ p99Ms }) => p99Ms).toFixed(2), 9],
      [String((figures.get(`${name} ${peer.name}`) ?? []).reduce((sum, { errors }) => sum + errors, 0)), 9],
    ] as const
    console.log(`  ${peer.name.padEnd(8)}${columns.map(([text, width]) => text.padStart(width)).join('')}`)
  }
}
