import { mkdir, stat } from 'node:fs/promises'
import { expect } from 'chai'
import { openAccountStore } from '../../../shared/accounts/sqlite-account-store.ts'
import { openMailStore } from '../../../shared/mail/sqlite-mail-store.ts'
import { havre } from '../../kit/family.ts'
import { type TemporaryFolder, temporaryFolder } from '../../kit/folder.ts'
import { put, to } from '../contract.ts'
import { message } from './lab.ts'

const hostile = '\u001b]0;owned\u0007\u009b2J'

describe('havre mail search', function () {
  this.timeout(120_000)
  let folder: TemporaryFolder

  beforeEach(async () => {
    folder = await temporaryFolder()
    await mkdir(folder.at('data'))
    const accounts = await openAccountStore(folder.at('data', 'accounts.db'))
    await accounts.add({ name: 'alice', passwordHash: '$argon2id$v=19$m=8,t=1,p=1$AAAAAAAAAAA$AAAAAAAAAAA' })
    await accounts.close()
  })

  afterEach(async () => {
    await folder.remove()
  })

  const settings = () => ['--set', `data=${folder.at('data')}`, '--set', `logs=${folder.at('logs')}`]
  const search = (...asked: readonly string[]) => havre(['mail', 'search', ...asked, ...settings()])

  it('prints what it found as `mail list` does, with where it was found, and nothing that drives the terminal', async () => {
    const store = await openMailStore({ file: folder.at('data', 'mail.db') })
    await put(store, to('alice'), message([`Subject: Hafen ${hostile}`], `Am Quai ${hostile} liegt die MÖWE.`))
    await put(store, to('alice'), message(['Subject: other'], 'nothing'))
    const found = await search('alice', 'mowe', 'quai')
    expect(found).to.deep.include({ code: 0, stderr: '' })
    expect(`${found.stdout}`).to.match(/^ *ID {2}DATE.*\n *1 {2}.*Hafen.*\n {4}Am Quai .* liegt die MÖWE\.\n$/)
    expect(`${found.stdout}`).not.to.match(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/)
    expect((await stat(folder.at('data', 'mail-index.db'))).mode & 0o777).to.equal(0o600)
    await store.close()
  })

  it('as JSON, at most so many, and says whether there are more', async () => {
    const store = await openMailStore({ file: folder.at('data', 'mail.db') })
    for (const number of [1, 2, 3]) await put(store, to('alice'), message([`Subject: nr ${number}`], 'word'))
    await store.close()
    const { code, stdout } = await search('alice@havre.test', 'word', '--limit', '2', '--json')
    const answer = JSON.parse(`${stdout}`)
    expect([code, answer.account, answer.more]).to.deep.equal([0, 'alice', true])
    expect(answer.messages.map(({ id, subject }: { id: string; subject: string }) => [id, subject])).to.deep.equal([
      ['3', 'nr 3'],
      ['2', 'nr 2'],
    ])
    expect(answer.messages[0]).to.have.keys(['id', 'uidl', 'date', 'sender', 'octets', 'flags', 'subject', 'snippet'])
  })

  it('exits with 1 where nothing is found, and makes no mail database', async () => {
    const none = await search('alice', 'word')
    expect([none.code, `${none.stdout}`, none.stderr]).to.deep.equal([1, '', 'Nothing found in the mail of alice.\n'])
    expect(await stat(folder.at('data', 'mail.db')).catch(() => null)).to.equal(null)
    const { code, stdout } = await search('alice', 'word', '--json')
    expect([code, JSON.parse(`${stdout}`)]).to.deep.equal([1, { account: 'alice', messages: [], more: false }])
  })

  it('exits with 100 for an account that is not there, and for a question that cannot be asked', async () => {
    expect((await search('nobody', 'word')).code).to.equal(100)
    const { code, stderr } = await search('alice', 'from:')
    expect([code, stderr]).to.deep.equal([
      100,
      'havre: there is no word behind from:; `havre mail search --help` shows what can be asked\n',
    ])
  })

  it('takes -word for one that must not be there, and options for options, in any order', async () => {
    const store = await openMailStore({ file: folder.at('data', 'mail.db') })
    for (const text of ['invoice open', 'invoice paid cash', 'invoice Vienna', 'invoice sales', 'invoice -c help'])
      await put(store, to('alice'), message([], text))
    await store.close()
    const ids = async (...asked: readonly string[]): Promise<readonly string[]> => {
      const { code, stdout, stderr } = await (asked.includes('--') ? havre(['mail', 'search', ...asked]) : search(...asked))
      expect([code, stderr]).to.deep.equal([0, ''])
      return JSON.parse(`${stdout}`).messages.map(({ id }: { id: string }) => id)
    }
    expect(await ids('alice', 'invoice', '-paid', '--json')).to.deep.equal(['5', '4', '3', '1'])
    expect(await ids('--json', 'alice', '-cash', 'invoice', '-Vienna', '-sales', '-help')).to.deep.equal(['1'])
    expect(await ids('alice', '-from:sender@far.test', '-vienna', 'invoice', '--json', '--limit', '1')).to.deep.equal(['5'])
    expect(await ids('alice', '--json', ...settings(), '--', 'invoice', '-c')).to.deep.equal(['4', '3', '2', '1'])
    const { code, stderr } = await search('alice', 'invoice', '-paid', '--limt', '1')
    expect([code, stderr]).to.deep.equal([100, "error: unknown option '--limt'\n(Did you mean --limit?)\n(--help says how)\n"])
  })
})
