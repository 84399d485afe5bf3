import { expect } from 'chai'
import { parseQuery } from '../../shared/mail/keeping/query.ts'
import { searchMail } from '../../shared/mail/keeping/search.ts'
import { indexFile, mailFile } from '../../shared/mail/mail-files.ts'
import { succeeded } from '../whole/mail-route.ts'
import { corpus } from './corpus/corpus.ts'
import { type CorpusPlace, corpusPlace } from './corpus/place.ts'

describe('havre mail: mail of all kinds', function () {
  this.timeout(120_000)
  let place: CorpusPlace
  before('put it into a mailbox', async () => {
    place = await corpusPlace()
  })
  after(() => place?.[Symbol.asyncDispose]())

  // First: what is imported is indexed too.
  it('is found by its words', async () => {
    const [mail, index] = [mailFile(place.folder.at('data')), indexFile(place.folder.at('data'))]
    const signal = new AbortController().signal
    const words = corpus.flatMap(({ word }, at) => (word === null ? [] : [{ word, at }]))
    expect(words.length).to.be.greaterThan(20)
    const { stdout } = succeeded(await place.mail('list', 'alice', '--json'))
    const { messages }: { messages: { id: string }[] } = JSON.parse(stdout.toString())
    const missed: string[] = []
    for (const { word, at } of words) {
      const terms = parseQuery(word)
      const { found } = await searchMail({ mailFile: mail, indexFile: index, account: 'alice', terms, limit: 100, signal })
      if (!found.some(({ id }) => id === messages[at]?.id)) missed.push(`${word}: ${corpus[at]?.name}`)
    }
    expect(missed).to.deep.equal([])
  })

  for (const [format, account] of [
    ['maildir', 'bob'],
    ['mbox', 'carol'],
  ] as const) {
    it(`is the same once it was exported as ${format} and imported again`, async () => {
      const path = place.folder.at(`exported.${format}`)
      succeeded(await place.mail('export', 'alice', path, '--format', format))
      succeeded(await place.mail('import', account, path))
      const came = await place.messages(account)
      const changed = corpus.filter(({ octets }, at) => came[at]?.equals(octets) !== true).map(({ name }) => name)
      expect(changed).to.deep.equal([])
      expect(came).to.have.length(corpus.length)
    })
  }

  it('is listed, a line each, whatever its header is', async () => {
    const { stdout } = succeeded(await place.mail('list', 'alice'))
    const rows = stdout.toString().trimEnd().split('\n')
    expect(rows).to.have.length(corpus.length + 1)
    expect(rows.join('')).to.not.match(/[\0-\x1f\x7f-\x9f]/)
  })
})
