import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import { expect } from 'chai'
import { Client } from '../kit/client.ts'
import { testAccounts } from '../kit/fake-desk.ts'
import { FakeStore } from './fake-store.ts'
import { introduced, serveSmtp } from './setup.ts'

const message = 'MAIL FROM:<a@example.org>\r\nRCPT TO:<alice@havre.test>\r\nDATA\r\nSubject: x\r\n\r\nx\r\n.\r\n'
const login = Buffer.from(`\0alice\0${testAccounts['alice']}`).toString('base64')

/**
 * What a client hears that connects and speaks while this thread, and so the server, stands still: when the server accepts it, its
 * words lie there.
 */
const heardBy = async (port: number, words: string): Promise<string> => {
  const sent = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(
    `const { connect } = require('node:net')
    const { parentPort, workerData: { port, words, sent } } = require('node:worker_threads')
    let heard = ''
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
    socket.on('data', (chunk) => { heard += chunk })
    socket.on('error', () => undefined)
    socket.on('connect', () => socket.end(words, () => { Atomics.store(sent, 0, 1); Atomics.notify(sent, 0) }))
    socket.on('close', () => parentPort.postMessage(heard))`,
    { eval: true, workerData: { port, words, sent } },
  )
  const answer = once(worker, 'message')
  await once(worker, 'online')
  Atomics.wait(sent, 0, 0, 10_000)
  const [heard] = await answer
  await worker.terminate()
  return String(heard)
}

const reasons = async (running: Awaited<ReturnType<typeof serveSmtp>>) => {
  await running.close('replace')
  return running.journal.of('smtp.session.ended').map(({ fields }) => fields['reason'])
}

describe('SMTP: who speaks before the greeting (RFC 5321 §4.3.1)', () => {
  it('is not served, and reads why', async () => {
    const store = new FakeStore()
    await using running = await serveSmtp({ store })
    const heard = await heardBy(running.port, `EHLO x\r\n${message}QUIT\r\n`)
    expect(heard).to.equal(
      '554 localhost greets first, and a client waits for it (RFC 5321 section 4.3.1; setting earlyTalkers); closing\r\n',
    )
    expect(running.desk.recipients).to.have.length(0)
    expect(store.counts).to.include({ begun: 0 })
    const [record, ...more] = running.journal.of('smtp.early')
    expect(record?.level).to.equal('warn')
    expect(record?.fields).to.include({ refused: true })
    expect(more).to.have.length(0)
    expect(await reasons(running)).to.deep.equal(['early'])
  })

  it('is served where the setting says so, and journalled', async () => {
    const store = new FakeStore()
    await using running = await serveSmtp({ store, options: { earlyTalkers: 'bear' } })
    const heard = await heardBy(running.port, `HELO x\r\n${message}QUIT\r\n`)
    expect(heard.match(/^\d{3}/gm)?.join(' ')).to.equal('220 250 250 250 354 250 221')
    expect(store.kept).to.have.length(1)
    expect(running.journal.of('smtp.early')[0]?.level).to.equal('info')
    expect(await reasons(running)).to.deep.equal(['quit'])
  })

  it('is found behind the header of a proxy too, and the header itself is no word', async () => {
    await using running = await serveSmtp({ proxiesFrom: ['127.0.0.1'] })
    const header = 'PROXY TCP4 192.0.2.7 198.51.100.1 40000 25\r\n'
    using early = await Client.connect(running.port, { header: `${header}EHLO x\r\n` })
    expect(await early.line()).to.match(/^554 /)
    await early.closed()
    using patient = await Client.connect(running.port, { header })
    expect(await patient.line()).to.match(/^220 /)
  })

  it('who waits is never taken for one, however many come at once, in clear and over TLS', async () => {
    for (const tls of ['off', 'implicit'] as const) {
      await using running = await serveSmtp({ tls })
      const served = await Promise.all(
        Array.from({ length: 40 }, async () => {
          using client = tls === 'implicit' ? await Client.connectTls(running.port) : await Client.connect(running.port)
          const greeting = await client.line()
          return `${greeting.slice(0, 3)} ${(await client.ask('QUIT')).slice(0, 3)}`
        }),
      )
      expect(new Set(served), tls).to.deep.equal(new Set(['220 221']))
      expect(running.journal.of('smtp.early'), tls).to.have.length(0)
    }
  })

  it('who only looks, and says nothing, is greeted', async () => {
    await using running = await serveSmtp()
    using client = await Client.connect(running.port)
    client.end()
    expect((await client.rest()).toString()).to.match(/^220 .*\r\n$/)
    expect(await reasons(running)).to.deep.equal(['closed'])
  })

  it('who is told to go before the greeting is told so', async () => {
    await using running = await serveSmtp({ limits: { totalMs: 1 } })
    using client = await Client.connect(running.port)
    const heard = (await client.rest()).toString()
    expect(heard).to.match(/^(?:220 .*\r\n)?421 4\.7\.0 /)
  })
})

describe('SMTP: what is sent behind a command that ends a group (RFC 2920 §3.1)', () => {
  it('is taken in its turn, and journalled once', async () => {
    const store = new FakeStore()
    await using running = await serveSmtp({ store })
    using client = await Client.connect(running.port)
    await client.line()
    await client.send(`EHLO x\r\nAUTH PLAIN\r\n${login}\r\nNOOP\r\n${message}${message}QUIT\r\nNOOP\r\n`)
    const heard = (await client.rest()).toString()
    expect(heard.match(/^\d{3} /gm)?.join('')).to.equal('250 334 235 250 250 250 354 250 250 250 354 250 221 ')
    expect(store.kept).to.have.length(2)
    const [record, ...more] = running.journal.of('smtp.pipelined')
    expect(record?.level).to.equal('info')
    expect(record?.fields).to.include({ command: 'EHLO', refused: false })
    expect(more).to.have.length(0)
  })

  for (const [command, before] of [
    ['EHLO x', ''],
    ['HELO x', ''],
    ['AUTH LOGIN', ''],
    ['NOOP', ''],
    ['VRFY x', ''],
    ['STARTTLS', ''],
    ['DATA', 'MAIL FROM:<a@example.org>\r\nRCPT TO:<alice@havre.test>\r\n'],
  ] as const) {
    it(`ends a strict session, before ${command} is run`, async () => {
      const store = new FakeStore()
      await using running = await serveSmtp({ store, tls: 'starttls', options: { pipelining: 'strict' } })
      using client = await introduced(running)
      await client.send(`${before}${command}\r\nMAIL FROM:<evil@example.org>\r\nRCPT TO:<bob@havre.test>\r\n`)
      for (const _ of before.matchAll(/\r\n/g)) expect(await client.line()).to.match(/^250 /)
      expect(await client.line()).to.match(/^554 5\.5\.0 /)
      await client.closed()
      expect(running.desk.recipients).not.to.include('bob@havre.test')
      expect(store.counts).to.include({ begun: 0 })
      expect(await reasons(running)).to.deep.equal(['out-of-turn'])
    })
  }

  it('is no matter where pipelining is allowed: strict sessions go on', async () => {
    const store = new FakeStore()
    await using running = await serveSmtp({ store, options: { pipelining: 'strict' } })
    using client = await introduced(running)
    for (let round = 0; round < 3; round++) {
      await client.send('RSET\r\nMAIL FROM:<a@example.org>\r\nRCPT TO:<alice@havre.test>\r\nRCPT TO:<bob@havre.test>\r\nDATA\r\n')
      for (const code of [250, 250, 250, 250, 354]) expect(await client.line()).to.match(new RegExp(`^${code} `))
      // The message may be the first of the next group.
      await client.send('x\r\n.\r\nMAIL FROM:<a@example.org>\r\nRSET\r\n')
      for (let reply = 0; reply < 3; reply++) expect(await client.line()).to.match(/^250 /)
    }
    await client.send('QUIT\r\nQUIT\r\n')
    expect((await client.rest()).toString()).to.equal('221 2.0.0 Goodbye\r\n')
    expect(store.kept).to.have.length(3)
    expect(running.journal.of('smtp.pipelined')).to.have.length(0)
  })
})
