import { connect, createServer, type Socket } from 'node:net'
import { expect } from 'chai'
import { protocols } from '../../servers/supervisor/protocols.ts'
import { holdProbe, type Probe, type ProbeOutcome } from '../../shared/net/probe.ts'
import { patienceMs } from '../kit/patience.ts'
import { serve } from '../kit/serving.ts'

const hold = async (port: number, probe: Probe, signal: AbortSignal = AbortSignal.timeout(patienceMs)): Promise<ProbeOutcome> => {
  const socket = connect(port, '127.0.0.1')
  socket.on('error', () => undefined)
  try {
    return await holdProbe(socket, probe, signal)
  } finally {
    socket.destroy()
  }
}

/** Holds a probe with a server that does as it is told with each client. */
const holdWith = async (client: (socket: Socket) => void, probe: Probe, signal?: AbortSignal): Promise<ProbeOutcome> => {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => undefined)
    client(socket)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  try {
    return await hold(address.port, probe, signal)
  } finally {
    for (const socket of sockets) socket.destroy()
    server.close()
  }
}

const greeted: Probe = [
  { say: [], hear: '^220[ -]', last: '^220 ' },
  { say: ['QUIT'], hear: '^221 ' },
]

describe('a probe', () => {
  for (const [name, { probe, external }] of Object.entries(protocols)) {
    if (external !== undefined) {
      it(`of ${name} is not ours to know`, () => expect(probe).to.equal(undefined))
      continue
    }
    it(`of ${name} finds a service well that is, and leaves no trace of a client that misbehaves`, async () => {
      await using running = await serve({ service: name })
      expect(await hold(running.port, probe ?? [])).to.deep.equal({ outcome: 'well' })
      expect(running.desk.attempts).to.deep.equal([])
      await running.close('replace')
      expect(running.journal.records.filter(({ level }) => level === 'warn' || level === 'error')).to.deep.equal([])
    })
  }

  it('hears an answer of several lines to its end, however it is cut into packets', async () => {
    const outcome = await holdWith((socket) => {
      const parts = ['220', '-one\r\n2', '20-two\r', '\n220 ', 'three\r\n']
      const next = () => {
        const part = parts.shift()
        if (part !== undefined) socket.write(part, () => setTimeout(next, 5))
      }
      next()
      socket.once('data', (chunk) => socket.end(String(chunk) === 'QUIT\r\n' ? '221 bye\r\n' : '500 what?\r\n'))
    }, greeted)
    expect(outcome).to.deep.equal({ outcome: 'well' })
  })

  it('tells which line was not the one expected', async () => {
    const outcome = await holdWith((socket) => socket.write('421 Too busy\r\n'), greeted)
    expect(outcome).to.deep.equal({ outcome: 'wrong', step: greeted[0], heard: '421 Too busy' })
  })

  it('is not misled by a line that never ends', async () => {
    const outcome = await holdWith((socket) => socket.write(`220 ${'x'.repeat(20_000)}\r\n`), greeted)
    expect(outcome).to.deep.include({ outcome: 'wrong', heard: 'a line that is too long' })
  })

  it('tells when the connection ends too early', async () => {
    const outcome = await holdWith((socket) => socket.end('220 hello\r\n'), greeted)
    expect(outcome).to.deep.equal({ outcome: 'wrong', step: greeted[1], heard: null })
  })

  it('waits no longer than its signal says', async () => {
    const outcome = await holdWith(() => undefined, greeted, AbortSignal.timeout(50))
    expect(outcome).to.deep.equal({ outcome: 'wrong', step: greeted[0], heard: null })
  })
})
