import { statSync, writeFileSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { expect } from 'chai'
import { type Lab, lab, message } from './lab.ts'

describe('the index of mail', function () {
  this.timeout(120_000)
  let place: Lab

  beforeEach(async () => {
    place = await lab()
  })

  afterEach(async () => {
    await place.remove()
  })

  it('is a file of its own that only its owner reads, and says that it was made', async () => {
    await place.put(message([], 'word'))
    expect((await place.round()).made).to.deep.equal(['missing'])
    expect(statSync(place.indexFile).mode & 0o777).to.equal(0o600)
    expect((await place.round()).made).to.deep.equal([])
  })

  for (const [what, spoil, why] of [
    ['garbage', (file: string) => writeFileSync(file, Buffer.alloc(20_000, 'garbage')), 'damaged'],
    ['of another store', () => place.changeIndex(`UPDATE progress SET store = 'other'`), 'another store'],
  ] as const)
    it(`is made anew when it is ${what}`, async () => {
      const [id = ''] = await place.put(message([], 'word'))
      await place.round()
      spoil(place.indexFile)
      expect((await place.round()).made.at(-1)).to.be.oneOf([why, 'missing'])
      expect(await place.find('word')).to.deep.equal([id])
    })

  it('forgets what was removed: the letter with its last message', async () => {
    const [mine = '', hers = ''] = await place.put(message([], 'word'), ['alice', 'carol'])
    await place.put(message([], 'stays'))
    await place.round()
    await place.take('alice', [mine])
    await place.round()
    expect(place.askIndex('SELECT count(*) AS n FROM place')).to.deep.equal([{ n: 2 }])
    expect(place.askIndex('SELECT count(*) AS n FROM letter')).to.deep.equal([{ n: 2 }])
    await place.take('carol', [hers])
    await place.round()
    expect(place.askIndex('SELECT count(*) AS n FROM place')).to.deep.equal([{ n: 1 }])
    expect(place.askIndex('SELECT count(*) AS n FROM letter')).to.deep.equal([{ n: 1 }])
  })

  it('leaves out a message that is damaged, says so, and goes on', async () => {
    const [bad = ''] = await place.put(message([], 'rotten'))
    const [good = ''] = await place.put(message([], 'sound'))
    const mail = new DatabaseSync(place.place.file)
    mail.exec(`UPDATE chunk SET data = CAST('x' AS BLOB) WHERE id = (SELECT delivery << 20 FROM message WHERE id = ${bad})`)
    mail.close()
    expect((await place.round()).leftOut).to.deep.equal([{ message: Number(bad), why: 'damaged' }])
    expect(await place.find('sound')).to.deep.equal([good])
    expect((await place.round()).leftOut).to.deep.equal([])
  })

  it('is one thread at a time: another one in the background leaves, one in haste takes over', async () => {
    await place.put(message([], 'word'))
    await place.round()
    const now = Math.floor(Number(process.hrtime.bigint() / 1_000_000n))
    await place.put(message([], 'second'))
    place.changeIndex(`UPDATE progress SET holder = 'another', until = ${now + 60_000}, urgent = 0`)
    expect((await place.round({ urgency: 'background' })).end).to.equal('busy')
    expect((await place.round({ urgency: 'urgent' })).end).to.equal('done')
    // A holder that died is one whose time is over.
    place.changeIndex(`UPDATE progress SET holder = 'another', until = ${now - 1}, urgent = 1`)
    expect((await place.round({ urgency: 'background' })).end).to.equal('done')
  })

  it('is not touched by a step of a thread that lost its lease', async () => {
    await place.put(message([], 'word'))
    await place.round()
    place.changeIndex(
      `CREATE TRIGGER steal AFTER UPDATE OF trying ON progress WHEN NEW.trying = 1 BEGIN UPDATE progress SET holder = 'another'; END`,
    )
    await place.put(message([], 'second'))
    expect((await place.round({ urgency: 'background' })).end).to.equal('busy')
    expect(place.askIndex('SELECT count(*) AS n FROM letter')).to.deep.equal([{ n: 1 }])
  })
})
