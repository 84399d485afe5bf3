import { isAbsolute, join, relative } from 'node:path'
import { expect } from 'chai'
import { protocols } from '../../servers/supervisor/protocols.ts'
import { loadConfiguration } from '../../shared/config/load.ts'

const { settings, services } = loadConfiguration({ protocols, env: {} })

describe('the protocols', () => {
  for (const [name, protocol] of Object.entries(protocols)) {
    it(`${name} goes by its own name`, () => expect(protocol.protocol).to.equal(name))

    // Those of a program of somebody else are not ours to know.
    if (protocol.external === undefined)
      it(`${name} names the standards that bind it`, () => {
        expect(protocol.standards).to.not.be.empty
        for (const standard of protocol.standards) expect(standard).to.match(/^(?:RFC \d+( §[\d.]+)?|draft-[a-z0-9-]+-\d\d)$/)
      })

    it(`${name} has an example with a place for the address`, () => expect(protocol.example).to.include('{address}'))
  }

  it('have examples for services that are encrypted from the first octet', () => {
    const names = ['http', 'ftp', 'smtp', 'pop3']
    const sets = names.map((name) => `services.${name}.tls=implicit`)
    const examples = loadConfiguration({ protocols, env: {}, sets }).services.map(({ name, example }) => [name, example])
    expect(Object.fromEntries(examples)).to.include({
      http: 'curl {trust}https://{hostname}:{port}/',
      ftp: 'curl {trust}-u alice ftps://{hostname}:{port}/',
      smtp: 'swaks --tlsc --server {address} --to alice@localhost',
      pop3: 'curl {trust}-u alice pop3s://{hostname}:{port}/',
    })
  })

  for (const { name, grants } of services) {
    it(`${name} may touch nothing but its own data`, () => {
      const paths = [...grants.read, ...grants.write, ...(grants.files ?? [])]
      // Of tls/ what everybody may have, never the folder of the keys.
      const databases = ['mail.db', 'mail-index.db'].flatMap((file) => ['', '-wal', '-shm'].map((suffix) => `${file}${suffix}`))
      const own = ['www', 'files', 'tls/public', ...databases].map((part) => join(settings.data, part))
      expect(paths.filter((path) => !isAbsolute(path) || path.includes('*'))).to.deep.equal([])
      expect(paths.filter((path) => path.startsWith(settings.data) && !own.includes(path))).to.deep.equal([])
    })
  }

  it('that serve files write none of the mail, and those that serve mail none of the files', () => {
    // By their names in the data folder: whatever the folder itself is called.
    const touched = (name: string) => {
      const grants = services.find((service) => service.name === name)?.grants
      const paths = [...(grants?.read ?? []), ...(grants?.write ?? []), ...(grants?.files ?? [])]
      return paths
        .map((path) => relative(settings.data, path))
        .filter((path) => !path.startsWith('..'))
        .join()
    }
    expect(`${touched('http')},${touched('ftp')}`).to.not.include('mail')
    expect(`${touched('smtp')},${touched('pop3')}`).to.not.include('files')
  })
})
