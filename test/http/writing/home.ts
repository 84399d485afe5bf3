import { readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { testAccounts } from '../../kit/fake-desk.ts'
import type { Running, Setup } from '../../kit/serving.ts'
import { type Answer, readAnswers, said } from '../raw.ts'
import { serveSite, type Tree } from '../site.ts'

/** `Basic …` of a test account. */
export const loginOf = (account: string, password = testAccounts[account] ?? ''): string =>
  `Basic ${Buffer.from(`${account}:${password}`).toString('base64')}`

/** A request. */
export interface Asked {
  readonly fields?: Readonly<Record<string, string>>
  /** With its length; null: without content and length. */
  readonly content?: string | Buffer | null
  /** null: nobody's. */
  readonly as?: string | null
}

/** A site that may be written to. */
export class WritableSite implements AsyncDisposable {
  readonly running: Running
  private constructor(running: Running) {
    this.running = running
  }

  static async serve(tree: Tree = {}, { options, ...setup }: Partial<Setup> = {}): Promise<WritableSite> {
    return new WritableSite(await serveSite(tree, { ...setup, options: { write: true, ...options } }))
  }

  /** On the disk, in alice's web folder. */
  at(...names: string[]): string {
    return join(this.running.settings.data, 'files/alice/public_html', ...names)
  }

  text(name: string): Promise<string> {
    return readFile(this.at(name), 'utf8')
  }

  put(name: string, text: string): Promise<void> {
    return writeFile(this.at(name), text)
  }

  /** All that lies in it, hidden or not. */
  async names(folder = ''): Promise<string[]> {
    return (await readdir(this.at(folder))).sort()
  }

  async ask(method: string, target: string, { fields = {}, content = null, as = 'alice' }: Asked = {}): Promise<Answer> {
    const octets = content === null ? Buffer.alloc(0) : Buffer.from(content)
    const lines = [`${method} ${target} HTTP/1.1`, 'Host: localhost']
    if (as !== null) lines.push(`Authorization: ${loginOf(as)}`)
    for (const [name, value] of Object.entries(fields)) lines.push(`${name}: ${value}`)
    if (content !== null) lines.push(`Content-Length: ${octets.length}`)
    const raw = Buffer.concat([Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1'), octets])
    const answers = readAnswers(await said(this.running.port, raw), [method])
    const [answer] = answers
    if (answer === undefined || answers.length > 1) throw new Error(`${answers.length} answers to one request`)
    return answer
  }

  /** Its status alone. */
  async status(method: string, target: string, asked: Asked = {}): Promise<number> {
    return (await this.ask(method, target, asked)).status
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.running.close()
  }
}
