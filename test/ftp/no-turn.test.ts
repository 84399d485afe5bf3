import { expect } from 'chai'
import { DeskError } from '../../shared/accounts/desk.ts'
import { fakeDesk } from '../kit/fake-desk.ts'
import { Home, RawSession, serveFtp } from './raw-session.ts'

describe('ftp: a change that does not get its turn', () => {
  const serve = async () => {
    const desk = fakeDesk()
    let fails = true
    const turn = (file: string) => (fails ? Promise.reject(new DeskError('no answer')) : desk.turn(file))
    const running = await serveFtp({ desk: { ...desk, turn } })
    const answers = () => {
      fails = false
    }
    return { running, home: new Home(running), answers }
  }

  it('of an upload is 450 and kept: nothing has to be sent once more', async () => {
    const { running, home, answers } = await serve()
    await using _ = running
    using session = await RawSession.open(running)
    expect(await session.upload('STOR b', 'all of it')).to.match(/^450 /)
    expect(await session.ask('SIZE b')).to.equal('213 9')
    answers()
    expect(await session.ask('REST 9')).to.match(/^350 /)
    expect(await session.upload('STOR b', '')).to.match(/^226 /)
    expect(await home.text('b')).to.equal('all of it')
    expect(await home.names()).to.deep.equal(['b'])
  })

  it('of text is gone, whose octets are not those that a client would continue', async () => {
    const { running, home } = await serve()
    await using _ = running
    using session = await RawSession.open(running)
    expect(await session.ask('TYPE A')).to.match(/^200 /)
    expect(await session.upload('STOR b', 'all of it\r\n')).to.match(/^450 /)
    expect(await home.names()).to.deep.equal([])
  })

  it('of a name is 450, and all is as it was', async () => {
    const { running, home, answers } = await serve()
    await using _ = running
    await home.put('a', 'old')
    using session = await RawSession.open(running)
    expect(await session.ask('DELE a')).to.match(/^450 /)
    expect(await session.ask('RNFR a')).to.match(/^350 /)
    expect(await session.ask('RNTO b')).to.match(/^450 /)
    expect(await home.names()).to.deep.equal(['a'])
    answers()
    expect(await session.ask('DELE a')).to.match(/^250 /)
  })
})
