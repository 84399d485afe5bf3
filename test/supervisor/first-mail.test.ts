import { existsSync } from 'node:fs'
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { expect } from 'chai'
import { openMailStore } from '../../shared/mail/sqlite-mail-store.ts'
import { Client } from '../kit/client.ts'
import { type Family, type ServiceStatus, startFamily } from '../kit/family.ts'
import { temporaryFolder } from '../kit/folder.ts'
import { until } from '../mail/inspect.ts'
import { logIn } from '../whole/conversations.ts'
import { makeAccounts } from '../whole/crash.ts'

const password = 'durable secret'

/** As `havre status` tells it, which ends with 1 while a service does not serve. */
const serviceOf = async (family: Family, name: string): Promise<ServiceStatus | null> => {
  const { stdout } = await family.havre(['status', '--json'])
  if (stdout.length === 0) return null
  const { services }: { services: readonly ServiceStatus[] } = JSON.parse(stdout.toString())
  return services.find((service) => service.name === name) ?? null
}

/** Messages that a store holds for an account. */
const heldIn = async (file: string, account: string): Promise<number> => {
  const store = await openMailStore({ file, create: false })
  try {
    return (await store.list(account)).length
  } finally {
    await store.close()
  }
}

describe('the first mail store', function () {
  this.timeout(120_000)

  it('is made by the supervisor where a service has mail, for its user alone, also when a reload brings that service', async () => {
    await using folder = await temporaryFolder()
    const write = (enabled: boolean) => writeFile(folder.at('havre.yaml'), `services: { smtp: { enabled: ${enabled} } }`)
    await write(false)
    const args = ['--config', folder.at('havre.yaml')]
    await using family = await startFamily({ folder, services: ['ftp', 'smtp'], args })
    expect(existsSync(folder.at('data', 'mail.db'))).to.equal(false)
    await write(true)
    expect((await family.havre(['reload'])).code).to.equal(0)
    await until('smtp is ready', async () => (await serviceOf(family, 'smtp'))?.state === 'ready', 30_000)
    const { mode, size } = await stat(folder.at('data', 'mail.db'))
    expect(mode & 0o777).to.equal(0o600)
    expect(size).to.be.above(0)
  })

  it('is not made anew by a child that starts while the disk is away: the child waits, the journal says why, and all mail is there again', async () => {
    await using folder = await temporaryFolder()
    await mkdir(folder.at('data'), { mode: 0o700 })
    await makeAccounts(folder, 1)
    await using family = await startFamily({ folder, services: ['smtp', 'pop3'] })
    const store = await openMailStore({ file: folder.at('data', 'mail.db') })
    const delivery = store.deliver({ sender: 'a@example.org', recipients: [{ address: 'box0@havre.test', account: 'box0' }] })
    await delivery.write(Buffer.from('Subject: before\r\n\r\n'))
    await delivery.commit()
    await store.close()
    const pid = (await serviceOf(family, 'pop3'))?.pid
    if (pid === null || pid === undefined) throw new Error('pop3 has no process')

    await rename(folder.at('data'), folder.at('away'))
    await mkdir(folder.at('data'))
    process.kill(pid, 'SIGKILL')
    await until(
      'the journal says why pop3 waits',
      async () => /mail\.db is not there; is its disk mounted\?/.test(JSON.stringify(await family.records('supervisor'))),
      40_000,
    )
    expect(existsSync(folder.at('data', 'mail.db'))).to.equal(false)
    await rm(folder.at('data'), { recursive: true })
    await rename(folder.at('away'), folder.at('data'))

    await until('pop3 is ready', async () => (await serviceOf(family, 'pop3'))?.state === 'ready', 60_000)
    using client = await Client.connect(family.port('pop3'), { deadlineMs: 60_000 })
    expect(await logIn(client, 'box0', password)).to.equal(true)
    expect(await client.ask('STAT')).to.match(/^\+OK 1 /)
    expect(await heldIn(folder.at('data', 'mail.db'), 'box0')).to.equal(1)
  })
})
