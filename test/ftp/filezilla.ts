/** FileZilla, which has no command line: its window is on a screen of its own that nobody sees, its keys are pressed by xdotool. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { DatabaseSync } from 'node:sqlite'
import type { Readable } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { run } from '../kit/run.ts'
import { type ProgramLab, password } from './program-lab.ts'

const end = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGTERM')
  const timer = setTimeout(() => child.kill('SIGKILL'), 5_000)
  await ended
  clearTimeout(timer)
}

/** An X server without a screen. */
export class Screen implements AsyncDisposable {
  readonly #server: ChildProcess
  /** As DISPLAY names it. */
  readonly name: string

  private constructor(server: ChildProcess, name: string) {
    this.#server = server
    this.name = name
  }

  /** On a display that is free; it stays as it is when its last program ends, which the next one would run into. */
  static async start(): Promise<Screen> {
    const server = spawn('Xvfb', ['-displayfd', '3', '-noreset', '-screen', '0', '1024x768x24', '-nolisten', 'tcp'], {
      stdio: ['ignore', 'ignore', 'ignore', 'pipe'],
    })
    const told = server.stdio[3] as Readable
    let number = ''
    for await (const chunk of told) {
      number += String(chunk)
      if (number.endsWith('\n')) break
    }
    if (number === '') throw new Error('Xvfb did not start')
    return new Screen(server, `:${number.trim()}`)
  }

  /** The windows that are seen and whose title has these words. */
  async windows(title: string): Promise<string[]> {
    const { stdout } = await this.#xdotool('search', '--onlyvisible', '--name', title)
    return stdout.toString().split('\n').slice(0, -1)
  }

  /** Presses a key in a window, if it is still there. */
  async press(window: string, key: string): Promise<void> {
    if ((await this.#xdotool('windowfocus', '--sync', window)).code === 0) await this.#xdotool('key', key)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await end(this.#server)
  }

  #xdotool(...args: string[]) {
    return run('timeout', ['5', 'xdotool', ...args], { env: { DISPLAY: this.name } })
  }
}

/** A file that goes from a folder to another. */
export interface QueuedFile {
  readonly way: 'up' | 'down'
  readonly name: string
  readonly as: string
}

/** The number that FileZilla has for a way to connect. */
const protocols = { 'as a URL does': 0, implicit: 3, explicit: 4, clear: 6 } as const

/** `transfer_flags::download` */
const download = 16

/** FileZilla's own folder in a lab: settings, trust, queue. */
export class FileZilla {
  readonly #lab: ProgramLab
  readonly #screen: Screen

  constructor(lab: ProgramLab, screen: Screen) {
    this.#lab = lab
    this.#screen = screen
  }

  /** Settings of a program that was used before: no welcome, no look for updates, a log. */
  async configure(settings: Readonly<Record<string, string>> = {}): Promise<void> {
    const all = { 'Greeting version': '3.63.0', 'Update Check': '0', 'Logging file': this.#at('log'), ...settings }
    const lines = Object.entries(all).map(([name, value]) => `<Setting name="${name}">${value}</Setting>`)
    await mkdir(this.#at(), { recursive: true })
    await rm(this.#at('trustedcerts.xml'), { force: true })
    await writeFile(this.#at('filezilla.xml'), `<FileZilla3 platform="*nix"><Settings>${lines.join('')}</Settings></FileZilla3>\n`)
  }

  /**
   * Puts files into the queue that FileZilla made at its first start.
   * @param remote a folder of one name in alice's home
   */
  queue(protocol: keyof typeof protocols, remote: string, files: readonly QueuedFile[]): void {
    const database = new DatabaseSync(this.#at('queue.sqlite3'))
    try {
      const add = (table: string, row: Readonly<Record<string, string | number>>) =>
        database
          .prepare(`INSERT INTO ${table} (${Object.keys(row).join()}) VALUES (${Object.keys(row).fill('?').join()})`)
          .run(...Object.values(row))
      const login = { host: '127.0.0.1', port: this.#lab.port, user: 'alice', password, logontype: 1 }
      const manner = {
        type: 0,
        timezone_offset: 0,
        transfer_mode: 'default',
        max_connections: 0,
        encoding: 'Auto',
        bypass_proxy: 0,
      }
      add('servers', { id: 1, ...login, ...manner, protocol: protocols[protocol] })
      add('local_paths', { id: 1, path: `${this.#lab.local()}/` })
      add('remote_paths', { id: 1, path: `1 0 ${remote.length} ${remote}` })
      for (const { way, name, as } of files) {
        const flags = way === 'down' ? download : 0
        const state = { size: -1, error_count: 0, priority: 2, flags }
        add('files', { server: 1, source_file: name, target_file: as, local_path: 1, remote_path: 1, ...state })
      }
    } finally {
      database.close()
    }
  }

  /**
   * Runs it until something holds; questions about certificates are answered with yes.
   * @param processQueue begins with the transfers
   */
  async runUntil(holds: () => boolean, args: readonly string[], processQueue = false, deadlineMs = 50_000): Promise<void> {
    const child = spawn('filezilla', args, {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: {
        ...process.env,
        DISPLAY: this.#screen.name,
        HOME: this.#lab.local(),
        XDG_CONFIG_HOME: this.#lab.local('config'),
        LC_ALL: 'C.UTF-8',
        NO_AT_BRIDGE: '1',
        DBUS_SESSION_BUS_ADDRESS: 'disabled:',
      },
    })
    let complaints = ''
    child.stderr.on('data', (chunk: Buffer) => {
      complaints += chunk.toString()
    })
    try {
      await once(child, 'spawn')
      const began = performance.now()
      const heard = this.#lab.heard.length
      let pressed = Number.NEGATIVE_INFINITY
      while (!holds()) {
        if (performance.now() - began > deadlineMs || child.exitCode !== null || child.signalCode !== null) {
          throw new Error(`${await this.#told()}\nended: ${child.exitCode ?? child.signalCode ?? 'no'}\n${complaints}`)
        }
        for (const question of await this.#screen.windows('certificate|Insecure')) await this.#screen.press(question, 'Return')
        // The same key ends the transfers: again only where nothing came of it.
        if (processQueue && this.#lab.heard.length === heard && performance.now() - pressed > 10_000) {
          const [window] = await this.#screen.windows('FileZilla')
          if (window !== undefined) {
            await this.#screen.press(window, 'ctrl+p')
            pressed = performance.now()
          }
        }
        await sleep(100)
      }
    } finally {
      await end(child)
    }
  }

  /** What it wrote down, for the one who looks for a fault. */
  async #told(): Promise<string> {
    const windows = await this.#screen.windows('')
    const log = await readFile(this.#at('log'), 'utf8').catch((error: NodeJS.ErrnoException) => String(error.code))
    return `FileZilla did not do it; ${windows.length} windows; it says:\n${log}\nheard:\n${this.#lab.heard.join('\n')}`
  }

  #at(...names: string[]): string {
    return this.#lab.local('config', 'filezilla', ...names)
  }
}
