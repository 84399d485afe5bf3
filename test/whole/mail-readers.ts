/** Programs and libraries that fetch mail over POP3, each the way its users call it. */
import { chmod, mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import Pop3Command from 'node-pop3'
import type { Family } from '../kit/family.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'
import { run } from '../kit/run.ts'
import { type Login, succeeded } from './mail-senders.ts'

/** Fetches all messages of a mailbox and leaves them there. */
export interface Reader {
  readonly needs: readonly string[]
  /** How it gives a message: `exact` octets, or as a `text` of this system, with LF line breaks. */
  readonly gives: 'exact' | 'text'
  /** Oldest first, except where the program has no order. */
  fetch(family: Family, login: Login): Promise<Buffer[]>
}

/** The files of a folder, in the order of their names. */
const filesIn = async (folder: string): Promise<Buffer[]> => {
  const names = await readdir(folder)
  return Promise.all(names.sort().map((name) => readFile(`${folder}/${name}`)))
}

/** Gives this a folder with a maildir in it. */
const withMaildir = async (use: (folder: TemporaryFolder) => Promise<void>): Promise<Buffer[]> => {
  await using folder = await temporaryFolder()
  for (const part of ['cur', 'new', 'tmp']) await mkdir(folder.at('maildir', part), { recursive: true })
  await use(folder)
  return await filesIn(folder.at('maildir', 'new'))
}

/** A configuration file with a password in it: programs refuse one that others may read. */
const writeSecret = async (path: string, text: string): Promise<string> => {
  await writeFile(path, text, { mode: 0o600 })
  await chmod(path, 0o600)
  return path
}

/** A program to which a fetcher pipes each message: one file each, numbered in the order in which they come. */
const deliveryScript = async (folder: TemporaryFolder): Promise<string> => {
  const out = folder.at('out')
  await writeFile(folder.at('deliver'), `#!/bin/sh\nn=$(ls '${out}' | wc -l)\nexec cat > '${out}'/$(printf %05d $n)\n`, {
    mode: 0o755,
  })
  return folder.at('deliver')
}

const poplib = `
import poplib, sys
host, port, user, password, folder = sys.argv[1:6]
pop = poplib.POP3(host, int(port), timeout=10)
pop.user(user); pop.pass_(password)
count, size = pop.stat()
total = 0
for number in range(1, count + 1):
    answer, lines, octets = pop.retr(number)
    message = b''.join(line + b'\\r\\n' for line in lines)
    assert pop.list(number).split()[2] == str(len(message)).encode(), (pop.list(number), len(message))
    total += len(message)
    open('%s/%05d' % (folder, number), 'wb').write(message)
assert total == size, (total, size)
assert len(set(line.split()[1] for line in pop.uidl()[1])) == count
pop.quit()
`

const fetchmail: Reader['fetch'] = async (family, { user, password }) => {
  await using folder = await temporaryFolder()
  await mkdir(folder.at('out'))
  const script = await deliveryScript(folder)
  const file = await writeSecret(
    folder.at('fetchmailrc'),
    `set no bouncemail\npoll ${family.host} service ${family.port('pop3')} protocol pop3 auth password\n  user "${user}" password "${password}" is root here\n  keep fetchall pass8bits nodropstatus no rewrite sslproto ""\n  mda "${script}"\n`,
  )
  const args = [
    '-f',
    file,
    '--nodetach',
    '--nosyslog',
    '--invisible',
    '-N',
    '--pidfile',
    folder.at('pid'),
    '--idfile',
    folder.at('ids'),
  ]
  const ended = await run('fetchmail', args, { env: { HOME: folder.path, FETCHMAILHOME: folder.path } })
  // 1: there was no mail.
  if (ended.code !== 1) succeeded(ended)
  return await filesIn(folder.at('out'))
}

const mpop: Reader['fetch'] = (family, { user, password }) =>
  withMaildir(async (folder) => {
    const file = await writeSecret(
      folder.at('mpoprc'),
      `account default\nhost ${family.host}\nport ${family.port('pop3')}\nuser ${user}\npassword "${password}"\ntls off\nauth user\nkeep on\nreceived_header off\ndelivery maildir ${folder.at('maildir')}\nuidls_file ${folder.at('uidls')}\n`,
    )
    succeeded(await run('mpop', ['-C', file, '--quiet']))
  })

const getmail: Reader['fetch'] = async (family, { user, password }) => {
  await using folder = await temporaryFolder()
  await mkdir(folder.at('out'))
  const script = await deliveryScript(folder)
  const port = family.port('pop3')
  const retriever = `[retriever]\ntype = SimplePOP3Retriever\nserver = ${family.host}\nport = ${port}\nusername = ${user}\npassword = ${password}\n`
  // Its maildir delivery refuses to run as root, as tests in a container do; a command of our own may.
  const destination = `[destination]\ntype = MDA_external\npath = ${script}\nallow_root_commands = true\n`
  const options = '[options]\nread_all = true\ndelete = false\ndelivered_to = false\nreceived = false\nverbose = 0\n'
  const file = await writeSecret(folder.at('getmailrc'), `${retriever}${destination}${options}`)
  succeeded(await run('getmail', ['--getmaildir', folder.path, '--rcfile', file]))
  return await filesIn(folder.at('out'))
}

const python: Reader['fetch'] = async (family, { user, password }) => {
  await using folder = await temporaryFolder()
  succeeded(await run('python3', ['-c', poplib, family.host, String(family.port('pop3')), user, password, folder.path]))
  return await filesIn(folder.path)
}

const curl =
  (...options: string[]): Reader['fetch'] =>
  async (family, { user, password }) => {
    const url = `pop3://${family.host}:${family.port('pop3')}/`
    const args = ['-sS', '--max-time', '20', '--user', `${user}:${password}`, ...options]
    const listed = succeeded(await run('curl', [...args, url]))
    const numbers = listed.stdout
      .toString()
      .split('\r\n')
      .flatMap((line) => /^(\d+) \d+$/.exec(line)?.[1] ?? [])
    const messages: Buffer[] = []
    for (const number of numbers) messages.push(succeeded(await run('curl', [...args, `${url}${number}`])).stdout)
    return messages
  }

const nodePop3: Reader['fetch'] = async (family, { user, password }) => {
  const pop = new Pop3Command({ user, password, host: family.host, port: family.port('pop3'), tls: false, timeout: 10_000 })
  const messages: Buffer[] = []
  try {
    const list = await pop.UIDL()
    for (const [number] of list) {
      // node-pop3 0.11 leaves the dots doubled.
      const message = await pop.RETR(Number(number))
      messages.push(Buffer.from(message.replace(/^\./gm, '')))
    }
  } finally {
    await pop.QUIT()
  }
  return messages
}

/** With a shell's tools alone: what a teacher shows on the board. */
const netcat: Reader['fetch'] = async (family, { user, password }) => {
  const commands = [`USER ${user}`, `PASS ${password}`, 'STAT', 'QUIT'].map((line) => `${line}\r\n`).join('')
  const said = succeeded(
    await run('nc', ['-w', '5', family.host, String(family.port('pop3'))], { input: commands }),
  ).stdout.toString()
  const there = Number(/^\+OK (\d+) \d+/m.exec(said.split('\r\n').slice(3).join('\n'))?.[1] ?? 0)
  const messages: Buffer[] = []
  for (let number = 1; number <= there; number++) {
    const input = [`USER ${user}`, `PASS ${password}`, `RETR ${number}`, 'QUIT'].map((line) => `${line}\r\n`).join('')
    const { stdout } = succeeded(await run('nc', ['-w', '5', family.host, String(family.port('pop3'))], { input }))
    const lines = stdout.toString('latin1').split('\r\n')
    const body = lines.slice(4, lines.lastIndexOf('.')).map((line) => line.replace(/^\./, ''))
    messages.push(Buffer.from(`${body.join('\r\n')}\r\n`, 'latin1'))
  }
  return messages
}

/** All of them. */
export const mailReaders: Readonly<Record<string, Reader>> = {
  fetchmail: { needs: ['fetchmail'], gives: 'text', fetch: fetchmail },
  mpop: { needs: ['mpop'], gives: 'text', fetch: mpop },
  getmail: { needs: ['getmail'], gives: 'text', fetch: getmail },
  "Python's poplib": { needs: ['python3'], gives: 'exact', fetch: python },
  curl: { needs: ['curl'], gives: 'exact', fetch: curl() },
  'curl, AUTH PLAIN': { needs: ['curl'], gives: 'exact', fetch: curl('--login-options', 'AUTH=PLAIN') },
  'node-pop3': { needs: [], gives: 'text', fetch: nodePop3 },
  netcat: { needs: ['nc'], gives: 'exact', fetch: netcat },
}
