import { expect } from 'chai'
import { Home, RawSession, serveFtp } from './raw-session.ts'

describe('ftp: accounts that may not do everything', () => {
  const files = (access: 'read-only' | 'drop-box') => ({
    settings: { files: { accounts: { alice: { access } } } },
  })

  it('read-only: reads and lists, and is told 550 for every change, before any data connection', async () => {
    await using running = await serveFtp(files('read-only'))
    const home = new Home(running)
    await home.put('a', 'old')
    using session = await RawSession.open(running)
    expect((await session.download('RETR a')).toString()).to.equal('old')
    expect((await session.download('NLST')).toString()).to.equal('a\r\n')
    for (const command of [
      'STOR a',
      'STOR b',
      'APPE a',
      'STOU',
      'DELE a',
      'MKD b',
      'RMD b',
      'SITE CHMOD 600 a',
      'MFMT 20200101000000 a',
    ])
      expect(await session.ask(command), command).to.match(/^550 /)
    await session.ask('RNFR a')
    expect(await session.ask('RNTO b')).to.match(/^550 /)
    expect(await home.names()).to.deep.equal(['a'])
    expect(await home.text('a')).to.equal('old')
  })

  it('drop-box: new files come in, and nothing can be seen, read, replaced or removed', async () => {
    await using running = await serveFtp(files('drop-box'))
    const home = new Home(running)
    await home.put('a', 'old')
    using session = await RawSession.open(running)
    await session.ask('TYPE I')
    expect(await session.upload('STOR b', 'new')).to.match(/^226 /)
    expect(await session.ask('MKD folder')).to.match(/^257 /)
    expect(await session.ask('CWD folder')).to.match(/^250 /)
    expect(await session.upload('STOR c', 'new')).to.match(/^226 /)
    expect(await session.ask('CDUP')).to.match(/^250 /)
    expect((await session.download('LIST')).toString()).to.equal('')
    for (const command of ['RETR a', 'RETR b', 'SIZE a', 'MDTM a', 'STOR a', 'STOR b', 'APPE b', 'DELE b', 'RMD folder', 'RNFR b'])
      expect(await session.ask(command), command).to.match(/^550 /)
    expect((await home.names()).sort()).to.deep.equal(['a', 'b', 'folder'])
    expect(await home.text('a')).to.equal('old')
    expect(await home.text('b')).to.equal('new')
    expect(await home.text('folder/c')).to.equal('new')
  })
})
