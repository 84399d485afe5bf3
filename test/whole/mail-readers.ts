/** Programs and libraries that fetch mail over POP3, each the way its users call it. */
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import Pop3Command from 'node-pop3'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'
import { run } from '../kit/run.ts'
import { type Login, type Route, succeeded } from './mail-route.ts'

/** Fetches all messages of a mailbox and leaves them there. */
export interface Reader {
  readonly needs: readonly string[]
  /** How it gives a message: `exact` octets, or as a `text` of this system, with LF line breaks. */
  readonly gives: 'exact' | 'text'
  /** Which of the ways it knows. */
  readonly ways: readonly Route['tls'][]
  /** Oldest first, except where the program has no order. */
  fetch(route: Route & { readonly login: Login }): Promise<Buffer[]>
}

const everyWay: Reader['ways'] = ['off', 'starttls', 'implicit']

/** The files of a folder, in the order of their names. */
const filesIn = async (folder: string): Promise<Buffer[]> => {
  const names = await readdir(folder)
  return Promise.all(names.sort().map((name) => readFile(`${folder}/${name}`)))
}

/** A configuration file with a password in it: programs refuse one that others may read. */
const writeSecret = async (path: string, lines: readonly string[]): Promise<string> => {
  await writeFile(path, `${lines.join('\n')}\n`, { mode: 0o600 })
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
import poplib, ssl, sys
host, port, tls, ca, user, password, folder = sys.argv[1:8]
context = ssl.create_default_context(cafile=ca) if tls != 'off' else None
pop = poplib.POP3_SSL(host, int(port), timeout=10, context=context) if tls == 'implicit' else poplib.POP3(host, int(port), timeout=10)
if tls == 'starttls': pop.stls(context)
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

const fetchmail: Reader['fetch'] = async ({ host, port, tls, ca, login }) => {
  await using folder = await temporaryFolder()
  await mkdir(folder.at('out'))
  const script = await deliveryScript(folder)
  const trust = { off: 'sslproto ""', starttls: 'sslproto TLS1.2+', implicit: 'ssl' }[tls]
  const file = await writeSecret(folder.at('fetchmailrc'), [
    'set no bouncemail',
    `poll ${host} service ${port} protocol pop3 auth password`,
    `  user "${login.user}" password "${login.password}" is root here`,
    `  keep fetchall pass8bits nodropstatus no rewrite ${trust}${tls === 'off' ? '' : ` sslcertck sslcertfile "${ca}"`}`,
    `  mda "${script}"`,
  ])
  const files = ['--pidfile', folder.at('pid'), '--idfile', folder.at('ids')]
  const args = ['-f', file, '--nodetach', '--nosyslog', '--invisible', '-N', ...files]
  const ended = await run('fetchmail', args, { env: { HOME: folder.path, FETCHMAILHOME: folder.path } })
  // 1: there was no mail.
  if (ended.code !== 1) succeeded(ended)
  return await filesIn(folder.at('out'))
}

const mpop: Reader['fetch'] = async ({ host, port, tls, ca, login }) => {
  await using folder = await temporaryFolder()
  for (const part of ['cur', 'new', 'tmp']) await mkdir(folder.at('maildir', part), { recursive: true })
  const trust = ['tls on', `tls_starttls ${tls === 'starttls' ? 'on' : 'off'}`, `tls_trust_file ${ca}`]
  const file = await writeSecret(folder.at('mpoprc'), [
    ...['account default', `host ${host}`, `port ${port}`, `user ${login.user}`, `password "${login.password}"`, 'auth user'],
    ...(tls === 'off' ? ['tls off'] : trust),
    ...['keep on', 'received_header off', `delivery maildir ${folder.at('maildir')}`, `uidls_file ${folder.at('uidls')}`],
  ])
  succeeded(await run('mpop', ['-C', file, '--quiet']))
  return await filesIn(folder.at('maildir', 'new'))
}

/** It has no STLS. */
const getmail: Reader['fetch'] = async ({ host, port, tls, ca, login }) => {
  await using folder = await temporaryFolder()
  await mkdir(folder.at('out'))
  const script = await deliveryScript(folder)
  const file = await writeSecret(folder.at('getmailrc'), [
    ...['[retriever]', ...(tls === 'off' ? ['type = SimplePOP3Retriever'] : ['type = SimplePOP3SSLRetriever', `ca_certs = ${ca}`])],
    ...[`server = ${host}`, `port = ${port}`, `username = ${login.user}`, `password = ${login.password}`],
    // Its maildir delivery refuses to run as root, as tests in a container do; a command of our own may.
    ...['[destination]', 'type = MDA_external', `path = ${script}`, 'allow_root_commands = true'],
    ...['[options]', 'read_all = true', 'delete = false', 'delivered_to = false', 'received = false', 'verbose = 0'],
  ])
  succeeded(await run('getmail', ['--getmaildir', folder.path, '--rcfile', file]))
  return await filesIn(folder.at('out'))
}

/** It wants a terminal, on which it is told what to do: tag all, copy them, leave. */
const neomutt: Reader['fetch'] = async ({ host, port, tls, ca, login }) => {
  await using folder = await temporaryFolder()
  const out = folder.at('out')
  const push = `<tag-pattern>~A<enter><tag-prefix><copy-message>${out}<enter><exit>`
  const file = await writeSecret(folder.at('neomuttrc'), [
    ...[`set pop_user="${login.user}"`, `set pop_pass="${login.password}"`, 'set pop_delete=no'],
    ...[`set folder="${folder.path}"`, 'set mbox_type=Maildir', 'set confirmappend=no confirmcreate=no'],
    ...['set copy=no delete=no move=no quit=yes wait_key=no', 'set sort=mailbox-order', 'unset header_cache'],
    `set ssl_starttls=${tls === 'starttls' ? 'yes' : 'no'} ssl_force_tls=${tls === 'off' ? 'no' : 'yes'}`,
    ...(tls === 'off' ? [] : [`set ssl_ca_certificates_file="${ca}"`, 'set ssl_use_system_certs=no', 'unset certificate_file']),
    `push "${push}"`,
  ])
  const url = `${tls === 'implicit' ? 'pops' : 'pop'}://${host}:${port}`
  const command = `exec neomutt -n -F '${file}' -f '${url}'`
  const env = { HOME: folder.path, TERM: 'xterm', COLUMNS: '100', LINES: '30' }
  const { stdout } = succeeded(await run('script', ['-qec', command, '/dev/null'], { env }))
  const messages = await filesIn(`${out}/new`).catch((error: Error) => {
    throw new Error(`NeoMutt copied nothing:\n${stdout}`, { cause: error })
  })
  // It adds what its mailboxes have.
  return messages.map((message) =>
    Buffer.from(message.toString('latin1').replace(/^(?:Content-Length|Lines): \d+\n/gm, ''), 'latin1'),
  )
}

const python: Reader['fetch'] = async ({ host, port, tls, ca, login }) => {
  await using folder = await temporaryFolder()
  succeeded(await run('python3', ['-c', poplib, host, String(port), tls, ca, login.user, login.password, folder.path]))
  return await filesIn(folder.path)
}

const curl =
  (...options: string[]): Reader['fetch'] =>
  async ({ host, port, tls, ca, login }) => {
    const url = `${tls === 'implicit' ? 'pop3s' : 'pop3'}://${host}:${port}/`
    const trust = tls === 'off' ? [] : ['--ssl-reqd', '--cacert', ca]
    const args = ['-sS', '-4', '--max-time', '20', '--user', `${login.user}:${login.password}`, ...trust, ...options]
    const listed = succeeded(await run('curl', [...args, url]))
    const numbers = listed.stdout
      .toString()
      .split('\r\n')
      .flatMap((line) => /^(\d+) \d+$/.exec(line)?.[1] ?? [])
    const messages: Buffer[] = []
    for (const number of numbers) messages.push(succeeded(await run('curl', [...args, `${url}${number}`])).stdout)
    return messages
  }

/** It has no STLS. */
const nodePop3: Reader['fetch'] = async ({ host, port, tls, ca, login }) => {
  const secure = tls === 'off' ? { tls: false } : { tls: true, servername: host, tlsOptions: { ca: await readFile(ca) } }
  const pop = new Pop3Command({ user: login.user, password: login.password, host, port, timeout: 10_000, ...secure })
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
const netcat: Reader['fetch'] = async ({ host, port, login }) => {
  const say = async (...commands: readonly string[]): Promise<string[]> => {
    const input = [`USER ${login.user}`, `PASS ${login.password}`, ...commands, 'QUIT'].map((line) => `${line}\r\n`).join('')
    const { stdout } = succeeded(await run('nc', ['-w', '5', host, String(port)], { input }))
    return stdout.toString('latin1').split('\r\n')
  }
  const there = Number(/^\+OK (\d+) \d+/.exec((await say('STAT'))[3] ?? '')?.[1] ?? 0)
  const messages: Buffer[] = []
  for (let number = 1; number <= there; number++) {
    const lines = await say(`RETR ${number}`)
    const body = lines.slice(4, lines.lastIndexOf('.')).map((line) => line.replace(/^\./, ''))
    messages.push(Buffer.from(`${body.join('\r\n')}\r\n`, 'latin1'))
  }
  return messages
}

/** All of them. */
export const mailReaders: Readonly<Record<string, Reader>> = {
  fetchmail: { needs: ['fetchmail'], gives: 'text', ways: everyWay, fetch: fetchmail },
  mpop: { needs: ['mpop'], gives: 'text', ways: everyWay, fetch: mpop },
  getmail: { needs: ['getmail'], gives: 'text', ways: ['off', 'implicit'], fetch: getmail },
  NeoMutt: { needs: ['neomutt', 'script'], gives: 'text', ways: everyWay, fetch: neomutt },
  "Python's poplib": { needs: ['python3'], gives: 'exact', ways: everyWay, fetch: python },
  curl: { needs: ['curl'], gives: 'exact', ways: everyWay, fetch: curl() },
  'curl, AUTH PLAIN': { needs: ['curl'], gives: 'exact', ways: ['off'], fetch: curl('--login-options', 'AUTH=PLAIN') },
  'node-pop3': { needs: [], gives: 'text', ways: ['off', 'implicit'], fetch: nodePop3 },
  netcat: { needs: ['nc'], gives: 'exact', ways: ['off'], fetch: netcat },
}
