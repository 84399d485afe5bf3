import { expect } from 'chai'
import { serveFtp } from '../ftp/raw-session.ts'
import { temporaryFolder } from '../kit/folder.ts'
import { describeWith } from '../kit/programs.ts'
import { run } from '../kit/run.ts'

/** What nmap knows to look for in FTP servers; `+` looks although the port is not 21. */
const scripts = ['anon', 'bounce', 'syst', 'libopie', 'vsftpd-backdoor', 'proftpd-backdoor', 'vuln-cve2010-4221']

/** @returns what each of them tells, where it tells something */
const look = async (port: number): Promise<readonly string[]> => {
  const looks = scripts.map((name) => `+ftp-${name}`).join(',')
  const args = ['-Pn', '-n', '-sT', '-p', `${port}`, '--script', looks, '-oX', '-', '127.0.0.1']
  const { code, stdout, stderr } = await run('nmap', args, { deadlineMs: 400_000 })
  expect(code, stderr).to.equal(0)
  const report = stdout.toString()
  expect(report).to.include('state="open"')
  return [...report.matchAll(/<script id="([\w-]+)" output="([^"]*)"/g)].map(([, id, output]) => `${id}: ${output}`)
}

describeWith(['nmap'], 'FTP: an audit by nmap', function () {
  this.timeout(900_000)

  it('finds nobody anonymous, no bounce, no hole, and nothing told before the login', async () => {
    await using running = await serveFtp()
    expect(await look(running.port)).to.deep.equal([])
  })

  it('finds guests where the configuration lets them in, and no bounce by them', async () => {
    await using folder = await temporaryFolder()
    await using running = await serveFtp({ options: { anonymous: folder.path } })
    const told = await look(running.port)
    expect(told.filter((line) => line.startsWith('ftp-anon: Anonymous FTP login allowed'))).to.have.length(1)
    expect(told.filter((line) => line.startsWith('ftp-bounce: '))).to.deep.equal([])
    expect(told.filter((line) => /VULNERABLE|backdoor/.test(line))).to.deep.equal([])
  })
})
