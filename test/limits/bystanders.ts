/** Other clients while a server is attacked: what they experience, and how long it takes them. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { demoPassword } from '../../servers/supervisor/demo.ts'
import { Client } from '../kit/client.ts'
import { eventually } from '../kit/eventually.ts'

const floodProgram = fileURLToPath(new URL('./flood.ts', import.meta.url))

/** Where those come from who only want to be served. */
const bystander = '127.0.0.9'

/** One visit: connects, asks, is answered in full. @throws when it is not */
export const visits = {
  http: async (port: number) => {
    using client = await Client.connect(port, { from: bystander })
    await client.send('GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n')
    expect(String(await client.rest())).to.match(/^HTTP\/1\.1 200 /)
  },
  pop3: async (port: number) => {
    using client = await Client.connect(port, { from: bystander })
    expect(await client.line()).to.match(/^\+OK/)
    expect(await client.ask('QUIT')).to.match(/^\+OK/)
  },
  /** Of bob, whose account is not guessed at. */
  login: async (port: number) => {
    using client = await Client.connect(port, { from: bystander })
    expect(await client.line()).to.match(/^\+OK/)
    for (const line of ['USER bob', `PASS ${demoPassword}`, 'STAT', 'QUIT']) expect(await client.ask(line)).to.match(/^\+OK/)
  },
} as const

/** Milliseconds of so many visits, one after the other: the one in the middle. */
export const median = async (visit: () => Promise<void>, times: number): Promise<number> => {
  const all: number[] = []
  for (let n = 0; n < times; n++) {
    const from = performance.now()
    await visit()
    all.push(performance.now() - from)
  }
  return all.toSorted((one, other) => one - other)[Math.floor(times / 2)] ?? Number.NaN
}

/** An attack under way; `end` tells what it did. */
export const flood = async (kind: string, port: number, from: string) => {
  const child = spawn(process.execPath, [floodProgram, kind, String(port), from], { stdio: ['ignore', 'pipe', 'inherit'] })
  // All that it printed has been read by then.
  const closed = once(child, 'close')
  let output = ''
  child.stdout.on('data', (chunk) => {
    output += String(chunk)
  })
  await eventually(() => expect(output).to.contain('ready'))
  const end = async (): Promise<Record<string, number>> => {
    child.kill('SIGTERM')
    await closed
    return JSON.parse(output.split('\n')[1] ?? '{}')
  }
  return { end, [Symbol.dispose]: () => void child.kill('SIGKILL') }
}
