/** Postfix as a relay that hands all mail on to us: the strictest client there is. Needs root, as its master does. */
import { execFileSync } from 'node:child_process'
import { chmod, chown, mkdir, readFile, writeFile } from 'node:fs/promises'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'
import { run } from '../kit/run.ts'
import { succeeded } from '../whole/mail-route.ts'

/** A Postfix that runs. `await using` ends it and removes its folder. */
export interface Postfix extends AsyncDisposable {
  /** Gives it a message as a program of this machine does, with `sendmail`'s own options. */
  submit(message: Buffer, ...args: readonly string[]): Promise<void>
  /** What it has logged. */
  log(): Promise<string>
}

/** Its services, in the form of master.cf: all that sending needs, and nothing that listens. */
const services = `
pickup    unix  n - n 1    1 pickup
cleanup   unix  n - n -    0 cleanup
qmgr      unix  n - n 300  1 qmgr
tlsmgr    unix  - - n 1000? 1 tlsmgr
rewrite   unix  - - n -    - trivial-rewrite
bounce    unix  - - n -    0 bounce
defer     unix  - - n -    0 bounce
trace     unix  - - n -    0 bounce
proxymap  unix  - - n -    - proxymap
smtp      unix  - - n -    - smtp
lmtp      unix  - - n -    - lmtp
error     unix  - - n -    - error
retry     unix  - - n -    - error
discard   unix  - - n -    - discard
scache    unix  - - n -    1 scache
postlog   unix-dgram n - n - 1 postlogd
`

const settingsIn = (folder: TemporaryFolder, more: Readonly<Record<string, string>>): string => {
  const settings: Record<string, string> = {
    compatibility_level: '3.6',
    queue_directory: folder.at('queue'),
    data_directory: folder.at('data'),
    daemon_directory: '/usr/lib/postfix/sbin',
    maillog_file: folder.at('data', 'log'),
    maillog_file_prefixes: folder.path,
    import_environment: `MAIL_CONFIG=${folder.at('etc')}`,
    myhostname: 'relay.example.org',
    mydestination: '',
    alias_maps: '',
    alias_database: '',
    inet_interfaces: '127.0.0.1',
    inet_protocols: 'ipv4',
    master_service_disable: 'inet',
    // What it has to report comes to nobody.
    notify_classes: '',
    bounce_queue_lifetime: '0',
    // It would cut lines that are longer than 998 octets.
    smtp_line_length_limit: '0',
    smtp_tls_security_level: 'none',
    smtp_tls_loglevel: '1',
    ...more,
  }
  return `${Object.entries(settings)
    .map(([name, value]) => `${name} = ${value}`)
    .join('\n')}\n`
}

/** Starts one in a folder of its own. @param settings for main.cf: where mail goes, and how */
export const startPostfix = async (settings: Readonly<Record<string, string>>): Promise<Postfix> => {
  const folder = await temporaryFolder()
  // Its processes are of a user of their own.
  await chmod(folder.path, 0o755)
  for (const part of ['etc', 'queue', 'data']) await mkdir(folder.at(part))
  const number = (option: string) => Number(execFileSync('id', [option, 'postfix']).toString())
  await chown(folder.at('data'), number('-u'), number('-g'))
  await writeFile(folder.at('etc', 'main.cf'), settingsIn(folder, settings))
  await writeFile(folder.at('etc', 'master.cf'), services)
  const env = { MAIL_CONFIG: folder.at('etc') }
  const postfix = (command: string) => run('postfix', ['-c', folder.at('etc'), command], { env })
  try {
    succeeded(await postfix('start'))
  } catch (error) {
    await folder.remove()
    throw error
  }
  return {
    submit: async (message, ...args) => {
      const input = Buffer.from(message.toString('latin1').replaceAll('\r\n', '\n'), 'latin1')
      succeeded(await run('sendmail', ['-i', '-B8BITMIME', ...args], { env, input }))
    },
    log: () => readFile(folder.at('data', 'log'), 'utf8'),
    [Symbol.asyncDispose]: async () => {
      try {
        succeeded(await postfix('stop'))
      } finally {
        await folder.remove()
      }
    },
  }
}
