/**
 * A program that attacks a server on loopback until it is ended: `flood.ts KIND PORT FROM`. It prints what it has done when it is told
 * to stop (SIGTERM), as JSON.
 */
import { connect, type Socket } from 'node:net'
import process from 'node:process'

const [kind = '', port = '', from = ''] = process.argv.slice(2)
const counts: Record<string, number> = { connected: 0, answered: 0, closed: 0 }
const count = (what: string) => {
  counts[what] = (counts[what] ?? 0) + 1
}

const open = (): Socket => {
  const socket = connect({ port: Number(port), host: '127.0.0.1', localAddress: from })
  socket.once('connect', () => count('connected'))
  // Whatever the server does to us is what we are here for.
  socket.on('error', () => count('failed'))
  socket.once('close', () => count('closed'))
  return socket
}

/** Always so many at once; each is replaced when it is gone. */
const keep = (many: number, begin: () => Socket): void => {
  const next = () => begin().once('close', () => setImmediate(next))
  for (let n = 0; n < many; n++) next()
}

const kinds: Record<string, () => void> = {
  /** Connects and closes as fast as it can. */
  'connect-and-close': () =>
    keep(16, () => {
      const socket = open()
      socket.once('connect', () => socket.destroy())
      return socket
    }),
  /** 2,000 connections that say nothing. */
  idle: () => {
    for (let n = 0; n < 2_000; n++) open().resume()
  },
  /** 10,000 passwords for one account, 20 sessions at once. */
  passwords: () => {
    let guesses = 0
    keep(20, () => {
      const socket = open()
      const guess = () => {
        guesses += 1
        if (guesses > 10_000) socket.destroy()
        else socket.write(`USER alice\r\nPASS guess${guesses}\r\n`)
      }
      socket.on('data', (chunk) => {
        const text = String(chunk)
        if (/^-ERR/m.test(text)) count(text.includes('[SYS/TEMP]') ? 'blocked' : text.includes('[AUTH]') ? 'refused' : 'ended')
        if (text.startsWith('+OK Havre') || /^-ERR/m.test(text)) guess()
      })
      return socket
    })
  },
}

process.on('SIGTERM', () => {
  process.stdout.write(`${JSON.stringify(counts)}\n`, () => process.exit(0))
})
kinds[kind]?.()
process.stdout.write('ready\n')
