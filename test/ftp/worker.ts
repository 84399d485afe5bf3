/** A client that changes a folder of its own in all the ways there are, and knows what must be there: after each reply, and between them. */

import type { FoundTree } from '../kit/lost-tree.ts'
import type { Seeded } from '../kit/seeded.ts'
import type { RawSession } from './raw-session.ts'

/** What a folder holds, hidden names left out: content by path, null for a folder. */
export type Holdings = ReadonlyMap<string, Buffer | null>

/** A change that was asked for. Until it is acknowledged each name may be as it was before, or as it is after it. */
export interface Change {
  readonly name: string
  readonly before: Holdings
  readonly after: Holdings
  /** What is uploaded, where it is: to be found whole under one name, or not at all. */
  readonly upload: { readonly path: string; readonly whole: Buffer; readonly isNew: boolean } | null
}

/** An acknowledged change: the reply, and who got it. */
export interface Acknowledged extends Change {
  readonly reply: string
  readonly port: number
}

/** How an upload's octets go out: at once, or in parts with time between them. */
export type Pace = (session: RawSession, command: string, octets: Buffer) => Promise<string>

const atOnce: Pace = (session, command, octets) => session.upload(command, octets)

/** The names under which the server keeps what is not whole. */
export const isHidden = (path: string): boolean => /(?:^|\/)\.havre-/.test(path)

const isFolderEmpty = (holdings: Holdings, folder: string): boolean =>
  ![...holdings.keys()].some((path) => path.startsWith(`${folder}/`))

/** The server did not do what it was asked for, and nothing had gone wrong. */
export class UnexpectedReplyError extends Error {
  override readonly name = 'UnexpectedReplyError'
}

/** What is wrong with what was found, if this is what was known of it: right after `before`, with `open` asked for and not answered. */
export const wrongOf = (found: FoundTree, before: Holdings, open: Change | null): string[] => {
  const wrong: string[] = []
  const same = (one: Buffer | null | undefined, other: Buffer | null | undefined): boolean =>
    one === other || (one instanceof Buffer && other instanceof Buffer && one.equals(other))
  const seen = new Map([...found].filter(([path]) => !isHidden(path)))
  const after = open?.after ?? before
  for (const path of new Set([...seen.keys(), ...before.keys(), ...after.keys()])) {
    const there = seen.get(path)
    if (same(there, before.get(path)) || same(there, after.get(path))) continue
    // STOU: the name is the server's to choose, and was not told yet.
    if (open?.upload?.isNew && !before.has(path) && !after.has(path) && there?.equals(open.upload.whole)) continue
    const is = there === undefined ? 'is lost' : there === null ? 'is a folder' : `is of ${there.length} octets`
    const was = before.get(path)
    wrong.push(
      `${path} ${is}, it was ${was === undefined ? 'not there' : was === null ? 'a folder' : `of ${was.length}`}; ${open?.name ?? 'nothing'} was under way`,
    )
  }
  // What moves is somewhere at any moment.
  if (open?.name.startsWith('RNTO') && ![...seen.values()].some((content) => same(content, moved(open))))
    wrong.push(`${open.name}: what moved is nowhere`)
  return wrong
}

const moved = ({ name, after }: Change): Buffer | null | undefined => after.get(name.split(' ').at(-1) ?? '')

/** One client and its folder, which must be there and empty. */
export class Worker {
  readonly folder: string
  readonly #random: Seeded
  readonly #sizes: readonly [number, number]
  readonly #pace: Pace
  readonly #withStou: boolean
  #turn = 0
  /** What must be there. */
  holdings: Holdings = new Map()
  /** Asked for and not acknowledged. */
  open: Change | null = null
  /** All acknowledged ones, in order. */
  readonly acknowledged: Acknowledged[] = []

  constructor(
    folder: string,
    random: Seeded,
    options: { readonly sizes: readonly [number, number]; readonly pace?: Pace; readonly withStou?: boolean },
  ) {
    this.folder = folder
    this.#random = random
    this.#sizes = options.sizes
    this.#pace = options.pace ?? atOnce
    this.#withStou = options.withStou ?? false
  }

  /** Does something, and waits for the reply. @throws {UnexpectedReplyError} @throws {ClientError} the server is gone */
  async work(session: RawSession): Promise<void> {
    this.#turn += 1
    const random = this.#random
    const files = [...this.holdings].flatMap(([path, content]) => (content === null ? [] : [{ path, content }]))
    const kind = random.next()
    if (files.length === 0 || kind < 0.3) return this.#store(session, this.#newPath())
    const { path, content } = random.pick(files)
    if (kind < 0.5) return this.#store(session, path)
    if (kind < 0.62) return this.#upload(session, { command: `APPE ${path}`, path, kept: content, octets: this.#octets() })
    if (kind < 0.74) {
      const at = random.between(1, content.length)
      return this.#upload(session, {
        command: `STOR ${path}`,
        path,
        kept: content.subarray(0, at),
        octets: this.#octets(),
        restart: at,
      })
    }
    if (kind < 0.8 && this.#withStou) return this.#storeUnique(session)
    if (kind < 0.9)
      return this.#rename(session, path, files.length > 1 && random.chance(0.6) ? random.pick(files).path : this.#newPath())
    if (kind < 0.94) return this.#simple(session, 'DELE', path, '250', (holdings) => holdings.delete(path))
    return this.#folders(session)
  }

  /** What is there now is what must be there from now on: for after a crash, when it has been judged. */
  settle(found: FoundTree): void {
    this.holdings = new Map([...found].filter(([path]) => !isHidden(path)))
    this.open = null
  }

  /**
   * Goes on with an upload of a new name that was broken, from where the server says it is.
   * @returns octets that did not have to be sent again; null where the server has nothing of it
   */
  async resume(session: RawSession, { path, whole }: NonNullable<Change['upload']>): Promise<number | null> {
    const size = /^213 (\d+)$/.exec(await session.ask(`SIZE ${this.folder}/${path}`))?.[1]
    if (size === undefined) return null
    const octets = Number(size)
    if (octets > whole.length) throw new UnexpectedReplyError(`${path}: the server has ${octets} octets of ${whole.length}`)
    await this.#upload(session, {
      command: `STOR ${path}`,
      path,
      kept: whole.subarray(0, octets),
      octets: whole.subarray(octets),
      restart: octets,
    })
    return octets
  }

  #newPath(): string {
    const folders = [...this.holdings].flatMap(([path, content]) => (content === null ? [`${path}/`] : []))
    return `${this.#random.pick(['', '', ...folders])}f${this.#turn}`
  }

  /** Each upload is of octets that no other one has: what is mixed shows. */
  #octets(): Buffer {
    const [least, most] = this.#sizes
    return Buffer.alloc(this.#random.between(least, most), `${this.folder} ${this.#turn} ${this.#random.text(40)}\n`)
  }

  #store(session: RawSession, path: string): Promise<void> {
    return this.#upload(session, { command: `STOR ${path}`, path, kept: Buffer.alloc(0), octets: this.#octets() })
  }

  async #upload(
    session: RawSession,
    { command, path, kept, octets, restart = 0 }: { command: string; path: string; kept: Buffer; octets: Buffer; restart?: number },
  ): Promise<void> {
    const whole = Buffer.concat([kept, octets])
    const isNew = !this.holdings.has(path)
    const change = this.#begin(command, { path, whole, isNew }, (holdings) => holdings.set(path, whole))
    const [verb = '', ...words] = command.split(' ')
    if (restart > 0) await expectCode(session, `REST ${restart}`, '350')
    this.#done(change, await this.#pace(session, `${verb} ${this.folder}/${words.join(' ')}`, octets), '226', session)
  }

  async #storeUnique(session: RawSession): Promise<void> {
    const whole = this.#octets()
    const change = this.#begin('STOU', { path: '', whole, isNew: true }, () => undefined)
    await expectCode(session, `CWD /${this.folder}`, '250')
    const reply = await this.#pace(session, 'STOU', whole)
    const name = /(\S+)$/.exec(session.opening.replace(/"/g, ''))?.[1] ?? ''
    this.#done({ ...change, after: new Map([...change.before, [name, whole]]) }, reply, '226', session)
    await expectCode(session, 'CWD /', '250')
  }

  async #rename(session: RawSession, path: string, to: string): Promise<void> {
    const content = this.holdings.get(path) ?? null
    const change = this.#begin(`RNTO ${to}`, null, (holdings) => {
      holdings.delete(path)
      holdings.set(to, content)
    })
    await expectCode(session, `RNFR ${this.folder}/${path}`, '350')
    this.#done(change, await session.ask(`RNTO ${this.folder}/${to}`), '250', session)
  }

  async #folders(session: RawSession): Promise<void> {
    const empty = [...this.holdings].flatMap(([path, content]) =>
      content === null && isFolderEmpty(this.holdings, path) ? [path] : [],
    )
    const [path] = this.#random.shuffle(empty)
    if (path !== undefined && this.#random.chance(0.5))
      return this.#simple(session, 'RMD', path, '250', (holdings) => holdings.delete(path))
    const made = `d${this.#turn}`
    return this.#simple(session, 'MKD', made, '257', (holdings) => holdings.set(made, null))
  }

  async #simple(
    session: RawSession,
    verb: string,
    path: string,
    code: string,
    apply: (holdings: Map<string, Buffer | null>) => unknown,
  ): Promise<void> {
    const change = this.#begin(`${verb} ${path}`, null, apply)
    this.#done(change, await session.ask(`${verb} ${this.folder}/${path}`), code, session)
  }

  #begin(name: string, upload: Change['upload'], apply: (holdings: Map<string, Buffer | null>) => unknown): Change {
    const after = new Map(this.holdings)
    apply(after)
    this.open = { name, before: this.holdings, after, upload }
    return this.open
  }

  #done(change: Change, reply: string, code: string, session: RawSession): void {
    // Told to go, or its own mistake: then it must not have happened, and is judged as one that is open.
    if (!reply.startsWith(`${code} `)) throw new UnexpectedReplyError(`${change.name}: ${reply}`)
    this.acknowledged.push({ ...change, reply, port: session.control.localPort })
    this.holdings = change.after
    this.open = null
  }
}

const expectCode = async (session: RawSession, line: string, code: string): Promise<void> => {
  const reply = await session.ask(line)
  if (!reply.startsWith(`${code} `)) throw new UnexpectedReplyError(`${line}: ${reply}`)
}
