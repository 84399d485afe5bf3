/** Code that runs in every process of a family before the program: how a benchmark looks into the processes as they really run. */

/**
 * The environment under which a supervisor, and each of its children, first runs `code`. A child gets neither our environment nor
 * flags that are not its own, so the supervisor's own `fork` is made to hand both on.
 * @param code  a module's text; it may use the names `childProcess` and `syncBuiltinESMExports`
 * @param flags of Node, for the children
 */
export const preloading = (code: string, flags: readonly string[] = []): Readonly<Record<string, string>> => ({
  NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(`${handOn(flags)}\n${code}`).replaceAll("'", '%27')}`,
})

const handOn = (flags: readonly string[]): string => `
import childProcess from 'node:child_process'
import { syncBuiltinESMExports } from 'node:module'
const { fork } = childProcess
childProcess.fork = (file, args, options) => {
  if (options?.execArgv?.includes('--permission') !== true) return fork(file, args, options)
  const env = { ...options.env, NODE_OPTIONS: process.env.NODE_OPTIONS }
  return fork(file, args, { ...options, env, execArgv: [...options.execArgv, ...${JSON.stringify(flags)}] })
}
syncBuiltinESMExports()`
