import { writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { havre } from '../kit/family.ts'
import { temporaryFolder } from '../kit/folder.ts'

describe('havre check', () => {
  it('tells where the services would listen', async () => {
    const { code, stdout, stderr } = await havre([
      'check',
      '--set',
      'services.ftp.enabled=false',
      '-s',
      'services.smtp.port=0',
      '-s',
      'host=::1',
    ])
    expect(stderr).to.equal('')
    expect(code).to.equal(0)
    const lines = stdout.toString().split('\n')
    expect(lines.slice(0, 4)).to.deep.equal([
      'http  http  [::1]:8080',
      'ftp   ftp   off',
      'smtp  smtp  [::1]:0 (any port)',
      'pop3  pop3  [::1]:1110',
    ])
    expect(lines.at(-2)).to.equal('The configuration is in order.')
  })

  it('tells the same for programs', async () => {
    const { code, stdout } = await havre(['check', '--json', '--set', 'services.pop3.tls=implicit'])
    expect(code).to.equal(0)
    const answer = JSON.parse(stdout.toString())
    expect(answer).to.include({ ok: true })
    expect(answer.idleSettings).to.deep.equal(['services.pop3.tls'])
    const pop3 = { name: 'pop3', protocol: 'pop3', enabled: true, host: '127.0.0.1', port: 2995, tls: 'implicit' }
    expect(answer.services[3]).to.deep.equal(pop3)
  })

  it('tells all that is wrong and ends with 100', async () => {
    await using folder = await temporaryFolder()
    await writeFile(folder.at('my.yaml'), 'hots: here\nservices:\n  http: { port: x }\n')
    const args = ['check', '--config', 'my.yaml', '--set', 'drain=1']
    const env = { HAVRE_PORTS: 'low' }
    const { code, stdout, stderr } = await havre(args, { cwd: folder.path, env })
    expect(code).to.equal(100)
    expect(stdout.toString()).to.equal('')
    expect(stderr.trimEnd().split('\n')).to.deep.equal([
      'my.yaml:1:1: hots: there is no such setting; did you mean host?',
      'my.yaml:3:17: services.http.port: must be a port from 0 to 65535 (0: the system chooses), not "x"',
      'environment variable HAVRE_PORTS: ports: must be high, well-known or any, not "low"',
      '--set drain=1: drain: must be a time with its unit, such as 300ms, 10s, 5m, 2h or 7d, not 1',
    ])
    const json = await havre([...args, '--json'], { cwd: folder.path, env })
    expect(json.code).to.equal(100)
    expect(JSON.parse(json.stdout.toString())).to.deep.include({ ok: false })
    expect(JSON.parse(json.stdout.toString()).problems[0]).to.deep.equal({
      source: 'file',
      file: folder.at('my.yaml'),
      line: 1,
      column: 1,
      setting: 'hots',
      message: 'there is no such setting; did you mean host?',
    })
  })

  it('takes files in their order', async () => {
    await using folder = await temporaryFolder()
    await writeFile(folder.at('a.yaml'), 'services: { http: { port: 1001 } }')
    await writeFile(folder.at('b.yaml'), 'services: { http: { port: 1002 } }')
    const port = async (...args: string[]) =>
      JSON.parse((await havre(['check', '--json', ...args], { cwd: folder.path })).stdout.toString()).services[0].port
    expect(await port('-c', 'a.yaml', '-c', 'b.yaml')).to.equal(1002)
    expect(await port('-c', 'b.yaml', '-c', 'a.yaml')).to.equal(1001)
  })

  it('shows how it is used', async () => {
    const { code, stdout } = await havre(['check', '--help'])
    expect(code).to.equal(0)
    expect(stdout.toString()).to.include('Examples:\n').and.include('havre check --config office.yaml')
  })
})
