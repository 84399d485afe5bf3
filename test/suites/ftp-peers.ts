/** Other FTP servers, as Debian has them, each on a free port of 127.0.0.1 with one folder that a client may do anything in. */
import { type ChildProcess, spawn } from 'node:child_process'
import { chmod, chown, mkdir, readFile, writeFile } from 'node:fs/promises'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from '../kit/client.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'
import { freePort } from '../kit/free-port.ts'
import { findProgram } from '../kit/programs.ts'
import { run } from '../kit/run.ts'

/** A server that dialogues are played with. */
export interface FtpServer extends AsyncDisposable {
  readonly port: number
  readonly user: string
  readonly password: string
  /** The folder that the client sees as `/`. */
  readonly home: string
  /** Whom it runs as and whose its files are, where that is somebody else. */
  readonly owner: number | null
}

/** A peer: how it is called in the table, whether it is there, how it is started. */
export interface Peer {
  readonly name: 'vsftpd' | 'ProFTPD' | 'pyftpdlib'
  isInstalled(): Promise<boolean>
  /** @param more further settings, in its own words; vsftpd only */
  start(more?: Readonly<Record<string, string>>): Promise<FtpServer>
}

const nobody = 65_534
const isRoot = process.getuid?.() === 0

/** Waits until it greets. @throws when it ended, or does not within half a minute */
const greets = async (child: ChildProcess, port: number, said: () => string): Promise<void> => {
  for (const deadline = performance.now() + 30_000; performance.now() < deadline; await sleep(50)) {
    if (child.exitCode !== null) throw new Error(`it ended with ${child.exitCode}: ${said()}`)
    try {
      using client = await Client.connect(port)
      await client.reply()
      return
    } catch {
      // Not yet.
    }
  }
  throw new Error(`it does not greet: ${said()}`)
}

const started = async (
  folder: TemporaryFolder,
  port: number,
  [program, ...args]: readonly [string, ...string[]],
  login: Pick<FtpServer, 'user' | 'password'>,
): Promise<FtpServer> => {
  const child = spawn(program, args, { cwd: folder.path, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString()
  })
  child.stderr.on('data', (chunk: Buffer) => {
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
  try {
    await greets(child, port, () => output)
  } catch (error) {
    await end()
    throw error
  }
  return { port, ...login, home: folder.at('home'), owner: isRoot ? nobody : null, [Symbol.asyncDispose]: end }
}

const prepared = async (): Promise<TemporaryFolder> => {
  const folder = await temporaryFolder()
  await chmod(folder.path, 0o755)
  await mkdir(folder.at('home'))
  if (isRoot) await chown(folder.at('home'), nobody, nobody)
  return folder
}

/** Its users are the system's: one more of them, and what checks passwords, are seen by it alone, in a mount namespace of its own. */
const vsftpd: Peer = {
  name: 'vsftpd',
  isInstalled: () => Promise.resolve(isRoot && findProgram('vsftpd') !== null && findProgram('unshare') !== null),
  start: async (more = {}) => {
    const folder = await prepared()
    const port = await freePort()
    for (const name of ['empty', 'pam.d']) await mkdir(folder.at(name))
    const users = await readFile('/etc/passwd', 'utf8')
    await writeFile(folder.at('passwd'), `${users}alice:x:${nobody}:${nobody}::${folder.at('home')}:/bin/sh\n`)
    await writeFile(folder.at('pam.d', 'vsftpd'), 'auth required pam_permit.so\naccount required pam_permit.so\n')
    const settings = {
      ...{ listen: 'YES', listen_address: '127.0.0.1', listen_port: port, background: 'NO', seccomp_sandbox: 'NO' },
      ...{ anonymous_enable: 'NO', local_enable: 'YES', write_enable: 'YES', check_shell: 'NO', pam_service_name: 'vsftpd' },
      ...{ chroot_local_user: 'YES', allow_writeable_chroot: 'YES', local_umask: '022', secure_chroot_dir: folder.at('empty') },
      ...{ xferlog_enable: 'NO', delay_failed_login: 0, delay_successful_login: 0, ls_recurse_enable: 'YES' },
      ...{ ascii_upload_enable: 'YES', ascii_download_enable: 'YES', mdtm_write: 'YES' },
      ...more,
    }
    await writeFile(
      folder.at('vsftpd.conf'),
      Object.entries(settings)
        .map(([name, value]) => `${name}=${value}\n`)
        .join(''),
    )
    const seen = `mount --bind ${folder.at('passwd')} /etc/passwd && mount --bind ${folder.at('pam.d')} /etc/pam.d`
    const program = ['unshare', '--mount', 'sh', '-c', `${seen} && exec vsftpd ${folder.at('vsftpd.conf')}`] as const
    return started(folder, port, program, { user: 'alice', password: 'tests-4711' })
  },
}

const proftpd: Peer = {
  name: 'ProFTPD',
  isInstalled: () => Promise.resolve(findProgram('proftpd') !== null),
  start: async () => {
    const folder = await prepared()
    const port = await freePort()
    const { stdout } = await run('openssl', ['passwd', '-1', 'tests-4711'])
    const [uid, gid] = isRoot ? [nobody, nobody] : [process.getuid?.() ?? 0, process.getgid?.() ?? 0]
    const hash = stdout.toString().trim()
    await writeFile(folder.at('passwd'), `alice:${hash}:${uid}:${gid}::${folder.at('home')}:/bin/sh\n`, { mode: 0o600 })
    const settings = [
      ...['ServerType standalone', `Port ${port}`, 'DefaultAddress 127.0.0.1', 'UseReverseDNS off'],
      ...['User nobody', 'Group nogroup', `PidFile ${folder.at('pid')}`, `ScoreboardFile ${folder.at('scoreboard')}`],
      ...[`AuthUserFile ${folder.at('passwd')}`, 'AuthOrder mod_auth_file.c', 'RequireValidShell off', 'WtmpLog off'],
      ...[
        'DefaultRoot ~',
        'AllowOverwrite on',
        'AllowStoreRestart on',
        'AllowRetrieveRestart on',
        'SystemLog none',
        'TransferLog none',
      ],
    ]
    await writeFile(folder.at('proftpd.conf'), `${settings.join('\n')}\n`)
    const login = { user: 'alice', password: 'tests-4711' }
    return started(folder, port, ['proftpd', '-n', '-q', '-c', folder.at('proftpd.conf')], login)
  },
}

/** Debian's own Python is the one that has it. */
const python = '/usr/bin/python3'

const pyftpdlibProgram = `
import sys
from pyftpdlib.authorizers import DummyAuthorizer
from pyftpdlib.handlers import FTPHandler
from pyftpdlib.servers import FTPServer
authorizer = DummyAuthorizer()
authorizer.add_user('alice', 'tests-4711', sys.argv[2], perm='elradfmwMT')
FTPHandler.authorizer = authorizer
FTPHandler.auth_failed_timeout = 0
FTPServer(('127.0.0.1', int(sys.argv[1])), FTPHandler).serve_forever()
`

const pyftpdlib: Peer = {
  name: 'pyftpdlib',
  isInstalled: async () => {
    try {
      return (await run(python, ['-c', 'import pyftpdlib.servers'])).code === 0
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false
      throw error
    }
  },
  start: async () => {
    const folder = await prepared()
    const port = await freePort()
    const server = await started(folder, port, [python, '-c', pyftpdlibProgram, `${port}`, folder.at('home')], {
      user: 'alice',
      password: 'tests-4711',
    })
    // It stays root, where it is started by root.
    return { ...server, owner: null }
  },
}

export const peers: readonly Peer[] = [vsftpd, proftpd, pyftpdlib]
