import { access, mkdir, readdir, readFile, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'chai'
import { simpleParser } from 'mailparser'
import { createDemo, type DemoOptions, demoPassword, prepareDemo, refuseDemoBeyondLoopback } from '../../servers/supervisor/demo.ts'
import { createPasswords } from '../../shared/accounts/password.ts'
import { openMailStore } from '../../shared/mail/sqlite-mail-store.ts'
import { PermanentError } from '../../shared/service.ts'
import { MemoryAccountStore } from '../accounts/memory-account-store.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'
import { testSettings } from '../kit/settings.ts'

/** Small, so that the tests are quick. */
const passwords = createPasswords({ memoryKiB: 8, passes: 1, parallelism: 1 })

const services = [
  { name: 'http', protocol: 'http', host: '127.0.0.1', port: 18_080 },
  { name: 'ftp', protocol: 'ftp', host: '::1', port: 12_121 },
  { name: 'smtp', protocol: 'smtp', host: '127.0.0.1', port: 12_525 },
  { name: 'pop3', protocol: 'pop3', host: '127.0.0.1', port: 11_110 },
  { name: '<db>', protocol: 'exec', host: '127.0.0.1', port: 3_306 },
]

describe('the demo', () => {
  let folder: TemporaryFolder
  let accounts: MemoryAccountStore
  let options: DemoOptions
  beforeEach(async () => {
    folder = await temporaryFolder()
    accounts = new MemoryAccountStore()
    const settings = testSettings(folder.path, { demo: true })
    await mkdir(settings.data)
    options = { settings, services, accounts, passwords, now: () => new Date('2026-11-21T10:00:00Z') }
  })
  afterEach(() => folder.remove())

  const data = (...names: string[]) => folder.at('data', ...names)
  const names = async () => (await accounts.list()).map(({ name }) => name)
  /** Every message of an account, whole. */
  const mailOf = async (account: string): Promise<readonly string[]> => {
    const mail = await openMailStore({ file: data('mail.db') })
    const texts: string[] = []
    for (const { id } of await mail.list(account)) {
      const chunks: Buffer[] = []
      for await (const chunk of mail.read(account, id)) chunks.push(chunk)
      texts.push(Buffer.concat(chunks).toString())
    }
    await mail.close()
    return texts
  }
  const isThere = (path: string) =>
    access(path).then(
      () => true,
      () => false,
    )

  describe('at the first start', () => {
    it('makes alice and bob with the one password', async () => {
      expect(await createDemo(options)).to.equal(true)
      expect(await names()).to.deep.equal(['alice', 'bob'])
      for (const name of ['alice', 'bob']) {
        expect(await passwords.verify(demoPassword, (await accounts.find(name))?.passwordHash ?? ''), name).to.equal(true)
      }
    })

    it('delivers a message to each, with lines as the standard has them and nothing left to fill in', async () => {
      await createDemo(options)
      for (const name of ['alice', 'bob']) {
        const [text = '', ...more] = await mailOf(name)
        expect(more).to.deep.equal([])
        expect(text).not.to.match(/[^\r]\n|\{\{/)
        expect(Math.max(...text.split('\r\n').map((line) => line.length))).to.be.at.most(78)
        const message = await simpleParser(text)
        expect(message.subject).to.equal('Welcome to Havre')
        expect(message.to).to.have.property('text', `${name}@havre.test`)
        expect(message.date).to.deep.equal(new Date('2026-11-21T10:00:00Z'))
        expect(message.messageId).to.match(/^<.+@havre\.test>$/)
        expect(message.text).to.contain(demoPassword).and.to.contain('ftp://[::1]:12121').and.to.contain('pop3://127.0.0.1:11110')
      }
    })

    it('makes a front page that names every service where it listens, and needs nothing from elsewhere', async () => {
      await createDemo(options)
      const page = await readFile(data('www', 'index.html'), 'utf8')
      for (const text of [
        '127.0.0.1:18080',
        'ftp://[::1]:12121/',
        'smtp://127.0.0.1:12525',
        'pop3://127.0.0.1:11110',
        demoPassword,
      ]) {
        expect(page).to.contain(text)
      }
      expect(page).to.contain('&#60;db&#62;').and.not.to.contain('<db>')
      expect(page).not.to.match(/\{\{/)
      expect(page).not.to.match(/(?:src|href|url\()=?["'(]?(?:https?:)?\/\/(?!127)/)
      expect(await readdir(data('www'))).to.deep.equal(['index.html'])
    })

    it('tells the web nothing of the disk', async () => {
      await createDemo(options)
      for (const page of [data('www', 'index.html'), data('files', 'alice', 'public_html', 'index.html')]) {
        expect(await readFile(page, 'utf8')).not.to.contain(folder.path)
      }
    })

    it('puts a readme and a page into each home', async () => {
      await createDemo(options)
      for (const name of ['alice', 'bob']) {
        expect((await readdir(data('files', name), { recursive: true })).sort()).to.deep.equal([
          'public_html',
          join('public_html', 'index.html'),
          'readme.txt',
        ])
        expect(await readFile(data('files', name, 'readme.txt'), 'utf8'))
          .to.contain(`the folder of ${name}`)
          .and.not.to.match(/\{\{/)
        expect(await readFile(data('files', name, 'public_html', 'index.html'), 'utf8')).to.contain(`Pages of ${name}`)
      }
    })
  })

  describe('creates nothing', () => {
    const expectNothing = async () => {
      expect(await createDemo(options)).to.equal(false)
      expect(await readdir(data())).to.deep.equal([])
    }

    it('where the settings do not want it', async () => {
      options = { ...options, settings: { ...options.settings, demo: false } }
      await expectNothing()
      expect(await names()).to.deep.equal([])
    })

    it('beside an account', async () => {
      await accounts.add({ name: 'carol', passwordHash: 'h' })
      await expectNothing()
      expect(await names()).to.deep.equal(['carol'])
    })

    it('in place of accounts that were removed', async () => {
      await accounts.add({ name: 'alice', passwordHash: 'h' })
      await accounts.remove('alice')
      await expectNothing()
      expect(await names()).to.deep.equal([])
    })

    it('a second time', async () => {
      await createDemo(options)
      await writeFile(data('www', 'index.html'), 'mine')
      await writeFile(data('files', 'alice', 'readme.txt'), 'mine')
      expect(await createDemo(options)).to.equal(false)
      expect(await readFile(data('www', 'index.html'), 'utf8')).to.equal('mine')
      expect(await readFile(data('files', 'alice', 'readme.txt'), 'utf8')).to.equal('mine')
      expect(await mailOf('alice')).to.have.length(1)
    })
  })

  describe('overwrites nothing', () => {
    it('of a site and homes that are there', async () => {
      await mkdir(data('www'))
      await writeFile(data('www', 'song.mp3'), 'la')
      await mkdir(data('files', 'alice', 'public_html'), { recursive: true })
      await writeFile(data('files', 'alice', 'public_html', 'index.html'), 'mine')
      await mkdir(data('files', 'bob'))
      await symlink('/nowhere', data('files', 'bob', 'readme.txt'))
      expect(await createDemo(options)).to.equal(true)
      expect(await readdir(data('www'))).to.deep.equal(['song.mp3'])
      expect(await readFile(data('files', 'alice', 'public_html', 'index.html'), 'utf8')).to.equal('mine')
      expect(await readFile(data('files', 'alice', 'readme.txt'), 'utf8')).to.contain('alice')
      expect(await isThere(data('files', 'bob', 'readme.txt'))).to.equal(false)
    })
  })

  describe('that was killed half-way', () => {
    /** Whatever the first start left behind, the second one makes it whole. */
    const expectCured = async () => {
      expect(await createDemo(options)).to.equal(true)
      expect(await names()).to.deep.equal(['alice', 'bob'])
      for (const name of ['alice', 'bob']) expect(await mailOf(name), name).to.have.length(1)
      expect((await readdir(data('files'), { recursive: true })).sort()).to.deep.equal(
        ['alice', 'bob'].flatMap((name) => [name, `${name}/public_html`, `${name}/public_html/index.html`, `${name}/readme.txt`]),
      )
      expect(await readdir(data('www'))).to.deep.equal(['index.html'])
      expect(await readFile(data('www', 'index.html'), 'utf8')).to.match(/<\/html>\n$/)
    }
    const failing = async (changes: Partial<DemoOptions>) => {
      const error = await createDemo({ ...options, ...changes }).catch((reason: unknown) => reason)
      expect(error).to.have.property('message', 'killed')
    }
    const killed = () => Promise.reject(new Error('killed'))

    it('before its accounts', async () => {
      const before = Object.assign(Object.create(accounts), { untouched: async () => true, add: killed })
      await failing({ accounts: before })
      expect(await names()).to.deep.equal([])
      await expectCured()
    })

    it('between two messages', async () => {
      let commits = 0
      const openMail = async () => {
        const mail = await openMailStore({ file: data('mail.db') })
        return {
          ...{
            open: mail.open.bind(mail),
            list: mail.list.bind(mail),
            usage: mail.usage.bind(mail),
            heads: mail.heads.bind(mail),
            read: mail.read.bind(mail),
            close: () => mail.close(),
          },
          deliver: (...args: Parameters<typeof mail.deliver>) => {
            const delivery = mail.deliver(...args)
            const commit = () => (commits++ === 0 ? delivery.commit() : killed())
            return { write: delivery.write.bind(delivery), abort: delivery.abort.bind(delivery), commit }
          },
        }
      }
      await failing({ openMail })
      expect(await names()).to.deep.equal([])
      expect(await mailOf('alice')).to.have.length(1)
      expect(await mailOf('bob')).to.have.length(0)
      await expectCured()
    })

    it('in the middle of a file', async () => {
      await mkdir(data('www'))
      await writeFile(data('www', '.havre-welcome-index.html'), '<!doctype')
      await mkdir(data('files', 'alice'), { recursive: true })
      await writeFile(data('files', 'alice', '.havre-welcome-readme.txt'), 'This is')
      await expectCured()
    })

    it('between a file and its clean-up', async () => {
      await mkdir(data('files', 'alice'), { recursive: true })
      await writeFile(data('files', 'alice', 'readme.txt'), 'This is the folder of alice.')
      await writeFile(data('files', 'alice', '.havre-welcome-readme.txt'), 'This is the folder of alice.')
      await expectCured()
    })
  })

  describe('beyond this machine', () => {
    const exposed = [...services, { name: 'web', protocol: 'http', host: '0.0.0.0', port: 80 }]
    const refusal = async (changes: Partial<DemoOptions> = {}): Promise<string | null> => {
      try {
        await refuseDemoBeyondLoopback({ ...options, services: exposed, ...changes })
        return null
      } catch (error) {
        if (error instanceof PermanentError) return error.message
        throw error
      }
    }

    it('is refused where it would be made', async () => {
      expect(await refusal())
        .to.match(/^demo: alice and bob would get a password that everybody knows, while the service web listens on 0\.0\.0\.0/)
        .and.to.contain('--set demo=false')
      for (const host of ['::', '192.0.2.1', '2001:db8::1', '10.0.0.1']) {
        expect(await refusal({ services: [{ name: 'x', protocol: 'pop3', host, port: 1 }] }), host).to.be.a('string')
      }
    })

    it('is refused while a demo password is unchanged, with demo or without', async () => {
      await createDemo(options)
      const without = { settings: { ...options.settings, demo: false } }
      expect(await refusal(without)).to.match(/^alice and bob still have the demo password/)
      await accounts.setPassword('alice', await passwords.hash('another'))
      expect(await refusal())
        .to.match(/^bob still has the demo password/)
        .and.to.contain('`havre account password bob`')
      await accounts.remove('bob')
      expect(await refusal()).to.equal(null)
    })

    it('is nobody’s concern with accounts of one’s own, or without any', async () => {
      expect(await refusal({ settings: { ...options.settings, demo: false } })).to.equal(null)
      await accounts.add({ name: 'alice', passwordHash: await passwords.hash('her own') })
      expect(await refusal()).to.equal(null)
    })

    it('is fine on every loopback address', async () => {
      const services = ['127.0.0.1', '127.1.2.3', '::1', '::ffff:127.0.0.1'].map((host) => ({
        name: host,
        protocol: 'http',
        host,
        port: 1,
      }))
      expect(await refusal({ services })).to.equal(null)
    })
  })

  it('is made, and its password told, by a start; later starts tell it until it is changed', async () => {
    const said: string[] = []
    const start = () => prepareDemo(options, services, accounts, (line) => said.push(line))
    await start()
    await start()
    await accounts.setPassword('bob', await passwords.hash('another'))
    await start()
    await accounts.remove('alice')
    await start()
    expect(said).to.deep.equal([
      'accounts: alice and bob, password havre-demo',
      'accounts: alice and bob, password havre-demo',
      'accounts: alice, password havre-demo',
    ])
  })

  it('is refused before anything is made', async () => {
    const exposed = [{ name: 'http', protocol: 'http', host: '0.0.0.0', port: 80 }]
    const error = await prepareDemo(options, exposed, accounts, () => undefined).catch((reason: unknown) => reason)
    expect(error).to.be.instanceOf(PermanentError)
    expect(await readdir(data())).to.deep.equal([])
  })
})
