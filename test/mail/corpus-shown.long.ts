import { mkdir, readdir, readFile, stat } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { runNode } from '../kit/run.ts'
import { succeeded } from '../whole/mail-route.ts'
import { corpus } from './corpus/corpus.ts'
import { type CorpusPlace, corpusPlace } from './corpus/place.ts'

/** What may drive a terminal. */
const controls = /[\0-\x08\x0b-\x1f\x7f-\x9f]/

/** Not there where nothing was attached. */
const namesIn = (folder: string): Promise<string[]> =>
  readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })

describe('havre mail show: mail of all kinds', function () {
  this.timeout(900_000)
  let place: CorpusPlace
  let ids: readonly string[]
  before('show all of it', async () => {
    place = await corpusPlace()
    await mkdir(place.folder.at('shown', 'saved'), { recursive: true })
    const { stdout } = succeeded(await place.mail('list', 'alice', '--json'))
    const list: { messages: { id: string }[] } = JSON.parse(stdout.toString())
    ids = list.messages.map(({ id }) => id)
    const program = fileURLToPath(new URL('./corpus/show-all.ts', import.meta.url))
    const args = [program, place.folder.at('data'), place.folder.at('shown'), ...ids]
    succeeded(await runNode(args, { cwd: place.folder.path, deadlineMs: 280_000 }))
  })
  after(() => place?.[Symbol.asyncDispose]())

  for (const [at, { name }] of corpus.entries()) {
    it(name, async () => {
      const id = ids[at] ?? ''
      const shown = (kind: string) => readFile(place.folder.at('shown', `${id}.${kind}`), 'utf8')
      const text = await shown('txt')
      expect(text)
        .to.match(/^Message \d+, received /)
        .and.to.not.match(controls)
      const told = await shown('json')
      expect(told)
        .to.match(/^\{.*\}\n$/)
        .and.to.not.match(controls)
      const { saved }: { saved: { octets: number }[] } = JSON.parse(told)
      expect(Number(/^(\d+) attached/m.exec(text)?.[1] ?? 0)).to.equal(saved.length)
      const folder = place.folder.at('shown', 'saved', id)
      const names = await namesIn(folder)
      const sizes = await Promise.all(names.map(async (each) => (await stat(`${folder}/${each}`)).size))
      expect(sizes).to.have.members(saved.map(({ octets }) => octets))
      for (const each of names) expect(each).to.match(/^[^\0-\x1f\x7f/\\.][^\0-\x1f\x7f/\\]*$/)
    })
  }

  it('leaves nothing outside of the folders that were named', async () => {
    expect(await readdir(place.folder.path)).to.have.members(['data', 'shown'])
    expect((await readdir(place.folder.at('shown', 'saved'))).filter((name) => !ids.includes(name))).to.deep.equal([])
  })
})
