/**
 * FTP over TLS, of the whole family as a user starts it: `npm run bench -- ftp-tls`. curl fetches and stores a file of 256 MiB on an encrypted
 * data connection that resumes the session of its control connection; where vsftpd is installed and this runs as root, beside vsftpd with
 * the same certificate, in turns. `node bench/ftp-tls.ts ROUNDS` for more or fewer than five.
 */
import { open } from 'node:fs/promises'
import process from 'node:process'
import { run } from '../test/kit/run.ts'
import { peers } from '../test/suites/ftp-peers.ts'
import { password, startCrowd } from './kit/crowd.ts'
import { conditions, percentile } from './kit/figures.ts'

const octets = 256 * 1024 * 1024
const mebi = 1024 * 1024
const rounds = Number(process.argv[2] ?? 5)

interface Target {
  readonly name: string
  readonly login: string
  readonly port: number
}

console.log(conditions())
await using family = await startCrowd({})
const tls = family.folder.at('data', 'tls')
const vsftpd = peers.find(({ name }) => name === 'vsftpd')
await using peer = (await vsftpd?.isInstalled())
  ? ((await vsftpd?.start({
      ...{ ssl_enable: 'YES', rsa_cert_file: `${tls}/certificate.pem`, rsa_private_key_file: `${tls}/certificate.key` },
      ...{ force_local_data_ssl: 'YES', force_local_logins_ssl: 'YES', require_ssl_reuse: 'YES', ssl_ciphers: 'HIGH' },
    })) ?? null)
  : null
if (peer === null) console.log('vsftpd is not here, or this is not root: nothing to measure beside')

const file = family.folder.at('large')
const handle = await open(file, 'w')
for (let n = 0; n < octets / mebi; n++) await handle.write(Buffer.alloc(mebi, n))
await handle.close()

/** Octets a second, as curl tells. */
const speed = async ({ login, port }: Target, what: 'down' | 'up'): Promise<number> => {
  const url = `ftp://127.0.0.1:${port}/large`
  const way = what === 'down' ? ['-o', '/dev/null', '-w', '%{speed_download}'] : ['-T', file, '-w', '%{speed_upload}']
  const { code, stdout, stderr } = await run('curl', ['-sS', '--ssl-reqd', '-k', '-u', login, ...way, url])
  if (code !== 0) throw new Error(`curl: ${stderr}`)
  return Number(stdout)
}

const targets: Target[] = [{ name: 'havre', login: `u1:${password}`, port: family.port('ftp') }]
if (peer !== null) targets.push({ name: 'vsftpd', login: `${peer.user}:${peer.password}`, port: peer.port })
const speeds = new Map<string, number[]>()
for (let round = 0; round <= rounds; round++)
  for (const what of ['up', 'down'] as const)
    for (const target of targets) {
      const measured = await speed(target, what)
      const key = `${what} ${target.name}`
      // The first round warms up.
      if (round > 0) speeds.set(key, [...(speeds.get(key) ?? []), measured])
    }
for (const what of ['up', 'down'] as const) {
  const median = (name: string) => percentile(speeds.get(`${what} ${name}`) ?? [], 0.5)
  const ratio =
    peer === null
      ? ''
      : `, vsftpd ${Math.round(median('vsftpd') / mebi)} MiB/s: ${(median('havre') / median('vsftpd')).toFixed(2)} ×`
  console.log(`256 MiB over TLS ${what.padEnd(6)}${Math.round(median('havre') / mebi)} MiB/s${ratio}`)
}
