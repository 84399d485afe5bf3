/** How commands get a password: typed twice and hidden at a terminal, else one line of stdin. */
import process from 'node:process'
import type { Readable } from 'node:stream'
import type { ReadStream, WriteStream } from 'node:tty'
import { passwordProblem } from '../shared/accounts/password.ts'
import { PermanentError } from '../shared/service.ts'

/** More than any password, less than a mistake that never ends. */
const maxLineOctets = 4_096

/** Octets with a meaning of their own in raw mode. */
const keys = { interrupt: 0x03, endOfFile: 0x04, backspace: 0x08, lineFeed: 0x0a, return: 0x0d, clearLine: 0x15, delete: 0x7f }

/**
 * The new password of an account.
 *
 * @param fromStdin take it from stdin whatever stdin is
 * @throws {PermanentError} nobody can be asked, the two differ, or it cannot be a password
 */
export const newPassword = async (account: string, fromStdin: boolean): Promise<string> => {
  const password = fromStdin ? await firstLineOf(process.stdin) : await typedTwice(account)
  const problem = passwordProblem(password)
  if (problem !== null) throw new PermanentError(`this cannot be a password: ${problem}`)
  return password
}

const typedTwice = async (account: string): Promise<string> => {
  if (!process.stdin.isTTY) {
    throw new PermanentError('stdin is no terminal, so nobody can be asked: give the password with --password-stdin')
  }
  using terminal = new HiddenInput(process.stdin, process.stderr)
  const first = await terminal.ask(`New password for ${account}: `)
  const problem = passwordProblem(first)
  if (problem !== null) throw new PermanentError(`this cannot be a password: ${problem}`)
  const second = await terminal.ask('Again: ')
  if (second !== first) throw new PermanentError('the two are not the same; nothing was changed')
  return first
}

/**
 * The first line of a stream, without its line break; what follows it is not looked at.
 *
 * @throws {PermanentError} it is too long, or no UTF-8
 */
export const firstLineOf = async (stream: Readable): Promise<string> => {
  const chunks: Buffer[] = []
  let octets = 0
  for await (const chunk of stream) {
    const part: Buffer = Buffer.isBuffer(chunk) ? chunk : Buffer.from(String(chunk))
    chunks.push(part)
    octets += part.length
    if (part.includes(keys.lineFeed)) break
    if (octets > maxLineOctets) throw new PermanentError(`--password-stdin: the line has more than ${maxLineOctets} octets`)
  }
  const all = Buffer.concat(chunks)
  const end = all.indexOf(keys.lineFeed)
  return text(end === -1 ? all : all.subarray(0, end)).replace(/\r$/, '')
}

const text = (octets: Buffer): string => {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(octets)
  } catch (error) {
    if (!(error instanceof TypeError)) throw error
    throw new PermanentError('the password is not encoded as UTF-8', { cause: error })
  }
}

/** Lines from a terminal that does not show them. Whoever makes it disposes it: that gives the terminal back. */
class HiddenInput {
  readonly #input: ReadStream
  readonly #output: WriteStream
  /** Octets that came and are of no line yet. */
  #pending: Buffer = Buffer.alloc(0)
  #wake: () => void = () => undefined
  readonly #onData = (chunk: Buffer): void => {
    this.#pending = Buffer.concat([this.#pending, chunk])
    this.#wake()
  }

  constructor(input: ReadStream, output: WriteStream) {
    this.#input = input
    this.#output = output
    input.setRawMode(true)
    input.on('data', this.#onData)
    input.resume()
  }

  /** @throws {PermanentError} Ctrl-C, or Ctrl-D on an empty line */
  async ask(prompt: string): Promise<string> {
    this.#output.write(prompt)
    let line: number[] = []
    for (;;) {
      for (const [at, octet] of this.#pending.entries()) {
        if (octet === keys.return || octet === keys.lineFeed) {
          this.#pending = this.#pending.subarray(at + 1)
          this.#output.write('\n')
          return text(Buffer.from(line))
        }
        if (octet === keys.interrupt) throw new PermanentError('interrupted; nothing was changed')
        if (octet === keys.endOfFile && line.length === 0) throw new PermanentError('no password; nothing was changed')
        if (octet === keys.clearLine) line = []
        else if (octet === keys.backspace || octet === keys.delete) line = withoutLast(line)
        else line.push(octet)
      }
      this.#pending = Buffer.alloc(0)
      await new Promise<void>((resolve) => {
        this.#wake = resolve
      })
    }
  }

  [Symbol.dispose](): void {
    this.#input.off('data', this.#onData)
    this.#input.setRawMode(false)
    this.#input.pause()
  }
}

/** Without the last character: its continuation octets (10xxxxxx) go with it. */
const withoutLast = (octets: readonly number[]): number[] => {
  let end = octets.length - 1
  while (end > 0 && ((octets[end] ?? 0) & 0xc0) === 0x80) end -= 1
  return octets.slice(0, Math.max(0, end))
}
