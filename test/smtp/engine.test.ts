/**
 * What the adapter (`servers/smtp/engine.ts`) relies on in smtp-server, and the faults that it works round: a test here that fails
 * after an update says that a part of the adapter has to change, or may go.
 */
import { expect } from 'chai'
import { SMTPServer } from 'smtp-server'
import { SMTPConnection } from 'smtp-server/lib/smtp-connection.js'
import { SMTPStream } from 'smtp-server/lib/smtp-stream.js'

/** What the library's own reader makes of a message that comes in one piece. */
const stockReading = async (wire: Buffer): Promise<{ body: Buffer; pieces: number }> => {
  const stream = new SMTPStream()
  const pieces: Buffer[] = []
  const done = Promise.withResolvers<void>()
  const data = stream.startDataMode()
  data.on('data', (piece: Buffer) => pieces.push(piece))
  data.on('end', () => done.resolve())
  stream.write(wire)
  await done.promise
  stream.continue()
  return { body: Buffer.concat(pieces), pieces: pieces.length }
}

describe('SMTP: smtp-server as the adapter finds it', () => {
  it('still has the parts that are replaced', () => {
    for (const name of [
      'init',
      '_createParser',
      '_armTimeout',
      '_onError',
      '_onClose',
      '_setListeners',
      '_whenWritable',
      'close',
    ]) {
      expect(typeof Reflect.get(SMTPConnection.prototype, name), name).to.equal('function')
    }
    for (const name of ['_write', '_flushData']) expect(typeof Reflect.get(SMTPStream.prototype, name), name).to.equal('function')
    expect(typeof SMTPServer.prototype.updateSecureContext).to.equal('function')
  })

  it('still waits before the greeting', () => {
    expect(SMTPConnection.prototype.init.toString()).to.match(/setTimeout\(\(\) => this\.connectionReady\(\), 100\)/)
  })

  it('still says nothing to a client that has shut its side', () => {
    expect(SMTPConnection.prototype.send.toString()).to.include("readyState === 'open'")
  })

  it('still lets bare line breaks through', async () => {
    const { body } = await stockReading(Buffer.from('a\nb\rc\r\n.\r\n'))
    expect(body.toString()).to.equal('a\nb\rc\r\n')
  })

  it('still handles each stuffed line on its own', async () => {
    const { pieces } = await stockReading(Buffer.from('..\r\n'.repeat(1_000).concat('.\r\n')))
    expect(pieces).to.be.greaterThan(500)
  })

  it('still gives up a session for a long line', async () => {
    const stream = new SMTPStream({ maxCommandLength: 100 })
    const failed = new Promise<Error>((resolve) => stream.once('error', resolve))
    stream.write(`${'x'.repeat(200)}\r\n`)
    expect((await failed).message).to.include('too long')
  })

  it('still takes unknown parameters without a word', () => {
    expect(SMTPConnection.prototype._validateMailParams.toString()).not.to.include('555')
  })
})
