import { mkdir, writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { fuzzRounds, runSeed, type Seeded, seeded } from '../../kit/seeded.ts'
import { WritableSite } from './home.ts'

const rounds = fuzzRounds(120, 120)
const long = 'Sun, 06 Nov 1994 08:49:37 GMT'
const never = 'Fri, 01 Jan 2100 00:00:00 GMT'

/** What stands at each name of the web folder: content, or null for a folder. */
type Holdings = Map<string, string | null>

/** Names that are asked for; those below `d` only where it is a folder. */
const names = ['a', 'b', 'd', 'd/e', 'd/f', 'x/y']

/** Conditions, and what they say of what stands there (RFC 9110 §13.1): undefined where there is none of that kind. */
interface Condition {
  readonly name: string
  readonly value: string
  /** @param tag of the file there; null: a folder; undefined: nothing */
  holds(tag: string | null | undefined): boolean
}

const conditions = (random: Seeded, tag: string | null | undefined): readonly Condition[] => {
  const known = tag ?? '"none"'
  const match: readonly Condition[] = [
    { name: 'If-Match', value: '*', holds: (there) => there !== undefined },
    { name: 'If-Match', value: known, holds: (there) => there === known },
    { name: 'If-Match', value: `"1", ${known} , "2"`, holds: (there) => there === known },
    { name: 'If-Match', value: `W/${known}`, holds: () => false },
    { name: 'If-Match', value: 'no tag', holds: () => false },
  ]
  const since: readonly Condition[] = [
    { name: 'If-Unmodified-Since', value: long, holds: (there) => typeof there !== 'string' },
    { name: 'If-Unmodified-Since', value: never, holds: () => true },
    { name: 'If-Unmodified-Since', value: 'yesterday', holds: () => true },
  ]
  const noneMatch: readonly Condition[] = [
    { name: 'If-None-Match', value: '*', holds: (there) => there === undefined },
    { name: 'If-None-Match', value: known, holds: (there) => there !== known },
    { name: 'If-None-Match', value: `"1",W/${known}`, holds: (there) => there !== known },
    { name: 'If-None-Match', value: '"1"', holds: () => true },
  ]
  // Of GET alone: without a meaning here.
  const others: readonly Condition[] = [
    { name: 'If-Modified-Since', value: never, holds: () => true },
    { name: 'If-Range', value: '"1"', holds: () => true },
    { name: 'Range', value: 'bytes=0-0', holds: () => true },
  ]
  const chosen = [match, since, noneMatch, others].flatMap((kind) => (random.chance(0.35) ? [random.pick(kind)] : []))
  // If-Match makes If-Unmodified-Since mean nothing (§13.2.2).
  return chosen.some(({ name }) => name === 'If-Match')
    ? chosen.map((each) => (each.name === 'If-Unmodified-Since' ? { ...each, holds: () => true } : each))
    : chosen
}

/** What makes a content unfit, by its head. */
const unfit: readonly (readonly [name: string, value: string, status: number])[] = [
  ['Content-Range', 'bytes 0-1/2', 400],
  ['Content-Encoding', 'gzip', 415],
]

class Model {
  readonly holdings: Holdings = new Map()

  isFolder(name: string): boolean {
    return name === '' || this.holdings.get(name) === null
  }

  parentOf(name: string): string {
    return name.slice(0, Math.max(0, name.lastIndexOf('/')))
  }

  /** What is answered; does it where it is a success. What would be refused in any case is refused for that (RFC 9110 §13.2.1). */
  answer(method: string, name: string, content: string | null, holds: boolean, unfitStatus: number | null): number {
    const before = new Map(this.holdings)
    const status = this.#without(method, name, content, unfitStatus)
    if (holds) return status
    this.holdings.clear()
    for (const [each, there] of before) this.holdings.set(each, there)
    return status < 300 ? 412 : status
  }

  /** @returns what is answered where there are no conditions */
  #without(method: string, name: string, content: string | null, unfitStatus: number | null): number {
    const there = this.holdings.get(name)
    if (method === 'PUT') {
      if (unfitStatus !== null) return unfitStatus
      if (there === null) return 405
      if (content === null) return 411
      if (!this.isFolder(this.parentOf(name))) return 409
      this.holdings.set(name, content)
      return there === undefined ? 201 : 204
    }
    if (method === 'DELETE') {
      if (there === undefined) return 404
      if (there === null && [...this.holdings.keys()].some((other) => other.startsWith(`${name}/`))) return 409
      this.holdings.delete(name)
      return 204
    }
    if (content !== null && content !== '') return 415
    if (there !== undefined) return 405
    if (!this.isFolder(this.parentOf(name))) return 409
    this.holdings.set(name, null)
    return 201
  }
}

describe('PUT, DELETE and MKCOL in any order, with any conditions', function () {
  this.timeout(120_000)

  it(`do what the standards say, and nothing else, ${rounds} times`, async () => {
    const random = seeded(runSeed())
    await using site = await WritableSite.serve()
    await mkdir(site.at('d'), { recursive: true })
    await writeFile(site.at('a'), 'old')
    const model = new Model()
    model.holdings.set('d', null).set('a', 'old')
    const seen = new Map<string, number>()
    const tagOf = async (name: string) => {
      const there = model.holdings.get(name)
      return typeof there === 'string' ? (await site.ask('HEAD', `/~alice/${name}`, { as: null })).fields['etag'] : there
    }
    for (let round = 0; round < rounds; round += 1) {
      const method = random.pick(['PUT', 'PUT', 'PUT', 'DELETE', 'DELETE', 'MKCOL'])
      const name = random.pick(names)
      const tag = await tagOf(name)
      const chosen = conditions(random, tag)
      const spoilt = method === 'PUT' && random.chance(0.1) ? random.pick(unfit) : null
      const content = random.chance(method === 'PUT' ? 0.85 : 0.1) ? random.text(random.between(0, 200)) : null
      const fields = Object.fromEntries([
        ...random.shuffle(chosen.map(({ name: field, value }) => [field, value] as const)),
        ...(spoilt === null ? [] : [[spoilt[0], spoilt[1]] as const]),
      ])
      const holds = chosen.every((condition) => condition.holds(tag))
      const demanded = model.answer(method, name, content, holds, spoilt?.[2] ?? null)
      const status = await site.status(method, `/~alice/${name}`, { fields, content })
      const asked = `seed ${random.seed}, round ${round}: ${method} ${name} (${tag}) ${JSON.stringify(fields)}, ${content?.length ?? 'no'} octets`
      expect(status, asked).to.equal(demanded)
      seen.set(`${method} ${status}`, (seen.get(`${method} ${status}`) ?? 0) + 1)
      for (const each of names) {
        const there = model.holdings.get(each)
        if (typeof there === 'string') expect(await site.text(each), asked).to.equal(there)
      }
      const top = [...model.holdings.keys()].filter((each) => !each.includes('/')).sort()
      expect(await site.names(), asked).to.deep.equal(top)
    }
    for (const outcome of ['PUT 201', 'PUT 204', 'PUT 409', 'PUT 412', 'DELETE 204'])
      expect(seen.get(outcome) ?? 0, outcome).to.be.above(0)
    expect(site.running.journal.records.filter(({ level }) => level === 'error')).to.deep.equal([])
  })
})
