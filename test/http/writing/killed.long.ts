import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import { AssertionError, expect } from 'chai'
import { makeFtpAccounts, password } from '../../ftp/ftp-family.ts'
import { Client, ClientError } from '../../kit/client.ts'
import { temporaryFolder } from '../../kit/folder.ts'
import { runSeed, type Seeded, seeded } from '../../kit/seeded.ts'
import { KilledFamily } from '../../whole/killed-family.ts'
import { loginOf } from './home.ts'

const writers = 5
const kills = Number(process.env['HAVRE_TEST_KILLS'] ?? 2)

/** What a name holds; null: nothing. */
type Content = Buffer | null

/** Changes files of its own until the server is gone, and knows what it was told. */
class Writer {
  /** As acknowledged. */
  readonly held = new Map<string, Content>()
  /** Asked for, and not answered. */
  open: { readonly name: string; readonly content: Content } | null = null
  stored = 0
  readonly #random: Seeded
  readonly #names: readonly string[]

  constructor(nth: number, random: Seeded) {
    this.#random = random
    this.#names = [0, 1, 2].map((at) => `w${nth}-${at}`)
  }

  /** @param begun is told when the first change of this connection is made */
  async work(port: number, begun: () => void): Promise<void> {
    using client = await Client.connect(port, { deadlineMs: 60_000 })
    for (;;) {
      await this.#change(client)
      begun()
    }
  }

  async #change(client: Client): Promise<void> {
    const name = this.#random.pick(this.#names)
    const old = this.held.get(name) ?? null
    const content = old !== null && this.#random.chance(0.2) ? null : this.#random.octets(this.#random.between(1, 400_000))
    this.open = { name, content }
    await client.send(
      `${content === null ? 'DELETE' : 'PUT'} /~alice/${name} HTTP/1.1\r\nHost: a\r\nAuthorization: ${loginOf('alice', password)}\r\nContent-Length: ${content?.length ?? 0}\r\n\r\n`,
    )
    for (let at = 0; content !== null && at < content.length; at += 100_000) {
      await client.send(content.subarray(at, at + 100_000))
      // So that a kill comes between the parts of some.
      if (this.#random.chance(0.5)) await sleep(this.#random.between(0, 15))
    }
    const status = await client.line()
    // What follows is read too before the next request.
    for (let line = status; line !== ''; ) line = await client.line()
    expect(status).to.match(content === null || old !== null ? /^HTTP\/1\.1 204 / : /^HTTP\/1\.1 201 /)
    this.held.set(name, content)
    this.open = null
    if (content !== null) this.stored += 1
  }

  /** What of its names is neither as it was told nor as it asked for last; takes what is there for the truth from now on. */
  wrong(found: ReadonlyMap<string, Buffer>): readonly string[] {
    const { open } = this
    this.open = null
    return this.#names.filter((name) => {
      const there = found.get(name) ?? null
      const fits = (content: Content) => (content === null || there === null ? content === there : content.equals(there))
      const right = fits(this.held.get(name) ?? null) || (open?.name === name && fits(open.content))
      this.held.set(name, there)
      return !right
    })
  }
}

describe('HTTP is killed', function () {
  this.timeout(900_000)

  it(`${kills} times while ${writers} clients write: each 201 and 204 holds, no old file is lost or mixed, nothing half is seen`, async () => {
    const seed = runSeed()
    const random = seeded(seed)
    await using folder = await temporaryFolder()
    await makeFtpAccounts(folder)
    await using family = await KilledFamily.of(folder, { http: ['write=true'] }, random)
    expect(await family.start().ready, family.output).to.equal(true)
    const all = Array.from({ length: writers }, (_, nth) => new Writer(nth, seeded(seed + nth)))
    const web = folder.at('data/files/alice/public_html')
    let broken = 0
    for (let kill = 0; kill < kills; kill += 1) {
      // A connection that nobody has accepted yet would outlive the kill.
      const begun = all.map(() => Promise.withResolvers<void>())
      let isKilled = false
      const working = Promise.all(
        all.map(async (writer, nth) => {
          try {
            await writer.work(family.port('http'), () => begun[nth]?.resolve())
          } catch (error) {
            const gone =
              error instanceof Error && 'code' in error && ['ECONNRESET', 'EPIPE', 'ECONNREFUSED'].includes(String(error.code))
            // Whose supervisor is killed first still says that it cannot.
            const refused = isKilled && error instanceof AssertionError
            if (!(error instanceof ClientError) && !gone && !refused) throw error
          }
        }),
      )
      await Promise.race([Promise.all(begun.map(({ promise }) => promise)), working])
      await sleep(random.between(0, 300))
      // A child that is killed often is started later and later: now and then the whole family begins anew.
      const whole = kill % 2 === 1
      isKilled = true
      await (whole ? family.killAll(random) : family.killChildren())
      await working
      broken += all.filter(({ open }) => open !== null).length
      const names = (await readdir(web)).filter((name) => !name.startsWith('.havre-'))
      const found = new Map<string, Buffer>()
      for (const name of names) found.set(name, await readFile(`${web}/${name}`))
      expect(
        all.flatMap((writer) => writer.wrong(found)),
        `seed ${seed}, kill ${kill + 1}`,
      ).to.deep.equal([])
      if (whole) expect(await family.start().ready, family.output).to.equal(true)
    }
    expect(await family.stop()).to.equal(0)
    expect(broken, 'changes under way at a kill').to.be.above(0)
    const told = all.reduce((sum, { stored }) => sum + stored, 0)
    expect(told).to.be.above(0)
    const records = (await readFile(folder.at('logs/http.log'), 'utf8'))
      .split('\n')
      .filter((line) => line.includes('"web.file.stored"'))
    expect(records.length, 'on record before it is told').to.be.at.least(told)
  })
})
