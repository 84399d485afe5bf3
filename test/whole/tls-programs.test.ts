import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { expect } from 'chai'
import { defaultWith } from '../kit/default-services.ts'
import { useFamily } from '../kit/family.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'
import { describeWith } from '../kit/programs.ts'
import { run } from '../kit/run.ts'
import { withAccounts } from './accounts.ts'

const user = 'alice'
const password = 'Geheim-42+x'

const sets = (...settings: readonly string[]) => settings.flatMap((setting) => ['--set', setting])

const encrypted = ['https', 'ftps', 'submission', 'smtps', 'pop3s']

const args = sets(
  ...['ftp', 'ftps', 'smtp', 'submission', 'smtps', 'pop3', 'pop3s'].map((name) => `services.${name}.requireTls=always`),
  'log.level=debug',
  'demo=false',
)

/** A file of configuration: the default one, with the encrypted services taken into use as a user does it. */
const useConfiguration = (): (() => string) => {
  let folder: TemporaryFolder
  before('write the configuration', async () => {
    folder = await temporaryFolder()
    await writeFile(folder.at('my.yaml'), await defaultWith(encrypted))
  })
  after('remove it', () => folder.remove())
  return () => folder.at('my.yaml')
}

describe('TLS: programs', () => {
  const file = useConfiguration()
  const family = useFamily(() => ({ args: ['--config', file(), ...args] }))
  withAccounts(family, { [user]: password })
  const ca = () => family().folder.at('data', 'tls', 'authority.pem')
  const at = (service: string) => `localhost:${family().port(service)}`

  /** @returns what the program printed. @throws where it failed */
  const succeeds = async (program: string, given: readonly string[], input = ''): Promise<string> => {
    const { code, stdout, stderr } = await run(program, given, { input, env: { HOME: family().folder.path } })
    expect(code, `${program} ${given.join(' ')}\n${stdout}\n${stderr}`).to.equal(0)
    return `${stdout}${stderr}`
  }

  describeWith(['curl'], 'curl, which trusts our authority only', () => {
    const curl = (...more: string[]) => succeeds('curl', ['-sS', '--max-time', '20', '--cacert', ca(), '-4', ...more])
    const login = ['--user', `${user}:${password}`]
    const mail = ['--mail-from', `${user}@havre.test`, '--mail-rcpt', `${user}@havre.test`, '-T', '-']

    it('gets a page over https', async () => {
      expect(await curl('-o', '/dev/null', '-w', '%{http_code} %{ssl_verify_result}', `https://${at('https')}/`)).to.match(
        /^(?:200|404) 0/,
      )
    })
    for (const [name, scheme, tls] of [
      ['smtp', 'smtp', '--ssl-reqd'],
      ['smtps', 'smtps', '--ssl-reqd'],
      ['submission', 'smtp', '--ssl-reqd'],
    ] as const) {
      it(`sends over ${name}, after a login`, async () => {
        const given = ['-sS', '--max-time', '20', '--cacert', ca(), '-4', ...login, ...mail, tls]
        await succeeds('curl', [...given, `${scheme}://${at(name)}/client.test`], `Subject: by ${name}\r\n\r\nbody\r\n`)
      })
    }
    it('fetches over pop3 with STLS, and over pop3s, and reads how the mail came', async () => {
      const text = await curl(...login, '--ssl-reqd', `pop3://${at('pop3')}/1`)
      expect(text).to.match(/with ESMTPSA\r\n\t\(TLSv1\.3 TLS_[A-Z0-9_]+\) id/)
      expect(await curl(...login, `pop3s://${at('pop3s')}/2`)).to.include('Subject: by smtps')
    })
    for (const [name, url] of [
      ['ftp', '--ssl-reqd'],
      ['ftps', '--ssl-reqd'],
    ] as const) {
      for (const version of ['--tlsv1.3', '--tls-max 1.2']) {
        it(`uploads and downloads over ${name}, ${version}, with the session that the control connection has`, async () => {
          const path = family().folder.at('upload')
          await writeFile(path, 'octets'.repeat(50_000))
          const given = [...login, url, ...version.split(' ')]
          await curl(...given, '-T', path, `${name}://${at(name)}/${name}.txt`)
          expect(await curl(...given, `${name}://${at(name)}/${name}.txt`)).to.equal('octets'.repeat(50_000))
        })
      }
    }
    it('is refused below TLS 1.2', async () => {
      const { code } = await run('curl', [
        '-sS',
        '--cacert',
        ca(),
        '--ciphers',
        'DEFAULT@SECLEVEL=0',
        '--tlsv1.0',
        '--tls-max',
        '1.1',
        `https://${at('https')}/`,
      ])
      expect(code).to.equal(35)
    })
  })

  describeWith(['swaks'], 'swaks', () => {
    it('sends with STARTTLS and with TLS from the first octet', async () => {
      const more = [
        '--to',
        `${user}@havre.test`,
        '--from',
        `${user}@havre.test`,
        '--tls-verify',
        '--tls-ca-path',
        ca(),
        '--auth-user',
        user,
        '--auth-password',
        password,
      ]
      for (const [how, service] of [
        ['-tls', 'smtp'],
        ['--tls-on-connect', 'smtps'],
      ] as const) {
        const said = await succeeds('swaks', [
          '--server',
          'localhost',
          '--port',
          String(family().port(service)),
          how,
          '--auth',
          'PLAIN',
          ...more,
        ])
        expect(said).to.include('TLS started').and.to.include('235 2.7.0')
      }
    })
  })

  describeWith(['lftp'], 'lftp', () => {
    for (const [scheme, service] of [
      ['ftp', 'ftp'],
      ['ftps', 'ftps'],
    ] as const) {
      it(`lists, puts and gets over ${service}, data encrypted`, async () => {
        await using folder = await temporaryFolder()
        await writeFile(folder.at('here'), 'by lftp')
        const script = [
          'set cmd:fail-exit yes',
          'set net:max-retries 1',
          'set net:timeout 10',
          'set ftp:ssl-force yes',
          'set ftp:ssl-protect-data yes',
          `set ssl:ca-file ${ca()}`,
          `open -u ${user},${password} ${scheme}://${at(service)}`,
          `put ${folder.at('here')} -o lftp.txt`,
          'cls',
          `get lftp.txt -o ${folder.at('there')}`,
        ].join('\n')
        expect(await succeeds('lftp', ['--norc'], script)).to.include('lftp.txt')
        expect(await readFile(folder.at('there'), 'utf8')).to.equal('by lftp')
      })
    }
  })

  describeWith(['python3'], "Python's clients", () => {
    it('send and fetch mail, in both ways', async () => {
      const script = `
import poplib, smtplib, ssl, sys
ca, user, password, smtp, smtps, pop3, pop3s = sys.argv[1:]
context = ssl.create_default_context(cafile=ca)
for port, make in ((smtp, smtplib.SMTP), (smtps, lambda h, p: smtplib.SMTP_SSL(h, p, context=context))):
    s = make('localhost', int(port))
    if port == smtp: s.starttls(context=context)
    s.login(user, password)
    s.sendmail(user + '@havre.test', [user + '@havre.test'], 'Subject: python\\r\\n\\r\\nbody\\r\\n')
    s.quit()
p = poplib.POP3('localhost', int(pop3)); p.stls(context); p.user(user); p.pass_(password); print(p.stat()[0]); p.quit()
p = poplib.POP3_SSL('localhost', int(pop3s), context=context); p.user(user); p.pass_(password); print(p.stat()[0]); p.quit()
`
      const ports = ['smtp', 'smtps', 'pop3', 'pop3s'].map((name) => String(family().port(name)))
      const [one, two] = (await succeeds('python3', ['-c', script, ca(), user, password, ...ports])).trim().split('\n')
      expect(one).to.equal(two).and.to.match(/^\d+$/)
    })
  })

  describeWith(['openssl'], 'openssl', () => {
    for (const [service, ...more] of [
      ['https'],
      ['smtps'],
      ['pop3s'],
      ['ftps'],
      ['smtp', '-starttls', 'smtp'],
      ['pop3', '-starttls', 'pop3'],
      ['ftp', '-starttls', 'ftp'],
    ] as const) {
      it(`verifies ${service}${more.length > 0 ? ` after ${more.join(' ')}` : ''}`, async () => {
        const given = [
          's_client',
          '-connect',
          at(service),
          '-CAfile',
          ca(),
          '-verify_return_error',
          '-verify_hostname',
          'localhost',
          ...more,
        ]
        expect(await succeeds('openssl', given)).to.include('Verification: OK')
      })
    }
  })

  describe('nodemailer, which begins TLS when it is offered', () => {
    const send = (more: string, env: Record<string, string>) => {
      const script = `
        import { createTransport } from 'nodemailer'
        const port = Number(process.argv[1])
        const transport = createTransport({ host: 'localhost', port, auth: { user: '${user}', pass: '${password}' }, ${more} })
        const { response } = await transport.sendMail({ from: '${user}@havre.test', to: '${user}@havre.test', subject: 'x', text: 'x' })
        console.log(response)`
      const given = ['--input-type=module', '-e', script, String(family().port('submission'))]
      return run(process.execPath, given, { env, cwd: fileURLToPath(new URL('../..', import.meta.url)) })
    }
    it('sends as soon as it knows the authority, as the README says', async () => {
      const { code, stdout, stderr } = await send('', { NODE_EXTRA_CA_CERTS: ca() })
      expect(code, stderr).to.equal(0)
      expect(stdout.toString()).to.match(/^250 2\.0\.0/)
    })
    it('refuses before, which the journal tells', async () => {
      const { code, stderr } = await send('', {})
      expect(code).to.equal(1)
      expect(stderr).to.match(/certificate/)
    })
    it('the start told where the authority is', () => {
      expect(family().output()).to.include(`certificates: programs trust them with ${ca()}\n`)
    })
  })

  describeWith(['python3'], "Python's ftplib, which does not resume sessions on data connections", () => {
    it('is told what to set', async () => {
      const script = `
import ftplib, ssl, sys
ca, user, password, port = sys.argv[1:]
f = ftplib.FTP_TLS(context=ssl.create_default_context(cafile=ca)); f.connect('localhost', int(port)); f.login(user, password); f.prot_p()
try: f.nlst()
except ftplib.error_perm as error: print(error)
`
      const said = await succeeds('python3', ['-c', script, ca(), user, password, String(family().port('ftp'))])
      expect(said).to.match(/^522 .*setting dataTls: any/)
    })
  })

  describeWith(['wget', 'msmtp', 'mpop', 'fetchmail'], 'wget, msmtp, mpop, fetchmail', () => {
    const script = async (name: string, lines: readonly string[]): Promise<string> => {
      const path = family().folder.at(name)
      await writeFile(path, `${lines.join('\n')}\n`, { mode: 0o600 })
      return path
    }
    const common = () => ['host localhost', `user ${user}`, `password ${password}`, 'auth on', 'tls on', `tls_trust_file ${ca()}`]
    it('wget gets a page', async () => {
      const given = ['-q', '-4', '-O', '-', `--ca-certificate=${ca()}`, `https://${at('https')}/`]
      expect(await succeeds('wget', given)).to.include('<')
    })
    for (const [service, starttls] of [
      ['submission', 'on'],
      ['smtps', 'off'],
    ] as const) {
      it(`msmtp sends over ${service}`, async () => {
        const lines = [
          'account default',
          ...common(),
          `port ${family().port(service)}`,
          `tls_starttls ${starttls}`,
          `from ${user}@havre.test`,
        ]
        await succeeds('msmtp', ['-C', await script('msmtprc', lines), `${user}@havre.test`], 'Subject: msmtp\r\n\r\nbody\r\n')
      })
    }
    for (const [service, starttls] of [
      ['pop3', 'on'],
      ['pop3s', 'off'],
    ] as const) {
      it(`mpop fetches over ${service}`, async () => {
        const box = family().folder.at(`mpop-${service}`)
        const lines = [
          'account default',
          ...common(),
          `port ${family().port(service)}`,
          `tls_starttls ${starttls}`,
          `uidls_file ${box}.uidls`,
          `delivery mbox ${box}`,
          'keep on',
        ]
        await succeeds('mpop', ['-C', await script('mpoprc', lines)])
        expect(await readFile(box, 'utf8')).to.include('Subject: msmtp')
      })
      it(`fetchmail checks over ${service}`, async () => {
        const how = starttls === 'on' ? 'sslproto TLS1.2+' : 'ssl'
        const line = `poll localhost protocol pop3 port ${family().port(service)} user ${user} password ${password} ${how} sslcertck sslcertfile ${ca()} keep`
        const given = ['-f', await script('fetchmailrc', [line]), '--pidfile', family().folder.at('fetchmail.pid'), '-c']
        expect(await succeeds('fetchmail', given)).to.match(/\d+ messages? .*for alice at localhost/)
      })
    }
  })

  describe('and what they leave behind', () => {
    it('leave no key and no password in any log', async () => {
      const key = await readFile(family().folder.at('data', 'tls', 'certificate.key'), 'utf8')
      const [, line = ''] = key.split('\n')
      expect(line).to.have.length(64)
      const logged = await family().everythingLogged()
      expect(logged).to.include('tls.started')
      for (const secret of ['PRIVATE KEY', line, password, Buffer.from(`\0${user}\0${password}`).toString('base64')])
        expect(logged).to.not.include(secret)
    })

    it('the child has no right to read the keys', async () => {
      const { services } = await family().status()
      for (const { name, pid } of services) {
        const command = (await readFile(`/proc/${pid}/cmdline`, 'utf8')).split('\0')
        const granted = command.filter((word) => word.startsWith('--allow-fs-')).map((word) => word.split('=')[1] ?? '')
        expect(granted.length, name).to.be.greaterThan(0)
        const key = family().folder.at('data', 'tls', 'certificate.key')
        expect(
          granted.filter((folder) => key.startsWith(folder)),
          name,
        ).to.deep.equal([])
      }
    })
  })
})

describe('TLS: config/office.yaml', () => {
  it('is right', async () => {
    const program = fileURLToPath(new URL('../../cli/main.ts', import.meta.url))
    const office = fileURLToPath(new URL('../../config/office.yaml', import.meta.url))
    const { code, stdout, stderr } = await run(process.execPath, [program, 'check', '--config', office])
    expect(code, stderr).to.equal(0)
    expect(stdout.toString()).to.include('https').and.to.include('8443')
    expect(stderr).to.not.include('does nothing yet')
  })
})
