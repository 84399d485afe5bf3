/** A family on ports that stay the same, all of whose processes can be killed at one moment, and which is started again on its data. */
import { type ChildProcess, spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { familyArgs, havreProgram } from '../kit/family.ts'
import type { TemporaryFolder } from '../kit/folder.ts'
import type { Seeded } from '../kit/seeded.ts'

/** A free port below those that the system gives to clients, which one of them might have when it is wanted again. */
const freePort = async (random: Seeded): Promise<number> => {
  for (;;) {
    const port = random.between(20_000, 30_000) + (process.pid % 1_000)
    const server = createServer()
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => resolve(true))
    })
    await new Promise((resolve) => server.close(resolve))
    if (free) return port
  }
}

/** Processes that live, each with its parent; what has ended and waits to be fetched does not live. */
const parents = (): Map<number, number> => {
  const found = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue
    try {
      const [, state, parent] = /^.*\) (\S) (\d+) /s.exec(readFileSync(`/proc/${name}/stat`, 'utf8')) ?? []
      if (state !== 'Z') found.set(Number(name), Number(parent))
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ESRCH'))) throw error
    }
  }
  return found
}

/** This process and all that descend from it. */
const withDescendants = (pid: number): number[] => {
  const all = [...parents()]
  const family = new Set([pid])
  for (let before = 0; before < family.size; ) {
    before = family.size
    for (const [child, parent] of all) if (family.has(parent)) family.add(child)
  }
  return [...family]
}

const kill = (pid: number): void => {
  try {
    process.kill(pid, 'SIGKILL')
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error
  }
}

/** Whoever made it disposes of it: nothing runs then. The folder is the caller's. */
export class KilledFamily implements AsyncDisposable {
  readonly ports: ReadonlyMap<string, number>
  readonly #folder: TemporaryFolder
  readonly #settings: readonly string[]
  #supervisor: ChildProcess | null = null
  #output = ''

  private constructor(folder: TemporaryFolder, ports: ReadonlyMap<string, number>, settings: readonly string[]) {
    this.#folder = folder
    this.ports = ports
    this.#settings = settings
  }

  /** @param services name and what `--set` gives it, as in `{ lmtp: ['protocol=smtp', 'mode=lmtp'] }` */
  static async of(
    folder: TemporaryFolder,
    services: Readonly<Record<string, readonly string[]>>,
    random: Seeded,
  ): Promise<KilledFamily> {
    const ports = new Map<string, number>()
    for (const name of Object.keys(services)) ports.set(name, await freePort(random))
    const settings = Object.entries(services).flatMap(([name, values]) =>
      [`port=${ports.get(name)}`, ...values].map((value) => `services.${name}.${value}`),
    )
    const off = ['http', 'ftp', 'smtp', 'pop3'].filter((name) => !ports.has(name)).map((name) => `services.${name}.enabled=false`)
    const all = ['demo=false', ...off, ...settings].flatMap((setting) => ['--set', setting])
    return new KilledFamily(folder, ports, [...familyArgs(folder), ...all])
  }

  /** The arguments with which it is started: any other command finds it by them. */
  get args(): readonly string[] {
    return this.#settings
  }

  port(service: string): number {
    const port = this.ports.get(service)
    if (port === undefined) throw new Error(`there is no service ${service}`)
    return port
  }

  /** Starts it. `ready` resolves with false when it ended before it was ready; it never rejects. */
  start(): { readonly ready: Promise<boolean> } {
    const child = spawn(process.execPath, [...havreProgram, 'start', ...this.#settings], {
      cwd: this.#folder.path,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    this.#supervisor = child
    this.#output = ''
    const ready = new Promise<boolean>((resolve) => {
      const take = (chunk: Buffer) => {
        this.#output += chunk.toString()
        if (/^ready$/m.test(this.#output)) resolve(true)
      }
      child.stdout.on('data', take)
      child.stderr.on('data', take)
      child.once('close', () => resolve(false))
    })
    return { ready }
  }

  /** What it printed since it was last started. */
  get output(): string {
    return this.#output
  }

  /** kill -9, each process of it, in any order; resolves when none is left. */
  async killAll(random: Seeded): Promise<void> {
    const child = this.#supervisor
    this.#supervisor = null
    if (child?.pid === undefined) return
    let pids = withDescendants(child.pid)
    while (pids.length > 0) {
      for (const pid of random.shuffle(pids)) kill(pid)
      await sleep(2)
      // A process that was being made while the others were killed is found among theirs.
      const living = parents()
      pids = [...new Set(pids.flatMap(withDescendants))].filter((pid) => living.has(pid))
    }
    if (child.exitCode === null && child.signalCode === null) await new Promise((resolve) => child.once('exit', resolve))
  }

  /** kill -9, each child, and not the supervisor, which starts them again; resolves when they are gone. */
  async killChildren(): Promise<void> {
    const supervisor = this.#supervisor?.pid
    const isChild = (pid: number) => parents().get(pid) === supervisor
    const children = [...parents().keys()].filter(isChild)
    for (const pid of children) kill(pid)
    while (children.some(isChild)) await sleep(2)
  }

  /** SIGTERM. @returns its exit code */
  async stop(): Promise<number | null> {
    const child = this.#supervisor
    if (child === null) return null
    const ended = new Promise<number | null>((resolve) => child.once('exit', resolve))
    child.kill('SIGTERM')
    const code = child.exitCode ?? (await ended)
    this.#supervisor = null
    return code
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const pid = this.#supervisor?.pid
    if (pid !== undefined) for (const each of withDescendants(pid)) kill(each)
    this.#supervisor = null
  }
}
