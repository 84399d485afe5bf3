import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { useFamily } from '../kit/family.ts'
import { temporaryFolder } from '../kit/folder.ts'
import { freePort } from '../kit/free-port.ts'
import { describeWith } from '../kit/programs.ts'
import { run } from '../kit/run.ts'

/** What testssl.sh writes of one thing it looked at. */
interface Finding {
  readonly id: string
  readonly severity: string
  readonly finding: string
}

/** Findings that are no reason to act, by service and name; docs/tls.md tells of each. Every other one fails the test. */
const known: Readonly<Record<string, readonly string[]>> = {
  https: ['LOW HSTS', 'MEDIUM BREACH'],
}

/** How grave a finding is; `WARN` is about the run itself: a check that did not come to its end, as on a machine that is busy. */
const harmless: readonly string[] = ['OK', 'INFO', 'DEBUG']

/** What is looked at: protocols, suites, forward secrecy, defaults and certificate, order, HTTP's fields, every known weakness. */
const checks = ['-p', '-s', '-f', '-S', '-P', '-U']

const office = fileURLToPath(new URL('../../config/office.yaml', import.meta.url))

describeWith(['testssl', 'openssl'], 'TLS: testssl.sh', function () {
  this.timeout(900_000)
  /** Certificates name the list of those taken back only where http has a port of its own. */
  let httpPort = 0
  before('find a port for http', async () => {
    httpPort = await freePort()
  })
  const family = useFamily(() => ({ args: ['--config', office, '--set', `services.http.port=${httpPort}`] }))

  /** @returns what it found to be less than good. @throws where it did not look to its end */
  const look = async (service: string, more: readonly string[]): Promise<readonly Finding[]> => {
    await using folder = await temporaryFolder()
    const report = folder.at('report.json')
    const { stdout, stderr } = await run(
      'testssl',
      [
        ...['--quiet', '--color', '0', '--warnings', 'off', '--nodns', 'none', '--ip', '127.0.0.1'],
        ...['--add-ca', family().folder.at('data', 'tls', 'authority.pem'), '--jsonfile', report],
        ...checks,
        ...more,
        `localhost:${family().port(service)}`,
      ],
      { deadlineMs: 800_000, cwd: folder.path },
    )
    const findings: Finding[] = JSON.parse(await readFile(report, 'utf8'))
    const ids = findings.map(({ id }) => id)
    // It looked, and what it looked at is ours.
    expect(ids, `${stdout}\n${stderr}`).to.include.members(['TLS1_2', 'TLS1_3', 'cert_chain_of_trust', 'heartbleed', 'LUCKY13'])
    expect(findings.find(({ id }) => id === 'cert_chain_of_trust')?.severity).to.equal('OK')
    expect(findings.find(({ id }) => id === 'cert_crlDistributionPoints')?.finding).to.include(`:${httpPort}/.well-known/havre/`)
    // Not every OpenSSL has engines, with which testssl would ask for GOST.
    return findings.filter(({ id, severity }) => !harmless.includes(severity) && id !== 'engine_problem')
  }

  // Two at a time: most of what it does is waiting.
  for (const group of [
    [
      ['https', '-h'],
      ['smtp', '-t', 'smtp'],
    ],
    [['submission', '-t', 'smtp'], ['smtps']],
    [['pop3', '-t', 'pop3'], ['pop3s']],
    [['ftp', '-t', 'ftp'], ['ftps']],
  ]) {
    it(`finds nothing in ${group.map(([service]) => service).join(' and ')} but what is known`, async () => {
      const found = await Promise.all(
        group.map(async ([service = '', ...more]) => {
          let findings = await look(service, more)
          // What it could not look at, as on a busy machine, it looks at again.
          for (let again = 0; again < 2 && findings.some(({ severity }) => severity === 'WARN'); again++)
            findings = await look(service, more)
          return findings
        }),
      )
      for (const [at, [service = '']] of group.entries()) {
        const less = (found[at] ?? []).map(({ severity, id, finding }) => ({ what: `${severity} ${id}`, finding }))
        const unknown = less.filter(({ what }) => !(known[service] ?? []).includes(what))
        expect(unknown, service).to.deep.equal([])
      }
    })
  }
})
