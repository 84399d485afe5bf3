import { expect } from 'chai'
import { DeskClient } from '../../servers/host/desk-client.ts'
import type { AskMessage } from '../../servers/host/messages.ts'
import { DeskError } from '../../shared/accounts/desk.ts'

describe('host: syncs that a child asks for', () => {
  const asked: AskMessage[] = []
  let desk: DeskClient
  beforeEach(() => {
    asked.length = 0
    desk = new DeskClient((message) => asked.push(message))
  })
  afterEach(() => desk.close())

  const outcome = (sync: Promise<void>): { state: 'waits' | 'done' | 'failed' } => {
    const seen: { state: 'waits' | 'done' | 'failed' } = { state: 'waits' }
    sync.then(
      () => {
        seen.state = 'done'
      },
      (error: unknown) => {
        seen.state = error instanceof DeskError ? 'failed' : seen.state
      },
    )
    return seen
  }
  const settled = () => new Promise<void>((resolve) => setImmediate(resolve))
  const answer = async (nth: number) => {
    desk.answered(asked[nth]?.id ?? Number.NaN, null)
    await settled()
  }

  it('of one path are shared by those who ask while one is under way: the one that began before does not count for them', async () => {
    const first = outcome(desk.sync('/folder'))
    const [second, third] = [outcome(desk.sync('/folder')), outcome(desk.sync('/folder'))]
    expect(asked).to.have.length(1)
    await answer(0)
    expect([first, second, third].map(({ state }) => state)).to.deep.equal(['done', 'waits', 'waits'])
    expect(asked).to.have.length(2)
    const fourth = outcome(desk.sync('/folder'))
    await answer(1)
    expect([second, third, fourth].map(({ state }) => state)).to.deep.equal(['done', 'done', 'waits'])
    await answer(2)
    expect(fourth.state).to.equal('done')
    expect(asked).to.have.length(3)
    const later = outcome(desk.sync('/folder'))
    expect(asked).to.have.length(4)
    await answer(3)
    expect(later.state).to.equal('done')
  })

  it('that fail are failed to those who asked for them, and to no one behind', async () => {
    const [first, second] = [outcome(desk.sync('/folder')), outcome(desk.sync('/folder'))]
    desk.failed(asked[0]?.id ?? Number.NaN, 'the disk is gone')
    await settled()
    expect([first.state, second.state]).to.deep.equal(['failed', 'waits'])
    await answer(1)
    expect(second.state).to.equal('done')
  })

  it('of several paths do not wait for each other', async () => {
    const syncs = ['/a', '/b', '/c'].map((path) => outcome(desk.sync(path)))
    expect(asked).to.have.length(3)
    await answer(1)
    expect(syncs.map(({ state }) => state)).to.deep.equal(['waits', 'done', 'waits'])
  })
})

describe('host: turns that a child asks for', () => {
  it('are over once, and also those whose answer is late; with the supervisor they are gone', async () => {
    const asked: AskMessage[] = []
    const desk = new DeskClient((message) => asked.push(message))
    const first = desk.turn('alice/a')
    const second = desk.turn('alice/b')
    expect(asked.map(({ call, question }) => ({ call, question }))).to.deep.equal([
      { call: 'turn', question: { file: 'alice/a', token: 1 } },
      { call: 'turn', question: { file: 'alice/b', token: 2 } },
    ])
    desk.answered(asked[0]?.id ?? Number.NaN, null)
    const turn = await first
    turn[Symbol.dispose]()
    expect(asked.at(-1)).to.include({ call: 'turnOver', question: 1 })
    // As it is when no answer comes in time.
    desk.failed(asked[1]?.id ?? Number.NaN, 'late')
    const failure = await second.catch((error: unknown) => error)
    expect(failure).to.be.instanceOf(DeskError)
    expect(asked.at(-1)).to.include({ call: 'turnOver', question: 2 })
    const told = asked.length
    desk.close()
    turn[Symbol.dispose]()
    expect(asked).to.have.length(told)
    expect(await desk.turn('alice/c').catch((error: unknown) => error)).to.be.instanceOf(DeskError)
    expect(asked).to.have.length(told)
  })
})
