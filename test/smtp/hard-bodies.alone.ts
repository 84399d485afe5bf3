/**
 * Messages that are made to be expensive are read in linear time: they cost at most about twice what an ordinary one of their size
 * costs, in processor time of the whole way through the server, with what the client takes for it. That is told; what fails is what
 * nothing but the wrong algorithm costs.
 */
import { expect } from 'chai'
import { Client } from '../kit/client.ts'
import { testAccounts } from '../kit/fake-desk.ts'
import { FakeStore } from './fake-store.ts'
import { serveSmtp } from './setup.ts'

const octets = 25_000_000
/** Twice is the aim; other work on the machine makes it three now and then. The wrong algorithm takes hundreds of times as long. */
const mostTimes = 8
const filled = (line: string): Buffer => Buffer.alloc(octets - (octets % line.length), line, 'latin1')
const ordinary = Buffer.concat([Buffer.from('Subject: x\r\n\r\n'), filled(`${'x'.repeat(74)}\r\n`)])

const bodies: Readonly<Record<string, Buffer>> = {
  'lines of two dots': filled('..\r\n'),
  'lines that begin with a stuffed dot': filled('..x\r\n'),
  'lines of many dots': filled(`${'.'.repeat(74)}\r\n`),
  'empty lines': filled('\r\n'),
  'lines of one character': filled('x\r\n'),
  'one line': Buffer.concat([filled('x'), Buffer.from('\r\n')]),
  'a header without an end': filled('a:\r\n'),
  'a header of blind copies': filled('Bcc:x\r\n'),
  'a header that folds': Buffer.concat([Buffer.from('a:\r\n'), filled(' \r\n')]),
  'a header of lines that are none': Buffer.concat([Buffer.from('a:\r\n'), filled('x\r\n')]),
}

/** The least of three tries, in milliseconds: the machine has other work. */
const processorMs = async (body: Buffer, mode: 'mta' | 'submission', bareNewlines: 'reject' | 'normalize'): Promise<number> => {
  const taken: number[] = []
  for (let n = 0; n < 3; n++) {
    const store = new FakeStore()
    await using running = await serveSmtp({
      store,
      options: { mode },
      settings: { mail: { bareNewlines, maxSizeOctets: 2 * octets } },
    })
    using client = await Client.connect(running.port, { deadlineMs: 120_000 })
    await client.line()
    await client.ask('HELO x')
    await client.ask(`AUTH PLAIN ${Buffer.from(`\0alice\0${testAccounts['alice']}`).toString('base64')}`)
    await client.ask('MAIL FROM:<alice@havre.test>')
    await client.ask('RCPT TO:<alice@havre.test>')
    await client.ask('DATA')
    // The client's own copy, which is written to.
    const own = Buffer.concat([body, Buffer.from('.\r\n')])
    const before = process.cpuUsage()
    await client.send(own)
    // Headers of that length are refused where they are read.
    expect(await client.line()).to.match(/^(?:250|552 5\.3\.4) /)
    const { user, system } = process.cpuUsage(before)
    taken.push((user + system) / 1_000)
  }
  return Math.min(...taken)
}

describe('SMTP: messages that are made to be expensive', function () {
  this.timeout(900_000)
  // It measures: what other work of the machine has disturbed is measured again.
  this.retries(2)
  for (const [mode, bareNewlines] of [
    ['mta', 'reject'],
    ['mta', 'normalize'],
    ['submission', 'reject'],
  ] as const) {
    it(`of 25 MB are read in linear time (${mode}, ${bareNewlines})`, async () => {
      await processorMs(ordinary, mode, bareNewlines)
      const usual = await processorMs(ordinary, mode, bareNewlines)
      const wrong: string[] = []
      for (const [name, body] of Object.entries(bodies)) {
        const ms = await processorMs(body, mode, bareNewlines)
        const told = `${name}: ${ms.toFixed(0)} ms, × ${(ms / usual).toFixed(2)} of ${usual.toFixed(0)} ms`
        console.log(`      ${told}`)
        if (ms > mostTimes * usual) wrong.push(told)
      }
      expect(wrong).to.deep.equal([])
    })
  }
})
