/** A load in a process of its own: it must not share an event loop with what measures it. */
import { fork } from 'node:child_process'
import { once } from 'node:events'
import process from 'node:process'

/** What is over by then is stuck: no benchmark takes longer. */
const overtimeMs = 75_000

/**
 * Runs a file of `bench/load/` to its end.
 * @param task what it gets as its argument, JSON
 * @returns what it said at the end
 */
export const generate = async <Task extends { readonly seconds: number }, Result>(file: string, task: Task): Promise<Result> => {
  const child = fork(new URL(`../load/${file}`, import.meta.url), [JSON.stringify(task)], { stdio: 'inherit' })
  const timer = setTimeout(() => child.kill('SIGKILL'), task.seconds * 1000 + overtimeMs)
  try {
    const ended = once(child, 'exit').then(([code, signal]) => {
      throw new Error(`the load generator ${file} ended early: ${code ?? signal}`)
    })
    const [result] = (await Promise.race([once(child, 'message'), ended])) as [Result]
    ended.catch(() => undefined)
    return result
  } finally {
    clearTimeout(timer)
    child.kill()
  }
}

/** In the load's process: its task. */
export const taskOf = <Task>(): Task => JSON.parse(process.argv[2] ?? '{}')

/** In the load's process: the last word. */
export const tellResult = (result: unknown): void => {
  process.send?.(result)
}
