import { expect } from 'chai'
import { tree } from '../http/rows.ts'
import { serveSite } from '../http/site.ts'
import { describeWith } from '../kit/programs.ts'
import { peers } from './http-peers.ts'
import { type Answers, type Column, isAlike, nameOnPage, readPage, writePage } from './http-peers-page.ts'
import { rows } from './http-peers-rows.ts'
import { idleReasons, whyOf } from './http-peers-why.ts'
import { play } from './http-player.ts'

const atOnce = 8

/** What a server answers to each row. */
const answersOf = async (port: number): Promise<ReadonlyMap<string, string>> => {
  const answers = new Map<string, string>()
  for (let at = 0; at < rows.length; at += atOnce)
    await Promise.all(rows.slice(at, at + atOnce).map(async (row) => answers.set(row.name, await play(port, row))))
  return answers
}

const answersOfOurs = async (): Promise<ReadonlyMap<string, string>> => {
  await using site = await serveSite(tree)
  return await answersOf(site.port)
}

/** Sends all rows to all servers, and writes the page. */
const write = async () => {
  const all = new Map<Column, ReadonlyMap<string, string>>([['Havre', await answersOfOurs()]])
  for (const peer of peers) {
    await using server = await peer.start()
    all.set(peer.name, await answersOf(server.port))
  }
  const of = (column: Column, name: string) => all.get(column)?.get(name) ?? ''
  const answers = rows.map(({ name }): [string, Answers] => [
    name,
    { Havre: of('Havre', name), nginx: of('nginx', name), Caddy: of('Caddy', name) },
  ])
  await writePage(new Map(answers))
}

const expectAsTold = async (column: Column, answers: ReadonlyMap<string, string>): Promise<void> => {
  const page = await readPage()
  const others = rows.flatMap(({ name }) => {
    const told = page.get(nameOnPage(name))?.[column]
    return answers.get(name) === told ? [] : [`${name}: ${answers.get(name)}, not ${told}`]
  })
  expect(others.join('\n')).to.equal('')
}

describe('HTTP beside others', function () {
  this.timeout(300_000)

  if (process.env['HAVRE_TEST_WRITE_PAGE'] === '1') {
    it('is told of in docs/http-peers.md', write)
    return
  }

  it('answers each request as docs/http-peers.md tells', async () => await expectAsTold('Havre', await answersOfOurs()))

  it('is told of with a reason where it is otherwise, of each request', async () => {
    const page = await readPage()
    expect([...page.keys()]).to.deep.equal(rows.map(({ name }) => nameOnPage(name)))
    expect(rows.length).to.be.at.least(250)
    for (const { name } of rows) {
      const row = page.get(nameOnPage(name))
      if (row === undefined) throw new Error(name)
      if (isAlike(row)) expect(row.why, name).to.equal('')
      else {
        expect(row.why, name).to.equal(whyOf(name))
        expect(whyOf(name), name).to.not.equal('')
      }
    }
    const otherwise = rows.filter(({ name }) => !isAlike(page.get(nameOnPage(name)) ?? { Havre: '', nginx: '', Caddy: '' }))
    expect(idleReasons(otherwise.map(({ name }) => name))).to.deep.equal([])
  })

  for (const peer of peers) {
    describeWith([peer.name.toLowerCase()], `beside ${peer.name}`, () => {
      it('finds it answering as docs/http-peers.md tells', async () => {
        await using server = await peer.start()
        await expectAsTold(peer.name, await answersOf(server.port))
      })
    })
  }
})
