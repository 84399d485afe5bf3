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

/** Runs the program under another Node beside this one: signals and the exit code go through, and neither outlives the other. */
const runUnder = (node, args) => {
  const child = spawn(node, args, { stdio: ['inherit', 'inherit', 'inherit', 'ipc'] })
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

if (fits(process.versions.node)) {
  process.argv[1] = program
  await import(program)
} else {
  const node = packagedNode()
  if (node === null) {
    console.error(
      `havre: needs Node ${needed.join('.')} or newer, and this is ${process.versions.node}.\n` +
        'In a checkout, run `npm ci`: it brings a Node that fits. Elsewhere, install a current Node (https://nodejs.org) or run `npm install node@26`.',
    )
    process.exit(100)
  }
  const args = [program, ...process.argv.slice(2)]
  if (typeof process.execve === 'function') process.execve(node, [node, ...args], process.env)
  runUnder(node, args)
}
