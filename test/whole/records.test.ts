import { readFile } from 'node:fs/promises'
import { Agent, get } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect } from 'chai'
import { Client } from '../kit/client.ts'
import { type Family, useFamily } from '../kit/family.ts'

const clients = 3
const rounds = 1

/** Between requests: enough of them come so, and the machine has time for the restarts. */
const paceMs = 5

/** Fetches until told to stop. @returns the paths that were answered */
const fetchOn = async (family: Family, who: number, isOver: () => boolean): Promise<string[]> => {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const answered: string[] = []
  for (let n = 0; !isOver(); n++) {
    const path = `/${who}-${n}`
    const done = await new Promise<boolean>((resolve) => {
      // A connection that the old child kept may end as the next request is sent; that one has no answer and counts for nothing.
      get({ host: family.host, port: family.port('http'), path, agent }, (answer) => {
        answer.resume()
        answer.once('end', () => resolve(true))
        answer.once('error', () => resolve(false))
      }).once('error', () => resolve(false))
    })
    if (done) answered.push(path)
    await sleep(paceMs)
  }
  agent.destroy()
  return answered
}

/** Holds short conversations until told to stop. @returns the ports they came from: the journal's `remote` */
const quitOn = async (family: Family, service: 'smtp' | 'pop3' | 'ftp', isOver: () => boolean): Promise<number[]> => {
  const ports: number[] = []
  while (!isOver()) {
    using client = await Client.connect(family.port(service))
    const port = client.localPort
    await client.reply()
    await client.command('QUIT')
    await client.reply()
    ports.push(port)
    await client.closed()
    await sleep(paceMs)
  }
  return ports
}

describe('the whole: records', function () {
  this.timeout(120_000)
  const family = useFamily()

  it('none is lost while services are restarted and the family ends: one for each request, one for each session', async () => {
    let over = false
    const isOver = () => over
    const fetching = Array.from({ length: clients }, (_, who) => fetchOn(family(), who, isOver))
    const quitting = (['smtp', 'pop3', 'ftp'] as const).map((service) => quitOn(family(), service, isOver))
    try {
      for (let round = 0; round < rounds; round++) {
        for (const service of ['http', 'smtp', 'pop3', 'ftp']) {
          const { code, stderr } = await family().havre(['restart', service])
          expect(code, stderr).to.equal(0)
        }
      }
    } finally {
      over = true
    }
    const answered = (await Promise.all(fetching)).flat()
    const [smtp = [], pop3 = [], ftp = []] = await Promise.all(quitting)
    await family().stop()

    const http = await family().records('http')
    const finished = http.filter(({ event }) => event === 'request.finished').map(({ path }) => String(path))
    expect(answered.length).to.be.greaterThan(100)
    // Once each: a second record would be as wrong as none.
    const counts = Map.groupBy(finished, (path) => path)
    expect(answered.filter((path) => counts.get(path)?.length !== 1)).to.deep.equal([])
    const access = await readFile(family().folder.at('logs', 'http.access.log'), 'utf8')
    const lines = new Set([...access.matchAll(/"GET (\S+) HTTP/g)].map(([, path]) => path))
    expect(answered.filter((path) => !lines.has(path))).to.deep.equal([])

    for (const [service, ports] of Object.entries({ smtp, pop3, ftp })) {
      const ended = (await family().records(service)).filter(({ event }) => event === `${service}.session.ended`)
      const remotes = Map.groupBy(ended, ({ remote }) => Number(String(remote).split(':').at(-1)))
      expect(ports.length).to.be.greaterThan(10)
      // The system may give a port twice.
      expect(
        ports.filter((port) => !remotes.has(port)),
        service,
      ).to.deep.equal([])
      expect(ended.length, service).to.equal(ports.length)
    }
  })
})
