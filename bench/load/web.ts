/** Clients that get one page again and again over kept connections; each waits for its answer. */
import { once } from 'node:events'
import { connect } from 'node:net'
import { taskOf, tellResult } from '../kit/generator.ts'

export interface WebTask {
  readonly seconds: number
  readonly port: number
  readonly clients: number
}
export interface WebResult {
  readonly answered: number
  readonly seconds: number
}

const { seconds, port, clients } = taskOf<WebTask>()
const request = Buffer.from(
  'GET /index.html HTTP/1.1\r\nHost: localhost\r\nUser-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:140.0)\r\n\r\n',
)
const endOfHead = Buffer.from('\r\n\r\n')
const lengthField = Buffer.from('Content-Length: ')

const run = async (until: number): Promise<number> => {
  const socket = connect({ port, host: '127.0.0.1', noDelay: true })
  await once(socket, 'connect')
  let answered = 0
  let wanted = 0
  let got = 0
  const ended = new Promise<number>((resolve, reject) => {
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('the server closed the connection')))
    socket.on('data', (chunk: Buffer) => {
      got += chunk.length
      if (wanted === 0) {
        // The head comes in one piece: it is short.
        const field = chunk.indexOf(lengthField) + lengthField.length
        wanted = chunk.indexOf(endOfHead) + endOfHead.length + Number.parseInt(chunk.toString('latin1', field, field + 12), 10)
      }
      if (got < wanted) return
      if (got > wanted) reject(new Error('more than one answer'))
      answered += 1
      got = 0
      wanted = 0
      if (performance.now() < until) socket.write(request)
      else resolve(answered)
    })
  })
  socket.write(request)
  try {
    return await ended
  } finally {
    socket.removeAllListeners('close')
    socket.destroy()
  }
}

const from = performance.now()
const counts = await Promise.all(Array.from({ length: clients }, () => run(from + seconds * 1_000)))
tellResult({
  answered: counts.reduce((sum, count) => sum + count, 0),
  seconds: (performance.now() - from) / 1_000,
} satisfies WebResult)
