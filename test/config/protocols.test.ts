import { isAbsolute, join } from 'node:path'
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
        for (const standard of protocol.standards) expect(standard).to.match(/^RFC \d+( §[\d.]+)?$/)
      })

    it(`${name} has an example with a place for the address`, () => expect(protocol.example).to.include('{address}'))
  }

  for (const { name, grants } of services) {
    it(`${name} may touch nothing but its own data`, () => {
      const paths = [...grants.read, ...grants.write, ...(grants.files ?? [])]
      // Of tls/ what everybody may have, never the folder of the keys.
      const own = ['www', 'files', 'tls/public', 'mail.db', 'mail.db-wal', 'mail.db-shm'].map((part) => join(settings.data, part))
      expect(paths.filter((path) => !isAbsolute(path) || path.includes('*'))).to.deep.equal([])
      expect(paths.filter((path) => path.startsWith(settings.data) && !own.includes(path))).to.deep.equal([])
    })
  }

  it('that serve files write none of the mail, and those that serve mail none of the files', () => {
    const touched = (name: string) => {
      const grants = services.find((service) => service.name === name)?.grants
      return [...(grants?.read ?? []), ...(grants?.write ?? []), ...(grants?.files ?? [])].join()
    }
    expect(`${touched('http')},${touched('ftp')}`).to.not.include('mail.db')
    expect(`${touched('smtp')},${touched('pop3')}`).to.not.include('files')
  })
})
