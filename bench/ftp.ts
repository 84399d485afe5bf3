/**
 * FTP of the whole family, as a user starts it: `npm run bench -- ftp`. Large files down and up in clear and over TLS, sessions with small
 * files (STOR, RETR, DELE), LIST of 1,000 files, logins, NOOP. Where a lab is named (`kit/lab.ts`), vsftpd, pyftpdlib and ftp-srv beside
 * it, by the same tool. `node bench/ftp.ts ROUNDS CASES` for more than one round, or for some of its cases (`retr1,stor1`).
 */
import process from 'node:process'
import { password, startCrowd } from './kit/crowd.ts'
import { conditions } from './kit/figures.ts'
import { openLab } from './kit/lab.ts'

const seconds = 3
const peers = ['vsftpd', 'pyftpdlib', 'ftp-srv']
const rounds = Number(process.argv[2] ?? 1)
const cases = process.argv[3] ?? 'cycle,noop,login,list,retr1,retrN,stor1,storN'

console.log(conditions())
await using family = await startCrowd({}, ['--set', 'limits.connectionsPerAddress=1000'])
await using lab = openLab(family, peers)
if (lab !== null) {
  const ours = `havre=u1:${password}@127.0.0.1:${family.port('ftp')}`
  const load = (target: string, duration: number, which: string, purpose?: 'warm-up') =>
    lab.load('load-ftp.py', ['--duration', String(duration), '--cases', which, target], purpose)
  for (const target of [ours, ...peers.map((peer) => lab.at(peer))]) load(target, 1, 'cycle', 'warm-up')
  for (let round = 0; round < rounds; round++)
    // Case by case, so that each is measured in the same minute for all.
    for (const which of cases.split(','))
      for (const target of [ours, ...peers.map((peer) => lab.at(peer))]) load(target, seconds, which)
  lab.show()
}
