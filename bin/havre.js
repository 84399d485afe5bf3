#!/usr/bin/env node
/**
 * The launcher: finds a Node that can run Havre and goes on under it. Plain JavaScript for old Nodes, and nothing imported
 * that is not needed, since it stays in memory where the old Node cannot be replaced.
 */
import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** `net.BoundSocket` came with this one. */
const needed = [26, 4]

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const built = join(root, 'dist', 'cli', 'main.js')
const program = existsSync(built) ? built : join(root, 'cli', 'main.ts')

const fits = (version) => {
  const [major = 0, minor = 0] = version.split('.').map(Number)
  return major > needed[0] || (major === needed[0] && minor >= needed[1])
}

/** The Node that came as a package, in the checkout's node_modules or, installed as a package itself, in one above. */
const packagedNode = () => {
  for (let folder = root; ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', 'node')
    const node = join(candidate, 'bin', process.platform === 'win32' ? 'node.exe' : 'node')
    if (existsSync(node) && fits(JSON.parse(readFileSync(join(candidate, 'package.json'), 'utf8')).version)) return node
    if (folder === dirname(folder)) return null
  }
}

/**
 * What a supervisor, which lives for months, is started with. glibc keeps the 19 MiB of each password's hash in the arena of the
 * thread that made it: after twenty logins 175 MiB in place of 31 (measured). And young objects of a server die young.
 * SIGUSR1 would open a debugger in the one process that may do everything.
 */
const supervisorVariables = { MALLOC_ARENA_MAX: '1' }
const supervisorFlags = ['--max-semi-space-size=1', '--disable-sigusr1']

/** Runs the program under another Node beside this one: signals and the exit code go through, and neither outlives the other. */
const runUnder = (node, args, env) => {
  const child = spawn(node, args, { env, stdio: ['inherit', 'inherit', 'inherit', 'ipc'] })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      // Not sent as a signal: a terminal's Ctrl-C reaches both of us, and a second one would mean "at once".
      if (child.connected) child.send({ type: 'signal', signal })
    })
  }
  child.on('error', (error) => {
    console.error(`havre: ${node} cannot be run: ${error.message}`)
    process.exit(111)
  })
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}

const fitting = fits(process.versions.node) ? process.execPath : packagedNode()
if (fitting === null) {
  console.error(
    `havre: needs Node ${needed.join('.')} or newer, and this is ${process.versions.node}.\n` +
      'In a checkout, run `npm ci`: it brings a Node that fits. Elsewhere, install a current Node (https://nodejs.org) or run `npm install node@26`.',
  )
  process.exit(100)
}

const starting = process.argv[2] === 'start'
const env = starting ? { ...process.env, ...supervisorVariables } : process.env
const args = [...(starting ? supervisorFlags : []), program, ...process.argv.slice(2)]
// Not on Windows, and not before Node 22.15: the same process goes on as another program.
const canBecome = typeof process.execve === 'function' && process.platform !== 'win32'

if (fitting === process.execPath && !(starting && canBecome)) {
  process.argv[1] = program
  await import(program)
} else if (canBecome) {
  process.execve(fitting, [fitting, ...args], env)
} else {
  runUnder(fitting, args, env)
}
