import { chmodSync, readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { copyFile } from 'node:fs/promises'
import { expect } from 'chai'
import { type Lab, lab, message, multipart } from './lab.ts'

describe('the index of mail, at length', function () {
  this.timeout(900_000)
  let place: Lab

  beforeEach(async () => {
    place = await lab()
  })

  afterEach(async () => {
    await place.remove()
  })

  for (const [what, spoil, why] of [
    ['cut off', (file: string) => truncateSync(file, 8_192), 'damaged'],
    ['empty', (file: string) => truncateSync(file, 0), 'damaged'],
    ['of another version', () => place.changeIndex('PRAGMA user_version = 99'), 'another version'],
    ['of another program', () => place.changeIndex('PRAGMA application_id = 5'), 'another version'],
    [
      'ahead of a store that was put back from a backup',
      () => place.changeIndex('UPDATE progress SET message = 9999'),
      'another store',
    ],
    ['about another message of that number', () => place.changeIndex('UPDATE progress SET received = 5'), 'another store'],
  ] as const)
    it(`is made anew when it is ${what}`, async () => {
      const [id = ''] = await place.put(message([], 'word'))
      await place.round()
      spoil(place.indexFile)
      expect((await place.round()).made.at(-1)).to.be.oneOf([why, 'missing'])
      expect(await place.find('word')).to.deep.equal([id])
    })

  it('is made anew when its pages are torn, also while somebody asks it', async () => {
    for (let count = 0; count < 40; count += 1) await place.put(message([], `word number${count} ${'filler '.repeat(400)}`))
    await place.round()
    place.changeIndex('PRAGMA wal_checkpoint(TRUNCATE)')
    const octets = readFileSync(place.indexFile)
    octets.fill(0x5a, 8_192)
    writeFileSync(place.indexFile, octets)
    expect(await place.find('number7')).to.have.length(1)
  })

  it('loses a message that ends its thread, after two tries, and nothing else', async () => {
    const ids: string[] = []
    for (let count = 0; count < 5; count += 1) ids.push(...(await place.put(message([], `before${count}`))))
    // So much text takes more memory than this thread has.
    const large = `Content-Type: text/html\r\n\r\n${'<p>ä'.repeat(1_000_000)}`
    const [hostile = ''] = await place.put(multipart([], [large]))
    for (let count = 0; count < 5; count += 1) ids.push(...(await place.put(message([], `after${count}`))))
    const told = await place.round({ trial: { memoryMb: 20 } })
    expect(told.end).to.equal('done')
    expect(told.died).to.have.length(2)
    expect(told.leftOut).to.deep.equal([{ message: Number(hostile), why: 'ended its thread' }])
    expect(await place.find('before*')).to.have.length(5)
    expect(await place.find('after*')).to.have.length(5)
    expect((await place.round()).leftOut).to.deep.equal([])
  })

  it('has a thread that shows no sign of life ended, and gives up after some', async () => {
    await place.put(message([], 'word'))
    const stuck = new URL(`data:text/javascript,${encodeURIComponent('for (;;);')}`)
    const told = await place.round({ trial: { silenceMs: 300, thread: stuck } })
    expect(told.end).to.equal('gave up')
    expect(new Set(told.died)).to.deep.equal(new Set(['no sign of life for 300 ms']))
  })

  it('runs at the lowest priority, and the process that has it does not', async function () {
    if (process.platform !== 'linux') this.skip()
    for (let count = 0; count < 300; count += 1) await place.put(multipart([], [`Content-Type: text/html\r\n\r\n<p>text ${count}`]))
    const statOf = (task: string): string => {
      try {
        return readFileSync(`/proc/self/task/${task}/stat`, 'latin1')
      } catch (error) {
        // It ended meanwhile.
        if (error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH')) return ''
        throw error
      }
    }
    // The 19th field (proc_pid_stat(5)); the name before it, in brackets, may hold blanks.
    const niceOf = (stat: string) => Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16])
    const nice = (): number[] => readdirSync('/proc/self/task').map((task) => niceOf(statOf(task)))
    const seen: number[][] = []
    const looking = setInterval(() => seen.push(nice()), 5)
    await place.round({ urgency: 'background' })
    clearInterval(looking)
    expect(seen.some((each) => each.filter((value) => value === 19).length === 1)).to.equal(true)
    expect(seen.every((each) => each.filter((value) => value === 19).length <= 1)).to.equal(true)
  })

  it('of a folder that may not be written says so, and takes nothing with it', async function () {
    if (process.getuid?.() === 0) this.skip()
    await place.put(message([], 'word'))
    chmodSync(place.place.folder, 0o500)
    try {
      await place.round()
      expect.fail('it was written')
    } catch (error) {
      expect(error).to.have.property('code', 'damaged')
    } finally {
      chmodSync(place.place.folder, 0o700)
    }
  })

  it('can be copied away with the store and put back', async () => {
    const [id = ''] = await place.put(message([], 'word'))
    await place.round()
    place.changeIndex('PRAGMA wal_checkpoint(TRUNCATE)')
    await copyFile(place.indexFile, `${place.indexFile}.copy`)
    await place.put(message([], 'later'))
    await place.round()
    await copyFile(`${place.indexFile}.copy`, place.indexFile)
    expect(await place.find('word')).to.deep.equal([id])
    expect(await place.find('later')).to.have.length(1)
  })
})
