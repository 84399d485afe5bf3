/**
 * Other web servers on the same machine in the same minute, those of them that are installed: nginx and Caddy with their access logs on,
 * with files and as proxies; serve and sirv where `HAVRE_TEST_LAB` names a lab that has them. All serve the same folder.
 */
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { freePort } from '../../test/kit/free-port.ts'

/** Where a peer answers: files in clear, HTTP/2 over TLS, and what is passed on to the upstream. Absent: it cannot. */
export interface WebPeer {
  readonly name: string
  readonly files: string
  /** Whether it serves our folder, with the largest file; sirv and serve have one of their own. */
  readonly hasLargest: boolean
  readonly http2?: string
  readonly proxy?: string
}

/** What peers are started with. */
export interface PeerTask {
  /** Where configurations and logs go. */
  readonly folder: string
  /** The files. */
  readonly root: string
  readonly upstreamPort: number
  /** PEM files. */
  readonly certificate: string
  readonly key: string
}

const answers = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })

const isInstalled = (program: string): boolean => {
  try {
    execFileSync(program, [program === 'nginx' ? '-v' : 'version'], { stdio: 'ignore' })
    return true
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false
    throw error
  }
}

const nginxConfiguration = (ports: readonly number[], { folder, root, upstreamPort, certificate, key }: PeerTask): string => `
${process.getuid?.() === 0 ? 'user root; ' : ''}daemon off; worker_processes auto; pid ${folder}/nginx.pid; error_log ${folder}/nginx-error.log;
events { worker_connections 4096; }
http {
  types { text/html html; application/octet-stream bin; }
  access_log ${folder}/nginx-access.log combined; sendfile on; tcp_nopush on; keepalive_requests 1000000000;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fcgi;
  uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi; root ${root};
  upstream behind { server 127.0.0.1:${upstreamPort}; keepalive 128; keepalive_requests 1000000000; }
  server { listen 127.0.0.1:${ports[0]} backlog=4096;
    location /proxy/ { proxy_pass http://behind/; proxy_http_version 1.1; proxy_set_header Connection ""; } }
  server { listen 127.0.0.1:${ports[1]} ssl http2 backlog=4096; ssl_certificate ${certificate}; ssl_certificate_key ${key}; }
}`

const caddyConfiguration = (ports: readonly number[], { folder, root, upstreamPort, certificate, key }: PeerTask): string => `
{
  admin off
  auto_https off
  storage file_system ${folder}/caddy
}
(site) {
  bind 127.0.0.1
  root * ${root}
  handle_path /proxy/* {
    reverse_proxy 127.0.0.1:${upstreamPort}
  }
  handle {
    file_server
  }
  log {
    output file ${folder}/caddy-access.log
  }
}
http://:${ports[0]} {
  import site
}
https://:${ports[1]} {
  import site
  tls ${certificate} ${key}
}
`

/** Started for the benchmark; ended by their id. */
export class WebPeers implements AsyncDisposable {
  readonly peers: readonly WebPeer[]
  readonly #children: readonly ChildProcess[]
  readonly #stopLab: () => void

  private constructor(peers: readonly WebPeer[], children: readonly ChildProcess[], stopLab: () => void) {
    this.peers = peers
    this.#children = children
    this.#stopLab = stopLab
  }

  static async start(task: PeerTask): Promise<WebPeers> {
    const peers: WebPeer[] = []
    const children: ChildProcess[] = []
    for (const name of ['nginx', 'caddy'] as const) {
      if (!isInstalled(name)) {
        console.log(`${name} is not installed: nothing to measure beside`)
        continue
      }
      const folder = join(task.folder, name)
      mkdirSync(folder, { recursive: true })
      const ports = [await freePort(), await freePort()]
      const path = join(folder, 'configuration')
      writeFileSync(path, (name === 'nginx' ? nginxConfiguration : caddyConfiguration)(ports, { ...task, folder }))
      const args =
        name === 'nginx' ? ['-e', join(folder, 'error.log'), '-c', path] : ['run', '--adapter', 'caddyfile', '--config', path]
      const env = { ...process.env, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder, HOME: folder }
      const child = spawn(name, args, { stdio: 'ignore', env })
      children.push(child)
      for (let tries = 0; !(await answers(ports[0] ?? 0)); tries += 1) {
        if (tries > 100 || child.exitCode !== null) throw new Error(`${name} does not answer`)
        await sleep(100)
      }
      const files = `http://127.0.0.1:${ports[0]}`
      peers.push({ name, files, hasLargest: true, http2: `https://127.0.0.1:${ports[1]}`, proxy: `${files}/proxy/` })
    }
    const lab = process.env['HAVRE_TEST_LAB']
    if (lab === undefined) {
      console.log('HAVRE_TEST_LAB is not set: no sirv and no serve to measure beside')
      return new WebPeers(peers, children, () => undefined)
    }
    const names = ['sirv', 'serve']
    const script = (...args: string[]) => execFileSync(join(lab, 'peers.sh'), args, { encoding: 'utf8', timeout: 180_000 })
    script('start', ...names)
    for (const line of script('ports').split('\n')) {
      const [name = '', , port] = line.split(/\s+/)
      if (names.includes(name)) peers.push({ name, files: `http://127.0.0.1:${port}`, hasLargest: false })
    }
    return new WebPeers(peers, children, () => script('stop', ...names))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) child.kill('SIGTERM')
    await Promise.all(this.#children.map((child) => child.exitCode ?? new Promise((resolve) => child.once('exit', resolve))))
    this.#stopLab()
  }
}
