import { writeFile } from 'node:fs/promises'
import process from 'node:process'
import { expect } from 'chai'
import { eventually } from '../kit/eventually.ts'
import { testKeys } from '../kit/keys.ts'
import { storeOf } from '../kit/mailbox.ts'
import { describeWith } from '../kit/programs.ts'
import { type Running, serve } from '../kit/serving.ts'
import { testMessage } from '../whole/conversations.ts'
import { type Postfix, startPostfix } from './postfix.ts'

/** What Postfix says of each recipient, once it has said so of that many. */
const outcomes = ({ log }: Postfix, count: number): Promise<readonly string[]> =>
  eventually(async () => {
    const text = await log()
    // Its own bounces, which nobody takes, are not counted.
    const found = [...text.matchAll(/to=<([^>]*@havre\.test)>.* dsn=(\S+), status=(\w+)/g)].map(
      ([, to, dsn, status]) => `${to} ${dsn} ${status}`,
    )
    expect(found, text).to.have.length.at.least(count)
    return found.sort()
  }, 60_000)

/** The messages of an account, from the header on that Postfix was given. */
const delivered = async (running: Running, account: string): Promise<readonly string[]> => {
  const store = await storeOf(running.settings)
  try {
    const all = await Array.fromAsync(await store.list(account), ({ id }) => Array.fromAsync(store.read(account, id)))
    return all.map((octets) => Buffer.concat(octets).toString('latin1'))
  } finally {
    await store.close()
  }
}

const fromTest = (message: string): string => message.slice(message.indexOf('X-Test: '))

describeWith(['postfix', 'sendmail'], 'LMTP: Postfix delivers to us (lmtp:)', function () {
  this.timeout(900_000)
  const message = testMessage('lmtp', 200_000)

  beforeEach(function () {
    // Its master needs root.
    if (process.getuid?.() !== 0) this.skip()
  })

  for (const tls of ['off', 'starttls'] as const) {
    it(`each octet as it was, each recipient for itself, ${tls === 'off' ? 'in clear' : 'over STARTTLS'}`, async () => {
      const settings = { mail: { quota: { octets: 1024 ** 3, messages: 1 } } }
      await using running = await serve({ service: 'smtp', options: { mode: 'lmtp' }, settings, tls })
      const authority = running.folder.at('authority.pem')
      await writeFile(authority, (await testKeys()).authority)
      await using postfix = await startPostfix({
        default_transport: `lmtp:inet:[${running.host}]:${running.port}`,
        lmtp_tls_security_level: tls === 'off' ? 'none' : 'secure',
        lmtp_tls_secure_cert_match: 'localhost',
        lmtp_tls_CAfile: authority,
      })
      await postfix.submit(message, '-f', 's@example.org', 'alice@havre.test')
      expect(await outcomes(postfix, 1)).to.deep.equal(['alice@havre.test 2.0.0 sent'])
      // Hers is full now: bob gets his, she is deferred, nobody is not there.
      await postfix.submit(message, '-f', 's@example.org', 'alice@havre.test', 'bob@havre.test', 'nobody@havre.test')
      const all = await outcomes(postfix, 4)
      expect(all[0]).to.equal('alice@havre.test 2.0.0 sent')
      expect(all[1]).to.match(/^alice@havre\.test 4\.2\.2 (?:deferred|bounced)$/)
      expect(all.slice(2)).to.deep.equal(['bob@havre.test 2.0.0 sent', 'nobody@havre.test 5.1.1 bounced'])
      const [first = ''] = await delivered(running, 'alice')
      const [second = ''] = await delivered(running, 'bob')
      for (const each of [first, second]) expect(Buffer.from(fromTest(each), 'latin1').equals(message)).to.equal(true)
      expect(first).to.match(/^Return-Path: <s@example\.org>\r\nReceived: from relay\.example\.org /)
      expect(first).to.include(tls === 'off' ? ' with LMTP id ' : ' with LMTPS\r\n')
      const said = running.journal.of('conversation.client').map(({ fields }) => String(fields['text']))
      expect(said.some((line) => line.startsWith('LHLO relay.example.org'))).to.equal(true)
    })
  }
})
