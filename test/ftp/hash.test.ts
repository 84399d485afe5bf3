import { createHash } from 'node:crypto'
import { truncate } from 'node:fs/promises'
import { expect } from 'chai'
import type { Running } from '../kit/serving.ts'
import { Home, RawSession, serveFtp, until } from './raw-session.ts'

/** A sparse file that takes minutes to hash. */
const hugeOctets = 200 * 2 ** 30

describe('ftp: hashes', () => {
  let running: Running
  let home: Home
  let session: RawSession
  beforeEach(async () => {
    running = await serveFtp({ endMs: 20_000 })
    home = new Home(running)
    session = await RawSession.open(running)
  })
  afterEach(async () => {
    session[Symbol.dispose]()
    await running.close()
  })
  const huge = async (): Promise<void> => {
    await home.put('huge', '')
    await truncate(home.path('huge'), hugeOctets)
  }
  /** Others are served meanwhile; and by then it has begun. */
  const othersAreServed = async () => {
    using other = await RawSession.open(running, 'bob')
    for (let n = 0; n < 20; n += 1) expect(await other.ask('NOOP')).to.match(/^200 /)
  }
  const hashed = () => running.journal.of('file.hashed').map(({ fields }) => fields)

  it('are those of the whole content, whatever its size, and of the octets between two', async () => {
    const content = Buffer.from(Array.from({ length: 300_001 }, (_, n) => (n * 7) % 251))
    await home.put('content', content)
    const of = (name: string, octets: Buffer) => createHash(name).update(octets).digest('hex')
    expect(await session.ask('HASH content')).to.equal(`213 SHA-256 0-300000 ${of('sha256', content)} content`)
    const part = content.subarray(131_071, 262_145)
    expect(await session.ask('XSHA512 "content" 131071 262145')).to.equal(`250 ${of('sha512', part).toUpperCase()}`)
    expect(await session.ask('XMD5 "content" 300001')).to.equal(`250 ${of('md5', Buffer.alloc(0)).toUpperCase()}`)
    expect(await session.ask('XCRC "content" 5 4')).to.match(/^554 /)
    expect(await session.ask('XSHA1 "content" 0 300002')).to.match(/^554 /)
    expect(hashed()[0]).to.include({ file: '/content', hash: 'SHA-256', octets: 300_001, complete: true })
  })

  it('are broken off by ABOR at once, while others are served; the next command works', async () => {
    await huge()
    await session.control.command('HASH huge')
    await othersAreServed()
    expect(await session.ask('STAT')).to.match(/^211-/)
    await session.control.command('ABOR')
    expect(await session.reply()).to.equal('426 Aborted')
    expect(await session.reply()).to.equal('226 Abort done')
    expect(await session.ask('SIZE huge')).to.equal(`213 ${hugeOctets}`)
    expect(hashed()[0]).to.include({ file: '/huge', complete: false })
  })

  it('are not begun where ABOR came with the command', async () => {
    await huge()
    await session.control.send('XMD5 huge\r\nABOR\r\nNOOP\r\n')
    for (const code of ['426 ', '226 ', '200 ']) expect((await session.reply()).slice(0, 4)).to.equal(code)
  })

  it('are broken off when the client is gone, and when the service stops', async () => {
    await huge()
    await session.control.command('HASH huge')
    await othersAreServed()
    session[Symbol.dispose]()
    await until('the client is missed', () => hashed().length === 1)
    using other = await RawSession.open(running)
    await other.control.command('HASH huge')
    await othersAreServed()
    await running.close('stop')
    expect(hashed().map(({ complete }) => complete)).to.deep.equal([false, false])
  })

  it('names are quoted or not, as the client likes', async () => {
    await home.put('a "b" 1 2', 'x')
    await home.put('plain 1 2', 'x')
    const digest = createHash('md5').update('x').digest('hex').toUpperCase()
    for (const argument of ['plain 1 2', '"plain 1 2"', '"plain 1 2" 0 1', '"plain 1 2" 0', 'a "b" 1 2'])
      expect(await session.ask(`XMD5 ${argument}`), argument).to.equal(`250 ${digest}`)
  })
})
