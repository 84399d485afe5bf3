import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { pageOctets } from '../../shared/mail/sqlite/schema.ts'
import { openMailStore } from '../../shared/mail/sqlite-mail-store.ts'
import { familyArgs, havre } from '../kit/family.ts'
import { type TemporaryFolder, temporaryFolder } from '../kit/folder.ts'
import { put, to } from './contract.ts'
import { count } from './inspect.ts'

describe('havre mail export --salvage', () => {
  let folder: TemporaryFolder
  let file: string
  beforeEach(async () => {
    folder = await temporaryFolder()
    await mkdir(folder.at('data'), { recursive: true })
    file = folder.at('data', 'mail.db')
    const store = await openMailStore({ file })
    for (let turn = 0; turn < 10; turn += 1) await put(store, to('alice'), `Subject: message ${turn}\r\n\r\nbody\r\n`)
    await put(store, to('bob'), 'Subject: of bob\r\n\r\n')
    await put(store, to('alice'), Buffer.concat([Buffer.from('Subject: large\r\n\r\n'), Buffer.alloc(199_982, 'a\r\n')]))
    await store.close()
  })
  afterEach(() => folder.remove())

  const salvage = async (...args: string[]) => {
    const { code, stdout, stderr } = await havre(['mail', 'export', 'alice', '--salvage', ...familyArgs(folder), ...args])
    return { code, text: stdout.toString(), stderr }
  }

  it('writes what is whole as it was, from a file that no longer opens', async () => {
    const octets = await readFile(file)
    octets.fill(0x5a, 0, pageOctets)
    await writeFile(file, octets)
    const path = folder.at('alice.maildir')
    const { code, text } = await salvage(path, '--format', 'maildir')
    expect(text).to.match(/^salvaged 11 messages \(.*\) of alice to /)
    expect(code).to.equal(0)
    const names = await readdir(`${path}/new`)
    const bodies = await Promise.all(names.map((name) => readFile(`${path}/new/${name}`, 'utf8')))
    expect(bodies.map((body) => /^Subject: (.*)/.exec(body)?.[1]).sort()).to.deep.equal(
      ['large', ...Array.from({ length: 10 }, (_, turn) => `message ${turn}`)].sort(),
    )
    expect(await readdir(folder.path)).not.to.include('alice.maildir-lost')
  })

  it('says in a message, and at the end, what is damaged; puts aside what may be anybody’s; the folder can be imported', async () => {
    count(file, 'DELETE FROM chunk WHERE id = 12 << 20 RETURNING 1')
    count(file, 'DELETE FROM message WHERE id = 3 RETURNING 1')
    const path = folder.at('alice.mbox')
    const { code, text, stderr } = await salvage(path, '--format', 'mbox', '--json')
    expect(code).to.equal(1)
    expect(JSON.parse(text)).to.include({ account: 'alice', messages: 10, lost: 1, lostPath: `${path}-lost` })
    expect(JSON.parse(text).damaged).to.deep.equal(['12'])
    expect(stderr).to.match(/^message 12 is damaged: 134464 of 200000 octets are there/)
    const written = await readFile(path, 'latin1')
    expect(written).to.match(/\nX-Havre-Salvage: 134464 of 200000 octets are there, [^\r\n]*\r?\n\r?\n/)
    expect(written).not.to.include('of bob')
    expect(await readFile(`${path}-lost`, 'latin1')).to.include('Subject: message 2\n')
    const other = ['--set', `data=${folder.at('new')}`, '--set', `logs=${folder.at('logs')}`]
    await mkdir(folder.at('new'))
    await havre(['account', 'add', 'alice', '--password-stdin', ...other], { input: 'a good password\n' })
    const imported = await havre(['mail', 'import', 'alice', path, '--format', 'mbox', '--json', ...other])
    expect(imported.stderr).to.equal('')
    expect(JSON.parse(imported.stdout.toString())).to.include({ messages: 10 })
  })

  it('overwrites nothing, and says what is not there', async () => {
    await writeFile(folder.at('taken'), 'x')
    expect((await salvage(folder.at('taken'), '--format', 'mbox')).stderr).to.match(/nothing is overwritten/)
    const nowhere = ['--format', 'mbox', '--set', `data=${folder.at('nowhere')}`]
    const { code, stderr } = await salvage(folder.at('alice.mbox'), ...nowhere)
    expect(code).to.equal(100)
    expect(stderr).to.match(/there is no .*mail\.db/)
    expect(await readdir(folder.path)).not.to.include('alice.mbox')
  })
})
