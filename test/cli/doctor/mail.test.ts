import { mkdir } from 'node:fs/promises'
import { expect } from 'chai'
import { openMailStore } from '../../../shared/mail/sqlite-mail-store.ts'
import { familyArgs, havre } from '../../kit/family.ts'
import { temporaryFolder } from '../../kit/folder.ts'
import { put, to } from '../../mail/contract.ts'
import { count } from '../../mail/inspect.ts'

describe('havre doctor --mail', () => {
  it('finds all well where there is no mail, or all of it is what was stored, also while it is open', async () => {
    await using folder = await temporaryFolder()
    const doctor = async () => (await havre(['doctor', '--mail', ...familyArgs(folder)])).stdout.toString()
    expect(await doctor()).to.match(/^ok +mail +there is no mail yet\n/)
    await mkdir(folder.at('data'), { recursive: true })
    const store = await openMailStore({ file: folder.at('data', 'mail.db') })
    await put(store, to('alice', 'bob'), 'Subject: one\r\n\r\nbody\r\n')
    expect(await doctor()).to.match(/^ok +mail +2 messages looked at \(\d+ B\): each is what was stored\n\nAll is well\n$/)
    await store.close()
  })

  it('names every damaged message by account and id, says what to do, and exits with 1', async () => {
    await using folder = await temporaryFolder()
    await mkdir(folder.at('data'), { recursive: true })
    const file = folder.at('data', 'mail.db')
    const store = await openMailStore({ file })
    for (const body of ['one', 'two', 'three']) await put(store, to('alice', 'bob'), body)
    await store.close()
    count(file, "UPDATE chunk SET data = CAST('owt' AS BLOB) WHERE data = CAST('two' AS BLOB) RETURNING 1")
    const text = await havre(['doctor', '--mail', ...familyArgs(folder)])
    expect(text.code).to.equal(1)
    expect(text.stdout.toString()).to.match(
      /^PROBLEM +mail +message 3 of alice: octets .*\nPROBLEM +mail +message 4 of bob: .*\nPROBLEM +mail +6 messages looked at .*, 2 messages damaged\n(?:.*\n)*.*havre mail export alice \.\/alice-mail --format maildir --salvage\n/,
    )
    expect(text.stdout.toString()).to.match(/\n3 problems\n$/)
    const { code, stdout } = await havre(['doctor', '--mail', '--json', ...familyArgs(folder)])
    expect(code).to.equal(1)
    const { ok, findings } = JSON.parse(stdout.toString())
    expect(ok).to.equal(false)
    expect(findings).to.have.length(3)
    expect(findings[0]).to.include({ check: 'mail', severity: 'problem' })
  })

  it('says that a file of another program is none', async () => {
    await using folder = await temporaryFolder()
    await mkdir(folder.at('data'), { recursive: true })
    count(folder.at('data', 'mail.db'), 'PRAGMA user_version = 9')
    const { code, stdout } = await havre(['doctor', '--mail', ...familyArgs(folder)])
    expect(code).to.equal(1)
    expect(stdout.toString()).to.match(/^PROBLEM +mail +the mail database has version 9/)
  })
})
