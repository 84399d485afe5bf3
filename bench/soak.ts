/**
 * All four services under a mixed load: `npm run bench -- soak`, or `node bench/soak.ts [SECONDS] [SEED] [SERVICE…]`. Clients, good and bad, of
 * all sizes of messages and files, HTTP in both versions and through its proxy; `HAVRE_BENCH_CLIENTS=5` of each service in place of
 * 20, `HAVRE_BENCH_PAUSE=1000` the most milliseconds that each rests between two conversations; prints the memory of each process as time goes on, and whether it still grows. Fails when a
 * process grows or anything went wrong.
 */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { runSeed } from '../test/kit/seeded.ts'
import { crowd, password, startCrowd } from './kit/crowd.ts'
import { conditions, percentile } from './kit/figures.ts'
import { generate } from './kit/generator.ts'
import { members } from './kit/probe.ts'
import { type Memory, memoryOf, showMiB } from './kit/processes.ts'
import type { MixedResult, MixedTask } from './load/mixed.ts'

const seconds = Number(process.argv[2] ?? 60)
const seed = Number(process.argv[3] ?? runSeed())
const used = process.argv.length > 4 ? process.argv.slice(4) : ['http', 'ftp', 'smtp', 'pop3']
/** Of each service. */
const clients = Math.min(crowd, Number(process.env['HAVRE_BENCH_CLIENTS'] ?? crowd))
const pauseMs = Number(process.env['HAVRE_BENCH_PAUSE'] ?? 50)
const samples = 12
/**
 * Above this much more in the last third than in the second, a process grows. Less is no sign: the supervisor holds 19 MiB more when
 * two passwords were first hashed at once, and V8 collects a heap that has room only now and then.
 */
const growth = { factor: 1.1, kiB: 24 * 1024 }
const restMs = 5_000

console.log(`${conditions()}; seed ${seed}; ${clients} clients`)
// Ends with this process.
const upstream = fork(new URL('load/upstream.ts', import.meta.url), { stdio: 'inherit' })
const [upstreamPort]: number[] = await once(upstream, 'message')
const routes = `[{"path":"/proxy/","proxy":"http://127.0.0.1:${upstreamPort}/"}]`
await using family = await startCrowd(
  {},
  [
    ['services.https.protocol=http', 'services.https.tls=implicit', 'services.http.http2=prior-knowledge'],
    ['http', 'https'].flatMap((name) => [`services.${name}.write=true`, `services.${name}.routes=${routes}`]),
  ]
    .flat()
    .flatMap((setting) => ['--set', setting]),
)
await writeFile(family.folder.at('data', 'www', 'large.bin'), Buffer.alloc(2 * 1024 * 1024, 'l'))
const pids = await members(family)
const restarts = async () => (await family.status()).services.reduce((sum, service) => sum + service.restarts, 0)
const names = [...pids.values()]
const pss = new Map<string, number[]>(names.map((name) => [name, []]))

let gone = false

const sample = (when: string): void => {
  if (gone) return
  let all: Memory[]
  try {
    all = [...pids.keys()].map(memoryOf)
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH'))) throw error
    gone = true
    return console.log(`${when.padEnd(10)}a process is gone:\n${family.output()}`)
  }
  for (const { name, pssKiB } of all) pss.get(name)?.push(pssKiB)
  console.log(when.padEnd(10) + all.map(({ pssKiB, rssKiB }) => `${showMiB(pssKiB)} (${showMiB(rssKiB)})`.padStart(16)).join(''))
}

console.log(
  `PSS (RSS), MiB${names
    .map((name) => name.padStart(16))
    .join('')
    .slice(4)}`,
)
sample('at rest')
const load = generate<MixedTask, MixedResult>('mixed.ts', {
  seconds,
  seed,
  ports: {
    http: family.port('http'),
    https: family.port('https'),
    ftp: family.port('ftp'),
    smtp: family.port('smtp'),
    pop3: family.port('pop3'),
  },
  services: used,
  clients,
  pauseMs,
  password,
})
for (let taken = 1; taken <= samples; taken++) {
  await sleep((seconds * 1000) / samples)
  sample(`${Math.round((seconds * taken) / samples)} s`)
}
const { done, errors } = await load
await sleep(restMs)
sample(`${restMs / 1000} s later`)

const grown = names.filter((name) => {
  const under = pss.get(name)?.slice(1, samples + 1) ?? []
  const before = percentile(under.slice(samples / 3, (samples * 2) / 3), 0.5)
  const after = percentile(under.slice((samples * 2) / 3), 0.5)
  return after > before * growth.factor && after > before + growth.kiB
})
console.log(
  `conversations: ${Object.entries(done)
    .map(([name, count]) => `${name} ${count}`)
    .join(', ')}`,
)
for (const [error, count] of Object.entries(errors)) console.log(`error, ${count} times: ${error}`)
for (const name of names) {
  const failed = (await family.records(name)).filter(({ level }) => level === 'error')
  for (const record of failed.slice(0, 3)) console.log(`in the journal of ${name}: ${JSON.stringify(record)}`)
}
const restarted = await restarts()
console.log(`restarts: ${restarted}; growing: ${grown.join(', ') || 'none'}`)
upstream.kill()
if (gone || grown.length > 0 || restarted > 0 || Object.keys(errors).length > 0) process.exitCode = 1
