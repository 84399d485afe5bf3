/**
 * Where the time goes in SMTP and POP3: `npm run bench -- profile`. The load of `bench/mail.ts`, while V8's profiler samples each
 * thread of the two servers and of the supervisor; prints the functions that took the most, callees not counted in.
 */
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { crowd, password, startCrowd } from './kit/crowd.ts'
import { conditions, rate } from './kit/figures.ts'
import { generate } from './kit/generator.ts'
import { preloading } from './kit/preload.ts'
import { members } from './kit/probe.ts'
import type { MailResult, MailTask } from './load/mail.ts'

const seconds = 6
const shown = 16

// A signal reaches the main thread only, which passes it on to the worker's. What a thread tells fits one write to a pipe.
const preload = `
import { Session } from 'node:inspector'
import { writeSync } from 'node:fs'
import { isMainThread, BroadcastChannel } from 'node:worker_threads'
const channel = new BroadcastChannel('profile')
channel.unref()
const session = new Session()
let on = false
const turn = () => {
  on = !on
  if (on) {
    session.connect()
    session.post('Profiler.enable')
    session.post('Profiler.setSamplingInterval', { interval: 500 })
    return session.post('Profiler.start')
  }
  session.post('Profiler.stop', (error, { profile }) => {
    const self = new Map()
    const byId = new Map(profile.nodes.map((node) => [node.id, node.callFrame]))
    for (const id of profile.samples) {
      const { functionName, url } = byId.get(id)
      const name = (functionName || 'anonymous') + ' ' + url.split('/').slice(-2).join('/')
      self.set(name, (self.get(name) ?? 0) + 1)
    }
    const top = [...self].sort((a, b) => b[1] - a[1]).slice(0, ${shown})
    writeSync(2, JSON.stringify({ profile: process.pid, isMainThread, all: profile.samples.length, top }) + '\\n')
  })
  session.disconnect()
}
if (isMainThread) process.on('SIGUSR2', () => { channel.postMessage('turn'); turn() })
else channel.onmessage = turn
`

interface Profile {
  readonly profile: number
  readonly isMainThread: boolean
  /** Samples, those of an idle thread too. */
  readonly all: number
  readonly top: readonly (readonly [what: string, samples: number])[]
}

const show = (name: string | undefined, { isMainThread, all, top }: Profile): void => {
  const idle = top.find(([what]) => what.startsWith('(idle)'))?.[1] ?? 0
  const busy = all - idle
  console.log(
    `\n${name}, ${isMainThread ? 'the thread that serves' : "the mail store's thread"}: busy ${Math.round((busy / all) * 100)} %, of this`,
  )
  for (const [what, samples] of top)
    if (!what.startsWith('(idle)')) console.log(`${((samples / busy) * 100).toFixed(1).padStart(7)} %  ${what}`)
}

const load = (smtp: number | null, pop3: number | null, task: number) =>
  generate<MailTask, MailResult>('mail.ts', {
    seconds: task,
    smtp,
    pop3,
    clients: crowd,
    domain: 'havre.test',
    password,
    octets: 4096,
    sessions: 'kept',
  })

console.log(conditions())
// The permission model keeps the profiler from a sandboxed child, unless its parent grants it.
await using family = await startCrowd(preloading(preload, ['--allow-inspector']))
const names = new Map([...(await members(family))].filter(([, name]) => ['smtp', 'pop3', 'supervisor'].includes(name)))
await load(family.port('smtp'), family.port('pop3'), 2)
for (const pid of names.keys()) process.kill(pid, 'SIGUSR2')
const result = await load(family.port('smtp'), family.port('pop3'), seconds)
for (const pid of names.keys()) process.kill(pid, 'SIGUSR2')
await sleep(1_500)
console.log(`accepted ${rate(result.accepted, result.seconds)}, fetched ${rate(result.fetched, result.seconds)} while sampled`)
for (const [, line] of family.output().matchAll(/^(\{"profile":.*\})\n/gm)) {
  const profile: Profile = JSON.parse(line ?? '')
  show(names.get(profile.profile), profile)
}
