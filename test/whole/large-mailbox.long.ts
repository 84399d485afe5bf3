import { expect } from 'chai'
import { openMailStore } from '../../shared/mail/sqlite-mail-store.ts'
import { Client } from '../kit/client.ts'
import { useFamily } from '../kit/family.ts'
import { withAccounts } from './accounts.ts'
import { logIn, quit } from './conversations.ts'

const messages = 100_000
const password = 'large secret'
/** Delivered together: they share a commit. */
const together = 500

const bodyOf = (number: number): Buffer => Buffer.from(`Subject: ${number}\r\n\r\n${'x'.repeat(number % 60)}\r\n`)

/** Puts them into the mailbox of alice past SMTP, while the family runs: several processes may have the store open. */
const fill = async (file: string): Promise<number> => {
  const store = await openMailStore({ file })
  let octets = 0
  const deliver = async (number: number) => {
    const body = bodyOf(number)
    octets += body.length
    const delivery = store.deliver({ sender: '', recipients: [{ address: 'alice@havre.test', account: 'alice' }] })
    await delivery.write(body)
    await delivery.commit()
  }
  for (let first = 1; first <= messages; first += together)
    await Promise.all(Array.from({ length: together }, (_, index) => deliver(first + index)))
  await store.close()
  return octets
}

describe('the whole: a mailbox of 100,000 messages', function () {
  this.timeout(900_000)
  const family = useFamily({ services: ['pop3'] })
  withAccounts(family, { alice: password })

  it('is opened and listed as it is', async () => {
    const octets = await fill(family().folder.at('data', 'mail.db'))
    using client = await Client.connect(family().port('pop3'), { deadlineMs: 60_000 })
    const began = performance.now()
    expect(await logIn(client, 'alice', password)).to.equal(true)
    const loggedIn = performance.now()
    expect(await client.ask('STAT')).to.equal(`+OK ${messages} ${octets}`)
    const values = new Map<string, string[]>()
    for (const command of ['UIDL', 'LIST']) {
      expect(await client.ask(command)).to.match(/^\+OK/)
      const rows = (await textOf(client)).map((line) => line.split(' '))
      expect(rows.map(([number]) => Number(number))).to.deep.equal(Array.from({ length: messages }, (_, index) => index + 1))
      values.set(
        command,
        rows.map(([, value = '']) => value),
      )
    }
    const listed = performance.now()
    console.log(
      `      logged in after ${Math.round(loggedIn - began)} ms, STAT, UIDL and LIST in ${Math.round(listed - loggedIn)} ms`,
    )
    expect(new Set(values.get('UIDL')).size, 'unique ids').to.equal(messages)
    expect(values.get('LIST')?.reduce((sum, value) => sum + Number(value), 0)).to.equal(octets)
    await quit(client)
  })
})

/** The lines of a multi-line reply: all octets up to its end, then cut, since a line at a time would take minutes. */
const textOf = async (client: Client): Promise<string[]> => {
  const end = '\r\n.\r\n'
  let text = ''
  while (!text.endsWith(end)) text += (await client.octets(Math.max(1, client.unread))).toString('latin1')
  return text.slice(0, -end.length).split('\r\n')
}
