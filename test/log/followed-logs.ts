import { spawn } from 'node:child_process'
import process from 'node:process'
import { havreProgram } from '../kit/family.ts'

/** `havre logs -f` at work. `using` ends it. */
export interface FollowedLogs extends Disposable {
  /** All it has printed. */
  text(): string
  /** Resolves when what it has printed holds. */
  seen(holds: (text: string) => boolean): Promise<void>
  /** Its exit code, when it has ended. */
  readonly exit: Promise<number | null>
}

/** Starts `havre logs -f ARGS`. */
export const followLogs = (args: readonly string[]): FollowedLogs => {
  const child = spawn(process.execPath, [...havreProgram, 'logs', '-f', ...args], { stdio: ['ignore', 'pipe', 'inherit'] })
  let text = ''
  let wake: () => void = () => undefined
  child.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString()
    wake()
  })
  return {
    text: () => text,
    seen: async (holds) => {
      while (!holds(text)) {
        await new Promise<void>((resolve) => {
          wake = resolve
        })
      }
    },
    exit: new Promise<number | null>((resolve) => child.once('close', resolve)),
    [Symbol.dispose]: () => void child.kill('SIGKILL'),
  }
}
