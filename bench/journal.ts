/**
 * What the journal costs HTTP: `npm run bench -- journal`. Two servers, one with its journal (`http.log` and `http.access.log`), one
 * without, are loaded in turn by the same clients, who get a page of 1 KiB. Told are requests a second and the server's processor
 * time for each; of other work on the machine the ratio of the latter depends least.
 */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import process from 'node:process'
import { temporaryFolder } from '../test/kit/folder.ts'
import { conditions, percentile } from './kit/figures.ts'
import { generate } from './kit/generator.ts'
import type { WebResult, WebTask } from './load/web.ts'
import type { WebServerTask, WebServerWord } from './load/web-server.ts'

const rounds = Number(process.argv[2] ?? 8)
const seconds = 1.5
const clients = 20

interface WebServer {
  readonly child: ChildProcess
  readonly port: number
  answered: number
}

const word = async (child: ChildProcess): Promise<WebServerWord> => {
  const [said]: WebServerWord[] = await once(child, 'message')
  if (said === undefined) throw new Error('the server said nothing')
  return said
}

const startServer = async (task: WebServerTask): Promise<WebServer> => {
  const child = fork(new URL('load/web-server.ts', import.meta.url), [JSON.stringify(task)], { stdio: 'inherit' })
  const said = await word(child)
  if (!('port' in said)) throw new Error('the server did not begin with its port')
  return { child, port: said.port, answered: 0 }
}

const cpuUs = async ({ child }: WebServer): Promise<number> => {
  const said = word(child)
  child.send('cpu')
  const told = await said
  return 'cpuUs' in told ? told.cpuUs : Number.NaN
}

interface Figures {
  readonly perSecond: number
  readonly cpuUsEach: number
}

const measure = async (server: WebServer): Promise<Figures> => {
  const before = await cpuUs(server)
  const result = await generate<WebTask, WebResult>('web.ts', { seconds, port: server.port, clients })
  server.answered += result.answered
  return { perSecond: result.answered / result.seconds, cpuUsEach: ((await cpuUs(server)) - before) / result.answered }
}

const linesIn = async (path: string): Promise<number> => {
  const octets = await readFile(path)
  let lines = 0
  for (let at = octets.indexOf(10); at !== -1; at = octets.indexOf(10, at + 1)) lines += 1
  return lines
}

console.log(conditions())
await using folder = await temporaryFolder()
await mkdir(folder.at('data', 'www'), { recursive: true })
await mkdir(folder.at('data', 'files'), { recursive: true })
await writeFile(folder.at('data', 'www', 'index.html'), '<p>page\n'.repeat(128))
const [bare, journalled] = await Promise.all([false, true].map((journal) => startServer({ folder: folder.path, journal })))
if (bare === undefined || journalled === undefined) throw new Error('there are two servers')
try {
  // Code that has not run yet is slow.
  for (const server of [bare, journalled]) await measure(server)
  const figures: { bare: Figures; journalled: Figures }[] = []
  for (let round = 0; round < rounds; round++) {
    // Each goes first as often as the other.
    const first = round % 2 === 0 ? await measure(bare) : null
    const withJournal = await measure(journalled)
    figures.push({ bare: first ?? (await measure(bare)), journalled: withJournal })
  }
  const median = (of: (figure: (typeof figures)[number]) => number) => percentile(figures.map(of), 0.5)
  const show = (name: string, pick: (figure: (typeof figures)[number]) => Figures) => {
    const rate = median((figure) => pick(figure).perSecond).toFixed(0)
    console.log(
      `${name.padEnd(18)}${rate.padStart(8)}/s${median((figure) => pick(figure).cpuUsEach)
        .toFixed(1)
        .padStart(10)} µs each`,
    )
  }
  console.log(`${rounds} rounds of ${seconds} s each, ${clients} clients; medians: requests, processor time of the server`)
  show('without a journal', (figure) => figure.bare)
  show('with it', (figure) => figure.journalled)
  const ratios = {
    throughput: median((figure) => figure.journalled.perSecond / figure.bare.perSecond),
    cpu: median((figure) => figure.journalled.cpuUsEach / figure.bare.cpuUsEach),
  }
  console.log(`throughput with it: ${(ratios.throughput * 100).toFixed(1)} %; processor time: ${(ratios.cpu * 100).toFixed(1)} %`)
  console.log(`answered ${journalled.answered}, lines in http.access.log ${await linesIn(folder.at('logs', 'http.access.log'))}`)
} finally {
  for (const { child } of [bare, journalled]) child.kill('SIGKILL')
}
