/** Other HTTP servers, as Debian has them, each on a free port of 127.0.0.1 with the files of `test/http/rows.ts`. */
import { spawn } from 'node:child_process'
import { mkdir, writeFile } from 'node:fs/promises'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { tree } from '../http/rows.ts'
import { writeTree } from '../http/site.ts'
import { Client, ClientError } from '../kit/client.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'
import { freePort } from '../kit/free-port.ts'
import { findProgram } from '../kit/programs.ts'

/** A server that requests are sent to. */
export interface HttpPeer extends AsyncDisposable {
  readonly port: number
}

/** A peer: how it is called in the table, whether it is there, how it is started. */
export interface Peer {
  readonly name: 'nginx' | 'Caddy'
  readonly isInstalled: () => boolean
  readonly start: () => Promise<HttpPeer>
}

const answers = async (port: number): Promise<boolean> => {
  try {
    using _client = await Client.connect(port)
    return true
  } catch (error) {
    if (error instanceof ClientError) return false
    throw error
  }
}

/** @param configure what the server reads, for a folder with the site in `www`, and how it is started then */
const started = async (
  configure: (folder: TemporaryFolder, port: number) => { readonly text: string; readonly command: readonly [string, ...string[]] },
): Promise<HttpPeer> => {
  const folder = await temporaryFolder()
  const port = await freePort()
  await writeTree(folder.path, tree)
  await mkdir(folder.at('own'))
  const { text, command } = configure(folder, port)
  await writeFile(folder.at('own', 'configuration'), text)
  const [program, ...args] = command
  const own = folder.at('own')
  const env = { ...process.env, HOME: own, XDG_CONFIG_HOME: own, XDG_DATA_HOME: own }
  const child = spawn(program, args, { cwd: own, env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString()
    })
  const ended = new Promise<void>((resolve) => child.once('close', () => resolve()))
  const end = async () => {
    child.kill('SIGTERM')
    const late = setTimeout(() => child.kill('SIGKILL'), 3_000)
    await ended
    clearTimeout(late)
    await folder.remove()
  }
  for (const deadline = performance.now() + 30_000; performance.now() < deadline && child.exitCode === null; await sleep(50)) {
    if (await answers(port)) return { port, [Symbol.asyncDispose]: end }
  }
  await end()
  throw new Error(`${program} does not answer: ${output}`)
}

/** As Debian sets it up: its own limits, no other modules; lists of folders as ours has them. One process, as the tests' user. */
const nginx: Peer = {
  name: 'nginx',
  isInstalled: () => findProgram('nginx') !== null,
  start: () =>
    started((folder, port) => {
      const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(
        (name) => `${name}_temp_path ${folder.at('own', name)};`,
      )
      const text = `daemon off; master_process off; pid ${folder.at('own', 'pid')}; error_log stderr;
events { worker_connections 512; }
http {
  types { text/html html; text/plain txt; }
  access_log off; ${temporary.join(' ')}
  server { listen 127.0.0.1:${port}; root ${folder.at('www')}; autoindex on; }
}
`
      return { text, command: ['nginx', '-e', 'stderr', '-c', folder.at('own', 'configuration')] }
    }),
}

/** Its file server with lists of folders; nothing but files is to be reached, so neither its interface nor certificates. */
const caddy: Peer = {
  name: 'Caddy',
  isInstalled: () => findProgram('caddy') !== null,
  start: () =>
    started((folder, port) => {
      const text = `{
	admin off
	auto_https off
}
http://:${port} {
	bind 127.0.0.1
	root * ${folder.at('www')}
	file_server browse
}
`
      return { text, command: ['caddy', 'run', '--config', folder.at('own', 'configuration'), '--adapter', 'caddyfile'] }
    }),
}

export const peers: readonly Peer[] = [nginx, caddy]
