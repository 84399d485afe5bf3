/** Programs and libraries that speak FTP, each the way its users call it. */
import { readFile, writeFile } from 'node:fs/promises'
import { Client as BasicFtp } from 'basic-ftp'
import type { Family } from '../kit/family.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'
import { run } from '../kit/run.ts'
import { type Login, succeeded } from './mail-route.ts'

/** Puts and fetches one file of the account's home; no part of the name is the client's to change. */
export interface FtpClient {
  readonly needs: readonly string[]
  upload?(family: Family, login: Login, name: string, octets: Buffer): Promise<void>
  download(family: Family, login: Login, name: string): Promise<Buffer>
}

const withFolder = async <T>(use: (folder: TemporaryFolder) => Promise<T>): Promise<T> => {
  await using folder = await temporaryFolder()
  return await use(folder)
}

const urlOf = (family: Family, name: string) => `ftp://${family.host}:${family.port('ftp')}/${encodeURIComponent(name)}`

const curl = (...options: string[]): FtpClient => {
  const args = ({ user, password }: Login) => ['-sS', '--max-time', '20', '--user', `${user}:${password}`, ...options]
  return {
    needs: ['curl'],
    upload: async (family, login, name, input) => {
      succeeded(await run('curl', [...args(login), '-T', '-', urlOf(family, name)], { input }))
    },
    download: async (family, login, name) => succeeded(await run('curl', [...args(login), urlOf(family, name)])).stdout,
  }
}

const wget = (...options: string[]): FtpClient => ({
  needs: ['wget'],
  download: async (family, { user, password }, name) => {
    const args = ['-q', '-O', '-', '--tries=1', '--timeout=10', `--user=${user}`, `--password=${password}`, ...options]
    return succeeded(await run('wget', [...args, urlOf(family, name)])).stdout
  },
})

const lftp = (...settings: string[]): FtpClient => {
  const script = ({ user, password }: Login, family: Family, ...commands: string[]) =>
    [
      'set cmd:fail-exit yes',
      'set net:max-retries 1',
      'set net:timeout 10',
      'set ftp:ssl-allow no',
      ...settings,
      `open -u '${user},${password}' ftp://${family.host}:${family.port('ftp')}`,
      ...commands,
    ].join('\n')
  return {
    needs: ['lftp'],
    upload: (family, login, name, octets) =>
      withFolder(async (folder) => {
        await writeFile(folder.at('file'), octets)
        const input = script(login, family, `put '${folder.at('file')}' -o '${name}'`)
        succeeded(await run('lftp', ['--norc'], { input, env: { HOME: folder.path } }))
      }),
    download: (family, login, name) =>
      withFolder(async (folder) => {
        const input = script(login, family, `get '${name}' -o '${folder.at('file')}'`)
        succeeded(await run('lftp', ['--norc'], { input, env: { HOME: folder.path } }))
        return readFile(folder.at('file'))
      }),
  }
}

const ncftp = (...options: string[]): FtpClient => {
  const args = (family: Family, { user, password }: Login) => [
    '-u',
    user,
    '-p',
    password,
    '-P',
    String(family.port('ftp')),
    '-V',
    '-r',
    '1',
    '-t',
    '10',
    ...options,
  ]
  return {
    needs: ['ncftpput', 'ncftpget'],
    upload: async (family, login, name, input) => {
      succeeded(await run('ncftpput', [...args(family, login), '-c', family.host, name], { input }))
    },
    download: async (family, login, name) =>
      succeeded(await run('ncftpget', [...args(family, login), '-c', family.host, name])).stdout,
  }
}

const tnftp = (...options: string[]): FtpClient => {
  const play = async (family: Family, { user, password }: Login, folder: TemporaryFolder, command: string) => {
    const input = [`user "${user}" "${password}"`, 'binary', command, 'bye', ''].join('\n')
    const args = ['-n', '-v', '-i', ...options, family.host, String(family.port('ftp'))]
    const { stdout, stderr } = succeeded(await run('tnftp', args, { input, env: { HOME: folder.path } }))
    // It ends with 0 whatever happened: what counts is the reply to the transfer.
    if (!/^226[ -]/m.test(stdout.toString())) throw new Error(`no 226:\n${stdout}\n${stderr}`)
  }
  return {
    needs: ['tnftp'],
    upload: (family, login, name, octets) =>
      withFolder(async (folder) => {
        await writeFile(folder.at('file'), octets)
        await play(family, login, folder, `put ${folder.at('file')} "${name}"`)
      }),
    download: (family, login, name) =>
      withFolder(async (folder) => {
        await play(family, login, folder, `get "${name}" ${folder.at('file')}`)
        return readFile(folder.at('file'))
      }),
  }
}

const ftplib = `
import ftplib, sys
host, port, user, password, passive, verb, name = sys.argv[1:8]
with ftplib.FTP() as ftp:
    ftp.connect(host, int(port), timeout=10)
    ftp.login(user, password)
    ftp.set_pasv(passive == 'passive')
    if verb == 'put':
        ftp.storbinary('STOR ' + name, sys.stdin.buffer)
        assert name in ftp.nlst(), ftp.nlst()
        lines = []
        ftp.retrlines('LIST', lines.append)
        assert any(line.endswith(name) for line in lines), lines
    else:
        ftp.voidcmd('TYPE I')
        size = ftp.size(name)
        total = [0]
        def take(octets):
            total[0] += len(octets)
            sys.stdout.buffer.write(octets)
        ftp.retrbinary('RETR ' + name, take)
        assert size == total[0], (size, total)
    ftp.quit()
`

const python = (passive: 'passive' | 'active'): FtpClient => {
  const args = (family: Family, { user, password }: Login, verb: string, name: string) => [
    ...['-c', ftplib, family.host, String(family.port('ftp')), user, password, passive, verb, name],
  ]
  return {
    needs: ['python3'],
    upload: async (family, login, name, input) => {
      succeeded(await run('python3', args(family, login, 'put', name), { input }))
    },
    download: async (family, login, name) => succeeded(await run('python3', args(family, login, 'get', name))).stdout,
  }
}

const withBasicFtp = async (
  family: Family,
  { user, password }: Login,
  use: (client: BasicFtp) => Promise<unknown>,
): Promise<void> => {
  const client = new BasicFtp(10_000)
  try {
    await client.access({ host: family.host, port: family.port('ftp'), user, password, secure: false })
    await use(client)
  } finally {
    client.close()
  }
}

const basicFtp: FtpClient = {
  needs: [],
  upload: (family, login, name, octets) =>
    withFolder(async (folder) => {
      await writeFile(folder.at('file'), octets)
      await withBasicFtp(family, login, (client) => client.uploadFrom(folder.at('file'), name))
    }),
  download: (family, login, name) =>
    withFolder(async (folder) => {
      await withBasicFtp(family, login, async (client) => {
        const files = await client.list()
        if (!files.some((file) => file.name === name))
          throw new Error(`${name} is not in the list: ${files.map(String).join(', ')}`)
        await client.downloadTo(folder.at('file'), name)
      })
      return readFile(folder.at('file'))
    }),
}

/** All of them, in the ways in which they differ on the wire. */
export const ftpClients: Readonly<Record<string, FtpClient>> = {
  'curl (EPSV)': curl(),
  'curl (PASV)': curl('--disable-epsv'),
  'curl (EPRT)': curl('--ftp-port', '127.0.0.1'),
  'curl (PORT)': curl('--ftp-port', '127.0.0.1', '--disable-eprt'),
  'wget (passive)': wget(),
  'wget (active)': wget('--no-passive-ftp'),
  'lftp (passive)': lftp(),
  'lftp (active)': lftp('set ftp:passive-mode no'),
  'ncftp (passive)': ncftp('-F'),
  'ncftp (active)': ncftp('-E'),
  'tnftp (passive)': tnftp('-p'),
  'tnftp (active)': tnftp('-A'),
  "Python's ftplib (passive)": python('passive'),
  "Python's ftplib (active)": python('active'),
  'basic-ftp': basicFtp,
}
