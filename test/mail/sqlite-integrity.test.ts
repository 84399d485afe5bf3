import { randomBytes } from 'node:crypto'
import { copyFile, open, readFile, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { type Checked, checkMail, type Damage } from '../../shared/mail/sqlite/integrity.ts'
import { pageOctets } from '../../shared/mail/sqlite/schema.ts'
import { held, put, to } from './contract.ts'
import { count } from './inspect.ts'
import { type SqlitePlace, sqlitePlace } from './place.ts'

/** All that a check finds, and what it looked at. */
const checkOf = async (file: string): Promise<{ damages: Damage[]; checked: Checked }> => {
  const check = checkMail(file)
  const damages: Damage[] = []
  for (;;) {
    const { done, value } = await check.next()
    if (done) return { damages, checked: value }
    damages.push(value)
  }
}

describe('a check of the mail store', () => {
  let place: SqlitePlace
  /** Ids of alice's messages; each is bob's too, under the next id. */
  let ids: string[]

  /** 40 messages for alice and bob of 0 to 170,000 octets, closed and in one file. */
  beforeEach(async () => {
    place = await sqlitePlace()
    const store = await place.open()
    ids = []
    for (let turn = 0; turn < 40; turn += 1) {
      const body = Buffer.concat([
        Buffer.from(`Subject: message ${turn};\r\n\r\n`),
        randomBytes(turn % 10 === 7 ? 170_000 : turn * 50),
      ])
      const [id = ''] = await put(store, to('alice', 'bob'), body)
      ids.push(id)
    }
    await store.close()
  })
  afterEach(() => place.remove())

  const run = (sql: string): void => {
    expect(count(place.file, `${sql} RETURNING 1`), sql).to.equal(1)
  }
  const nothing = { messages: 80 }
  const messages = (damages: readonly Damage[]) =>
    damages.flatMap((damage) => (damage.of === 'message' ? [`${damage.account} ${damage.id}`] : []))
  const ofBoth = (turn: number): string[] => [`alice ${ids[turn]}`, `bob ${Number(ids[turn]) + 1}`]

  it('finds nothing where all is well', async () => {
    const { damages, checked } = await checkOf(place.file)
    expect(damages).to.deep.equal([])
    expect(checked).to.include(nothing)
    expect(checked.octets).to.be.above(4 * 170_000)
  })

  it('finds nothing while mail comes and goes, and holds nobody up', async () => {
    const store = await place.open()
    let going = true
    const traffic = (async () => {
      while (going) {
        await put(store, to('alice', 'carol'), randomBytes(Math.random() < 0.1 ? 150_000 : 2000))
        const maildrop = await held(store, 'alice')
        await maildrop.remove(maildrop.messages.filter(() => Math.random() < 0.2))
        await maildrop.release()
      }
    })()
    for (let turn = 0; turn < 8; turn += 1) expect((await checkOf(place.file)).damages).to.deep.equal([])
    going = false
    await traffic
  })

  it('finds an octet of a body that changed on the disk, and names each message that it is of', async () => {
    const octets = await readFile(place.file)
    const at = octets.indexOf('message 21;')
    const file = await open(place.file, 'r+')
    await file.write('X', at)
    await file.close()
    const { damages } = await checkOf(place.file)
    expect(messages(damages)).to.deep.equal(ofBoth(21))
    expect(damages).to.have.length(2)
    expect(damages[0]?.why).to.match(/^octets from 0 on are not those that were stored$/)
  })

  it('finds pieces that are missing, surplus or of the wrong length', async () => {
    run('DELETE FROM chunk WHERE id = (8 << 20) + 1')
    run("INSERT INTO chunk VALUES ((9 << 20) + 5, 0, x'00')")
    run('UPDATE delivery SET octets = octets + 1 WHERE id = 10')
    run('UPDATE delivery SET octets = octets - 65536 WHERE id = 18')
    const { damages } = await checkOf(place.file)
    expect(messages(damages)).to.deep.equal([7, 8, 9, 17].flatMap(ofBoth))
    // The octets are counted in the mailboxes, which now differ.
    expect(damages.filter(({ of }) => of === 'mailbox')).to.have.length(2)
    expect(damages).to.have.length(10)
  })

  it('finds messages whose envelope, octets or mailbox are gone', async () => {
    run('DELETE FROM delivery WHERE id = 12')
    run("UPDATE delivery SET recipients = '[[' WHERE id = 13")
    const { damages } = await checkOf(place.file)
    expect(messages(damages)).to.deep.equal([11, 12].flatMap(ofBoth))
    expect(damages.map(({ why }) => why)).to.include('there are octets of 1 messages that are not there')
    run("DELETE FROM mailbox WHERE account = 'bob'")
    expect(messages((await checkOf(place.file)).damages).filter((each) => each.startsWith('null'))).to.have.length(40)
  })

  it('finds envelopes and marks that nobody has written, numbers past all bounds too', async () => {
    run('UPDATE delivery SET received = 9223372036854775807 WHERE id = 3')
    run('UPDATE delivery SET received = 9007199254740000 WHERE id = 4')
    run("UPDATE delivery SET recipients = '[1, 2]' WHERE id = 5")
    run("UPDATE delivery SET dsn = '[]' WHERE id = 6")
    run(`UPDATE message SET flags = 'S!' WHERE id = ${ids[6]}`)
    const { damages } = await checkOf(place.file)
    expect(messages(damages)).to.deep.equal([...[2, 3, 4, 5].flatMap(ofBoth), `alice ${ids[6]}`])
    expect(damages.map(({ why }) => why)).to.deep.equal([...Array(8).fill('its envelope is garbled'), 'its marks are garbled'])
    run('UPDATE delivery SET octets = 9223372036854775807 WHERE id = 9')
    expect(messages((await checkOf(place.file)).damages)).to.include.members(ofBoth(8))
    run('UPDATE delivery SET links = -9223372036854775807 WHERE id = 10')
    run(`UPDATE message SET mailbox = 9223372036854775807 WHERE id = ${ids[10]}`)
    run("UPDATE mailbox SET octets = 9223372036854775807 WHERE account = 'bob'")
    run("INSERT INTO message VALUES (9223372036854775806, 1, 1, '')")
    const { damages: all } = await checkOf(place.file)
    expect(messages(all)).to.include(`null ${ids[10]}`)
    const told = all.flatMap(({ of, why }) => (of === 'message' ? [] : [`${of}: ${why}`]))
    expect(told.map((each) => each.split(/ cannot be| messages and/)[0])).to.deep.equal([
      'store: messages above 80',
      'store: the messages of deliveries',
      'mailbox: it counts 40',
      'store: mailbox 2',
    ])
  })

  it('finds counts that are wrong', async () => {
    run('UPDATE delivery SET links = 1 WHERE id = 5')
    run('DELETE FROM message WHERE id = (SELECT max(id) FROM message)')
    run("UPDATE mailbox SET octets = octets + 1 WHERE account = 'alice'")
    run("INSERT INTO chunk VALUES (999 << 20, 0, x'00')")
    const { damages } = await checkOf(place.file)
    expect(damages.map(({ of, why }) => `${of}: ${why}`)).to.satisfy((all: string[]) =>
      [
        /^store: delivery 5 counts 1 messages, and has 2$/,
        /^store: delivery 40 counts 2 messages, and has 1$/,
        /^store: there are octets of 1 messages that are not there$/,
        /^mailbox: it counts 40 messages and (\d+) octets, and has 40 and (\d+)$/,
        /^mailbox: it counts 40 messages and \d+ octets, and has 39 and \d+$/,
      ].every((words) => all.filter((each) => words.test(each)).length === 1),
    )
    expect(damages).to.have.length(5)
  })

  it('finds each page that was overwritten, and goes on behind it', async () => {
    const whole = await readFile(place.file)
    const pages = whole.length / pageOctets
    expect(pages).to.be.above(40)
    const damaged = join(place.folder, 'damaged.db')
    for (let page = 1; page < pages; page += 1) {
      const octets = Buffer.from(whole)
      octets.set(randomBytes(pageOctets - 64), page * pageOctets)
      await writeFile(damaged, octets)
      const { damages } = await checkOf(damaged)
      expect(damages, `page ${page + 1}`).not.to.deep.equal([])
    }
  }).timeout(60_000)

  it('says so when it is no database any more, is cut off, or is not there', async () => {
    const damaged = join(place.folder, 'damaged.db')
    expect((await checkOf(damaged)).damages).to.have.length(1)
    await copyFile(place.file, damaged)
    await truncate(damaged, 20 * pageOctets)
    expect((await checkOf(damaged)).damages).not.to.deep.equal([])
    const file = await open(damaged, 'r+')
    await file.write(randomBytes(100), 0, 100, 0)
    await file.close()
    expect((await checkOf(damaged)).damages).to.have.length(1)
  })

  it('tells how far it is, and ends when it is told to', async () => {
    const seen = { messages: 0, octets: 0 }
    let total: Checked | null = null
    const check = checkMail(place.file, {
      begun: (there) => {
        total = { ...there }
      },
      looked: (messages, octets) => {
        seen.messages += messages
        seen.octets += octets
      },
    })
    const { done, value } = await check.next()
    expect(done).to.equal(true)
    expect(seen).to.deep.equal(value)
    expect(total).to.include({ messages: 80 })
    const stopped = checkMail(place.file, { signal: AbortSignal.abort(new Error('enough')) }).next()
    expect(await stopped.catch((reason: unknown) => reason)).to.have.property('message', 'enough')
  })
})
