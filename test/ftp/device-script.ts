import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net'
import { text } from 'node:stream/consumers'
import { expect } from 'chai'
import { Client } from '../kit/client.ts'
import { linePattern, octetsOf } from '../kit/script.ts'

/** Where the data connection of the next transfer comes from. */
class DataEnd {
  #listener: Server | null = null
  #arrives: Promise<Socket> | null = null

  /** Listens, as a device does that knows PORT only. @returns the six numbers */
  async listen(): Promise<string> {
    this.close()
    const listener = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1')
    this.#listener = listener
    await once(listener, 'listening')
    this.#arrives = once(listener, 'connection').then(([socket]: Socket[]) => {
      if (socket === undefined) throw new Error('no connection')
      return socket
    })
    const { port } = listener.address() as AddressInfo
    return `127,0,0,1,${Math.trunc(port / 256)},${port % 256}`
  }

  connect(port: number): void {
    this.close()
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    this.#arrives = once(socket, 'connect').then(() => socket)
  }

  async socket(): Promise<Socket> {
    if (this.#arrives === null) throw new Error('the script has no data connection here')
    return this.#arrives
  }

  close(): void {
    this.#listener?.close()
    this.#listener = null
  }
}

/**
 * Plays what a device says and reads: `C:` lines (with `{PORT}` for the six numbers of a listener), `S:` lines, `D: text` for what it
 * sends on the data connection and `D< text` for what it gets there. A reply with a passive port is followed.
 */
export const playDevice = async (port: number, script: string): Promise<void> => {
  using client = await Client.connect(port)
  const data = new DataEnd()
  try {
    for (const line of script
      .trim()
      .split('\n')
      .map((each) => each.trimStart())) {
      const [, who, words = ''] = /^([CS]:|D[:<]) ?(.*)$/.exec(line) ?? []
      if (who === 'C:') {
        const said = words.includes('{PORT}') ? words.replace('{PORT}', await data.listen()) : words
        const octets = octetsOf(said.replace(/\\c$/, ''))
        await client.send(said.endsWith('\\c') ? octets : Buffer.concat([octets, Buffer.from('\r\n')]))
      } else if (who === 'S:') {
        const reply = (await client.lineOctets()).toString('latin1')
        expect(linePattern(words).test(reply), `${client.transcript.join('\n')}\nat: ${line}`).to.equal(true)
        const numbers = /^227 .*\((?:\d+,){4}(\d+),(\d+)\)/.exec(reply)
        const extended = /^229 .*\(\|\|\|(\d+)\|\)/.exec(reply)
        if (numbers !== null) data.connect(Number(numbers[1]) * 256 + Number(numbers[2]))
        if (extended !== null) data.connect(Number(extended[1]))
      } else if (who === 'D:') (await data.socket()).end(octetsOf(words))
      else if (who === 'D<') {
        const socket = await data.socket()
        const got = await text(socket)
        socket.end()
        expect(linePattern(words).test(Buffer.from(got).toString('latin1')), `"${got}" at: ${line}`).to.equal(true)
      } else throw new SyntaxError(`"${line}" is no line of a script`)
    }
  } finally {
    data.close()
  }
}
