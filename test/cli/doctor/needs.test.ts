import { once } from 'node:events'
import { mkdir, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { expect } from 'chai'
import { accounts } from '../../../cli/doctor/accounts.ts'
import { certificates } from '../../../cli/doctor/certificates.ts'
import { needs } from '../../../cli/doctor/needs.ts'
import { createPasswords } from '../../../shared/accounts/password.ts'
import { openAccountStore } from '../../../shared/accounts/sqlite-account-store.ts'
import { temporaryFolder } from '../../kit/folder.ts'
import { troublesOf } from './patient.ts'

/** A port at which nothing listens on a machine of today (tcpmux), nor anything that the system chooses a port for. */
const deaf = 1

describe('doctor: what services need', () => {
  it('tells folders and pages of sites that are not there, by the settings that name them', async () => {
    await using folder = await temporaryFolder()
    await mkdir(folder.at('shop'))
    await writeFile(folder.at('shop/404.html'), 'x')
    await writeFile(folder.at('text'), 'x')
    const shop = { root: folder.at('shop'), pages: { 404: '/404.html', 500: '/%35 00.html' }, fallback: '/app.html' }
    const sites = { 'shop.test': shop, '*.x.test': { root: folder.at('none') } }
    const routes = [{ path: '/docs/', files: folder.at('text') }]
    const sets = [
      `services.http.sites=${JSON.stringify(sites)}`,
      `services.http.routes=${JSON.stringify(routes)}`,
      'services.http.pages={ 403: /no.html }',
    ]
    const told = (setting: string, what: string) =>
      `problem: services.http.${setting}: ${what} → Put it there, or set services.http.${setting} right`
    expect(await troublesOf(needs, folder, { sets })).to.have.members([
      told('pages.403', `${folder.at('data/www/no.html')} is not there`),
      told('routes.0.files', `${folder.at('text')} is no folder`),
      told('sites.shop.test.fallback', `${folder.at('shop/app.html')} is not there`),
      told('sites.shop.test.pages.500', `${folder.at('shop/5 00.html')} is not there`),
      told('sites.*.x.test.root', `${folder.at('none')} is not there`),
      told('sites.*.x.test.pages.403', `${folder.at('none/no.html')} is not there`),
    ])
    expect(await troublesOf(needs, folder)).to.deep.equal([])
  })

  it('tells the folder of guests of FTP as well', async () => {
    await using folder = await temporaryFolder()
    const sets = [`services.ftp.anonymous=${folder.at('guests')}`]
    const [problem] = await troublesOf(needs, folder, { sets })
    expect(problem).to.include(`services.ftp.anonymous: ${folder.at('guests')} is not there`)
  })

  it('tells upstream servers that take no connection, and none that do', async () => {
    await using folder = await temporaryFolder()
    const server = createServer((socket) => socket.destroy()).listen(0, '127.0.0.1')
    await once(server, 'listening')
    try {
      const address = server.address()
      const port = typeof address === 'object' ? address?.port : null
      const to = [`http://127.0.0.1:${port}/`, `http://127.0.0.1:${deaf}/`]
      const set = (proxy: unknown) => [`services.http.routes=${JSON.stringify([{ path: '/app/', proxy }])}`]
      expect(await troublesOf(needs, folder, { sets: set(to[0]) })).to.deep.equal([])
      const [problem, ...more] = await troublesOf(needs, folder, { sets: set({ to }) })
      expect(problem).to.match(
        new RegExp(
          `^problem: services\\.http\\.routes\\.0\\.proxy: 127\\.0\\.0\\.1:${deaf} takes no connection: nothing listens there → `,
        ),
      )
      expect(more).to.deep.equal([])
    } finally {
      server.close()
    }
  })

  it('tells accounts that paths are for and that do not exist', async () => {
    await using folder = await temporaryFolder()
    await mkdir(folder.at('data'), { mode: 0o700 })
    const sets = [
      `services.http.routes=${JSON.stringify([
        { path: '/p/', auth: ['alice', 'alcie'] },
        { path: '/q/', auth: 'any' },
      ])}`,
    ]
    const store = await openAccountStore(folder.at('data', 'accounts.db'))
    const passwordHash = await createPasswords({ memoryKiB: 64, passes: 1, parallelism: 1 }).hash('tests only')
    await store.add({ name: 'alice', passwordHash })
    await store.close()
    expect(await troublesOf(accounts, folder, { sets })).to.deep.equal([
      'warning: services.http.routes.0.auth lets alcie in, and there is no such account → `havre account add alcie`, or set it right',
    ])
  })

  it('tells certificates of sites that cannot be read, by the site', async () => {
    await using folder = await temporaryFolder()
    const site = { certificate: folder.at('no.pem'), key: folder.at('no.key') }
    const sets = [`services.http.sites=${JSON.stringify({ 'shop.test': site })}`]
    expect(await troublesOf(certificates, folder, { sets })).to.deep.equal([
      `problem: ${folder.at('no.pem')}: the certificate cannot be read (ENOENT) → Set the files of services.http.sites.shop.test right; \`havre reload\` takes them over`,
    ])
  })
})
