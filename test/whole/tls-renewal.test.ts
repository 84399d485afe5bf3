import { mkdir, readFile, rename, symlink, unlink, writeFile } from 'node:fs/promises'
import { type ConnectionOptions, connect } from 'node:tls'
import { expect } from 'chai'
import { Client } from '../kit/client.ts'
import { eventually } from '../kit/eventually.ts'
import { type Family, startFamily, useFamily } from '../kit/family.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'
import { describeWith } from '../kit/programs.ts'
import { run } from '../kit/run.ts'

/** A look at the files, and the time that a busy machine may take over it. */
const takenMs = 60_000

/** A certificate for a host with its key, in the folder as NAME.pem and NAME.key. `version` is told by its organisation. */
const make = async (folder: TemporaryFolder, name: string, host: string, version: string): Promise<void> => {
  const subject = ['-subj', `/O=${version}/CN=${host}`, '-addext', `subjectAltName=DNS:${host}`]
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', `${name}.key`]
  const given = ['req', '-x509', '-days', '90', ...key, ...subject, '-out', `${name}.pem`]
  const { code, stderr } = await run('openssl', given, { cwd: folder.path })
  expect(code, stderr).to.equal(0)
}

/** The version of the certificate that a client is shown who asks for a host. */
const shown = (family: Family, host: string, options: ConnectionOptions = {}): Promise<string> =>
  new Promise((resolve, reject) => {
    const given = { port: family.port('https'), host: '127.0.0.1', servername: host, rejectUnauthorized: false, ...options }
    const socket = connect(given, () => {
      resolve(String(socket.getPeerCertificate().subject.O))
      socket.destroy()
    })
    socket.once('error', reject)
  })

const hosts = ['renamed.test', 'links.test', 'folder.test', 'keyfirst.test', 'certfirst.test'] as const

describeWith(['openssl'], 'TLS: files that are replaced while services run', function () {
  this.timeout(120_000)
  let files: TemporaryFolder
  before('make certificates', async () => {
    files = await temporaryFolder()
    for (const host of hosts) {
      await make(files, `${host}-one`, host, 'one')
      await make(files, `${host}-two`, host, 'two')
    }
    // In place, and to be renamed over.
    for (const host of ['renamed.test', 'keyfirst.test', 'certfirst.test']) {
      for (const end of ['pem', 'key']) await writeFile(files.at(`${host}.${end}`), await readFile(files.at(`${host}-one.${end}`)))
    }
    // As certbot does it: each file a link into an archive.
    for (const end of ['pem', 'key']) await symlink(`links.test-one.${end}`, files.at(`links.test.${end}`))
    // As Kubernetes does it: files that lead through a link to a folder.
    for (const version of ['one', 'two']) {
      await mkdir(files.at(version))
      for (const end of ['pem', 'key'])
        await writeFile(files.at(version, `folder.test.${end}`), await readFile(files.at(`folder.test-${version}.${end}`)))
    }
    await symlink('one', files.at('data'))
    for (const end of ['pem', 'key']) await symlink(`data/folder.test.${end}`, files.at(`folder.test.${end}`))
  })
  after('remove them', () => files.remove())

  const pair = (host: string) => ({ certificate: files.at(`${host}.pem`), key: files.at(`${host}.key`) })
  const family = useFamily(() => {
    const [first = '', ...more] = hosts
    return {
      services: ['pop3'],
      args: [
        'services.https.protocol=http',
        'services.https.tls=implicit',
        `tls.certificate=${pair(first).certificate}`,
        `tls.key=${pair(first).key}`,
        `tls.certificates=${JSON.stringify(more.map(pair))}`,
      ].flatMap((setting) => ['--set', setting]),
    }
  })
  const notTaken = async () => (await family().records('supervisor')).filter(({ event }) => event === 'tls.certificate.not-taken')

  it('each host has its own; nobody asks for one: the first', async () => {
    for (const host of hosts) expect(await shown(family(), host), host).to.equal('one')
    expect(await shown(family(), '')).to.equal('one')
  })

  it('new connections get the new ones, whichever way they came; conversations go on', async () => {
    using client = await Client.connect(family().port('pop3'))
    await client.line()
    await client.ask('STLS')
    await client.startTls()
    const swap = async (name: string, make: (path: string) => Promise<void>) => {
      await make(files.at('new'))
      await rename(files.at('new'), files.at(name))
    }
    const two = (host: string, end: string) => readFile(files.at(`${host}-two.${end}`))
    await writeFile(files.at('keyfirst.test.key'), await two('keyfirst.test', 'key'))
    await writeFile(files.at('certfirst.test.pem'), await two('certfirst.test', 'pem'))
    for (const end of ['pem', 'key']) {
      await swap(`renamed.test.${end}`, async (path) => writeFile(path, await two('renamed.test', end)))
      await swap(`links.test.${end}`, (path) => symlink(`links.test-two.${end}`, path))
    }
    await swap('data', (path) => symlink('two', path))
    await eventually(async () => {
      for (const host of ['renamed.test', 'links.test', 'folder.test']) expect(await shown(family(), host), host).to.equal('two')
    }, takenMs)
    // Half written: the old pair goes on, and once it stays so the operator hears of it.
    for (const host of ['keyfirst.test', 'certfirst.test']) expect(await shown(family(), host), host).to.equal('one')
    await eventually(async () => expect(await notTaken()).to.have.length(1), takenMs)
    const [{ why } = { why: '' }] = await notTaken()
    expect(why)
      .to.include(`tls.certificates[2].key: ${files.at('keyfirst.test.key')}: is not the key of`)
      .and.to.include(`tls.certificates[3].key: ${files.at('certfirst.test.key')}: is not the key of`)
    await writeFile(files.at('keyfirst.test.pem'), await two('keyfirst.test', 'pem'))
    await writeFile(files.at('certfirst.test.key'), await two('certfirst.test', 'key'))
    await eventually(async () => {
      for (const host of hosts) expect(await shown(family(), host), host).to.equal('two')
    }, takenMs)
    expect(await client.ask('NOOP')).to.match(/^-ERR Log in first/)
    expect((await family().status()).services.map(({ restarts }) => restarts)).to.deep.equal([0, 0])
  })

  it('a session goes on with the process that takes over', async () => {
    const session = await new Promise<Buffer>((resolve, reject) => {
      const socket = connect({
        port: family().port('https'),
        host: '127.0.0.1',
        servername: 'links.test',
        rejectUnauthorized: false,
      })
      socket.once('session', (ticket) => {
        resolve(ticket)
        socket.destroy()
      })
      socket.once('error', reject)
    })
    const pidOf = async () => (await family().status()).services.find(({ name }) => name === 'https')?.pid
    const before = await pidOf()
    const { code, stderr } = await family().havre(['restart', 'https'])
    expect(code, stderr).to.equal(0)
    expect(await pidOf()).to.not.equal(before)
    const resumed = await new Promise<boolean>((resolve, reject) => {
      const given = {
        port: family().port('https'),
        host: '127.0.0.1',
        servername: 'links.test',
        rejectUnauthorized: false,
        session,
      }
      const socket = connect(given, () => {
        resolve(socket.isSessionReused())
        socket.destroy()
      })
      socket.once('error', reject)
    })
    expect(resumed).to.equal(true)
  })

  it('a file that holds no certificate is refused by a reload and by a start, and what there was goes on', async () => {
    await unlink(files.at('links.test.pem'))
    await writeFile(files.at('links.test.pem'), 'nonsense')
    const problem = `tls.certificates[0].certificate: ${files.at('links.test.pem')}: holds no certificate in PEM`
    const { code, stderr } = await family().havre(['reload'])
    expect([code, stderr]).to.deep.equal([100, stderr])
    expect(stderr).to.include(problem)
    expect(await shown(family(), 'links.test')).to.equal('two')
    const failed = await startFamily({
      services: ['pop3'],
      args: ['--set', `tls.certificate=${files.at('links.test.pem')}`, '--set', `tls.key=${files.at('links.test.key')}`],
    }).then(
      () => null,
      (error: unknown) => error,
    )
    expect(failed).to.include({ code: 100 })
    expect(String(failed)).to.include(`tls.certificate: ${files.at('links.test.pem')}: holds no certificate in PEM`)
  })

  it('no key is in a log, an environment or an argument', async () => {
    const { supervisor, services } = await family().status()
    const logged = await family().everythingLogged()
    const told = [logged]
    for (const pid of [supervisor.pid, family().process.pid ?? 0, ...services.map((service) => service.pid ?? 0)]) {
      for (const file of ['environ', 'cmdline']) told.push(await readFile(`/proc/${pid}/${file}`, 'latin1'))
    }
    expect(told.join('\n')).to.include('tls.certificate.taken').and.to.not.include('PRIVATE KEY')
    for (const host of hosts) {
      const [, line = ''] = (await readFile(files.at(`${host}-two.key`), 'utf8')).split('\n')
      expect(line).to.have.length(64)
      for (const text of told) expect(text).to.not.include(line)
    }
  })
})
