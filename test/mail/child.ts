/** `store-child.ts` as a test drives it. */
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'

/** A child that is running; `end` must be called. */
export interface StoreChild {
  readonly process: ChildProcess
  /** The next line that it prints. */
  line(): Promise<string>
  /** All lines that it prints until it ends. */
  lines(): Promise<string[]>
  /** Tells it to go on. */
  go(): void
  /** Kills it with -9 and waits for its end. */
  end(): Promise<void>
}

export const storeChild = (file: string, mode: 'write' | 'hold' | 'stream', leaseMs = 45_000): StoreChild => {
  const script = new URL('store-child.ts', import.meta.url).pathname
  const child = spawn(process.execPath, [script, file, mode, String(leaseMs)], { stdio: ['pipe', 'pipe', 'inherit'] })
  const ended = once(child, 'close')
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    process: child,
    async line() {
      const { value, done } = await lines.next()
      if (done === true) throw new Error('the child ended')
      return value
    },
    async lines() {
      const rest: string[] = []
      for (let next = await lines.next(); next.done !== true; next = await lines.next()) rest.push(next.value)
      return rest
    },
    go() {
      child.stdin.write('go\n')
    },
    async end() {
      child.kill('SIGKILL')
      await ended
    },
  }
}
